// Feeds every file of the folders on the command line to a fuzz target, so that what fuzzing once found is checked in
// every test run, with any compiler; with `--mutations N`, N damaged copies of those files, too, the same in every run.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

// Some bytes become others, often those at the edge of a number's range; now and then a part is lost or doubled.
Bytes damaged(const Bytes& whole, std::mt19937& engine) {
  constexpr std::array<uint8_t, 6> edges{0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
  Bytes bytes = whole;
  const size_t changes = 1 + engine() % 8;
  for (size_t i = 0; i < changes && !bytes.empty(); ++i) {
    uint8_t& byte = bytes[engine() % bytes.size()];
    switch (engine() % 3) {
      case 0: byte = static_cast<uint8_t>(engine()); break;
      case 1: byte = edges[engine() % edges.size()]; break;
      case 2: byte = static_cast<uint8_t>(byte ^ 1u << engine() % 8); break;
    }
  }
  if (bytes.empty() || engine() % 8 != 0) return bytes;
  const size_t at = engine() % bytes.size(), count = 1 + engine() % (bytes.size() - at);
  const auto begin = bytes.begin() + static_cast<ptrdiff_t>(at), end = begin + static_cast<ptrdiff_t>(count);
  if (engine() % 2 == 0) {
    bytes.erase(begin, end);
  } else {
    const Bytes part(begin, end);
    bytes.insert(end, part.begin(), part.end());
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Bytes> files;
  size_t mutations = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--mutations") {
      if (++i < argc) mutations = std::strtoul(argv[i], nullptr, 10);
      continue;
    }
    std::set<std::filesystem::path> paths;  // in the same order everywhere
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) paths.insert(entry.path());
    for (const auto& path : paths) {
      std::ifstream file(path, std::ios::binary);
      files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  for (const Bytes& file : files) LLVMFuzzerTestOneInput(file.data(), file.size());
  std::mt19937 engine(1);
  for (size_t i = 0; i < mutations && !files.empty(); ++i) {
    const Bytes bytes = damaged(files[i % files.size()], engine);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%zu inputs replayed, %zu damaged ones\n", files.size(), mutations);
  return files.empty() ? 1 : 0;
}
