// What takes CUDA's own headers: libframelift_torch_cuda.so, built where a CUDA toolkit is and loaded where a GPU is.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "frame/pixel_format.h"
#include "frame/read_pixel.h"
#include "frame/region.h"
#include "frame/write_pixel.h"

namespace framelift {

// Work of a GPU, recorded once and started as a whole.
class RecordedWork {
 public:
  virtual ~RecordedWork() = default;
  virtual void replay() = 0;  // on the current stream
};

// Everything is queued on the current stream and throws c10::Error.
class CudaPart {
 public:
  virtual ~CudaPart() = default;

  // One line per GPU: name, compute capability, memory, multiprocessors.
  virtual std::vector<std::string> describe() = 0;
  // Calls `work` once and keeps what it queued. Memory that it takes belongs to the record. Records that share a `pool`
  // share memory, and must be replayed on one stream.
  virtual std::unique_ptr<RecordedWork> record(std::pair<uint64_t, uint64_t> pool,
                                               const std::function<void()>& work) = 0;
  virtual std::pair<uint64_t, uint64_t> new_pool() = 0;
  // The region of a picture of samples on the device -> tensor [1, 3, region.height, region.width] of any layout and
  // floating-point type.
  virtual void read(const PixelReading& reading, const SamplePicture& picture, int bytes_per_sample,
                    const Region& region, bool clamp, const at::Tensor& out) = 0;
  // Tensor -> the planes of a picture on the device whose first pixel is the tensor's.
  virtual void write(const PixelWriting& writing, const at::Tensor& in, const SamplePicture& picture,
                     int bytes_per_sample) = 0;
};

// The library's only symbol.
using CudaPartEntry = CudaPart* (*)();
inline constexpr const char* cuda_part_entry = "framelift_torch_cuda_part";

}  // namespace framelift
