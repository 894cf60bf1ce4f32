#include "backend/reference/reference_backend.h"

#include "graph/analysis.h"
#include "graph/evaluate.h"
#include "graph/passes.h"

namespace framelift {
namespace {

// Shared by an executable and its requests, so that requests may outlive it.
struct Program {
  Graph graph;  // all weights are constants
  MemoryPlan plan;
  std::vector<PortInfo> inputs, outputs;
};

class ReferenceRequest final : public InferRequest {
 public:
  explicit ReferenceRequest(std::shared_ptr<const Program> program)
      : program_(std::move(program)), arena_(DType::u8, {std::max<int64_t>(program_->plan.bytes, 1)}) {
    const Graph& graph = program_->graph;
    views_.resize(graph.values.size());
    for (size_t i = 0; i < views_.size(); ++i) {
      const Value& value = graph.values[i];
      views_[i] = {DType::f32, value.shape, nullptr};
      if (value.kind == ValueKind::constant)
        views_[i].data = const_cast<std::byte*>(value.constant->data());  // only read
      else if (program_->plan.offsets[i] >= 0)
        views_[i].data = arena_.data() + program_->plan.offsets[i];
    }
    for (ValueId id : graph.inputs) {
      inputs_.emplace_back(DType::f32, graph.value(id).shape);
      views_[static_cast<size_t>(id)].data = inputs_.back().data();
    }
    for (const Node& node : graph.nodes) {
      std::vector<TensorView> in;
      for (ValueId id : node.inputs) in.push_back(views_[static_cast<size_t>(id)]);
      node_inputs_.push_back(std::move(in));
    }
  }

  TensorView input(int index) override { return inputs_[static_cast<size_t>(index)].view(); }
  TensorView output(int index) override {
    return views_[static_cast<size_t>(program_->graph.outputs[static_cast<size_t>(index)])];
  }

  Status start() override {
    const Graph& graph = program_->graph;
    for (size_t i = 0; i < graph.nodes.size(); ++i)
      evaluate(graph.nodes[i].op, node_inputs_[i], views_[static_cast<size_t>(graph.nodes[i].output)]);
    return {};
  }
  Status wait() override { return {}; }

 private:
  std::shared_ptr<const Program> program_;
  Tensor arena_;
  std::vector<Tensor> inputs_;
  std::vector<TensorView> views_;
  std::vector<std::vector<TensorView>> node_inputs_;
};

class ReferenceExecutable final : public Executable {
 public:
  explicit ReferenceExecutable(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

  const std::vector<PortInfo>& inputs() const override { return program_->inputs; }
  const std::vector<PortInfo>& outputs() const override { return program_->outputs; }
  Precision precision() const override { return Precision::f32; }
  int streams() const override { return 1; }
  Result<std::unique_ptr<InferRequest>> create_request() override {
    try {
      return std::make_unique<ReferenceRequest>(program_);
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::out_of_memory, "no memory for the network's {} bytes of activations",
                  program_->plan.bytes);
    }
  }

 private:
  std::shared_ptr<const Program> program_;
};

class ReferenceBackend final : public Backend {
 public:
  const char* name() const override { return "reference"; }
  std::vector<std::string> describe() const override {
    return {"plain C++, one thread, f32 accumulated in f64: slow and exact"};
  }
  Status supports(const Graph&, const CompileOptions& options) const override {
    if (options.device != "auto" && options.device != "cpu")
      return fail(ErrorCode::unsupported, "the reference backend runs on the cpu only, not on '{}'", options.device);
    if (options.precision != Precision::automatic && options.precision != Precision::f32)
      return fail(ErrorCode::unsupported, "the reference backend computes in f32 only, not in {}",
                  to_string(options.precision));
    return {};
  }
  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Parameters& parameters,
                                              const CompileOptions& options) override {
    FL_CHECK(supports(graph, options));
    auto program = std::make_shared<Program>();
    FL_TRY(program->graph, bind_parameters(graph, parameters));
    program->plan = plan_memory(program->graph);
    for (ValueId id : graph.inputs)
      program->inputs.push_back({graph.value(id).name, DType::f32, graph.value(id).shape});
    for (ValueId id : graph.outputs)
      program->outputs.push_back({graph.value(id).name, DType::f32, graph.value(id).shape});
    return std::make_unique<ReferenceExecutable>(std::move(program));
  }
};

}  // namespace

Backend& reference_backend() {
  static ReferenceBackend backend;
  return backend;
}

}  // namespace framelift
