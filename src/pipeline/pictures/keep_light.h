// Pictures that are linear light already, for verbs whose networks make such pictures from others.
#pragma once

#include <cstdint>

#include "base/cancellation.h"
#include "base/result.h"
#include "decode/source.h"
#include "encode/sink.h"

namespace framelift {

// Whether the source is linear light in floating-point samples: OpenEXR, PFM.
bool is_light(const VideoInfo& info);

// Brings such a source to OpenEXR without loss: one OpenEXR file byte for byte, with all it holds; anything else as
// 32-bit floats with what VideoInfo says of it. `sink`: path, overwrite, and texts that go before the source's; its
// encoder options are not used. Returns the number of pictures. Errors: also unsupported (the source is something else,
// `sink` is not OpenEXR).
Result<int64_t> keep_light(const SourceOptions& source, const SinkOptions& sink, const Cancellation* cancel);

}  // namespace framelift
