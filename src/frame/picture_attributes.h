// What picture files say of themselves beside ColorInfo.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "color/primaries.h"

namespace framelift {

struct PictureAttributes {
  // Of linear light, where the file gives them as numbers; may be ones that ColorPrimaries has no name for.
  std::optional<Primaries> chromaticities;
  double white_nits = 0;  // luminance of R = G = B = 1 in cd/m2 (OpenEXR's whiteLuminance); 0: unknown
  std::vector<std::pair<std::string, std::string>> texts;  // "owner", "comments", "capDate", ...
};

}  // namespace framelift
