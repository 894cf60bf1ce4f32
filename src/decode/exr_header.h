// The header of an OpenEXR file, checked before the OpenEXR library reads it.
#pragma once

#include <string>

#include "base/result.h"

namespace framelift {

// Walks the attributes of all parts (https://openexr.com/en/latest/OpenEXRFileLayout.html) and compares their sizes
// with the file's: the library (3.1) allocates what an attribute claims before it reads it, so that a file of some
// hundred bytes could take gigabytes. Everything else is left to the library, also files that cannot be read and those
// that are no OpenEXR. Error: invalid_data.
Status check_exr_header(const std::string& path);

}  // namespace framelift
