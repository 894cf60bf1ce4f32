// Networks run by libtorch: layers one after the other, pictures channels last, on the CPU or an NVIDIA GPU.
#include "backend/torch/plugin/torch_executable.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "backend/torch/plugin/device.h"
#include "backend/torch/plugin/gpu_request.h"
#include "backend/torch/plugin/program.h"
#include "graph/passes.h"

namespace framelift {
namespace {

at::Tensor host_buffer(const PortInfo& port, bool pinned) {
  const auto dims = port.shape.dims();
  return at::empty(at::IntArrayRef(dims.data(), dims.size()),
                   at::TensorOptions().dtype(at::kFloat).pinned_memory(pinned));
}

TensorView view_of(const at::Tensor& tensor, const Shape& shape) {
  return {DType::f32, shape, static_cast<std::byte*>(tensor.data_ptr())};
}

}  // namespace

TorchRequest::TorchRequest(std::shared_ptr<const Program> program) : program_(std::move(program)) {
  const bool pinned = !program_->device.is_cpu();
  for (const PortInfo& port : program_->inputs) inputs_.push_back(host_buffer(port, pinned));
  for (const PortInfo& port : program_->outputs) outputs_.push_back(host_buffer(port, pinned));
}

TensorView TorchRequest::input(int index) {
  const auto i = static_cast<size_t>(index);
  return view_of(inputs_[i], program_->inputs[i].shape);
}

TensorView TorchRequest::output(int index) {
  const auto i = static_cast<size_t>(index);
  return view_of(outputs_[i], program_->outputs[i].shape);
}

namespace {

// Runs on a thread of its own, so that start() returns at once.
class CpuRequest final : public TorchRequest {
 public:
  explicit CpuRequest(std::shared_ptr<const Program> program) : TorchRequest(std::move(program)) {
    thread_ = std::thread([this] { serve(); });
  }
  ~CpuRequest() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Status start() override {
    {
      std::lock_guard lock(mutex_);
      pending_ = true;
    }
    changed_.notify_all();
    return {};
  }
  Status wait() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !pending_; });
    return std::exchange(status_, Status{});
  }

 private:
  void run() {
    const c10::InferenceMode inference;
    std::vector<at::Tensor> in;
    for (const at::Tensor& x : inputs_) {
      const at::Tensor converted = x.to(program_->type);
      in.push_back(x.dim() == 4 ? converted.contiguous(at::MemoryFormat::ChannelsLast) : converted);
    }
    const auto results = run_graph(program_->graph, program_->parameters, in, false);
    for (size_t i = 0; i < outputs_.size(); ++i) outputs_[i].copy_(results[i]);
  }

  void serve() {
    at::set_num_threads(program_->threads);  // of this thread's parallel regions
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || pending_; });
      if (!pending_) return;
      lock.unlock();
      Status status = guarded([&]() -> Status {
        run();
        return {};
      });
      lock.lock();
      status_ = std::move(status);
      pending_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool pending_ = false, stopping_ = false;
  Status status_;
  std::thread thread_;
};

class TorchExecutable final : public Executable {
 public:
  explicit TorchExecutable(std::shared_ptr<const Program> program) : program_(std::move(program)) {
    if (!program_->device.is_cpu()) lanes_ = make_lanes(program_->device, gpu_lanes);
  }
  const std::vector<PortInfo>& inputs() const override { return program_->inputs; }
  const std::vector<PortInfo>& outputs() const override { return program_->outputs; }
  Precision precision() const override { return program_->precision; }
  int streams() const override { return lanes_.empty() ? 1 : static_cast<int>(lanes_.size()); }
  Result<std::unique_ptr<InferRequest>> create_request() override {
    std::unique_ptr<InferRequest> request;
    FL_CHECK(guarded([&]() -> Status {
      if (lanes_.empty())
        request = std::make_unique<CpuRequest>(program_);
      else
        request = make_gpu_request(program_, lanes_[next_lane_++ % lanes_.size()]);
      return {};
    }));
    return request;
  }

 private:
  static constexpr int gpu_lanes = 2;

  std::shared_ptr<const Program> program_;
  std::vector<Lane> lanes_;  // of a GPU
  size_t next_lane_ = 0;
};

// What `automatic` is: half precision where the device has matrix units for it.
Precision choose(Precision wanted, const at::Device& device) {
  if (wanted != Precision::automatic) return wanted;
  return device.is_cpu() ? Precision::f32 : Precision::f16;
}

}  // namespace

Result<std::unique_ptr<Executable>> compile_torch(const Graph& graph, const Parameters& parameters,
                                                  const CompileOptions& options) {
  FL_TRY(const at::Device device, parse_device(options.device));
  FL_TRY(Graph bound, bind_parameters(graph, parameters));
  FL_TRY(bound, optimise(std::move(bound)));
  auto program = std::make_shared<Program>();
  program->device = device;
  program->precision = choose(options.precision, device);
  program->type = program->precision == Precision::f16    ? at::kHalf
                  : program->precision == Precision::bf16 ? at::kBFloat16
                                                          : at::kFloat;
  program->resident = options.resident && !device.is_cpu();
  program->threads = options.threads > 0 ? options.threads : static_cast<int>(std::thread::hardware_concurrency());
  for (ValueId id : bound.inputs) program->inputs.push_back({bound.value(id).name, DType::f32, bound.value(id).shape});
  for (ValueId id : bound.outputs)
    program->outputs.push_back({bound.value(id).name, DType::f32, bound.value(id).shape});
  return guarded([&]() -> Result<std::unique_ptr<Executable>> {
    // Weights are parameters again, by their place, so that they are converted once.
    for (size_t i = 0; i < bound.values.size(); ++i) {
      Value& value = bound.values[i];
      if (value.kind != ValueKind::constant) continue;
      value.kind = ValueKind::parameter;
      value.name = fmt::format("constant{}", i);
      program->parameters.emplace(value.name, to_torch(view_of(*value.constant), program->type, device));
      value.constant = nullptr;
    }
    program->graph = std::move(bound);
    return std::make_unique<TorchExecutable>(std::move(program));
  });
}

}  // namespace framelift
