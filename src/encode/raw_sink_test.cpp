// What the sinks without FFmpeg write, read by the source without FFmpeg and by open_source, which is FFmpeg where it
// is.
#include "encode/raw_sink.h"

#include <gtest/gtest.h>

#include <fstream>

#include "decode/media_test_support.h"
#include "decode/y4m_source.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;
using test::samples;

class RawSink : public test::MediaTest {
 protected:
  // The pattern's frames through a sink; the options say the rest.
  Status write(const char* pattern, SinkOptions options, Result<std::unique_ptr<Sink>> (*open)(const SinkOptions&)) {
    SourceOptions source_options;
    source_options.path = pattern;
    FL_TRY(const auto source, open_source(source_options));
    const VideoInfo& info = source->info();
    options.width = info.width;
    options.height = info.height;
    options.source_format = info.format;
    options.time_base = info.time_base;
    options.frame_rate = info.frame_rate;
    FL_TRY(const auto sink, open(options));
    EXPECT_EQ(sink->format(), info.format);
    for (;;) {
      FL_TRY(Frame frame, source->next());
      if (frame.empty()) return sink->finish();
      written_.push_back(samples(frame));
      FL_CHECK(sink->write(std::move(frame)));
    }
  }
  void save(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  std::string y4m_error(const std::string& bytes) const {
    save("bad.y4m", bytes);
    SourceOptions options;
    options.path = path("bad.y4m");
    const auto source = open_y4m_source(options);
    if (!source) return source.error().message;
    for (;;) {
      const auto frame = (*source)->next();
      if (!frame) return frame.error().message;
      if (frame->empty()) return "";
    }
  }

  std::vector<std::string> written_;
};

constexpr ColorInfo video_color{MatrixCoefficients::bt709, TransferCharacteristic::bt709, ColorPrimaries::bt709,
                                ColorRange::limited, ChromaLocation::left};

TEST_F(RawSink, FramesComeBackAsTheyWere) {
  for (const char* format : {"yuv420p", "yuv422p", "yuv444p", "gray", "yuv420p10", "yuv422p12", "yuv444p16"}) {
    written_.clear();
    SinkOptions options;
    options.path = path(fmt::format("{}.y4m", format));
    options.color = video_color;
    options.frame_rate = {30000, 1001};
    const Status status = write(fmt::format("test:37x23:4:{}", format).c_str(), options, open_y4m_sink);
    ASSERT_TRUE(status) << status.error().message;
    const test::Decoded any = test::decode_all(options.path);
    EXPECT_EQ(any.error, "");
    EXPECT_TRUE(any.pictures == written_) << format;
    SourceOptions source_options;
    source_options.path = options.path;
    const auto source = open_y4m_source(source_options);
    ASSERT_TRUE(source) << source.error().message;
    const VideoInfo& info = (*source)->info();
    EXPECT_EQ(to_string(info.format), format);
    EXPECT_EQ(info.frame_rate, any.info.frame_rate);
    EXPECT_EQ(info.time_base, any.info.time_base);
    EXPECT_EQ(info.color, any.info.color) << format;
    for (const std::string& picture : written_) {
      const auto frame = (*source)->next();
      ASSERT_TRUE(frame) << frame.error().message;
      EXPECT_TRUE(samples(*frame) == picture) << format;
    }
    EXPECT_TRUE((*source)->next()->empty());
  }
}

TEST_F(RawSink, SitingAndRangeAreKept) {
  for (const ChromaLocation location : {ChromaLocation::left, ChromaLocation::center, ChromaLocation::top_left})
    for (const ColorRange range : {ColorRange::limited, ColorRange::full}) {
      SinkOptions options;
      options.path = path("color.y4m");
      options.overwrite = true;
      options.color = video_color;
      options.color.chroma_location = location;
      options.color.range = range;
      ASSERT_TRUE(write("test:16x8:1", options, open_y4m_sink));
      SourceOptions source_options;
      source_options.path = options.path;
      const ColorInfo color = open_y4m_source(source_options).value()->info().color;
      EXPECT_EQ(color.chroma_location, location);
      EXPECT_EQ(color.range, range);
      EXPECT_EQ(test::decode_all(options.path).info.color, color);
    }
}

TEST_F(RawSink, APartOfAFile) {
  SinkOptions options;
  options.path = path("long.y4m");
  options.color = video_color;
  ASSERT_TRUE(write("test:16x8:8", options, open_y4m_sink));
  SourceOptions part;
  part.path = options.path;
  part.start_seconds = 2.0 / 25;
  part.max_frames = 3;
  const auto source = open_y4m_source(part).value();
  for (size_t i = 2; i < 5; ++i) {
    const auto frame = source->next();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->pts, static_cast<int64_t>(i));
    EXPECT_TRUE(samples(*frame) == written_[i]);
  }
  EXPECT_TRUE(source->next()->empty());
}

