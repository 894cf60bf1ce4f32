#include "decode/picture_files.h"

#include <glob.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <memory>
#include <string_view>

namespace framelift {
namespace {
namespace fs = std::filesystem;

constexpr std::string_view picture_extensions[] = {"png", "jpg", "jpeg", "tif", "tiff", "webp", "bmp", "tga",
                                                   "ppm", "pgm", "pnm",  "dpx", "jp2",  "avif", "exr", "pfm"};

}  // namespace

Result<std::vector<std::string>> matching_files(const std::string& pattern) {
  glob_t found{};
  const int code = glob(pattern.c_str(), GLOB_BRACE, nullptr, &found);
  const std::unique_ptr<glob_t, void (*)(glob_t*)> release(&found, globfree);
  if (code == GLOB_NOSPACE) return fail(ErrorCode::out_of_memory, "{}: no memory for the names", pattern);
  std::vector<std::string> files(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  if (files.empty())
    return fail(ErrorCode::not_found, "{}: no file matches this pattern; check the folder and the name", pattern);
  return files;
}

std::string lower_extension(const std::string& path) {
  std::string text = fs::path(path).extension().string();
  if (!text.empty()) text.erase(0, 1);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool is_picture_name(const std::string& path) {
  return std::ranges::find(picture_extensions, lower_extension(path)) != std::end(picture_extensions);
}

std::optional<NumberPattern> number_pattern(const std::string& name) {
  for (size_t start = name.find('%'); start != std::string::npos; start = name.find('%', start + 1)) {
    size_t end = start + 1;
    while (end < name.size() && name[end] >= '0' && name[end] <= '9') ++end;
    if (end >= name.size() || name[end] != 'd' || end - start > 3) continue;
    int digits = 0;
    std::from_chars(name.data() + start + 1, name.data() + end, digits);
    return NumberPattern{name.substr(0, start), name.substr(end + 1), digits};
  }
  return std::nullopt;
}

std::vector<int> numbers_of(const std::string& path, const NumberPattern& pattern) {
  const fs::path folder = fs::path(path).parent_path();
  std::error_code ignored;
  std::vector<int> numbers;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.size() <= pattern.before.size() + pattern.after.size() || !name.starts_with(pattern.before) ||
        !name.ends_with(pattern.after))
      continue;
    const char* begin = name.data() + pattern.before.size();
    const char* end = name.data() + name.size() - pattern.after.size();
    int number = 0;
    auto [stop, error] = std::from_chars(begin, end, number);
    if (error == std::errc{} && stop == end && number >= 0) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

Result<std::string> kind_of_folder(const std::string& folder) {
  std::map<std::string, int> kinds;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (is_picture_name(entry.path()) && !entry.path().filename().string().starts_with('.'))
      ++kinds[entry.path().extension().string()];
  if (error) return fail(ErrorCode::io, "{}: the folder cannot be read ({})", folder, error.message());
  if (kinds.empty())
    return fail(ErrorCode::invalid_data,
                "{}: is a folder without pictures; give a video file, or a folder of PNG, JPEG, TIFF, WebP or EXR "
                "files",
                folder);
  if (kinds.size() > 1)
    return fail(ErrorCode::invalid_argument,
                "{}: holds pictures of several kinds ({} and {}); choose with a pattern such as \"{}/*{}\"", folder,
                kinds.begin()->first, kinds.rbegin()->first, folder, kinds.begin()->first);
  return kinds.begin()->first;
}

Result<std::vector<std::string>> picture_files(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    FL_TRY(const std::string kind, kind_of_folder(path));
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(path, ignored))
      if (entry.path().extension() == kind && !entry.path().filename().string().starts_with('.'))
        files.push_back(entry.path().string());
    std::ranges::sort(files);
    return files;
  }
  if (fs::exists(path, ignored)) return std::vector{path};
  if (const auto pattern = number_pattern(fs::path(path).filename().string())) {
    const std::vector<int> numbers = numbers_of(path, *pattern);
    std::vector<std::string> files;
    for (size_t i = 0; i < numbers.size() && numbers[i] == numbers[0] + static_cast<int>(i); ++i)
      files.push_back((fs::path(path).parent_path() / pattern->name(numbers[i])).string());
    if (files.empty())
      return fail(ErrorCode::not_found, "{}: no file matches this number pattern; check the folder and the digits",
                  path);
    return files;
  }
  if (path.find_first_of("*?[{") != std::string::npos) return matching_files(path);
  return fail(ErrorCode::not_found, "{}: no such file", path);
}

}  // namespace framelift
