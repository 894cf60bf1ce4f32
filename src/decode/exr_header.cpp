#include "decode/exr_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <fstream>
#include <string_view>
#include <utility>

namespace framelift {
namespace {

static_assert(std::endian::native == std::endian::little, "OpenEXR's integers are read in place");

constexpr size_t max_name_bytes = 255;
constexpr uint32_t multipart_flag = 0x1000;

uint32_t read_u32(std::istream& file) {
  std::array<char, 4> bytes{};
  file.read(bytes.data(), bytes.size());
  return std::bit_cast<uint32_t>(bytes);
}

// A name of at most max_name_bytes bytes and the zero after it; longer ones put the stream into its failed state.
std::string read_name(std::istream& file) {
  std::string name;
  for (int c = file.get(); c > 0; c = file.get()) {
    if (name.size() == max_name_bytes) {
      file.setstate(std::ios::failbit);
      break;
    }
    name += static_cast<char>(c);
  }
  return name;
}

// The library reads these types by their own size, whatever the attribute's says, and goes on from there.
constexpr std::pair<std::string_view, uint32_t> fixed_sizes[] = {{"box2i", 16},
                                                                 {"box2f", 16},
                                                                 {"chromaticities", 32},
                                                                 {"compression", 1},
                                                                 {"deepImageState", 1},
                                                                 {"double", 8},
                                                                 {"envmap", 1},
                                                                 {"float", 4},
                                                                 {"int", 4},
                                                                 {"keycode", 28},
                                                                 {"lineOrder", 1},
                                                                 {"m33f", 36},
                                                                 {"m33d", 72},
                                                                 {"m44f", 64},
                                                                 {"m44d", 128},
                                                                 {"rational", 8},
                                                                 {"tiledesc", 9},
                                                                 {"timecode", 8},
                                                                 {"v2i", 8},
                                                                 {"v2f", 8},
                                                                 {"v2d", 16},
                                                                 {"v3i", 12},
                                                                 {"v3f", 12},
                                                                 {"v3d", 24}};

bool plausible_size(const std::string& type, uint32_t bytes) {
  const auto* fixed = std::ranges::find(fixed_sizes, type, [](const auto& entry) { return entry.first; });
  return fixed == std::end(fixed_sizes) || fixed->second == bytes;
}

// Likewise a list of channels, which ends with an empty name.
void skip_channels(std::istream& file) {
  constexpr int bytes_after_name = 16;
  while (file && !read_name(file).empty()) file.seekg(bytes_after_name, std::ios::cur);
}

}  // namespace

Status check_exr_header(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff end = file.tellg();
  file.seekg(0);
  constexpr uint32_t magic = 20000630;
  if (read_u32(file) != magic) return {};
  const bool multipart = (read_u32(file) & multipart_flag) != 0;
  bool first = true;  // attribute of a part
  while (file) {
    const std::string name = read_name(file);
    if (name.empty()) {  // the end of a part; of all, if there is one, or one without attributes
      if (!multipart || first) break;
      first = true;
      continue;
    }
    first = false;
    const std::string type = read_name(file);
    const uint32_t bytes = read_u32(file);
    if (!file || bytes > end - file.tellg())
      return fail(ErrorCode::invalid_data,
                  "{}: is damaged or cut off (an attribute is larger than the rest of the file)", path);
    const std::streamoff next = file.tellg() + static_cast<std::streamoff>(bytes);
    if (type == "chlist") skip_channels(file);
    if (!plausible_size(type, bytes) || (type == "chlist" && file.tellg() != next))
      return fail(ErrorCode::invalid_data, "{}: is damaged (an attribute has not the size of its type)", path);
    file.seekg(next);
  }
  return {};
}

}  // namespace framelift
