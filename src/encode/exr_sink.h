// OpenEXR pictures, through the OpenEXR library.
#pragma once

#include <memory>

#include "encode/sink.h"

namespace framelift {

// True for names that end in .exr, without a format that says otherwise.
bool is_exr_output(const SinkOptions& options);

// One picture, or one for each frame where the name has a number pattern ("%04d", from 1): each complete under its
// name, or not there. Takes linear light as grayf32, gbrpf32 or gbrapf32.
//
// Channels are R, G, B or Y, and options.alpha_channel where source_format.alpha asks for it. Alpha is premultiplied,
// as OpenEXR has it: frames whose source held it straight (source_format is of integers) are multiplied here; those
// from floats are so already. encoder_options: compression (default zip) and type (default half). Floats are written
// as they are. Halves are rounded to nearest even; beyond their range, infinities included, they become +-65504, and
// NaN becomes 0; finish() warns of both with their number. Attributes: chromaticities, whiteLuminance,
// pixelAspectRatio, framesPerSecond of sequences, texts.
//
// Errors: as open_sink; unsupported (PQ and HLG, which are not linear light).
Result<std::unique_ptr<Sink>> open_exr_sink(const SinkOptions& options);

}  // namespace framelift
