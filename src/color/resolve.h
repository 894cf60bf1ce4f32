// Fills in what a file leaves unsaid about colour, the way players do.
#pragma once

#include "color/color_info.h"

namespace framelift {

// Every `unspecified` member is replaced: matrix, primaries and transfer by picture size (height >= 720 or width >=
// 1280: BT.709, else BT.601), range limited for YUV and full for RGB, chroma location left (MPEG-2),
// top_left for BT.2020. `is_rgb`: the planes are RGB (matrix becomes rgb; primaries BT.709, transfer sRGB).
ColorInfo resolve_color(ColorInfo color, int width, int height, bool is_rgb);

}  // namespace framelift
