// The kernels of pixel_kernels.cu as functions, without CUDA's or libtorch's headers.
#pragma once

#include <cstdint>

#include "frame/pixel_kernels.h"

struct CUstream_st;

namespace framelift {

enum class ValueType : uint8_t { f32, f16, bf16 };

// A tensor's picture on the device, its strides in values.
struct DeviceTensor {
  void* data = nullptr;
  ValueType type = ValueType::f32;
  int64_t channel_stride = 0, row_stride = 0, pixel_stride = 0;
};

// Queue one thread a pixel, or a sample. Return CUDA's error code, 0 when all is well.
int launch_read(const PixelReading& reading, const SamplePicture& picture, int bytes_per_sample, const Region& region,
                bool clamp, const DeviceTensor& out, CUstream_st* stream);
int launch_write(const PixelWriting& writing, const DeviceTensor& in, const SamplePicture& picture,
                 int bytes_per_sample, CUstream_st* stream);

}  // namespace framelift
