#include "frame/pixel_kernels.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {

template <class Sample>
void FrameToTensor::reference(const Frame& frame, const Region& region, const TensorView& dst) const {
  ReadKernel<Sample, float> kernel;
  kernel.reading = reading_;
  kernel.picture = sample_picture(frame);
  kernel.region = region;
  kernel.out = {dst.as<float>(), int64_t{region.width} * region.height, region.width, 1};
  for (int row = 0; row < region.height; ++row)
    for (int column = 0; column < region.width; ++column) kernel(column, row);
}

void FrameToTensor::run_reference(const Frame& frame, const Region& region, const TensorView& dst) const {
  if (format_.is_float())
    reference<float>(frame, region, dst);
  else if (format_.bits > 8)
    reference<uint16_t>(frame, region, dst);
  else
    reference<uint8_t>(frame, region, dst);
}

}  // namespace framelift
