#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backend/backend.h"
#include "backend/lut/lut_backend.h"
#include "backend/openvino/openvino_backend.h"
#include "backend/reference/reference_backend.h"
#include "backend/torch/torch_engine.h"

namespace framelift {

const char* to_string(Precision precision) {
  switch (precision) {
    case Precision::automatic: return "auto";
    case Precision::f32: return "f32";
    case Precision::bf16: return "bf16";
    case Precision::f16: return "f16";
  }
  return "?";
}

Result<Precision> parse_precision(std::string_view text) {
  for (Precision p : {Precision::automatic, Precision::f32, Precision::bf16, Precision::f16})
    if (text == to_string(p)) return p;
  return fail(ErrorCode::invalid_argument, "precision '{}' is unknown; choose auto, f32, bf16 or f16", text);
}

const std::vector<Backend*>& backends() {
  static const std::vector<Backend*> all{&openvino_backend(), &lut_backend(), &torch_backend(), &reference_backend()};
  return all;
}

Result<Backend*> find_backend(std::string_view name) {
  std::vector<std::string> names;
  for (Backend* backend : backends()) {
    if (name == backend->name()) return backend;
    names.emplace_back(backend->name());
  }
  return fail(ErrorCode::not_found, "backend '{}' is not in this build; choose auto, {}", name, fmt::join(names, ", "));
}

Result<Backend*> find_backend(std::string_view name, const Graph& graph, const CompileOptions& options) {
  if (name != "auto") {
    FL_TRY(Backend * backend, find_backend(name));
    FL_CHECK(backend->supports(graph, options));
    return backend;
  }
  std::string reasons;
  for (Backend* backend : backends()) {
    if (backend->describe().empty()) continue;  // cannot run on this machine
    const Status status = backend->supports(graph, options);
    if (status) return backend;
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", backend->name(), status.error().message);
  }
  return fail(ErrorCode::unsupported, "no engine runs this network so ({})", reasons);
}

}  // namespace framelift
