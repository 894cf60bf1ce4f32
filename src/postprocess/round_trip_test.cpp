// Frame -> tensor -> frame changes no code: a network that changes nothing changes nothing.
#include <gtest/gtest.h>

#include "postprocess/tensor_to_frame.h"
#include "preprocess/frame_to_tensor.h"
#include "preprocess/pixel_test_support.h"

namespace framelift {
namespace {

// Largest difference in code values over all planes but alpha.
int round_trip_error(const FormatCase& c, int width, int height, std::mt19937& random) {
  const Frame source = make_frame(c.format, width, height);
  fill_random(source, random);
  const Region all{0, 0, width, height};
  Tensor tensor(DType::f32, {1, 3, height, width});
  FrameToTensor::create(c.format, c.color).value().run(source, all, tensor.view());
  const Frame result = make_frame(c.format, width, height);
  TensorToFrame::create(c.format, c.color, false).value().run(tensor.view(), all, all, result);
  int worst = 0;
  for (int p = 0; p < c.format.plane_count() - c.format.alpha; ++p)
    for (int y = 0; y < source.planes[p].height; ++y)
      for (int x = 0; x < source.planes[p].width; ++x)
        worst = std::max(worst, std::abs(code_at(source, p, x, y) - code_at(result, p, x, y)));
  return worst;
}

// Random codes over the whole range of the format: most of them lie outside the RGB gamut.
TEST(RoundTrip, IsExactForEveryFormatAndSize) {
  std::mt19937 random(7);
  for (MatrixCoefficients matrix :
       {MatrixCoefficients::bt709, MatrixCoefficients::fcc, MatrixCoefficients::bt470bg, MatrixCoefficients::smpte170m,
        MatrixCoefficients::smpte240m, MatrixCoefficients::ycgco, MatrixCoefficients::bt2020_ncl})
    for (ColorRange range : {ColorRange::limited, ColorRange::full})
      for (int bits = 8; bits <= 16; ++bits)
        for (const FormatCase& c : format_cases(bits, matrix, range))
          for (const auto& [width, height] :
               {std::pair{1, 1}, {1, 2}, {2, 1}, {2, 2}, {3, 3}, {4, 3}, {5, 6}, {66, 12}, {67, 13}})
            ASSERT_EQ(round_trip_error(c, width, height, random), 0) << c.name() << " " << width << "x" << height;
}

}  // namespace
}  // namespace framelift