TEST_F(RawSink, BadFilesAreErrors) {
  const std::string header = "YUV4MPEG2 W4 H2 F25:1 C420\n", frame = "FRAME\n" + std::string(12, 'x');
  EXPECT_EQ(y4m_error(header + frame + frame), "");
  EXPECT_NE(y4m_error("RIFF").find("ends in the middle of a header"), std::string::npos);
  EXPECT_NE(y4m_error("RIFF\n").find("is not YUV4MPEG2"), std::string::npos);
  EXPECT_NE(y4m_error("YUV4MPEG2" + std::string(10000, ' ')).find("header goes on"), std::string::npos);
  EXPECT_NE(y4m_error("YUV4MPEG2 W4 H-2\n").find("impossible"), std::string::npos);
  EXPECT_NE(y4m_error("YUV4MPEG2 W4 H999999999999\n").find("makes no sense"), std::string::npos);
  EXPECT_NE(y4m_error("YUV4MPEG2 W4 H2 F25:0\n").find("makes no sense"), std::string::npos);
  EXPECT_NE(y4m_error("YUV4MPEG2 W4 H2 C411\n").find("cannot be read"), std::string::npos);
  EXPECT_NE(y4m_error("YUV4MPEG2 W4 H2 C420p64\n").find("cannot be read"), std::string::npos);
  EXPECT_NE(y4m_error("YUV4MPEG2 W4 H2 It\n").find("interlaced"), std::string::npos);
  EXPECT_NE(y4m_error(header + frame + "FRAME\nxxx").find("middle of frame 2"), std::string::npos);
  EXPECT_NE(y4m_error(header + frame + "x").find("cut off"), std::string::npos);
  EXPECT_NE(y4m_error(header + frame + "JUNK\n").find("is not a frame"), std::string::npos);
}

// RFC 1321's own example: the MD5 of "abc" is 900150983cd24fb0d6963f7d28e17f72.
TEST_F(RawSink, ChecksumsAreMd5) {
  SinkOptions options;
  options.path = path("abc.md5");
  options.width = 3;
  options.height = 1;
  options.source_format = {ColorFamily::gray, 8, 0, 0, false};
  options.color = video_color;
  const auto sink = open_md5_sink(options).value();
  Frame frame = FramePool(3, 1, options.source_format, 1).acquire().value();
  std::memcpy(frame.planes[0].data, "abc", 3);
  frame.pts = 7;
  ASSERT_TRUE(sink->write(std::move(frame)));
  ASSERT_TRUE(sink->finish());
  EXPECT_EQ(test::lines(test::read_file(options.path)).back(),
            "0,          7,          7,        1,        3, 900150983cd24fb0d6963f7d28e17f72");
}

TEST_F(RawSink, OptionsForEncodersAndFramesItCannotHoldAreRefused) {
  SinkOptions options;
  options.path = path("no.y4m");
  options.crf = 20;
  EXPECT_NE(open_y4m_sink(options).error().message.find("no encoder"), std::string::npos);
  options.crf.reset();
  options.source_format = {ColorFamily::rgb, 32, 0, 0, false};
  EXPECT_NE(open_y4m_sink(options).error().message.find("holds no gbrpf32"), std::string::npos);
  EXPECT_FALSE(fs::exists(options.path));
}

}  // namespace
}  // namespace framelift
