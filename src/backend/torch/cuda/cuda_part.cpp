#include "backend/torch/cuda/cuda_part.h"

#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAException.h>
#include <fmt/format.h>

#include "backend/torch/cuda/launch.h"

namespace framelift {
namespace {

DeviceTensor device_tensor(const at::Tensor& t) {
  const ValueType type = t.scalar_type() == at::kHalf       ? ValueType::f16
                         : t.scalar_type() == at::kBFloat16 ? ValueType::bf16
                                                            : ValueType::f32;
  return {t.data_ptr(), type, t.stride(1), t.stride(2), t.stride(3)};
}

class Recorded final : public RecordedWork {
 public:
  Recorded(std::pair<uint64_t, uint64_t> pool, const std::function<void()>& work) {
    // Other threads go on allocating and queueing on streams of their own.
    graph_.capture_begin({pool.first, pool.second}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      graph_.capture_end();
      throw;
    }
    graph_.capture_end();
  }
  void replay() override { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
};

class Part final : public CudaPart {
 public:
  std::vector<std::string> describe() override {
    std::vector<std::string> lines;
    for (int i = 0; i < at::cuda::device_count(); ++i) {
      const cudaDeviceProp& p = *at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(i));
      lines.push_back(fmt::format("cuda:{}: {}, compute capability {}.{}, {} MiB, {} multiprocessors", i, p.name,
                                  p.major, p.minor, p.totalGlobalMem >> 20, p.multiProcessorCount));
    }
    return lines;
  }
  std::unique_ptr<RecordedWork> record(std::pair<uint64_t, uint64_t> pool, const std::function<void()>& work) override {
    return std::make_unique<Recorded>(pool, work);
  }
  std::pair<uint64_t, uint64_t> new_pool() override {
    const auto pool = at::cuda::graph_pool_handle();
    return {pool.first, pool.second};
  }
  void read(const PixelReading& reading, const SamplePicture& picture, int bytes_per_sample, const Region& region,
            bool clamp, const at::Tensor& out) override {
    C10_CUDA_CHECK(
        static_cast<cudaError_t>(launch_read(reading, picture, bytes_per_sample, region, clamp, device_tensor(out),
                                             at::cuda::getCurrentCUDAStream().stream())));
  }
  void write(const PixelWriting& writing, const at::Tensor& in, const SamplePicture& picture,
             int bytes_per_sample) override {
    C10_CUDA_CHECK(static_cast<cudaError_t>(launch_write(writing, device_tensor(in), picture, bytes_per_sample,
                                                         at::cuda::getCurrentCUDAStream().stream())));
  }
};

}  // namespace
}  // namespace framelift

extern "C" __attribute__((visibility("default"))) framelift::CudaPart* framelift_torch_cuda_part() {
  static framelift::Part part;
  return &part;
}
