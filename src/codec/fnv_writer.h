// Writes .fnv files from front to back, group by group: the output may be a pipe, and what a killed process leaves can
// be read up to the last whole group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/byte_source.h"
#include "codec/fnv.h"
#include "codec/fnv_sections.h"

namespace framelift {

// Move-only; not thread-safe. The file keeps the name it was given: callers that want it under its final name only when
// it is complete give a temporary one. Errors of all functions: io with the file's name; invalid_data and
// invalid_argument for content that no file may have, after which nothing of it is written.
class FnvWriter {
 public:
  // Replaces what is there.
  static Result<FnvWriter> create(const std::string& path, const FnvHeader& header);
  // Goes on after the last whole group of a file that was cut off, or after the last group of a complete one: auxiliary
  // sections and index are written again. Errors also: those of FnvReader::open().
  static Result<FnvWriter> resume(const std::string& path);

  // Groups follow each other in display order. A configuration and layout like that of an earlier group is stored once.
  Status add_group(const FnvGroup& group);
  // Opaque bytes under a name for their kind, e.g. "matroska": a sidecar with audio and subtitles. After the groups.
  Status add_auxiliary(const std::string& kind, const ByteSource& bytes);
  // Index and end mark. Nothing may follow.
  Status finish();

  uint64_t frame_count() const { return frame_count_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  FnvWriter(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  Status write(std::span<const std::byte> bytes);
  // One section from its parts, noted in the index as `entry` (whose offset and size it fills in).
  Status add_section(FnvIndexEntry entry, std::span<const std::byte> start, std::span<const std::byte> rest = {});
  Result<uint64_t> network_number(const FnvNetwork& network);
  tl::unexpected<Error> io_error() const;

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  uint64_t offset_ = 0;
  uint64_t frame_count_ = 0;
  std::vector<FnvNetwork> networks_;
  std::vector<FnvIndexEntry> index_;
};

}  // namespace framelift
