// OpenEXR pictures that we write, read back by the OpenEXR library, by our own source and by ffprobe.
#include "encode/exr_sink.h"

#include <ImfChannelList.h>
#include <ImfChromaticitiesAttribute.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfInputFile.h>
#include <ImfStandardAttributes.h>
#include <ImfStringAttribute.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "decode/media_test_support.h"
#include "frame/tensor.h"

namespace framelift {
namespace {

using test::MediaTest;

constexpr PixelFormat rgb{ColorFamily::rgb, 32, 0, 0, false}, rgba{ColorFamily::rgb, 32, 0, 0, true},
    gray{ColorFamily::gray, 32, 0, 0, false};

SinkOptions options_for(const std::string& path, int width, int height, PixelFormat format) {
  SinkOptions options;
  options.path = path;
  options.width = width;
  options.height = height;
  options.source_format = format;
  options.color = {MatrixCoefficients::rgb, TransferCharacteristic::linear, ColorPrimaries::bt709, ColorRange::full,
                   ChromaLocation::left};
  return options;
}

// Light with a long tail, and some below 0.
Frame random_frame(const SinkOptions& options, PixelFormat format, unsigned seed = 1) {
  Frame frame = FramePool(options.width, options.height, format, 1).acquire().value();
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> exponent(-6, 8);
  for (int p = 0; p < format.plane_count(); ++p)
    for (int y = 0; y < frame.height; ++y)
      for (int x = 0; x < frame.width; ++x)
        frame.planes[static_cast<size_t>(p)].row<float>(y)[x] =
            std::exp2(exponent(random)) * (random() % 16 == 0 ? -1.0f : 1.0f);
  return frame;
}

Status write_all(const SinkOptions& options, Frame frame) {
  FL_TRY(const auto sink, open_sink(options));
  EXPECT_EQ(sink->format(), frame.format);
  FL_CHECK(sink->write(std::move(frame)));
  return sink->finish();
}

// A channel as the OpenEXR library reads it.
std::vector<float> channel_of(const std::string& path, const char* name) {
  Imf::InputFile file(path.c_str());
  const Imath::Box2i window = file.header().dataWindow();
  const int width = window.max.x - window.min.x + 1, height = window.max.y - window.min.y + 1;
  std::vector<float> values(static_cast<size_t>(width) * static_cast<size_t>(height), NAN);
  Imf::FrameBuffer buffer;
  buffer.insert(name, Imf::Slice::Make(Imf::FLOAT, values.data(), window, sizeof(float),
                                       static_cast<size_t>(width) * sizeof(float), 1, 1, -1e30));
  file.setFrameBuffer(buffer);
  file.readPixels(window.min.y, window.max.y);
  return values;
}

std::vector<float> plane_of(const Frame& frame, int p) {
  std::vector<float> values;
  for (int y = 0; y < frame.height; ++y) {
    const float* row = frame.planes[static_cast<size_t>(p)].row<float>(y);
    values.insert(values.end(), row, row + frame.width);
  }
  return values;
}

class ExrSinkTest : public MediaTest {};

TEST_F(ExrSinkTest, RoundTripIsExactForEveryCompressionTypeAndSize) {
  int files = 0;
  for (const char* compression : {"zip", "zips", "piz", "rle", "none"})
    for (const char* type : {"half", "float"})
      for (const auto& [width, height] : {std::pair{1, 1}, {1, 19}, {35, 1}, {131, 67}, {16, 300}})
        for (const PixelFormat& format : {rgb, rgba, gray}) {
          SinkOptions options = options_for(path(fmt::format("{}.exr", files++)), width, height, format);
          options.encoder_options = {{"compression", compression}, {"type", type}};
          const Frame frame = random_frame(options, format);
          ASSERT_TRUE(write_all(options, random_frame(options, format)));
          for (int p = 0; p < format.plane_count(); ++p) {
            std::vector<float> expected = plane_of(frame, p);
            if (std::string_view(type) == "half")
              for (float& v : expected) v = half_to_float(float_to_half(v));
            const char* name = format == gray ? "Y" : std::array{"R", "G", "B", "A"}[static_cast<size_t>(p)];
            ASSERT_EQ(channel_of(options.path, name), expected) << options.path << " " << compression << " " << type;
          }
        }
}

// A smooth picture: DWA is lossy by design. Its default quality keeps differences below what is visible, of which 2% of
// the value is a generous bound for a gradient without noise.
TEST_F(ExrSinkTest, LossyCompressionStaysClose) {
  for (const char* compression : {"dwaa", "dwab"}) {
    SinkOptions options = options_for(path(std::string(compression) + ".exr"), 200, 300, rgb);
    options.encoder_options = {{"compression", compression}};
    Frame frame = random_frame(options, rgb);
    for (int p = 0; p < 3; ++p)
      for (int y = 0; y < 300; ++y)
        for (int x = 0; x < 200; ++x)
          frame.planes[static_cast<size_t>(p)].row<float>(y)[x] = 0.2f + 4 * static_cast<float>(x + y + 50 * p) / 600;
    const std::vector<float> expected = plane_of(frame, 1);
    ASSERT_TRUE(write_all(options, std::move(frame)));
    const std::vector<float> found = channel_of(options.path, "G");
    double worst = 0;
    for (size_t i = 0; i < found.size(); ++i)
      worst = std::max(worst, static_cast<double>(std::abs(found[i] - expected[i]) / expected[i]));
    EXPECT_LT(worst, 0.02) << compression;
    EXPECT_LT(std::filesystem::file_size(options.path), 200u * 300 * 3 * 2 / 10);
  }
}

TEST_F(ExrSinkTest, HalvesAreClampedAndFloatsKeepEverything) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> values{65504, 65520, 1e9f, -1e9f, inf, -inf, NAN, 1e-9f};
  for (const char* type : {"half", "float"}) {
    SinkOptions options = options_for(path(std::string(type) + ".exr"), 8, 1, gray);
    options.encoder_options = {{"type", type}};
    Frame frame = random_frame(options, gray);
    std::ranges::copy(values, frame.planes[0].row<float>(0));
    testing::internal::CaptureStdout();
    ASSERT_TRUE(write_all(options, std::move(frame)));
    const std::string log = testing::internal::GetCapturedStdout();
    const std::vector<float> found = channel_of(options.path, "Y");
    if (std::string_view(type) == "half") {
      EXPECT_EQ(found, (std::vector<float>{65504, 65504, 65504, -65504, 65504, -65504, 0, 0}));
      EXPECT_NE(log.find("5 samples"), std::string::npos) << log;
      EXPECT_NE(log.find("1 that were not numbers"), std::string::npos) << log;
    } else {
      for (size_t i = 0; i < values.size(); ++i)
        EXPECT_EQ(std::bit_cast<uint32_t>(found[i]), std::bit_cast<uint32_t>(values[i])) << i;
      EXPECT_EQ(log, "");
    }
  }
}

TEST_F(ExrSinkTest, ColoursOfStraightAlphaAreMultipliedAndOthersLeftAlone) {
  PixelFormat straight = rgba;
  straight.bits = 8;
  for (const auto& [source, channel, multiplied] :
       {std::tuple{straight, "A", true}, {rgba, "A", false}, {straight, "confidence", false}}) {
    SinkOptions options = options_for(path("a.exr"), 7, 5, source);
    options.overwrite = true;
    options.alpha_channel = channel;
    options.encoder_options = {{"type", "float"}};
    const Frame frame = random_frame(options, rgba);
    ASSERT_TRUE(write_all(options, random_frame(options, rgba)));
    const std::vector<float> color = plane_of(frame, 0), alpha = plane_of(frame, 3);
    const std::vector<float> found = channel_of(options.path, "R");
    for (size_t i = 0; i < color.size(); ++i) EXPECT_EQ(found[i], multiplied ? color[i] * alpha[i] : color[i]);
    EXPECT_EQ(channel_of(options.path, channel), alpha);
  }
}

TEST_F(ExrSinkTest, HeaderSaysWhatThePictureIs) {
  SinkOptions options = options_for(path("a.exr"), 4, 2, rgb);
  options.color.primaries = ColorPrimaries::bt2020;
  options.attributes.white_nits = 203;
  options.attributes.texts = {{"owner", "nobody"}, {"compression", "not a text"}, {"", "nameless"}};
  options.sample_aspect_ratio = {2, 1};
  ASSERT_TRUE(write_all(options, random_frame(options, rgb)));
  const Imf::InputFile file(options.path.c_str());
  const Imf::Header& header = file.header();
  EXPECT_EQ(header.channels().findChannel("R")->type, Imf::HALF);
  EXPECT_EQ(header.compression(), Imf::ZIP_COMPRESSION);
  EXPECT_EQ(Imf::whiteLuminance(header), 203);
  EXPECT_EQ(Imf::owner(header), "nobody");
  EXPECT_EQ(header.pixelAspectRatio(), 2);
  const Imf::Chromaticities& c = Imf::chromaticities(header);
  EXPECT_EQ(c.red, Imath::V2f(0.708f, 0.292f));
  EXPECT_EQ(c.white, Imath::V2f(0.3127f, 0.3290f));

  // What the file gave as numbers goes before the name.
  options.path = path("b.exr");
  options.attributes.chromaticities = Primaries{{0.7347, 0.2653}, {0, 1}, {0.0001, -0.077}, {0.32168, 0.33767}};
  ASSERT_TRUE(write_all(options, random_frame(options, rgb)));
  const Imf::InputFile aces(options.path.c_str());
  EXPECT_EQ(Imf::chromaticities(aces.header()).blue, Imath::V2f(0.0001f, -0.077f));

  SourceOptions source;
  source.path = options.path;
  const auto read = open_source(source).value();
  EXPECT_EQ(read->info().attributes.texts, (std::vector<std::pair<std::string, std::string>>{{"owner", "nobody"}}));
  EXPECT_EQ(read->info().attributes.white_nits, 203);
}

TEST_F(ExrSinkTest, FfprobeReadsIt) {
  for (const char* type : {"half", "float"}) {
    SinkOptions options = options_for(path(std::string(type) + ".exr"), 37, 21, rgba);
    options.encoder_options = {{"type", type}};
    ASSERT_TRUE(write_all(options, random_frame(options, rgba)));
    EXPECT_EQ(test::ffprobe(options.path, "-count_frames -show_entries stream=codec_name,width,height,nb_read_frames"),
              (std::vector<std::string>{"exr,37,21,1"}));
  }
}

TEST_F(ExrSinkTest, SequencesAreNumberedFromOneAndCompleteOneByOne) {
  SinkOptions options = options_for(path("s_%03d.exr"), 5, 4, gray);
  options.encoder_options = {{"type", "float"}};
  const auto sink = open_sink(options).value();
  for (unsigned i = 1; i <= 3; ++i) {
    ASSERT_TRUE(sink->write(random_frame(options, gray, i)));
    EXPECT_EQ(channel_of(path(fmt::format("s_{:03}.exr", i)), "Y"), plane_of(random_frame(options, gray, i), 0));
  }
  ASSERT_TRUE(sink->finish());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 3);

