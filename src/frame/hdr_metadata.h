// Static HDR metadata that travels beside the tags of a stream.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "color/color_info.h"

namespace framelift {

// SMPTE ST 2086: the display the picture was graded on. CIE 1931 xy; luminance in cd/m2.
struct MasteringDisplay {
  std::array<std::array<double, 2>, 3> primaries{};  // R, G, B
  std::array<double, 2> white_point{};
  double min_nits = 0;
  double max_nits = 0;
};

// CTA-861.3, in cd/m2; 0: unknown.
struct ContentLight {
  int max_content_nits = 0;        // MaxCLL
  int max_frame_average_nits = 0;  // MaxFALL
};

struct HdrMetadata {
  std::optional<MasteringDisplay> mastering_display;
  std::optional<ContentLight> content_light;
};

// A display with these primaries, their white, and black of 0.0001 cd/m2.
MasteringDisplay mastering_display(ColorPrimaries primaries, double max_nits);

// x265's "G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)", chromaticities in 1/50000 and luminances in 1/10000 cd/m2; or a short
// name, "p3-d65-PEAK" or "bt2020-PEAK" with the peak in cd/m2, black 0.0001. Error: invalid_argument.
Result<MasteringDisplay> parse_mastering_display(const std::string& text);

// "MaxCLL,MaxFALL" in whole cd/m2, 1..10000, MaxFALL not above MaxCLL. Error: invalid_argument.
Result<ContentLight> parse_content_light(const std::string& text);

}  // namespace framelift
