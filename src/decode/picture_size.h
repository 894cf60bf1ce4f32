// How large a picture is, from the head of its file.
#pragma once

#include <string>

#include "base/result.h"

namespace framelift {

struct PictureSize {
  int width = 0, height = 0;
};

// Without decoding the picture, where its decoder can tell the size that early. As coded: a picture that asks to be
// turned (EXIF) is not. Errors: not_found, invalid_data, io.
Result<PictureSize> read_picture_size(const std::string& path);

}  // namespace framelift
