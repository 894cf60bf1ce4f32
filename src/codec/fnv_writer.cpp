#include "codec/fnv_writer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "codec/fnv_bytes.h"
#include "codec/fnv_reader.h"

namespace framelift {

namespace {

FnvIndexEntry entry_of(FnvSectionType type) {
  FnvIndexEntry entry;
  entry.type = type;
  return entry;
}

}  // namespace

Result<FnvWriter> FnvWriter::create(const std::string& path, const FnvHeader& header) {
  FL_CHECK(check_header(header, path));
  const std::vector<std::byte> head = write_head(header);
  if (head.size() > max_fnv_head_bytes)
    return fail(ErrorCode::invalid_argument, "{}: the metadata have more than {} bytes", path, max_fnv_head_bytes);
  FnvWriter writer(path, std::fopen(path.c_str(), "wbe"));
  if (!writer.file_)
    return fail(ErrorCode::io, "{}: cannot be created ({}); check the folder", path, std::strerror(errno));
  FL_CHECK(writer.write(std::as_bytes(std::span(fnv_signature))));
  FL_CHECK(writer.add_section(entry_of(fnv_head), head));
  return writer;
}

Result<FnvWriter> FnvWriter::resume(const std::string& path) {
  FL_TRY(auto source, open_file_source(path));
  FL_TRY(const FnvReader reader, FnvReader::open(std::move(source)));
  FnvWriter writer(path, std::fopen(path.c_str(), "r+be"));
  if (!writer.file_)
    return fail(ErrorCode::io, "{}: cannot be written to ({}); check its permissions", path, std::strerror(errno));
  for (const FnvIndexEntry& entry : reader.index()) {
    if (entry.type == fnv_auxiliary) continue;
    writer.index_.push_back(entry);
    writer.offset_ = entry.offset + section_frame_bytes + entry.body_bytes;
  }
  writer.networks_.assign(reader.networks().begin(), reader.networks().end());
  writer.frame_count_ = reader.frame_count();
  const auto end = static_cast<off_t>(writer.offset_);
  if (::ftruncate(::fileno(writer.file_.get()), end) != 0 || ::fseeko(writer.file_.get(), end, SEEK_SET) != 0)
    return writer.io_error();
  return writer;
}

tl::unexpected<Error> FnvWriter::io_error() const {
  return fail(ErrorCode::io, "{}: cannot be written ({}); check the free space", path_, std::strerror(errno));
}

Status FnvWriter::write(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) return io_error();
  offset_ += bytes.size();
  return {};
}

Status FnvWriter::add_section(FnvIndexEntry entry, std::span<const std::byte> start, std::span<const std::byte> rest) {
  entry.offset = offset_;
  entry.body_bytes = start.size() + rest.size();
  const auto head = section_head(entry.type, entry.body_bytes);
  const uint32_t crc = fnv_crc(fnv_crc(fnv_crc(0, head), start), rest);
  FL_CHECK(write(head));
  FL_CHECK(write(start));
  FL_CHECK(write(rest));
  FL_CHECK(write(std::as_bytes(std::span(&crc, 1))));
  if (std::fflush(file_.get()) != 0) return io_error();  // whole sections survive the process
  index_.push_back(std::move(entry));
  return {};
}

Result<uint64_t> FnvWriter::network_number(const FnvNetwork& network) {
  const auto known = std::ranges::find(networks_, network);
  const auto number = static_cast<uint64_t>(known - networks_.begin());
  if (known != networks_.end()) return number;
  FL_TRY(const auto body, write_network(network, path_));
  FL_CHECK(add_section(entry_of(fnv_network), body));
  networks_.push_back(network);
  return number;
}

Status FnvWriter::add_group(const FnvGroup& group) {
  FL_CHECK(check_times(group.times, path_));
  FL_TRY(const auto data, encode_tensors(group.tensors));
  if (data.size() > max_fnv_body_bytes / 2)
    return fail(ErrorCode::invalid_argument, "{}: a group of {} bytes is too large", path_, data.size());
  FL_TRY(const uint64_t network, network_number({group.configuration, layout_of(group.tensors)}));
  FL_CHECK(add_section(group_entry(network, group.times), write_group_start(network, group.times), data));
  frame_count_ += group.times.size();
  return {};
}

Status FnvWriter::add_auxiliary(const std::string& kind, const ByteSource& bytes) {
  FnvBytes start;
  start.put_text(kind);
  FnvIndexEntry entry = entry_of(fnv_auxiliary);
  entry.kind = kind;
  entry.offset = offset_;
  entry.body_bytes = start.bytes().size() + bytes.size();
  const auto head = section_head(entry.type, entry.body_bytes);
  uint32_t crc = fnv_crc(fnv_crc(0, head), start.bytes());
  FL_CHECK(write(head));
  FL_CHECK(write(start.bytes()));
  std::vector<std::byte> block;
  for (uint64_t done = 0; done < bytes.size(); done += block.size()) {
    block.resize(static_cast<size_t>(std::min<uint64_t>(bytes.size() - done, 1 << 20)));
    FL_CHECK(bytes.read(done, block));
    crc = fnv_crc(crc, block);
    FL_CHECK(write(block));
  }
  FL_CHECK(write(std::as_bytes(std::span(&crc, 1))));
  index_.push_back(std::move(entry));
  return {};
}

Status FnvWriter::finish() {
  const uint64_t index_offset = offset_;
  FL_CHECK(add_section(entry_of(fnv_index), write_index(index_)));
  FL_CHECK(add_section(entry_of(fnv_tail), std::as_bytes(std::span(&index_offset, 1))));
  if (std::fclose(file_.release()) != 0) return io_error();
  return {};
}

}  // namespace framelift
