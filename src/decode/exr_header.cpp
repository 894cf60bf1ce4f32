#include "decode/exr_header.h"

#include <array>
#include <bit>
#include <cstdint>
#include <fstream>

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
    read_name(file);  // of the type
    const uint32_t bytes = read_u32(file);
    if (!file || bytes > end - file.tellg())
      return fail(ErrorCode::invalid_data,
                  "{}: is damaged or cut off (an attribute is larger than the rest of the file)", path);
    file.seekg(bytes, std::ios::cur);
  }
  return {};
}

}  // namespace framelift
