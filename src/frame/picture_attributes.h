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

// What `source` says, with the texts of `own` before its own.
inline PictureAttributes with_texts_of(const PictureAttributes& own, PictureAttributes source) {
  source.texts.insert(source.texts.begin(), own.texts.begin(), own.texts.end());
  return source;
}

}  // namespace framelift
