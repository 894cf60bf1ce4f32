// Reads .fnv files: any group without those before it, and what is whole of a file that was cut off.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/byte_source.h"
#include "codec/fnv.h"
#include "codec/fnv_sections.h"

namespace framelift {

// Move-only. The const functions may be called from several threads at once.
class FnvReader {
 public:
  // Reads the header, the index and the networks' descriptions. Without a whole index (the file was cut off) it looks
  // for the sections one after the other, up to the first that is not whole. Errors: io; invalid_data, with the file's
  // name; unsupported for another version of the format.
  static Result<FnvReader> open(std::unique_ptr<ByteSource> source);

  const std::string& name() const { return source_->name(); }
  uint64_t file_bytes() const { return source_->size(); }
  // Without what the auxiliary sections take.
  uint64_t video_bytes() const;
  const FnvHeader& header() const { return header_; }
  // The file was finished; otherwise frames at its end may be missing.
  bool complete() const { return complete_; }
  uint64_t frame_count() const { return first_frames_.back(); }

  // HEAD, NETW, GRUP and AUXI sections in the order of the file.
  std::span<const FnvIndexEntry> index() const { return index_; }
  std::span<const FnvNetwork> networks() const { return networks_; }
  // The entries of one kind; positions in these are what the functions below take.
  std::span<const FnvIndexEntry> groups() const { return groups_; }
  std::span<const FnvIndexEntry> auxiliaries() const { return auxiliaries_; }

  uint64_t first_frame(size_t group) const { return first_frames_[group]; }
  // The group with this frame; it is frame - first_frame(group) within it. Errors: invalid_argument.
  Result<size_t> group_of_frame(uint64_t frame) const;
  // The last group that starts at `pts` or before, or the first one. Errors: invalid_argument when there is none.
  Result<size_t> group_at(int64_t pts) const;

  Result<FnvGroup> read_group(size_t group) const;
  // FnvGroup::times alone.
  Result<std::vector<FnvFrameTime>> read_times(size_t group) const;
  // Where the content of an auxiliary section lies in the file. Nothing is said about whether it is good.
  struct Place {
    uint64_t offset = 0, bytes = 0;
  };
  Result<Place> place_of_auxiliary(size_t auxiliary) const;
  // Hands on the content piece by piece, and stops at the first error `receive` returns. Damage can be known only at
  // the end: the result says whether what was handed on is good.
  Status read_auxiliary(size_t auxiliary, const std::function<Status(std::span<const std::byte>)>& receive) const;

 private:
  explicit FnvReader(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  // The start of a group's section, which ends where `in` stands then.
  Result<FnvGroupStart> read_start(size_t group, ByteReader& in) const;
  Result<std::vector<std::byte>> read_group_body(size_t group) const;
  Result<FnvIndexEntry> section_at(uint64_t offset) const;
  Result<std::vector<std::byte>> read_body(const FnvIndexEntry& entry, uint64_t max_bytes) const;
  Status check_long_section(const FnvIndexEntry& entry,
                            const std::function<Status(std::span<const std::byte>)>& receive) const;
  Result<std::vector<FnvIndexEntry>> read_index() const;
  std::vector<FnvIndexEntry> scan(uint64_t offset) const;
  Result<FnvIndexEntry> describe(FnvIndexEntry entry) const;
  Status adopt(std::vector<FnvIndexEntry> entries);

  std::unique_ptr<ByteSource> source_;
  FnvHeader header_;
  bool complete_ = false;
  std::vector<FnvIndexEntry> index_, groups_, auxiliaries_;
  std::vector<FnvNetwork> networks_;
  std::vector<uint64_t> first_frames_ = {0};  // of each group, and the number of all frames
};

}  // namespace framelift
