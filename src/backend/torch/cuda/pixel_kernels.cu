// frame/pixel_kernels.h on a GPU. Compiled without fused multiply-add, so that every bit is the CPU's.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "backend/torch/cuda/launch.h"

namespace framelift {
namespace {

template <class Kernel>
__global__ void for_each_pixel(Kernel kernel, int width, int height) {
  const int x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int y = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  if (x < width && y < height) kernel(x, y);
}

template <class Kernel>
int launch(const Kernel& kernel, int width, int height, cudaStream_t stream) {
  const dim3 block(32, 8);
  const dim3 grid((static_cast<unsigned>(width) + block.x - 1) / block.x,
                  (static_cast<unsigned>(height) + block.y - 1) / block.y);
  for_each_pixel<<<grid, block, 0, stream>>>(kernel, width, height);
  return static_cast<int>(cudaGetLastError());
}

// Calls f with a value of the tensor's type.
template <class F>
int with_value_type(ValueType type, const F& f) {
  switch (type) {
    case ValueType::f16: return f(__half{});
    case ValueType::bf16: return f(__nv_bfloat16{});
    case ValueType::f32: break;
  }
  return f(float{});
}

template <class F>
int with_sample_type(int bytes_per_sample, const F& f) {
  return bytes_per_sample == 1 ? f(uint8_t{}) : f(uint16_t{});
}

}  // namespace

int launch_read(const PixelReading& reading, const SamplePicture& picture, int bytes_per_sample, const Region& region,
                bool clamp, const DeviceTensor& out, CUstream_st* stream) {
  return with_sample_type(bytes_per_sample, [&](auto sample) {
    return with_value_type(out.type, [&](auto value) {
      using Value = decltype(value);
      const ReadKernel<decltype(sample), Value> kernel{
          reading,
          picture,
          region,
          clamp,
          {static_cast<Value*>(out.data), out.channel_stride, out.row_stride, out.pixel_stride}};
      return launch(kernel, region.width, region.height, stream);
    });
  });
}

int launch_write(const PixelWriting& writing, const DeviceTensor& in, const SamplePicture& picture,
                 int bytes_per_sample, CUstream_st* stream) {
  return with_sample_type(bytes_per_sample, [&](auto sample) {
    return with_value_type(in.type, [&](auto value) {
      using Value = decltype(value);
      WriteKernel<decltype(sample), Value> kernel;
      kernel.writing = writing;
      kernel.in = {static_cast<const Value*>(in.data), in.channel_stride, in.row_stride, in.pixel_stride};
      kernel.picture = picture;
      const int planes = writing.family == ColorFamily::gray ? 1 : 3;
      for (kernel.plane = 0; kernel.plane < planes; ++kernel.plane) {
        const bool chroma = writing.family == ColorFamily::yuv && kernel.plane > 0;
        const int error = launch(kernel, chroma ? picture.chroma_width : picture.width,
                                 chroma ? picture.chroma_height : picture.height, stream);
        if (error != 0) return error;
      }
      return 0;
    });
  });
}

}  // namespace framelift
