// The fast CPU engine: lowers the graph to OpenVINO operations.
#pragma once

#include "backend/backend.h"

namespace framelift {

Backend& openvino_backend();

}  // namespace framelift
