// Names of pictures.
#pragma once

#include <string>

namespace framelift {

// By the extension: PNG, JPEG, ...
bool is_picture_name(const std::string& path);

}  // namespace framelift
