// Verbs that take a folder of pictures and write one picture for each.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace framelift {

// Whether the user means that: the input is a folder, and the output's name is neither a picture's nor a video's.
bool is_picture_batch(const std::string& input, const std::string& output);

// Of pictures in general, in lower case, with the dot.
inline constexpr std::string_view coded_pictures[] = {".png",  ".jpg",  ".jpeg", ".tif", ".tiff",
                                                      ".webp", ".avif", ".bmp",  ".exr"};

// A folder's pictures with these extensions, sorted by name. Errors: not_found (there is none), io.
Result<std::vector<std::filesystem::path>> pictures_of(const std::filesystem::path& folder,
                                                       std::span<const std::string_view> extensions);

// Makes the folder `out`, and calls `process` with every picture of `in` in the order of their names. Pictures that
// fail are reported, and the rest is done all the same. `extensions`: in lower case, with the dot. Errors: not_found
// (no such picture), io, cancelled, invalid_data (some failed).
Status for_each_picture(const std::filesystem::path& in, const std::filesystem::path& out,
                        std::span<const std::string_view> extensions,
                        const std::function<Status(const std::filesystem::path&)>& process);

}  // namespace framelift
