#include "synthesis/hinerv_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "network/hinerv/hinerv.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {
namespace {

constexpr PixelFormat rgb8{ColorFamily::rgb, 8, 0, 0, false};
constexpr ColorInfo rgb_color{MatrixCoefficients::rgb, TransferCharacteristic::bt709, ColorPrimaries::bt709,
                              ColorRange::full, ChromaLocation::left};

// The network of tests/golden/hinerv.weights.zip: 7 frames of 36x24, of which the picture leaves out the last rows and
// columns.
HinervVideo small_video() {
  HinervVideo video = read_hinerv_video("tests/golden/hinerv.weights.zip", {24, 36, {}}, {30, 1}).value();
  video.width = 33;
  video.height = 23;
  return video;
}

// What the network paints of a frame, by the reference engine, as 8-bit codes.
std::vector<uint8_t> painted(const HinervVideo& video, int frame) {
  const Graph graph = build_hinerv(video.config, {}).value();
  const HinervPlace place[] = {{frame, 0, 0}};
  const std::vector<Tensor> inputs = hinerv_inputs(graph, video.config, {}, place);
  Backend& reference = **find_backend("reference");
  const auto executable = reference.compile(graph, video.parameters, {}).value();
  const auto request = executable->create_request().value();
  for (size_t i = 0; i < inputs.size(); ++i)
    std::ranges::copy(inputs[i].f32(), request->input(static_cast<int>(i)).f32().begin());
  EXPECT_TRUE(request->start());
  EXPECT_TRUE(request->wait());
  const std::span<const float> picture = request->output(0).f32();
  std::vector<uint8_t> codes;
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < video.height; ++y)
      for (int x = 0; x < video.width; ++x) {
        const auto i = static_cast<size_t>((c * video.config.height + y) * video.config.width + x);
        codes.push_back(static_cast<uint8_t>(std::lround(255 * picture[i])));
      }
  return codes;
}

std::vector<uint8_t> codes_of(const Frame& frame) {
  std::vector<uint8_t> codes;
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < frame.height; ++y) {
      const auto* row = frame.planes[static_cast<size_t>(p)].row<uint8_t>(y);
      codes.insert(codes.end(), row, row + frame.width);
    }
  return codes;
}

HinervSourceOptions as_rgb() {
  HinervSourceOptions options;
  options.format = rgb8;
  options.color = rgb_color;
  return options;
}

TEST(HinervSource, DeliversEveryFrameInOrder) {
  const HinervVideo video = small_video();
  const auto source = create_hinerv_source(video, **find_backend("reference"), {}, as_rgb());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->info().frame_count, 7);
  EXPECT_EQ((*source)->info().frame_rate, (Rational{30, 1}));
  EXPECT_DOUBLE_EQ((*source)->info().duration_seconds, 7.0 / 30);
  for (int i = 0; i < 7; ++i) {
    const auto frame = (*source)->next();
    ASSERT_TRUE(frame) << frame.error().message;
    ASSERT_EQ(frame->width, 33);
    ASSERT_EQ(frame->height, 23);
    EXPECT_EQ(frame->pts, i);
    EXPECT_EQ(frame->duration, 1);
    EXPECT_EQ(codes_of(*frame), painted(video, i)) << i;
  }
  EXPECT_TRUE((*source)->next()->empty());
  EXPECT_TRUE((*source)->next()->empty());
}

TEST(HinervSource, StartsInTheMiddleWithTheVideosOwnTimes) {
  HinervVideo video = small_video();
  video.time_base = {1, 1000};
  video.times = {0, 40, 70, 100, 150, 210, 220};
  HinervSourceOptions options = as_rgb();
  options.first_frame = 5;
  const auto source = create_hinerv_source(video, **find_backend("reference"), {}, options);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->info().frame_count, 2);
  const auto first = (*source)->next(), second = (*source)->next();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->pts, 210);
  EXPECT_EQ(first->duration, 10);
  EXPECT_EQ(codes_of(*first), painted(video, 5));
  EXPECT_EQ(second->pts, 220);
  EXPECT_EQ(second->duration, 10);  // as long as the one before
  EXPECT_TRUE((*source)->next()->empty());
}

// Of a network that paints planes: 4:2:0 frames are its numbers, and all others are made from those frames.
TEST(HinervSource, PaintsPlanes) {
  HinervVideo video = small_video();
  const std::vector<uint8_t> plain = painted(video, 0);
  video.config.output = HinervOutput::ycbcr_420;
  const std::vector<uint8_t> planes = painted(video, 0);
  EXPECT_TRUE(std::ranges::equal(std::span(plain).first(33 * 23), std::span(planes).first(33 * 23))) << "luma";
  video.color.range = ColorRange::full;
  HinervSourceOptions options;
  options.format = video.format;
  options.color = video.color;
  const auto source = create_hinerv_source(video, **find_backend("reference"), {}, options);
  ASSERT_TRUE(source) << source.error().message;
  const Frame frame = (*source)->next().value();
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < 23; ++y)
      for (int x = 0; x < 33; ++x) {
        const int shift = p > 0;
        ASSERT_EQ(frame.planes[static_cast<size_t>(p)].row<uint8_t>(y >> shift)[x >> shift],
                  planes[static_cast<size_t>((p * 23 + y) * 33 + x)])
            << p << " " << x << " " << y;
      }
  // R'G'B' is that of these planes, but for their rounding to 8 bits.
  Tensor expected(DType::f32, {1, 3, 23, 33});
  FrameToTensor::create(video.format, video.color).value().run(frame, {0, 0, 33, 23}, expected.view());
  HinervSourceOptions floats;
  floats.format = {ColorFamily::rgb, 32, 0, 0, false};
  floats.color = rgb_color;
  const auto rgb = create_hinerv_source(video, **find_backend("reference"), {}, floats).value();
  const Frame picture = rgb->next().value();
  for (int p = 0; p < 3; ++p)
    for (int y = 0; y < 23; ++y)
      for (int x = 0; x < 33; ++x)
        ASSERT_NEAR(picture.planes[static_cast<size_t>(p)].row<float>(y)[x],
                    expected.f32()[static_cast<size_t>((p * 23 + y) * 33 + x)], 3.0 / 255)
            << p << " " << x << " " << y;
}

TEST(HinervSource, RefusesFramesBeyondTheEnd) {
  HinervSourceOptions options = as_rgb();
  options.first_frame = 7;
  const auto source = create_hinerv_source(small_video(), **find_backend("reference"), {}, options);
  ASSERT_FALSE(source);
  EXPECT_NE(source.error().message.find("has 7 frames"), std::string::npos) << source.error().message;
}

TEST(HinervSource, MayGoAwayWithFramesUnderWay) {
  const HinervVideo video = small_video();
  for (Backend* backend : backends()) {
    if (!backend->supports(build_hinerv(video.config, {}).value(), {})) continue;
    const auto source = create_hinerv_source(video, *backend, {}, as_rgb());
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_TRUE((*source)->next());
  }
}

TEST(HinervVideo, SaysWhatAFileLacks) {
  const auto unsized = read_hinerv_video("tests/golden/hinerv.weights.zip", {}, {25, 1});
  ASSERT_FALSE(unsized);
  EXPECT_NE(unsized.error().message.find("--size WIDTHxHEIGHT"), std::string::npos) << unsized.error().message;
  const auto other = read_hinerv_video("tests/golden/srvgg_x2.weights.safetensors", {}, {25, 1});
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("holds no video"), std::string::npos) << other.error().message;
}

}  // namespace
}  // namespace framelift
