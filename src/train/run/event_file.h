// Scalars for TensorBoard: its event files, written without it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/result.h"

namespace framelift {

// CRC-32C (Castagnoli; RFC 3720, appendix B.4), as TFRecord masks it.
uint32_t crc32c(std::string_view bytes);
uint32_t masked_crc32c(std::string_view bytes);

// A TFRecord file: per record its length (u64), the masked CRC of that, the record, the masked CRC of the record. Every
// record is an Event message (tensorflow/core/util/event.proto) in protocol buffers' wire format. Move-only.
class EventFile {
 public:
  // A new file "events.out.tfevents.<seconds>.framelift.<process>" in `folder`, which exists.
  static Result<EventFile> create(const std::filesystem::path& folder);

  // Into the file at once, so that a reader sees it. Errors: io.
  Status add_scalar(std::string_view tag, int64_t step, double value);

  const std::filesystem::path& path() const { return path_; }

 private:
  Status write(std::string_view event);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace framelift
