#include "weights/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace framelift {

namespace {

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target)
      : path_(target.string() + fmt::format(".{}.tmp", ::getpid())),
        descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {}
  ~TemporaryFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    if (!kept_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  bool write(const void* data, size_t size) {
    const char* next = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t done = ::write(descriptor_, next, std::min(size, size_t{1} << 30));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return false;
      next += done;
      size -= static_cast<size_t>(done);
    }
    return true;
  }
  bool rename_to(const std::filesystem::path& target) {
    kept_ = ::fsync(descriptor_) == 0 && ::rename(path_.c_str(), target.c_str()) == 0;
    return kept_;
  }

 private:
  std::string path_;
  int descriptor_;
  bool kept_ = false;
};

}  // namespace

Result<std::vector<std::byte>> read_file_bytes(const std::filesystem::path& path) {
  // Not blocking: a FIFO is refused below, not waited for.
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return fail(ErrorCode::not_found, "{}: no such file; check the path", path.string());
    return fail(ErrorCode::io, "{}: cannot be opened ({})", path.string(), std::strerror(errno));
  }
  struct stat info {};
  if (::fstat(file.value, &info) != 0)
    return fail(ErrorCode::io, "{}: cannot be read ({})", path.string(), std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    return fail(ErrorCode::invalid_argument, "{}: is not a regular file; name a weight file", path.string());
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size > max_weight_file_bytes)
    return fail(ErrorCode::unsupported, "{}: has {} bytes; weight files up to {} bytes are read", path.string(), size,
                max_weight_file_bytes);
  std::vector<std::byte> bytes(size);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.value, bytes.data() + done, std::min(bytes.size() - done, size_t{1} << 30));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::io, "{}: cannot be read ({})", path.string(), std::strerror(errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Status write_file_bytes(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts) {
  TemporaryFile file(path);
  if (!file.is_open())
    return fail(ErrorCode::io, "{}: cannot be created ({}); check the folder", path.string(), std::strerror(errno));
  bool written = true;
  for (const auto part : parts) written = written && file.write(part.data(), part.size());
  if (!written || !file.rename_to(path))
    return fail(ErrorCode::io, "{}: cannot be written ({}); check the free space", path.string(), std::strerror(errno));
  return {};
}

}  // namespace framelift
