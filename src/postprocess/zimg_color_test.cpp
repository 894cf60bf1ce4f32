// Colour conversion against zimg. FRAMELIFT_PRINT_TABLES=1 prints the measured errors as a Markdown table.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>

#include "postprocess/tensor_to_frame.h"
#include "postprocess/zimg_oracle.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {
namespace {

struct Named {
  MatrixCoefficients matrix;
  const char* name;
};
constexpr Named matrices[] = {
    {MatrixCoefficients::bt709, "BT.709"},     {MatrixCoefficients::smpte170m, "BT.601"},
    {MatrixCoefficients::bt470bg, "BT.470BG"}, {MatrixCoefficients::smpte240m, "SMPTE 240M"},
    {MatrixCoefficients::fcc, "FCC"},          {MatrixCoefficients::bt2020_ncl, "BT.2020 NCL"},
    {MatrixCoefficients::ycgco, "YCgCo"}};
constexpr ColorRange ranges[] = {ColorRange::limited, ColorRange::full};
constexpr int depths[] = {8, 9, 10, 12, 14, 16};
constexpr int width = 96, height = 64;

// Both sides work in float32, with different orders of operations and (zimg) fused multiply-adds. RGB of random codes
// reaches |3|, whose float spacing is 2.4e-7, or 0.016 of a 16-bit code. Measured: one such spacing.
constexpr double float_tolerance_16bit = 0.032;

double tolerance(int bits) { return std::max(float_tolerance_16bit / (1 << (16 - bits)), 1e-3); }

ColorInfo color_of(MatrixCoefficients matrix, ColorRange range, ChromaLocation location = ChromaLocation::left) {
  return {matrix, TransferCharacteristic::bt709, ColorPrimaries::bt709, range, location};
}

Tensor to_tensor(const Frame& frame, const ColorInfo& color) {
  Tensor tensor(DType::f32, {1, 3, frame.height, frame.width});
  FrameToTensor::create(frame.format, color).value().run(frame, {0, 0, frame.width, frame.height}, tensor.view());
  return tensor;
}

// Largest difference between our RGB and zimg's, in code values of full swing, leaving out `border` pixels.
double to_rgb_error(const Frame& frame, const ColorInfo& color, int border = 0) {
  Tensor tensor = to_tensor(frame, color);
  FloatPicture rgb = zimg_to_rgb(frame, color);
  double worst = 0;
  for (int c = 0; c < 3; ++c)
    for (int y = border; y < frame.height - border; ++y)
      for (int x = border; x < frame.width - border; ++x)
        worst = std::max(
            worst, std::abs(double{tensor.as<float>()[(c * frame.height + y) * frame.width + x]} - rgb.at(c, x, y)));
  return worst * ((1 << frame.format.bits) - 1);
}

struct CodeError {
  int worst = 0;
  double share = 0;  // of samples that differ at all
};

CodeError from_rgb_error(const PixelFormat& format, const ColorInfo& color, std::mt19937& random) {
  FloatPicture rgb(width, height);
  Tensor tensor(DType::f32, {1, 3, height, width});
  std::uniform_real_distribution<float> value(0, 1);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        rgb.at(c, x, y) = tensor.as<float>()[(c * height + y) * width + x] = value(random);
  const Frame ours = make_frame(format, width, height);
  const Region all{0, 0, width, height};
  TensorToFrame::create(format, color, false).value().run(tensor.view(), all, all, ours);
  const Frame theirs = zimg_from_rgb(rgb, format, color);
  CodeError error;
  int different = 0, total = 0;
  for (int p = 0; p < format.plane_count(); ++p)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x, ++total) {
        const int d = std::abs(code_at(ours, p, x, y) - code_at(theirs, p, x, y));
        error.worst = std::max(error.worst, d);
        different += d != 0;
      }
  error.share = static_cast<double>(different) / total;
  return error;
}

