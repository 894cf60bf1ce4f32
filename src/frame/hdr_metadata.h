// Static HDR metadata that travels beside the tags of a stream.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

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

}  // namespace framelift
