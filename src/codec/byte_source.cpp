#include "codec/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace framelift {

namespace {

Status check_range(const ByteSource& source, uint64_t offset, size_t count) {
  if (offset > source.size() || count > source.size() - offset)
    return fail(ErrorCode::invalid_data, "{}: cut off, {} bytes wanted at offset {} of {}", source.name(), count,
                offset, source.size());
  return {};
}

class FileSource : public ByteSource {
 public:
  FileSource(int descriptor, uint64_t size, std::string name)
      : descriptor_(descriptor), size_(size), name_(std::move(name)) {}
  ~FileSource() override { ::close(descriptor_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  uint64_t size() const override { return size_; }
  const std::string& name() const override { return name_; }
  Status read(uint64_t offset, std::span<std::byte> out) const override {
    FL_CHECK(check_range(*this, offset, out.size()));
    while (!out.empty()) {
      const ssize_t got =
          ::pread(descriptor_, out.data(), std::min(out.size(), size_t{1} << 30), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(ErrorCode::io, "{}: cannot be read ({})", name_, std::strerror(errno));
      if (got == 0) return fail(ErrorCode::invalid_data, "{}: became shorter while it was read", name_);
      out = out.subspan(static_cast<size_t>(got));
      offset += static_cast<uint64_t>(got);
    }
    return {};
  }

 private:
  int descriptor_;
  uint64_t size_;
  std::string name_;
};

class MemorySource : public ByteSource {
 public:
  MemorySource(std::span<const std::byte> bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}
  uint64_t size() const override { return bytes_.size(); }
  const std::string& name() const override { return name_; }
  Status read(uint64_t offset, std::span<std::byte> out) const override {
    FL_CHECK(check_range(*this, offset, out.size()));
    std::ranges::copy(bytes_.subspan(static_cast<size_t>(offset), out.size()), out.begin());
    return {};
  }

 private:
  std::span<const std::byte> bytes_;
  std::string name_;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> open_file_source(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO is refused, not waited for
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return fail(ErrorCode::not_found, "{}: no such file; check the path", path.string());
    return fail(ErrorCode::io, "{}: cannot be opened ({})", path.string(), std::strerror(errno));
  }
  struct stat info {};
  const bool known = ::fstat(descriptor, &info) == 0;
  auto source = std::make_unique<FileSource>(descriptor, static_cast<uint64_t>(info.st_size), path.string());
  if (!known || !S_ISREG(info.st_mode))
    return fail(ErrorCode::invalid_argument, "{}: is not a regular file; name an .fnv file", path.string());
  return source;
}

std::unique_ptr<ByteSource> memory_source(std::span<const std::byte> bytes, std::string name) {
  return std::make_unique<MemorySource>(bytes, std::move(name));
}

}  // namespace framelift
