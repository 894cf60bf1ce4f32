#include "weights/zip_archive.h"

#include <zip.h>

#include <algorithm>

namespace framelift {

namespace {

constexpr zip_int64_t max_members = 1'000'000;

struct CloseMember {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::string take_text(zip_error_t& error) {
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

}  // namespace

void ZipArchive::Discard::operator()(zip* archive) const { zip_discard(archive); }

Result<ZipArchive> ZipArchive::open(std::span<const std::byte> bytes, std::string_view name) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source == nullptr) return fail(ErrorCode::io, "{}: cannot be opened as a zip file ({})", name, take_text(error));
  ZipArchive result;
  result.name_ = name;
  result.archive_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
  if (!result.archive_) {
    zip_source_free(source);
    return fail(ErrorCode::invalid_data, "{}: damaged or truncated zip file ({})", name, take_text(error));
  }
  zip_error_fini(&error);
  const zip_int64_t count = zip_get_num_entries(result.archive_.get(), 0);
  if (count > max_members)
    return fail(ErrorCode::unsupported, "{}: a zip file with {} members; this is no weight file", name, count);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* member = zip_get_name(result.archive_.get(), static_cast<zip_uint64_t>(i), 0);
    result.members_.emplace_back(member ? member : "");
  }
  return result;
}

bool ZipArchive::contains(std::string_view member) const {
  return std::ranges::find(members_, member) != members_.end();
}

Result<std::vector<std::byte>> ZipArchive::read(const std::string& member, uint64_t limit) const {
  zip_stat_t info;
  zip_stat_init(&info);
  if (zip_stat(archive_.get(), member.c_str(), 0, &info) != 0 || !(info.valid & ZIP_STAT_SIZE))
    return fail(ErrorCode::invalid_data, "{}: has no member {} (truncated or damaged)", name_, member);
  if (info.size > limit)
    return fail(ErrorCode::invalid_data, "{}: member {} claims {} bytes, at most {} are plausible", name_, member,
                info.size, limit);
  std::unique_ptr<zip_file_t, CloseMember> file(zip_fopen(archive_.get(), member.c_str(), 0));
  if (!file)
    return fail(ErrorCode::invalid_data, "{}: member {} cannot be read ({})", name_, member,
                zip_strerror(archive_.get()));
  std::vector<std::byte> bytes(info.size);
  size_t done = 0;
  // One read past the end makes libzip compare the checksum.
  std::byte past_end{};
  for (;;) {
    const bool full = done == bytes.size();
    const zip_int64_t got =
        zip_fread(file.get(), full ? &past_end : bytes.data() + done, full ? 1 : bytes.size() - done);
    if (got < 0 || (full && got > 0))
      return fail(ErrorCode::invalid_data, "{}: member {} is damaged ({})", name_, member,
                  got < 0 ? zip_file_strerror(file.get()) : "it is longer than it claims");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  if (done != bytes.size())
    return fail(ErrorCode::invalid_data, "{}: member {} is truncated, {} of {} bytes", name_, member, done,
                bytes.size());
  return bytes;
}

}  // namespace framelift
