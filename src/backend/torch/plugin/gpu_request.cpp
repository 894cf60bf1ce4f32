#include "backend/torch/plugin/gpu_request.h"

#include <c10/core/Event.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <optional>

#include "backend/torch/cuda/cuda_part.h"
#include "backend/torch/plugin/device.h"
#include "backend/torch/plugin/frame_staging.h"

namespace framelift {
namespace {

class GpuRequest final : public TorchRequest, public PixelPort {
 public:
  GpuRequest(std::shared_ptr<const Program> program, const Lane& lane)
      : TorchRequest(std::move(program)), stream_(lane.stream), done_(program_->device.type()) {
    const c10::StreamGuard on_stream(stream_);
    const c10::InferenceMode inference;
    for (const at::Tensor& host : inputs_) {
      arrived_.push_back(at::empty_like(host, on_device(at::kFloat)));
      const auto layout = host.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
      device_inputs_.push_back(at::zeros(host.sizes(), on_device(program_->type)).contiguous(layout));
    }
    for (const at::Tensor& host : outputs_) leaving_.push_back(at::empty_like(host, on_device(at::kFloat)));
    run_layers();  // what libraries choose at their first call is chosen now
    if (CudaPart* cuda = cuda_part()) recorded_ = cuda->record(lane.pool, [&] { run_layers(); });
    stream_.synchronize();
  }

  Status start() override {
    return guarded([&]() -> Status {
      const c10::StreamGuard on_stream(stream_);
      const c10::InferenceMode inference;
      if (!program_->resident) bring_inputs();
      if (recorded_)
        recorded_->replay();
      else
        run_layers();
      if (!program_->resident) send_outputs();
      done_.record(stream_);
      return {};
    });
  }
  Status wait() override {
    return guarded([&]() -> Status {
      done_.synchronize();
      return {};
    });
  }

  PixelPort* pixels() override { return cuda_part() ? this : nullptr; }
  Status load(const PixelReading& reading, const Frame& frame, const Region& region, bool clamp) override {
    return guarded([&]() -> Status {
      source_.prepare(frame.format, frame.width, frame.height, program_->device);
      source_.fill(frame);
      loaded_ = Loaded{reading, region, clamp};
      return {};
    });
  }
  Status make_frames(const PixelWriting& writing, const PixelFormat& format, int width, int height) override {
    return guarded([&]() -> Status {
      result_.prepare(format, width, height, program_->device);
      writing_ = writing;
      return {};
    });
  }
  void take(const Frame& dst) override { result_.empty_into(dst); }

 private:
  struct Loaded {
    PixelReading reading;
    Region region;
    bool clamp = false;
  };

  at::TensorOptions on_device(at::ScalarType type) const {
    return at::TensorOptions().dtype(type).device(program_->device).pinned_memory(false);
  }

  void run_layers() { results_ = run_graph(program_->graph, program_->parameters, device_inputs_, false); }

  // Converting on the device: libtorch converts on the host when type and place change in one copy.
  void bring_inputs() {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (i == 0 && loaded_) {
        source_.to_device();
        cuda_part()->read(loaded_->reading, source_.on_device(), source_.bytes_per_sample(), loaded_->region,
                          loaded_->clamp, device_inputs_[0]);
        loaded_.reset();
        continue;
      }
      arrived_[i].copy_(inputs_[i], /*non_blocking=*/true);
      device_inputs_[i].copy_(arrived_[i]);
    }
  }
  void send_outputs() {
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (i == 0 && writing_) {
        cuda_part()->write(*writing_, results_[0], result_.on_device(), result_.bytes_per_sample());
        result_.to_host();
        continue;
      }
      leaving_[i].copy_(results_[i]);
      outputs_[i].copy_(leaving_[i], /*non_blocking=*/true);
    }
  }

  c10::Stream stream_;
  c10::Event done_;
  std::vector<at::Tensor> arrived_, leaving_;  // inputs and outputs in f32 on the device
  std::vector<at::Tensor> device_inputs_;      // as the layers take them
  std::vector<at::Tensor> results_;            // of the layers; always the same memory once recorded
  std::unique_ptr<RecordedWork> recorded_;
  FrameStaging source_, result_;
  std::optional<Loaded> loaded_;
  std::optional<PixelWriting> writing_;
};

}  // namespace

std::vector<Lane> make_lanes(at::Device device, int count) {
  std::vector<Lane> lanes;
  const c10::impl::VirtualGuardImpl impl(device.type());
  for (int i = 0; i < count; ++i) {
    CudaPart* const cuda = cuda_part();
    lanes.push_back({impl.getStreamFromGlobalPool(device, /*isHighPriority=*/false),
                     cuda ? cuda->new_pool() : std::pair<uint64_t, uint64_t>{}});
  }
  return lanes;
}

std::unique_ptr<InferRequest> make_gpu_request(std::shared_ptr<const Program> program, const Lane& lane) {
  return std::make_unique<GpuRequest>(std::move(program), lane);
}

}  // namespace framelift
