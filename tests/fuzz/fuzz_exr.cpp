// Input: an OpenEXR file. Pictures that would take much memory, as their header says, are opened and not read.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "decode/exr_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int file = memfd_create("fuzz", 0);
  if (file < 0 || write(file, data, size) != static_cast<ssize_t>(size)) std::abort();
  framelift::SourceOptions options;
  options.path = "/proc/self/fd/" + std::to_string(file);
  if (const auto source = framelift::open_exr_source({options.path}, options)) {
    const framelift::VideoInfo& info = (*source)->info();
    constexpr int64_t most = 1 << 14;
    if (int64_t{info.width} * info.height <= most) (void)(*source)->next();
  }
  close(file);
  return 0;
}
