// The same frames through today's video encoders, to compare with.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancellation.h"
#include "base/result.h"
#include "decode/source.h"

namespace framelift {

struct OtherEncoder {
  const char* name;     // "x264"
  const char* library;  // FFmpeg's name
  const char* preset;   // as slow as is usual for best quality
  const char* format;   // a bare stream, without a container's bytes
  // Tuned for PSNR, which it is measured by, and without its settings as text in the stream where that can be had.
  std::vector<std::pair<std::string, std::string>> options;
  // Constant rate factors worth measuring: from this one, of the lowest rate, down in such steps.
  double first_crf, crf_step;
};
const std::vector<OtherEncoder>& other_encoders();
// Error invalid_argument lists the names.
Result<const OtherEncoder*> find_other_encoder(std::string_view name);

// Encodes what `source` delivers, unchanged, into a file of its own. Errors: those of open_source() and open_sink();
// unsupported (a pixel format that the encoder does not take), cancelled.
Status encode_with(const OtherEncoder& encoder, double crf, const SourceOptions& source,
                   const std::filesystem::path& file, const Cancellation* cancel);

}  // namespace framelift