  EXPECT_EQ(open_sink(options).error().code, ErrorCode::already_exists);
  std::filesystem::remove(path("s_001.exr"));  // the first is free, the second is not
  const auto again = open_sink(options).value();
  ASSERT_TRUE(again->write(random_frame(options, gray)));
  const Status status = again->write(random_frame(options, gray));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::already_exists);
  EXPECT_NE(status.error().message.find("s_002.exr"), std::string::npos);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 3);
}

TEST_F(ExrSinkTest, OnePictureHoldsOneFrameAndIsThereWhenFinished) {
  const SinkOptions options = options_for(path("a.exr"), 5, 4, gray);
  {
    const auto sink = open_sink(options).value();
    ASSERT_TRUE(sink->write(random_frame(options, gray)));
    EXPECT_FALSE(std::filesystem::exists(options.path));
    const Status second = sink->write(random_frame(options, gray));
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("%04d.exr"), std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));  // without finish() nothing stays
  ASSERT_TRUE(write_all(options, random_frame(options, gray)));
  EXPECT_EQ(write_all(options, random_frame(options, gray)).error().code, ErrorCode::already_exists);
}

TEST_F(ExrSinkTest, WhatCannotBeWrittenIsRefusedBeforeTheFirstFrame) {
  const auto error_of = [&](const auto& change) {
    SinkOptions options = options_for(path("a.exr"), 5, 4, rgb);
    change(options);
    const auto sink = open_sink(options);
    EXPECT_FALSE(sink);
    return sink ? Error{} : sink.error();
  };
  EXPECT_EQ(error_of([](auto& o) { o.color.transfer = TransferCharacteristic::pq; }).code, ErrorCode::unsupported);
  EXPECT_EQ(error_of([](auto& o) { o.encoder = "libx264"; }).code, ErrorCode::invalid_argument);
  EXPECT_EQ(error_of([](auto& o) { o.crf = 20; }).code, ErrorCode::invalid_argument);
  EXPECT_NE(error_of([](auto& o) {
              o.encoder_options = {{"compression", "lzw"}};
            }).message.find("zips"),
            std::string::npos);
  EXPECT_NE(error_of([](auto& o) { o.encoder_options = {{"type", "uint"}}; }).message.find("half"), std::string::npos);
  EXPECT_NE(error_of([](auto& o) {
              o.encoder_options = {{"quality", "9"}};
            }).message.find("quality"),
            std::string::npos);
  EXPECT_EQ(error_of([&](auto& o) { o.path = path("none/a.exr"); }).code, ErrorCode::io);
}

}  // namespace
}  // namespace framelift
