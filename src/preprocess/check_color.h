// The one rule of which pixel formats and colours framelift converts to and from RGB.
#pragma once

#include "base/result.h"
#include "color/color_info.h"
#include "frame/pixel_format.h"

namespace framelift {

// Errors: unsupported (a matrix without an implementation), invalid_argument (not fully specified, impossible format).
Status check_color(const PixelFormat& format, const ColorInfo& color);

}  // namespace framelift
