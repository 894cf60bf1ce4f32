// The kernels that GPUs run, on pictures as GPUs hold them: halves, channels last. In f32 they are the oracle of
// FrameToTensor and TensorToFrame themselves, whose tests compare every bit.
#include "frame/pixel_kernels.h"

#include <gtest/gtest.h>

#include <vector>

#include "frame/tensor.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {
namespace {

// IEEE half precision, as __half on the device.
struct Half {
  Half() = default;
  explicit Half(float v) : bits(float_to_half(v)) {}
  explicit operator float() const { return half_to_float(bits); }
  uint16_t bits = 0;
};

constexpr int width = 21, height = 13;
constexpr ColorInfo color{MatrixCoefficients::bt709, TransferCharacteristic::bt709, ColorPrimaries::bt709,
                          ColorRange::limited, ChromaLocation::left};

template <class Sample>
void check(const PixelFormat& format, ChromaLocation location) {
  ColorInfo info = color;
  info.chroma_location = location;
  Frame frame = FramePool(width, height, format, 1).acquire().value();
  uint32_t state = 7;
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < frame.planes[static_cast<size_t>(p)].height; ++y)
      for (int x = 0; x < frame.planes[static_cast<size_t>(p)].width; ++x)
        frame.planes[static_cast<size_t>(p)].row<Sample>(y)[x] =
            static_cast<Sample>((state = state * 1664525 + 1013904223) >> (32 - format.bits));

  // A region that reaches beyond the picture.
  const Region region{-3, -2, width + 7, height + 5};
  const auto reader = FrameToTensor::create(format, info).value();
  Tensor exact(DType::f32, {1, 3, region.height, region.width});
  reader.run(frame, region, exact.view());
  const int64_t pixels = int64_t{region.width} * region.height;
  std::vector<Half> halves(static_cast<size_t>(3 * pixels));
  const ReadKernel<Sample, Half> read{
      reader.reading(), sample_picture(frame), region, false, {halves.data(), 1, 3 * region.width, 3}};
  for (int y = 0; y < region.height; ++y)
    for (int x = 0; x < region.width; ++x) read(x, y);
  Tensor rounded(DType::f32, exact.shape());
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < pixels; ++i) {
      rounded.f32()[static_cast<size_t>(c * pixels + i)] = static_cast<float>(halves[static_cast<size_t>(3 * i + c)]);
      ASSERT_EQ(halves[static_cast<size_t>(3 * i + c)].bits,
                float_to_half(exact.f32()[static_cast<size_t>(c * pixels + i)]));
    }

  // And back, from the part that is the picture.
  for (const bool dither : {false, true}) {
    const auto writer = TensorToFrame::create(format, info, dither).value();
    Frame expected = FramePool(width, height, format, 1).acquire().value();
    Frame made = FramePool(width, height, format, 1).acquire().value();
    writer.run(rounded.view(), region, {0, 0, width, height}, expected);
    WriteKernel<Sample, Half> write;
    write.writing = writer.writing();
    write.in = {halves.data(), 1, 3 * region.width, 3};
    write.left = region.x;
    write.top = region.y;
    write.picture = sample_picture(made);
    for (write.plane = 0; write.plane < 3; ++write.plane) {
      const PlaneView& plane = made.planes[static_cast<size_t>(write.plane)];
      for (int y = 0; y < plane.height; ++y)
        for (int x = 0; x < plane.width; ++x) {
          write(x, y);
          ASSERT_EQ(plane.row<Sample>(y)[x], expected.planes[static_cast<size_t>(write.plane)].row<Sample>(y)[x])
              << to_string(format) << " plane " << write.plane << " at " << x << ", " << y;
        }
    }
  }
}

TEST(PixelKernels, HalvesChannelsLastGiveTheSameCodes) {
  for (const ChromaLocation location : {ChromaLocation::left, ChromaLocation::center, ChromaLocation::top_left})
    for (const char* name : {"yuv420p", "yuv422p", "yuv444p", "yuv440p"}) {
      PixelFormat format = parse_pixel_format(name).value();
      check<uint8_t>(format, location);
      format.bits = 10;
      check<uint16_t>(format, location);
      format.bits = 16;
      check<uint16_t>(format, location);
    }
}

}  // namespace
}  // namespace framelift