int round_trip_error(const Frame& frame, const ColorInfo& color) {
  Tensor tensor = to_tensor(frame, color);
  const Frame back = make_frame(frame.format, frame.width, frame.height);
  const Region all{0, 0, frame.width, frame.height};
  TensorToFrame::create(frame.format, color, false).value().run(tensor.view(), all, all, back);
  int worst = 0;
  for (int p = 0; p < frame.format.plane_count(); ++p)
    for (int y = 0; y < frame.planes[p].height; ++y)
      for (int x = 0; x < frame.planes[p].width; ++x)
        worst = std::max(worst, std::abs(code_at(frame, p, x, y) - code_at(back, p, x, y)));
  return worst;
}

Frame random_frame(const PixelFormat& format, std::mt19937& random) {
  Frame frame = make_frame(format, width, height);
  fill_random(frame, random);
  return frame;
}

// A slow wave over the picture: about 80 pixels a period, the same content wherever chroma is sampled.
Frame smooth_frame(const PixelFormat& format, const ColorInfo& color) {
  Frame frame = make_frame(format, width, height);
  const ChromaSiting siting = chroma_siting(format, color.chroma_location);
  auto position = [](Siting s, int i) { return s == Siting::none ? i : s == Siting::cosited ? 2 * i : 2 * i + 0.5; };
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < frame.planes[p].height; ++y)
      for (int x = 0; x < frame.planes[p].width; ++x) {
        const bool chroma = p > 0;
        const double column = chroma ? position(siting.x, x) : x, row = chroma ? position(siting.y, y) : y;
        const double wave = 0.5 + 0.3 * std::sin(column * 0.08 + p) * std::cos(row * 0.07 - p);
        set_code(frame, p, x, y, static_cast<int>(std::lround(wave * ((1 << format.bits) - 1))));
      }
  return frame;
}

TEST(AgainstZimg, YuvToRgbWithoutSubsampling) {
  std::mt19937 random(1);
  for (const Named& m : matrices)
    for (ColorRange range : ranges)
      for (int bits : depths) {
        const PixelFormat format{ColorFamily::yuv, static_cast<uint8_t>(bits), 0, 0, false};
        EXPECT_LE(to_rgb_error(random_frame(format, random), color_of(m.matrix, range)), tolerance(bits))
            << m.name << " range " << static_cast<int>(range) << " depth " << bits;
      }
}

TEST(AgainstZimg, RgbToYuvWithoutSubsampling) {
  std::mt19937 random(2);
  for (const Named& m : matrices)
    for (ColorRange range : ranges)
      for (int bits : depths) {
        const PixelFormat format{ColorFamily::yuv, static_cast<uint8_t>(bits), 0, 0, false};
        const CodeError error = from_rgb_error(format, color_of(m.matrix, range), random);
        EXPECT_LE(error.worst, 1) << m.name << " range " << static_cast<int>(range) << " depth " << bits;
        // Only values within float rounding of a tie may fall on the other side.
        EXPECT_LE(error.share, tolerance(bits)) << m.name << " range " << static_cast<int>(range) << " depth " << bits;
      }
}

TEST(AgainstZimg, RgbAndGray) {
  std::mt19937 random(3);
  for (ColorRange range : ranges)
    for (int bits : depths) {
      const auto depth = static_cast<uint8_t>(bits);
      const PixelFormat rgb{ColorFamily::rgb, depth, 0, 0, false}, gray{ColorFamily::gray, depth, 0, 0, false};
      const ColorInfo color = color_of(MatrixCoefficients::rgb, range);
      EXPECT_LE(to_rgb_error(random_frame(rgb, random), color), tolerance(bits));
      const CodeError error = from_rgb_error(rgb, color, random);
      EXPECT_LE(error.worst, 1);
      EXPECT_LE(error.share, tolerance(bits));
      EXPECT_LE(to_rgb_error(random_frame(gray, random), color_of(MatrixCoefficients::bt709, range)), tolerance(bits));
      const CodeError gray_error = from_rgb_error(gray, color_of(MatrixCoefficients::bt709, range), random);
      EXPECT_LE(gray_error.worst, 1);
      EXPECT_LE(gray_error.share, tolerance(bits));
    }
}

