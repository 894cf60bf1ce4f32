#pragma once

#include "backend/backend.h"

namespace framelift {

Result<std::unique_ptr<Executable>> compile_torch(const Graph& graph, const Parameters& parameters,
                                                  const CompileOptions& options);

}  // namespace framelift
