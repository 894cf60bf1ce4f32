#include "codec/fnv_reader.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "codec/fnv_bytes.h"

namespace framelift {

namespace {

std::string_view text(const FnvSectionType& type) { return {type.data(), type.size()}; }

uint64_t end_of(const FnvIndexEntry& entry) { return entry.offset + section_frame_bytes + entry.body_bytes; }

}  // namespace

Result<FnvReader> FnvReader::open(std::unique_ptr<ByteSource> source) {
  FnvReader reader(std::move(source));
  std::array<uint8_t, fnv_signature.size()> signature{};
  if (reader.file_bytes() < signature.size() ||
      !reader.source_->read(0, std::as_writable_bytes(std::span(signature))) || signature != fnv_signature)
    return fail(ErrorCode::invalid_data, "{}: is not an .fnv file", reader.name());
  FL_TRY(const FnvIndexEntry head, reader.section_at(signature.size()));
  if (head.type != fnv_head) return fail(ErrorCode::invalid_data, "{}: has no header (damaged file)", reader.name());
  FL_TRY(const auto body, reader.read_body(head, max_fnv_head_bytes));
  FL_TRY(reader.header_, parse_head(body, reader.name()));

  auto entries = reader.read_index();
  reader.complete_ = entries.has_value();
  if (!entries) entries = reader.scan(head.offset);
  FL_CHECK(reader.adopt(std::move(*entries)));
  return reader;
}

// What the first bytes of a section say, the whole of which lies within the file.
Result<FnvIndexEntry> FnvReader::section_at(uint64_t offset) const {
  std::array<std::byte, section_head_bytes> head{};
  FL_CHECK(source_->read(offset, head));
  FnvIndexEntry entry;
  entry.offset = offset;
  std::memcpy(entry.type.data(), head.data(), entry.type.size());
  std::memcpy(&entry.body_bytes, head.data() + entry.type.size(), sizeof entry.body_bytes);
  const uint64_t left = file_bytes() - offset - section_head_bytes;
  if (left < section_crc_bytes || entry.body_bytes > left - section_crc_bytes)
    return fail(ErrorCode::invalid_data, "{}: the section at byte {} is cut off", name(), offset);
  return entry;
}

Result<std::vector<std::byte>> FnvReader::read_body(const FnvIndexEntry& entry, uint64_t max_bytes) const {
  if (entry.body_bytes > max_bytes)
    return fail(ErrorCode::invalid_data, "{}: the {} section at byte {} has {} bytes, at most {} are possible", name(),
                text(entry.type), entry.offset, entry.body_bytes, max_bytes);
  std::vector<std::byte> body;
  FL_CHECK(check_long_section(entry, [&body](std::span<const std::byte> piece) -> Status {
    body.insert(body.end(), piece.begin(), piece.end());
    return {};
  }));
  return body;
}

// Hands on the body in pieces, and compares its checksum.
Status FnvReader::check_long_section(const FnvIndexEntry& entry,
                                     const std::function<Status(std::span<const std::byte>)>& receive) const {
  const auto head = section_head(entry.type, entry.body_bytes);
  uint32_t crc = fnv_crc(0, head);
  std::vector<std::byte> piece;
  for (uint64_t done = 0; done < entry.body_bytes; done += piece.size()) {
    piece.resize(static_cast<size_t>(std::min<uint64_t>(entry.body_bytes - done, 1 << 20)));
    FL_CHECK(source_->read(entry.offset + section_head_bytes + done, piece));
    crc = fnv_crc(crc, piece);
    FL_CHECK(receive(piece));
  }
  uint32_t stored = 0;
  FL_CHECK(source_->read(end_of(entry) - section_crc_bytes, std::as_writable_bytes(std::span(&stored, 1))));
  std::array<std::byte, section_head_bytes> stored_head{};
  FL_CHECK(source_->read(entry.offset, stored_head));
  if (stored != crc || stored_head != head)
    return fail(ErrorCode::invalid_data, "{}: the {} section at byte {} is damaged (its checksum differs)", name(),
                text(entry.type), entry.offset);
  return {};
}

Result<std::vector<FnvIndexEntry>> FnvReader::read_index() const {
  constexpr uint64_t tail_bytes = section_frame_bytes + tail_body_bytes;
  FL_TRY(const FnvIndexEntry tail, section_at(file_bytes() - std::min(file_bytes(), tail_bytes)));
  if (tail.type != fnv_tail) return fail(ErrorCode::invalid_data, "{}: has no end mark", name());
  FL_TRY(const auto where, read_body(tail, tail_body_bytes));
  ByteReader in(where, name());
  FL_TRY(const auto offset, in.read<uint64_t>());
  FL_TRY(const FnvIndexEntry index, section_at(offset));
  if (index.type != fnv_index) return fail(ErrorCode::invalid_data, "{}: has no index", name());
  FL_TRY(const auto body, read_body(index, max_fnv_body_bytes));
  return parse_index(body, name());
}

// What the index would say of a section; its body is whole.
Result<FnvIndexEntry> FnvReader::describe(FnvIndexEntry entry) const {
  if (entry.type == fnv_group) {
    FL_TRY(const auto body, read_body(entry, max_fnv_body_bytes));
    ByteReader in(body, name());
    FL_TRY(const FnvGroupStart start, parse_group_start(in));
    FnvIndexEntry described = group_entry(start.network, start.times);
    described.offset = entry.offset;
    described.body_bytes = entry.body_bytes;
    return described;
  }
  std::vector<std::byte> start;
  FL_CHECK(check_long_section(entry, [&start](std::span<const std::byte> piece) -> Status {
    if (start.empty()) start.assign(piece.begin(), piece.end());
    return {};
  }));
  if (entry.type == fnv_auxiliary) {
    ByteReader in(start, name());
    FL_TRY(entry.kind, read_text(in));
  }
  return entry;
}

std::vector<FnvIndexEntry> FnvReader::scan(uint64_t offset) const {
  std::vector<FnvIndexEntry> entries;
  while (const auto section = section_at(offset)) {
    auto entry = describe(*section);
    if (!entry) break;
    offset = end_of(*entry);
    if (std::ranges::find(fnv_indexed, entry->type) != fnv_indexed.end()) entries.push_back(std::move(*entry));
  }
  return entries;
}

Status FnvReader::adopt(std::vector<FnvIndexEntry> entries) {
  uint64_t end = 0;
  for (const FnvIndexEntry& entry : entries) {
    if (entry.offset < end || entry.offset > file_bytes() || file_bytes() - entry.offset < section_frame_bytes ||
        entry.body_bytes > file_bytes() - entry.offset - section_frame_bytes)
      return fail(ErrorCode::invalid_data, "{}: the index does not fit the file", name());
    end = end_of(entry);
    if (entry.type == fnv_network) {
      FL_TRY(const auto body, read_body(entry, max_fnv_head_bytes));
      FL_TRY(auto network, parse_network(body, name()));
      networks_.push_back(std::move(network));
    } else if (entry.type == fnv_group) {
      if (entry.network >= networks_.size() || entry.frame_count == 0)
        return fail(ErrorCode::invalid_data, "{}: a group has no network or no frames", name());
      first_frames_.push_back(first_frames_.back() + entry.frame_count);
      groups_.push_back(entry);
    } else if (entry.type == fnv_auxiliary) {
      auxiliaries_.push_back(entry);
    }
  }
  index_ = std::move(entries);
  return {};
}

Result<size_t> FnvReader::group_of_frame(uint64_t frame) const {
  if (frame >= frame_count())
    return fail(ErrorCode::invalid_argument, "{}: has no frame {}, only {} frames", name(), frame, frame_count());
  const auto after = std::ranges::upper_bound(first_frames_, frame);
  return static_cast<size_t>(after - first_frames_.begin()) - 1;
}

Result<size_t> FnvReader::group_at(int64_t pts) const {
  if (groups_.empty()) return fail(ErrorCode::invalid_argument, "{}: has no frames", name());
  const auto after = std::ranges::upper_bound(groups_, pts, {}, &FnvIndexEntry::first_pts);
  return after == groups_.begin() ? 0 : static_cast<size_t>(after - groups_.begin()) - 1;
}

Result<std::vector<std::byte>> FnvReader::read_group_body(size_t group) const {
  if (group >= groups_.size())
    return fail(ErrorCode::invalid_argument, "{}: has no group {}, only {}", name(), group, groups_.size());
  return read_body(groups_[group], max_fnv_body_bytes);
}

Result<FnvGroupStart> FnvReader::read_start(size_t group, ByteReader& in) const {
  FL_TRY(FnvGroupStart start, parse_group_start(in));
  if (start.network != groups_[group].network || start.times.size() != groups_[group].frame_count)
    return fail(ErrorCode::invalid_data, "{}: the index contradicts group {}", name(), group);
  return start;
}

Result<std::vector<FnvFrameTime>> FnvReader::read_times(size_t group) const {
  FL_TRY(const auto body, read_group_body(group));
  ByteReader in(body, name());
  FL_TRY(FnvGroupStart start, read_start(group, in));
  return std::move(start.times);
}

Result<FnvGroup> FnvReader::read_group(size_t group) const {
  FL_TRY(const auto body, read_group_body(group));
  ByteReader in(body, name());
  FL_TRY(FnvGroupStart start, read_start(group, in));
  const FnvNetwork& network = networks_[groups_[group].network];
  FL_TRY(const auto data, in.take(in.remaining()));
  FL_TRY(auto tensors, decode_tensors(network.layout, data, name()));
  return FnvGroup{network.configuration, std::move(start.times), std::move(tensors)};
}

Result<FnvReader::Place> FnvReader::place_of_auxiliary(size_t auxiliary) const {
  if (auxiliary >= auxiliaries_.size())
    return fail(ErrorCode::invalid_argument, "{}: has no auxiliary section {}, only {}", name(), auxiliary,
                auxiliaries_.size());
  const FnvIndexEntry& entry = auxiliaries_[auxiliary];
  FnvBytes kind;
  kind.put_text(entry.kind);
  const auto skip = std::min<uint64_t>(kind.bytes().size(), entry.body_bytes);  // the index may say anything
  return Place{entry.offset + section_head_bytes + skip, entry.body_bytes - skip};
}

Status FnvReader::read_auxiliary(size_t auxiliary,
                                 const std::function<Status(std::span<const std::byte>)>& receive) const {
  FL_TRY(const Place place, place_of_auxiliary(auxiliary));
  const FnvIndexEntry& entry = auxiliaries_[auxiliary];
  uint64_t skip = entry.body_bytes - place.bytes;
  return check_long_section(entry, [&](std::span<const std::byte> piece) -> Status {
    const auto skipped = static_cast<size_t>(std::min<uint64_t>(skip, piece.size()));
    skip -= skipped;
    return skipped < piece.size() ? receive(piece.subspan(skipped)) : Status{};
  });
}

uint64_t FnvReader::video_bytes() const {
  uint64_t bytes = file_bytes();
  for (const FnvIndexEntry& entry : auxiliaries_) bytes -= section_frame_bytes + entry.body_bytes;
  return bytes;
}

}  // namespace framelift