TEST(AgainstZimg, CositedUpsamplingIsItsBilinear) {
  std::mt19937 random(4);
  for (int bits : {8, 10, 16})
    for (const auto& [shift_y, location] : {std::pair{0, ChromaLocation::left}, std::pair{0, ChromaLocation::top_left},
                                            std::pair{1, ChromaLocation::top_left}}) {
      const PixelFormat format{ColorFamily::yuv, static_cast<uint8_t>(bits), 1, static_cast<uint8_t>(shift_y), false};
      const ColorInfo color = color_of(MatrixCoefficients::bt709, ColorRange::limited, location);
      EXPECT_LE(to_rgb_error(random_frame(format, random), color), tolerance(bits)) << to_string(format);
    }
}

// Centred axes differ from bilinear by design. On smooth content the two must still say nearly the same.
TEST(AgainstZimg, CentredUpsamplingIsCloseToBilinearOnSmoothPictures) {
  for (const auto& [shift_x, shift_y] : {std::pair{1, 1}, {1, 0}, {0, 1}})
    for (ChromaLocation location : {ChromaLocation::left, ChromaLocation::center}) {
      const PixelFormat format{ColorFamily::yuv, 8, static_cast<uint8_t>(shift_x), static_cast<uint8_t>(shift_y),
                               false};
      const ColorInfo color = color_of(MatrixCoefficients::bt709, ColorRange::limited, location);
      const double error = to_rgb_error(smooth_frame(format, color), color, 4);
      std::cout << to_string(format) << " location " << static_cast<int>(location) << ": " << error << " codes\n";
      EXPECT_LE(error, 2.0);
    }
}

// Every combination in one table; printed only on request, since it has 500 rows.
TEST(AgainstZimg, Table) {
  struct Subsampling {
    const char* name;
    int shift_x, shift_y;
    ChromaLocation location;
  };
  const Subsampling kinds[] = {{"4:4:4", 0, 0, ChromaLocation::left},
                               {"4:2:2 left", 1, 0, ChromaLocation::left},
                               {"4:2:0 left", 1, 1, ChromaLocation::left},
                               {"4:2:0 center", 1, 1, ChromaLocation::center},
                               {"4:2:0 top left", 1, 1, ChromaLocation::top_left},
                               {"4:4:0", 0, 1, ChromaLocation::left}};
  std::string table =
      "Errors in code values. 4:4:4: random codes. Subsampled: a smooth picture; zimg interpolates chroma linearly, "
      "framelift does so only where it is co-sited.\n\n"
      "| matrix | range | depth | subsampling | to RGB, max vs zimg | from RGB, max vs zimg (differing) | round trip, "
      "max |\n|---|---|---|---|---|---|---|\n";
  std::mt19937 random(5);
  for (const Named& m : matrices)
    for (ColorRange range : ranges)
      for (int bits : depths)
        for (const Subsampling& s : kinds) {
          const PixelFormat format{ColorFamily::yuv, static_cast<uint8_t>(bits), static_cast<uint8_t>(s.shift_x),
                                   static_cast<uint8_t>(s.shift_y), false};
          const ColorInfo color = color_of(m.matrix, range, s.location);
          const bool full_chroma = !s.shift_x && !s.shift_y;
          const Frame codes = random_frame(format, random);
          const double to_rgb =
              full_chroma ? to_rgb_error(codes, color) : to_rgb_error(smooth_frame(format, color), color, 4);
          std::string from_rgb = "-";
          if (full_chroma) {
            const CodeError error = from_rgb_error(format, color, random);
            from_rgb = fmt::format("{} ({:.4f}%)", error.worst, 100 * error.share);
          }
          const int round_trip = round_trip_error(codes, color);
          EXPECT_EQ(round_trip, 0);
          table +=
              fmt::format("| {} | {} | {} | {} | {:.5f} | {} | {} |\n", m.name,
                          range == ColorRange::full ? "full" : "limited", bits, s.name, to_rgb, from_rgb, round_trip);
        }
  if (const char* print = std::getenv("FRAMELIFT_PRINT_TABLES"); print && std::string(print) == "1") std::cout << table;
}

}  // namespace
}  // namespace framelift
