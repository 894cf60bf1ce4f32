#include "backend/lut/lut_backend.h"

#include <algorithm>
#include <thread>

#include "backend/lut/pixel_function.h"
#include "backend/lut/table_engine.h"
#include "backend/openvino/openvino_backend.h"
#include "backend/reference/reference_backend.h"

namespace framelift {
namespace {

constexpr int min_points = 2, max_points = 400;

class LutRequest final : public InferRequest {
 public:
  LutRequest(std::shared_ptr<TableEngine> engine, const std::vector<PortInfo>& inputs, const PortInfo& output)
      : engine_(std::move(engine)), output_(output.dtype, output.shape) {
    for (const PortInfo& port : inputs) inputs_.emplace_back(port.dtype, port.shape);
    for (size_t i = 1; i < inputs_.size(); ++i) others_.push_back(inputs_[i].view());
    job_.picture = inputs_[0].view();
    job_.result = output_.view();
    job_.others = others_;
  }
  ~LutRequest() override { (void)engine_->wait(job_); }

  TensorView input(int index) override { return inputs_[static_cast<size_t>(index)].view(); }
  TensorView output(int) override { return output_.view(); }
  Status start() override {
    engine_->start(job_);
    return {};
  }
  Status wait() override { return engine_->wait(job_); }

 private:
  std::shared_ptr<TableEngine> engine_;  // shared with the executable, so that requests may outlive it
  std::vector<Tensor> inputs_;
  Tensor output_;
  std::vector<TensorView> others_;
  TableEngine::Job job_;
};

class LutExecutable final : public Executable {
 public:
  LutExecutable(std::shared_ptr<TableEngine> engine, const Graph& graph, bool from_cache)
      : engine_(std::move(engine)), from_cache_(from_cache) {
    for (ValueId id : graph.inputs) inputs_.push_back({graph.value(id).name, DType::f32, graph.value(id).shape});
    for (ValueId id : graph.outputs) outputs_.push_back({graph.value(id).name, DType::f32, graph.value(id).shape});
  }

  const std::vector<PortInfo>& inputs() const override { return inputs_; }
  const std::vector<PortInfo>& outputs() const override { return outputs_; }
  Precision precision() const override { return Precision::f32; }
  int streams() const override { return 1; }
  bool from_cache() const override { return from_cache_; }
  Result<std::unique_ptr<InferRequest>> create_request() override {
    try {
      return std::make_unique<LutRequest>(engine_, inputs_, outputs_[0]);
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::out_of_memory, "no memory for another picture in and out; try --tile or --memory");
    }
  }

 private:
  std::shared_ptr<TableEngine> engine_;
  bool from_cache_;  // of the network that fills the table
  std::vector<PortInfo> inputs_, outputs_;
};

bool makes_picture(const Graph& graph) {
  return std::ranges::any_of(graph.outputs, [&](ValueId id) { return graph.value(id).shape.rank() == 4; });
}

Status expect_options(const CompileOptions& options) {
  if (options.device != "auto" && options.device != "cpu")
    return fail(ErrorCode::unsupported, "the lut backend runs on the cpu only, not on '{}'", options.device);
  if (options.precision != Precision::automatic && options.precision != Precision::f32)
    return fail(ErrorCode::unsupported, "the lut backend makes and reads its tables in f32 only, not in {}",
                to_string(options.precision));
  return {};
}

class LutBackend final : public Backend {
 public:
  const char* name() const override { return "lut"; }

  std::vector<std::string> describe() const override {
    if (openvino_backend().describe().empty()) return {};
    return {
        fmt::format("networks that treat each pixel by itself, through a colour table of {0}x{0}x{0} points filled in "
                    "f32 by another engine (--backend lut, or when openvino cannot run the network)",
                    default_color_grid.points)};
  }

  Status supports(const Graph& graph, const CompileOptions& options) const override {
    FL_CHECK(expect_options(options));
    return makes_picture(graph) ? expect_pixel_function(graph) : openvino_backend().supports(graph, options);
  }

  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Parameters& parameters,
                                              const CompileOptions& options) override {
    FL_CHECK(supports(graph, options));
    if (makes_picture(graph)) return compile_table(graph, parameters, options, default_color_grid);
    CompileOptions exact = options;
    exact.precision = Precision::f32;
    return openvino_backend().compile(graph, parameters, exact);
  }
};

}  // namespace

Result<std::unique_ptr<Executable>> compile_table(const Graph& graph, const Parameters& parameters,
                                                  const CompileOptions& options, const ColorGrid& grid) {
  FL_CHECK(expect_options(options));
  FL_CHECK(expect_pixel_function(graph));
  if (grid.points < min_points || grid.points > max_points)
    return fail(ErrorCode::invalid_argument, "a colour table has {} to {} points per axis, not {}", min_points,
                max_points, grid.points);
  const int threads = options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  try {
    FL_TRY(auto network, make_point_function(graph, parameters, options, threads));
    const bool from_cache = network->from_cache();
    auto engine = std::make_shared<TableEngine>(std::move(network), grid, threads);
    return std::make_unique<LutExecutable>(std::move(engine), graph, from_cache);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "no memory for a colour table of {0}x{0}x{0} points", grid.points);
  }
}

Backend& lut_backend() {
  static LutBackend backend;
  return backend;
}

}  // namespace framelift
