// From what the user typed to the source that reads it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "decode/exr_source.h"
#include "decode/media_source.h"
#include "decode/pattern_source.h"
#include "decode/picture_files.h"
#include "decode/source.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

// "a:b/%d.png" must not look like a protocol to FFmpeg.
std::string plain_path(const std::string& path) { return path.starts_with('/') ? path : "./" + path; }

Result<MediaInput> numbered_sequence(const SourceOptions& options, const NumberPattern& pattern) {
  const std::vector<int> numbers = numbers_of(options.path, pattern);
  if (numbers.empty())
    return fail(ErrorCode::not_found, "{}: no file matches this number pattern; check the folder and the digits",
                options.path);
  MediaInput input{plain_path(options.path), options.path, "image2", {}, true};
  input.demuxer_options = {{"pattern_type", "sequence"}, {"start_number", std::to_string(numbers.front())}};
  return input;
}

Result<MediaInput> picture_folder(const SourceOptions& options) {
  FL_TRY(const std::string kind, kind_of_folder(options.path));
  std::string pattern;
  for (char c : plain_path(options.path)) {
    if (std::strchr("*?[]{}\\", c)) pattern += '\\';
    pattern += c;
  }
  return MediaInput{pattern + "/*" + kind, options.path, "image2", {{"pattern_type", "glob"}}, true};
}

// Whether the path stands for OpenEXR pictures: a file by its first bytes or its name, anything else by its name.
bool is_exr(const SourceOptions& options) {
  const std::string& path = options.path;
  if (!options.format.empty() || path == "-" || path.find("://") != std::string::npos) return false;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    const auto kind = kind_of_folder(path);
    return kind && lower_extension("picture" + *kind) == "exr";
  }
  if (lower_extension(path) == "exr") return true;
  if (!fs::is_regular_file(path, ignored)) return false;
  constexpr std::array<char, 4> magic{0x76, 0x2f, 0x31, 0x01};
  std::array<char, 4> bytes{};
  std::ifstream file(path, std::ios::binary);
  return file.read(bytes.data(), bytes.size()) && bytes == magic;
}

std::vector<SourceKind>& kinds() {
  static std::vector<SourceKind> all;
  return all;
}

const SourceKind* kind_of(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return nullptr;
  decltype(SourceKind::signature) bytes{};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(bytes.data()), bytes.size())) return nullptr;
  const auto found = std::ranges::find(kinds(), bytes, &SourceKind::signature);
  return found == kinds().end() ? nullptr : &*found;
}

// Errors of files that cannot be opened at all.
Status check_readable(const std::string& path) {
  std::error_code ignored;
  if (access(path.c_str(), R_OK) != 0)
    return fail(ErrorCode::io, "{}: cannot be read ({})", path, std::strerror(errno));
  if (fs::is_regular_file(path, ignored) && fs::file_size(path, ignored) == 0)
    return fail(ErrorCode::invalid_data, "{}: is empty (0 bytes); copy or download it again", path);
  return {};
}

Result<MediaInput> resolve(const SourceOptions& options) {
  const std::string& path = options.path;
  MediaInput input{path, path, container_name(options.format), {}, false};
  if (path.empty()) return fail(ErrorCode::invalid_argument, "no input file given");
  if (path == "-") {
    input.url = "pipe:0";
    input.name = "stdin";
    return input;
  }
  if (path.find("://") != std::string::npos) return input;

  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) return picture_folder(options);
  if (fs::exists(status)) {
    FL_CHECK(check_readable(path));
    input.url = "file:" + path;
    // A picture whose own name looks like a pattern.
    if (input.format.empty() && is_picture_name(path) && path.find_first_of("%*?[{") != std::string::npos) {
      input.format = "image2";
      input.demuxer_options = {{"pattern_type", "none"}};
    }
    return input;
  }
  if (auto pattern = number_pattern(fs::path(path).filename().string())) return numbered_sequence(options, *pattern);
  if (path.find_first_of("*?[{") != std::string::npos) {
    FL_TRY(const auto files, matching_files(path));
    if (!is_picture_name(files.front()))
      return fail(ErrorCode::unsupported, "{}: patterns stand for the pictures of one video; give videos one at a time",
                  path);
    return MediaInput{plain_path(path), path, "image2", {{"pattern_type", "glob"}}, true};
  }
  return fail(ErrorCode::not_found, "{}: no such file", path);
}

}  // namespace

std::string container_name(const std::string& name) {
  if (name == "y4m") return "yuv4mpegpipe";
  if (name == "mkv") return "matroska";
  return name;
}

Result<std::unique_ptr<Source>> open_source(const SourceOptions& options) {
  if (options.path.starts_with("test:")) return open_pattern_source(options);
  if (is_exr(options)) {
    FL_TRY(const std::vector<std::string> files, picture_files(options.path));
    FL_CHECK(check_readable(files.front()));
    return open_exr_source(files, options);
  }
  if (const SourceKind* kind = kind_of(options.path)) return kind->open(options);
  auto resolved = resolve(options);
  if (!resolved) return fail(std::move(resolved.error()));
  MediaInput& input = *resolved;
  if (input.format == "rawvideo") {
    if (options.raw_width <= 0 || options.raw_height <= 0 || options.raw_pixel_format.empty())
      return fail(ErrorCode::invalid_argument,
                  "{}: raw video has no header; give its size and pixel format (e.g. 1280x720, yuv420p)", input.name);
    input.demuxer_options.emplace_back("video_size", fmt::format("{}x{}", options.raw_width, options.raw_height));
    input.demuxer_options.emplace_back("pixel_format", options.raw_pixel_format);
    input.demuxer_options.emplace_back("framerate",
                                       fmt::format("{}/{}", options.raw_frame_rate.num, options.raw_frame_rate.den));
  }
  if (input.sequence)
    input.demuxer_options.emplace_back(
        "framerate", fmt::format("{}/{}", options.sequence_frame_rate.num, options.sequence_frame_rate.den));
  return open_media_source(input, options);
}

Status Source::seek(int64_t) { return fail(ErrorCode::unsupported, "this input can only be read from front to back"); }

int64_t start_in_time_base(int64_t origin_us, double start_seconds, Rational time_base) {
  constexpr int64_t second = 1'000'000;
  constexpr double longest = 1e12;  // seconds, so that nothing overflows
  const int64_t start = std::llround(std::min(start_seconds, longest) * second);
  return rescale(origin_us + start, {1, second}, time_base);
}

void register_source_kind(const SourceKind& kind) { kinds().push_back(kind); }

bool is_registered_kind(const std::string& path) { return kind_of(path) != nullptr; }

}  // namespace framelift
