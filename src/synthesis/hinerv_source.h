// Frames out of a HiNeRV network, as a Source: several at once on the engine, delivered in order.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "base/result.h"
#include "decode/source.h"
#include "network/hinerv/video.h"

namespace framelift {

struct HinervSourceOptions {
  PixelFormat format;  // of the frames, and what their numbers mean; rounded once, from the network's floats
  ColorInfo color;
  int frames_held = 16;  // that whoever calls next() keeps at most; next() waits for one to come back beyond that
  int64_t first_frame = 0, frames = 0;  // which; 0: to the end. Any frame can be the first, at no cost.
};

// The whole video as it would be in its own format.
VideoInfo video_info(const HinervVideo& video);

// Compiles the network. `video` is copied from as needed and may go. Errors: what compiling gives; invalid_argument for
// frames beyond the end or colours that the video's cannot be turned into.
Result<std::unique_ptr<Source>> create_hinerv_source(const HinervVideo& video, Backend& backend,
                                                     const CompileOptions& compile, const HinervSourceOptions& options);

}  // namespace framelift
