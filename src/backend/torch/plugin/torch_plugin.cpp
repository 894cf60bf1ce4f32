// libframelift_torch.so: one symbol, which gives the engine.
#include "backend/torch/plugin/device.h"
#include "backend/torch/plugin/torch_executable.h"
#include "backend/torch/plugin/torch_graph.h"
#include "backend/torch/plugin/torch_learner.h"
#include "backend/torch/torch_engine.h"

namespace framelift {
namespace {

class PluginBackend final : public Backend {
 public:
  const char* name() const override { return "torch"; }
  std::vector<std::string> describe() const override { return describe_devices(); }
  int64_t device_bytes(const std::string& device) const override { return framelift::device_bytes(device); }
  Status supports(const Graph& graph, const CompileOptions& options) const override {
    FL_TRY(const at::Device device, parse_device(options.device));
    if (device.is_cpu() && options.precision == Precision::f16)
      return fail(ErrorCode::unsupported, "no f16 arithmetic on the cpu; use bf16 or f32");
    return expect_torch_ops(graph);
  }
  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Parameters& parameters,
                                              const CompileOptions& options) override {
    FL_CHECK(supports(graph, options));
    return compile_torch(graph, parameters, options);
  }
};

class Engine final : public TorchEngine {
 public:
  Backend& backend() override { return backend_; }
  Result<std::unique_ptr<Learner>> create_learner(const Parameters& initial, const LearnerOptions& options) override {
    return create_torch_learner(initial, options);
  }
  Result<DoubleGradients> gradients(const Graph& graph, const Parameters& parameters,
                                    std::span<const TensorView> inputs) override {
    return torch_gradients(graph, parameters, inputs);
  }

 private:
  PluginBackend backend_;
};

}  // namespace
}  // namespace framelift

extern "C" __attribute__((visibility("default"))) framelift::TorchEngine* framelift_torch_engine() {
  static framelift::Engine engine;
  return &engine;
}
