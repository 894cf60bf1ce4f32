#include "backend/lut/point_function.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <vector>

#include "backend/lut/pixel_function.h"
#include "backend/lut/pixel_mlp.h"
#include "backend/openvino/openvino_backend.h"
#include "backend/reference/reference_backend.h"
#include "graph/passes.h"

namespace framelift {
namespace {

// Copies of the inputs that the table was made for.
class LastInputs {
 public:
  explicit LastInputs(const Graph& graph) {
    for (size_t i = 1; i < graph.inputs.size(); ++i)
      tensors_.emplace_back(DType::f32, graph.value(graph.inputs[i]).shape);
  }
  // Inputs of a moving scene all differ, those of a still one are equal to the last bit. Whatever is between starts a
  // new table: how far the result moves with the inputs is not known for networks in general.
  bool adopt(std::span<const TensorView> others) {
    bool same = known_;
    for (size_t i = 0; i < tensors_.size(); ++i) {
      same = same && std::memcmp(tensors_[i].data(), others[i].data, others[i].bytes()) == 0;
      std::memcpy(tensors_[i].data(), others[i].data, others[i].bytes());
    }
    known_ = true;
    return !same;
  }

 private:
  std::vector<Tensor> tensors_;
  bool known_ = false;
};

class MlpFunction final : public PointFunction {
 public:
  MlpFunction(PixelMlp mlp, const Graph& graph) : mlp_(std::move(mlp)), last_(graph) {}
  bool from_cache() const override { return true; }
  bool prefers_few_calls() const override { return false; }
  bool adopt(std::span<const TensorView> others) override {
    if (!last_.adopt(others)) return false;
    mlp_.fold(others);
    return true;
  }
  Status fill(ColorTable& table, int red_begin, int red_end) override {
    constexpr size_t capacity = 1024;
    std::array<uint32_t, capacity> points;
    std::array<float, 3 * capacity> in, out;
    const float* const from[3] = {in.data(), in.data() + capacity, in.data() + 2 * capacity};
    float* const to[3] = {out.data(), out.data() + capacity, out.data() + 2 * capacity};
    ColorTable::Cursor cursor{red_begin, red_end};
    while (const size_t count = table.next_batch(cursor, in.data(), points.data(), capacity)) {
      mlp_.run(from, count, to);
      table.set(points.data(), count, out.data(), capacity);
    }
    return {};
  }

 private:
  PixelMlp mlp_;
  LastInputs last_;
};

// Any other network: by an engine, on batches of points in the shape of a picture.
class EngineFunction final : public PointFunction {
 public:
  struct Batch {
    std::unique_ptr<InferRequest> request;
    std::vector<uint32_t> points;
  };

  EngineFunction(std::unique_ptr<Executable> network, std::vector<Batch> batches, const Graph& graph)
      : network_(std::move(network)), batches_(std::move(batches)), last_(graph) {
    for (Batch& batch : batches_) free_.push_back(&batch);
  }
  bool from_cache() const override { return network_->from_cache(); }
  bool prefers_few_calls() const override { return true; }
  bool adopt(std::span<const TensorView> others) override {
    for (Batch& batch : batches_)
      for (size_t i = 0; i < others.size(); ++i)
        std::memcpy(batch.request->input(static_cast<int>(i) + 1).data, others[i].data, others[i].bytes());
    return last_.adopt(others);
  }
  Status fill(ColorTable& table, int red_begin, int red_end) override {
    Batch& batch = take();
    Status status;
    ColorTable::Cursor cursor{red_begin, red_end};
    const size_t capacity = batch.points.size();
    while (status) {
      const size_t count = table.next_batch(cursor, batch.request->input(0).as<float>(), batch.points.data(), capacity);
      if (count == 0) break;
      status = batch.request->start();
      if (status) status = batch.request->wait();
      if (status) table.set(batch.points.data(), count, batch.request->output(0).as<float>(), capacity);
    }
    std::lock_guard lock(mutex_);
    free_.push_back(&batch);
    return status;
  }

 private:
  Batch& take() {
    std::lock_guard lock(mutex_);
    Batch& batch = *free_.back();  // one for every caller
    free_.pop_back();
    return batch;
  }

  std::unique_ptr<Executable> network_;
  std::vector<Batch> batches_;
  std::mutex mutex_;
  std::vector<Batch*> free_;
  LastInputs last_;
};

// Points that go through an engine at once: enough for it to work at full speed, few enough that the last, partly
// filled batch of a plane wastes little.
constexpr int batch_height = 16, batch_width = 128;

}  // namespace

Result<std::unique_ptr<PointFunction>> make_point_function(const Graph& graph, const Parameters& parameters,
                                                           const CompileOptions& options, int callers) {
  FL_TRY(Graph bound, bind_parameters(graph, parameters));
  FL_TRY(bound, optimise(std::move(bound)));
  if (auto mlp = PixelMlp::from(bound)) return std::make_unique<MlpFunction>(std::move(*mlp), graph);

  FL_TRY(const Graph on_grid, with_picture_size(graph, batch_height, batch_width));
  CompileOptions filling = options;
  filling.precision = Precision::f32;
  Backend& exact = openvino_backend().supports(on_grid, filling) ? openvino_backend() : reference_backend();
  FL_TRY(auto network, exact.compile(on_grid, parameters, filling));
  std::vector<EngineFunction::Batch> batches;
  for (int i = 0; i < callers; ++i) {
    EngineFunction::Batch batch;
    FL_TRY(batch.request, network->create_request());
    std::ranges::fill(batch.request->input(0).f32(), 0.0f);
    batch.points.resize(size_t{batch_height} * batch_width);
    batches.push_back(std::move(batch));
  }
  return std::make_unique<EngineFunction>(std::move(network), std::move(batches), graph);
}

}  // namespace framelift
