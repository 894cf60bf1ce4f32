#include "frame/pixel_kernels.h"
#include "postprocess/tensor_to_frame.h"

namespace framelift {
namespace {

// One pixel of the tensor by picture coordinates.
struct Source {
  const float* data;
  Region covered;

  float rgb(int channel, int x, int y) const {
    const int64_t row = int64_t{channel} * covered.height + (y - covered.y);
    return data[row * covered.width + (x - covered.x)];
  }
};

}  // namespace

void TensorToFrame::reference_floats(const TensorView& src, const Region& covered, const Region& region,
                                     const Frame& dst) const {
  const Source source{src.as<float>(), covered};
  for (int p = 0; p < format_.plane_count(); ++p)
    for (int y = region.y; y < region.bottom(); ++y)
      for (int x = region.x; x < region.right(); ++x) {
        float& sample = dst.planes[p].row<float>(y)[x];
        if (format_.alpha && p == format_.plane_count() - 1) {
          sample = 1;
        } else if (format_.family == ColorFamily::rgb) {
          sample = source.rgb(p, x, y);
        } else {
          const float r = source.rgb(0, x, y), g = source.rgb(1, x, y), b = source.rgb(2, x, y);
          const float* weights = writing_.transform.m[0];
          sample = r == g && b == g ? g : weights[0] * r + weights[1] * g + weights[2] * b;
        }
      }
}

template <class Sample>
void TensorToFrame::reference(const TensorView& src, const Region& covered, const Region& region,
                              const Frame& dst) const {
  WriteKernel<Sample, float> kernel;
  kernel.writing = writing_;
  kernel.in = {src.as<const float>(), int64_t{covered.width} * covered.height, covered.width, 1};
  kernel.left = covered.x;
  kernel.top = covered.y;
  kernel.picture = sample_picture(dst);
  const int planes = format_.family == ColorFamily::gray ? 1 : 3;
  for (kernel.plane = 0; kernel.plane < planes; ++kernel.plane) {
    const ChromaSiting siting = writing_.siting_of(kernel.plane);
    const int shift_x = siting.x != Siting::none, shift_y = siting.y != Siting::none;
    for (int y = region.y >> shift_y; y < (region.bottom() + shift_y) >> shift_y; ++y)
      for (int x = region.x >> shift_x; x < (region.right() + shift_x) >> shift_x; ++x) kernel(x, y);
  }
  if (format_.alpha) fill_opaque(dst.planes[planes], format_, region);
}

void TensorToFrame::run_reference(const TensorView& src, const Region& covered, const Region& region,
                                  const Frame& dst) const {
  if (format_.is_float())
    reference_floats(src, covered, region, dst);
  else if (format_.bits > 8)
    reference<uint16_t>(src, covered, region, dst);
  else
    reference<uint8_t>(src, covered, region, dst);
}

}  // namespace framelift
