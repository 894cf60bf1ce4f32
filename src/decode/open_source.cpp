// From what the user typed to the source that reads it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include "decode/ffmpeg.h"
#include "decode/ffmpeg_source.h"
#include "decode/pattern_source.h"
#include "decode/picture_files.h"
#include "decode/source.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view picture_extensions[] = {"png", "jpg", "jpeg", "tif", "tiff", "webp", "bmp",
                                                   "tga", "ppm", "pgm",  "pnm", "dpx",  "jp2",  "avif"};

std::string lower_extension(const fs::path& path) {
  std::string text = path.extension().string();
  if (!text.empty()) text.erase(0, 1);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

bool is_picture_name(const std::string& path) {
  return std::ranges::find(picture_extensions, lower_extension(path)) != std::end(picture_extensions);
}

namespace {

// "a:b/%d.png" must not look like a protocol to FFmpeg.
std::string plain_path(const std::string& path) { return path.starts_with('/') ? path : "./" + path; }

// The one "%d" or "%04d" of a file name.
struct NumberPattern {
  std::string before, after;
};
std::optional<NumberPattern> number_pattern(const std::string& name) {
  for (size_t start = name.find('%'); start != std::string::npos; start = name.find('%', start + 1)) {
    size_t end = start + 1;
    while (end < name.size() && name[end] >= '0' && name[end] <= '9') ++end;
    if (end < name.size() && name[end] == 'd') return NumberPattern{name.substr(0, start), name.substr(end + 1)};
  }
  return std::nullopt;
}

Result<FfmpegInput> numbered_sequence(const SourceOptions& options, const NumberPattern& pattern) {
  const fs::path folder = fs::path(options.path).parent_path();
  std::error_code ignored;
  std::optional<int> first;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.size() <= pattern.before.size() + pattern.after.size() || !name.starts_with(pattern.before) ||
        !name.ends_with(pattern.after))
      continue;
    const char* begin = name.data() + pattern.before.size();
    const char* end = name.data() + name.size() - pattern.after.size();
    int number = 0;
    auto [stop, error] = std::from_chars(begin, end, number);
    if (error == std::errc{} && stop == end && number >= 0) first = std::min(first.value_or(number), number);
  }
  if (!first)
    return fail(ErrorCode::not_found, "{}: no file matches this number pattern; check the folder and the digits",
                options.path);
  FfmpegInput input{plain_path(options.path), options.path, "image2", {}, true};
  input.demuxer_options = {{"pattern_type", "sequence"}, {"start_number", std::to_string(*first)}};
  return input;
}

Result<FfmpegInput> picture_folder(const SourceOptions& options) {
  std::map<std::string, int> kinds;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(options.path, error))
    if (is_picture_name(entry.path()) && !entry.path().filename().string().starts_with('.'))
      ++kinds[entry.path().extension().string()];
  if (error) return fail(ErrorCode::io, "{}: the folder cannot be read ({})", options.path, error.message());
  if (kinds.empty())
    return fail(ErrorCode::invalid_data,
                "{}: is a folder without pictures; give a video file, or a folder of PNG, "
                "JPEG, TIFF or WebP files",
                options.path);
  if (kinds.size() > 1)
    return fail(ErrorCode::invalid_argument,
                "{}: holds pictures of several kinds ({} and {}); choose with a pattern "
                "such as \"{}/*{}\"",
                options.path, kinds.begin()->first, kinds.rbegin()->first, options.path, kinds.begin()->first);
  std::string pattern;
  for (char c : plain_path(options.path)) {
    if (std::strchr("*?[]{}\\", c)) pattern += '\\';
    pattern += c;
  }
  pattern += "/*" + kinds.begin()->first;
  return FfmpegInput{pattern, options.path, "image2", {{"pattern_type", "glob"}}, true};
}

Result<FfmpegInput> resolve(const SourceOptions& options) {
  const std::string& path = options.path;
  FfmpegInput input{path, path, ffmpeg_format_name(options.format), {}, false};
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
    if (access(path.c_str(), R_OK) != 0)
      return fail(ErrorCode::io, "{}: cannot be read ({})", path, std::strerror(errno));
    if (fs::is_regular_file(status) && fs::file_size(path, ignored) == 0)
      return fail(ErrorCode::invalid_data, "{}: is empty (0 bytes); copy or download it again", path);
    input.url = "file:" + path;
    // A picture whose own name looks like a pattern.
    if (input.format.empty() && is_picture_name(path) && path.find_first_of("%*?[{") != std::string::npos) {
      input.format = "image2";
      input.demuxer_options = {{"pattern_type", "none"}};
    }
    return input;
  }
  if (auto pattern = number_pattern(fs::path(path).filename().string())) return numbered_sequence(options, *pattern);
  if (path.find_first_of("*?[{") != std::string::npos)
    return FfmpegInput{plain_path(path), path, "image2", {{"pattern_type", "glob"}}, true};
  return fail(ErrorCode::not_found, "{}: no such file", path);
}

}  // namespace

Result<std::unique_ptr<Source>> open_source(const SourceOptions& options) {
  if (options.path.starts_with("test:")) return open_pattern_source(options);
  auto resolved = resolve(options);
  if (!resolved) return fail(std::move(resolved.error()));
  FfmpegInput& input = *resolved;
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
  return open_ffmpeg_source(input, options);
}

}  // namespace framelift
