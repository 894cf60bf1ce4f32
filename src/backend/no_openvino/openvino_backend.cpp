// For builds without OpenVINO.
#include "backend/openvino/openvino_backend.h"

namespace framelift {
namespace {

class NoOpenVino final : public Backend {
 public:
  const char* name() const override { return "openvino"; }
  std::vector<std::string> describe() const override { return {}; }
  Status supports(const Graph&, const CompileOptions&) const override {
    return fail(ErrorCode::unsupported,
                "this build has no OpenVINO; run tools/setup.sh and build with FRAMELIFT_OPENVINO=ON");
  }
  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Parameters&,
                                              const CompileOptions& options) override {
    return fail(supports(graph, options).error());
  }
};

}  // namespace

Backend& openvino_backend() {
  static NoOpenVino backend;
  return backend;
}

}  // namespace framelift
