// Plain scalar C++, float32 with double accumulation: the oracle of every other engine. One thread, one request at a
// time; start() runs the network before it returns.
#pragma once

#include "backend/backend.h"

namespace framelift {

Backend& reference_backend();

}  // namespace framelift
