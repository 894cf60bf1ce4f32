// Which pixels of a job the engine's own device converts (PixelPort in backend/backend.h), and which the CPU.
#pragma once

#include "pipeline/job_plan.h"

namespace framelift {

struct DevicePixels {
  const PixelReading* reading = nullptr;  // frames enter as samples; null: as tensors
  const PixelWriting* writing = nullptr;  // frames leave as samples; null: as tensors
};

// Both where the engine offers it and a frame is one tile. Besides, samples enter where nothing but their own meaning
// stands between them and the network, and leave where nothing else looks at the network's output or changes it.
// `input`: of the frames that the reader gets. `looks_at_tensors`: flicker is measured, or masks are made. Asks
// `network` for frames then.
Result<DevicePixels> plan_device_pixels(TiledNetwork& network, const PictureReader& reader, const PictureLayout& input,
                                        const PictureWriter& writer, const Region& kept, bool looks_at_tensors);

}  // namespace framelift
