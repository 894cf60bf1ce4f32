#include "frame/hdr_metadata.h"

#include <cstdio>
#include <string_view>

#include "color/pq.h"
#include "color/primaries.h"

namespace framelift {
namespace {

constexpr double chromaticity_scale = 50000, luminance_scale = 10000;

tl::unexpected<Error> not_a_display(const std::string& text, std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              "'{}' is no mastering display ({}); write G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min) with chromaticities in "
              "1/50000 and luminances in 1/10000 cd/m2, or p3-d65-1000, bt2020-1000, bt2020-4000",
              text, why);
}

}  // namespace

MasteringDisplay mastering_display(ColorPrimaries primaries, double max_nits) {
  const Primaries p = chromaticities(primaries);
  return {{{{p.red.x, p.red.y}, {p.green.x, p.green.y}, {p.blue.x, p.blue.y}}},
          {p.white.x, p.white.y},
          1 / luminance_scale,
          max_nits};
}

Result<MasteringDisplay> parse_mastering_display(const std::string& text) {
  int peak = 0, end = 0;
  for (const auto& [pattern, primaries] :
       {std::pair{"p3-d65-%d%n", ColorPrimaries::display_p3}, {"bt2020-%d%n", ColorPrimaries::bt2020}}) {
    if (std::sscanf(text.c_str(), pattern, &peak, &end) != 1) continue;
    if (static_cast<size_t>(end) != text.size() || peak < 1 || peak > pq_peak_nits)
      return not_a_display(text, "its peak is not within 1..10000 cd/m2");
    return mastering_display(primaries, peak);
  }

  unsigned xy[4][2], max = 0, min = 0;  // G, B, R, white
  end = 0;
  const int fields =
      std::sscanf(text.c_str(), "G(%9u,%9u)B(%9u,%9u)R(%9u,%9u)WP(%9u,%9u)L(%9u,%9u)%n", &xy[0][0], &xy[0][1],
                  &xy[1][0], &xy[1][1], &xy[2][0], &xy[2][1], &xy[3][0], &xy[3][1], &max, &min, &end);
  if (fields != 10 || static_cast<size_t>(end) != text.size()) return not_a_display(text, "it is not in that form");
  std::array<std::array<double, 2>, 4> points{};
  for (size_t i = 0; i < 4; ++i) {
    const auto& [x, y] = xy[i];
    if (y == 0 || x + y > chromaticity_scale) return not_a_display(text, "a chromaticity is outside x + y <= 50000");
    points[i] = {x / chromaticity_scale, y / chromaticity_scale};
  }
  if (max <= min || max > pq_peak_nits * luminance_scale)
    return not_a_display(text, "luminances are not min < max <= 100000000");
  return MasteringDisplay{{points[2], points[0], points[1]}, points[3], min / luminance_scale, max / luminance_scale};
}

Result<ContentLight> parse_content_light(const std::string& text) {
  ContentLight light;
  int end = 0;
  const int fields = std::sscanf(text.c_str(), "%d,%d%n", &light.max_content_nits, &light.max_frame_average_nits, &end);
  const bool in_range = light.max_content_nits <= pq_peak_nits && light.max_frame_average_nits >= 1 &&
                        light.max_frame_average_nits <= light.max_content_nits;
  if (fields != 2 || static_cast<size_t>(end) != text.size() || !in_range)
    return fail(
        ErrorCode::invalid_argument,
        "'{}' is not MaxCLL,MaxFALL in whole cd/m2, 10000 >= MaxCLL >= MaxFALL >= 1; write for example 1000,400", text);
  return light;
}

}  // namespace framelift
