// HDR10 metadata that is only known after the last frame, read back by the ffmpeg programs.
#include <filesystem>
#include <utility>

#include "decode/media_test_support.h"
#include "encode/sink.h"

namespace framelift {
namespace {

using namespace test;

constexpr ColorInfo pq_color{MatrixCoefficients::bt2020_ncl, TransferCharacteristic::pq, ColorPrimaries::bt2020,
                             ColorRange::limited, ChromaLocation::top_left};

HdrMetadata metadata_of(int max_cll, int max_fall, double peak) {
  HdrMetadata metadata;
  metadata.mastering_display.emplace();
  metadata.mastering_display->primaries = {{{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}}};
  metadata.mastering_display->white_point = {0.3127, 0.3290};
  metadata.mastering_display->max_nits = peak;
  metadata.mastering_display->min_nits = 0.0001;
  metadata.content_light = {max_cll, max_fall};
  return metadata;
}

class HdrSink : public MediaTest {
 protected:
  void SetUp() override {
    MediaTest::SetUp();
    std::ofstream(path("meta.txt")) << ";FFMETADATA1\ntitle=The Film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=800\n"
                                       "title=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=800\nEND=3000\ntitle=Two\n";
    std::ofstream(path("subs.srt")) << "1\n00:00:00,500 --> 00:00:01,500\nHello\n";
    // Uneven times, sound that begins before the picture (AAC priming), text, chapters.
    ffmpeg(
        "-f lavfi -i testsrc2=s=128x96:r=30000/1001:d=3 -f lavfi -i sine=d=3:r=44100 -i subs.srt -i meta.txt "
        "-map 0 -map 1 -map 2 -map_metadata 3 -vf \"select='not(mod(n,3))+lt(n,20)'\" -vsync passthrough "
        "-pix_fmt yuv420p10le -c:v libx264 -c:a aac -c:s mov_text -metadata:s:a language=fra "
        "-video_track_timescale 30000 in.mp4");
    input_ = path("in.mp4");
  }

  // Passes input_ on as PQ; `hdr`: set after the last frame, or known from the start. Returns the error text.
  std::string transcode(SinkOptions out, std::optional<HdrMetadata> hdr, bool follows = true) {
    SourceOptions in;
    in.path = input_;
    auto source = open_source(in);
    if (!source) return source.error().message;
    const VideoInfo& info = (*source)->info();
    out.overwrite = true;
    out.width = info.width;
    out.height = info.height;
    out.source_format = info.format;
    out.color = pq_color;
    out.hdr_follows = follows;
    if (!follows && hdr) out.hdr = *hdr;
    out.time_base = info.time_base;
    out.frame_rate = info.frame_rate;
    out.copy_streams_from.path = out.input_path = in.path;
    auto sink = open_sink(out);
    if (!sink) return sink.error().message;
    for (;;) {
      auto frame = (*source)->next();
      if (!frame) return frame.error().message;
      if (frame->empty()) break;
      if (auto written = (*sink)->write(std::move(*frame)); !written) return written.error().message;
    }
    if (hdr && follows) (*sink)->set_hdr_metadata(*hdr);
    auto finished = (*sink)->finish();
    return finished ? "" : finished.error().message;
  }
  std::string transcode(const std::string& name, const std::string& encoder, std::optional<HdrMetadata> hdr,
                        bool follows = true) {
    SinkOptions out;
    out.path = path(name);
    out.encoder = encoder;
    if (encoder.starts_with("libx26")) {
      out.preset = "fast";
      out.encoder_options = {{"g", "10"}};
    }
    if (encoder == "libsvtav1") out.encoder_options = {{"preset", "12"}, {"g", "10"}};
    return transcode(out, hdr, follows);
  }
  std::string input_;
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
};

void expect_values(const std::string& text, const HdrMetadata& hdr) {
  const auto value = [&](const std::string& key) {
    const size_t at = text.find("\n" + key + "=");
    if (at == std::string::npos) return -1.0;
    const std::string number = text.substr(at + key.size() + 2);
    const double top = std::stod(number);
    const size_t slash = number.find('/');
    return slash < number.find('\n') ? top / std::stod(number.substr(slash + 1)) : top;
  };
  const MasteringDisplay& display = *hdr.mastering_display;
  const char* names[3] = {"red", "green", "blue"};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(value(std::string(names[i]) + "_x"), display.primaries[i][0], 2e-5);
    EXPECT_NEAR(value(std::string(names[i]) + "_y"), display.primaries[i][1], 2e-5);
  }
  EXPECT_NEAR(value("white_point_x"), display.white_point[0], 2e-5);
  EXPECT_NEAR(value("white_point_y"), display.white_point[1], 2e-5);
  EXPECT_NEAR(value("max_luminance"), display.max_nits, 0.01);
  EXPECT_NEAR(value("min_luminance"), display.min_nits, 0.00005);
  EXPECT_EQ(value("max_content"), hdr.content_light->max_content_nits);
  EXPECT_EQ(value("max_average"), hdr.content_light->max_frame_average_nits);
}

std::string side_data_text(const std::string& file, const std::string& arguments) {
  return "\n" +
         test::run(fmt::format("ffprobe -v quiet -of default=nw=1 -select_streams v:0 {} 'file:{}'", arguments, file));
}

// From the container, and from the frames of the bare stream, where no container helps.
void expect_hdr(const std::string& file, const HdrMetadata& hdr, const char* bare, bool in_container = true) {
  if (in_container) {
    SCOPED_TRACE("container");
    expect_values(side_data_text(file, "-show_streams"), hdr);
  }
  if (!bare) return;
  const std::string stream = file + "." + bare;
  ASSERT_EQ(
      std::system(fmt::format("ffmpeg -nostdin -v error -y -i '{}' -map 0:v:0 -c copy '{}'", file, stream).c_str()), 0);
  SCOPED_TRACE("bitstream");
  expect_values(side_data_text(stream, "-show_frames -read_intervals '%+#1'"), hdr);
  fs::remove(stream);
}

const std::string everything_else =
    "-show_chapters -show_entries stream=index,codec_name,time_base,start_pts,duration_ts,nb_frames,disposition:"
    "stream_tags=language,title,handler_name:format_tags=title";

TEST_F(HdrSink, HevcCarriesWhatWasSetAtTheEnd) {
  // MaxCLL 768 and MaxFALL 3 take emulation prevention.
  for (const HdrMetadata& hdr : {metadata_of(1234, 217, 2000), metadata_of(768, 3, 1000), metadata_of(10000, 1, 10000)})
    for (const char* out : {"out.mkv", "out.mp4", "out.mov"}) {
      SCOPED_TRACE(fmt::format("{} {}", out, hdr.content_light->max_content_nits));
      ASSERT_EQ(transcode(out, "libx265", hdr), "");
      expect_hdr(path(out), hdr, "hevc");
    }
}

TEST_F(HdrSink, KnownFromTheStartIsWrittenTheSameWay) {
  const HdrMetadata hdr = metadata_of(1234, 217, 2000);
  for (const auto& [encoder, bare] : {std::pair{"libx265", "hevc"}, {"libsvtav1", "obu"}})
    for (const char* out : {"out.mkv", "out.mp4"}) {
      SCOPED_TRACE(fmt::format("{} {}", encoder, out));
      const size_t before = files();
      ASSERT_EQ(transcode(out, encoder, hdr, false), "");
      EXPECT_LE(files(), before + 1);
      expect_hdr(path(out), hdr, bare);
    }
}

TEST_F(HdrSink, EverythingElseIsAsWithoutIt) {
  const HdrMetadata hdr = metadata_of(1234, 217, 2000);
  for (const char* container : {"mkv", "mp4"}) {
    SCOPED_TRACE(container);
    const std::string plain = std::string("plain.") + container, hdr10 = std::string("hdr10.") + container;
    ASSERT_EQ(transcode(plain, "libx265", std::nullopt, false), "");
    const size_t before = files();
    ASSERT_EQ(transcode(hdr10, "libx265", hdr), "");
    EXPECT_EQ(files(), before + 1);
    for (const char* stream : {"a", "s"})
      EXPECT_EQ(packet_hashes(path(hdr10), stream), packet_hashes(path(plain), stream)) << stream;
    EXPECT_EQ(packet_hashes(path(hdr10), "a"), packet_hashes(path("in.mp4"), "a"));
    const std::string times = "-show_entries packet=stream_index,pts,dts,duration,flags";
    EXPECT_EQ(ffprobe(path(hdr10), times), ffprobe(path(plain), times));
    EXPECT_EQ(ffprobe(path(hdr10), everything_else), ffprobe(path(plain), everything_else));
    const Decoded a = decode_all(path(hdr10)), b = decode_all(path(plain));
    EXPECT_EQ(a.times, b.times);
    EXPECT_EQ(a.times.size(), decode_all(path("in.mp4"), false).times.size());
    EXPECT_TRUE(a.pictures == b.pictures);
    EXPECT_EQ(a.info.color, pq_color);
    ASSERT_TRUE(a.info.hdr.mastering_display && a.info.hdr.content_light);
    EXPECT_EQ(a.info.hdr.content_light->max_content_nits, 1234);
    EXPECT_FALSE(b.info.hdr.mastering_display || b.info.hdr.content_light);
  }
}

TEST_F(HdrSink, EveryKeyFrameCarriesIt) {
  ASSERT_EQ(transcode("out.mkv", "libx265", metadata_of(1234, 217, 2000)), "");
  const auto keys = ffprobe(path("out.mkv"), "-select_streams v -show_entries packet=flags");
  const auto key_count = std::ranges::count_if(keys, [](const std::string& f) { return f.starts_with("K"); });
  EXPECT_GE(key_count, 2);
  // Bare streams hold the message once a key frame, and nowhere else.
  ffmpeg("-i out.mkv -map 0:v -c copy out.hevc");
  const std::string bytes = read_file(path("out.hevc"));
  const std::string light{static_cast<char>(144), 4, 0x04, static_cast<char>(0xd2), 0, static_cast<char>(217)};
  int64_t found = 0;
  for (size_t at = 0; (at = bytes.find(light, at)) != std::string::npos; ++at) ++found;
  EXPECT_EQ(found, key_count);
}

TEST_F(HdrSink, TheEncodersOwnMessagesAreReplaced) {
  SinkOptions out;
  out.path = path("out.mkv");
  out.encoder = "libx265";
  out.encoder_options = {{"x265-params",
                          "repeat-headers=1:hdr10=1:max-cll=77,7:master-display=G(13250,34500)B(7500,"
                          "3000)R(34000,16000)WP(15635,16450)L(10000000,50)"}};
  const HdrMetadata hdr = metadata_of(1234, 217, 2000);
  ASSERT_EQ(transcode(out, hdr), "");
  expect_hdr(path("out.mkv"), hdr, "hevc");
  EXPECT_EQ(read_file(path("out.mkv")).find(std::string{static_cast<char>(144), 4, 0, 77, 0, 7}), std::string::npos);
}

TEST_F(HdrSink, Av1InStreamAndContainer) {
  const HdrMetadata hdr = metadata_of(1234, 217, 2000);
  for (const char* out : {"out.mkv", "out.mp4"}) {
    SCOPED_TRACE(out);
    ASSERT_EQ(transcode(out, "libsvtav1", hdr), "");
    expect_hdr(path(out), hdr, "obu");
    EXPECT_EQ(decode_all(path(out), false).times.size(), decode_all(path("in.mp4"), false).times.size());
  }
}

TEST_F(HdrSink, H264InStreamAndContainer) {
  const HdrMetadata hdr = metadata_of(1234, 217, 2000);
  ASSERT_EQ(transcode("out.mkv", "libx264", hdr), "");
  expect_hdr(path("out.mkv"), hdr, nullptr);
  EXPECT_NE(read_file(path("out.mkv"))
                .find(std::string{static_cast<char>(144), 4, 0x04, static_cast<char>(0xd2), 0, static_cast<char>(217),
                                  static_cast<char>(0x80)}),
            std::string::npos);
  EXPECT_EQ(decode_all(path("out.mkv"), false).error, "");
}

TEST_F(HdrSink, OtherCodecsInTheContainer) {
  const HdrMetadata hdr = metadata_of(1234, 217, 2000);
  for (const auto& [out, encoder] : {std::pair{"out.mkv", "ffv1"}, {"out.webm", "libvpx-vp9"}}) {
    SCOPED_TRACE(out);
    ASSERT_EQ(transcode(out, encoder, hdr), "");
    expect_hdr(path(out), hdr, nullptr);
  }
  ffmpeg("-i in.mp4 -map 0:v -pix_fmt yuv422p10le -c:v ffv1 in422.mkv");
  input_ = path("in422.mkv");
  ASSERT_EQ(transcode("out.mov", "prores_ks", hdr), "");
  expect_hdr(path("out.mov"), hdr, nullptr);
}

TEST_F(HdrSink, NothingSetWritesNothing) {
  ASSERT_EQ(transcode("out.mkv", "libx265", std::nullopt), "");
  const Decoded out = decode_all(path("out.mkv"), false);
  EXPECT_FALSE(out.info.hdr.mastering_display || out.info.hdr.content_light);
  EXPECT_EQ(out.times.size(), decode_all(path("in.mp4"), false).times.size());
}

TEST_F(HdrSink, FullDiskLeavesNothing) {
  fs::create_directories(path("small"));
  // Much more than FFmpeg buffers before it writes.
  ffmpeg("-f lavfi -i testsrc2=s=320x240:d=2,noise=alls=40:allf=t -pix_fmt yuv420p10le -c:v ffv1 noisy.mkv");
  input_ = path("noisy.mkv");
  SinkOptions out;
  out.path = path("roomy.mp4");
  out.encoder = "libx265";
  out.preset = "ultrafast";
  out.crf = 1;
  ASSERT_EQ(transcode(out, metadata_of(1234, 217, 2000)), "");
  const auto whole = fs::file_size(out.path);
  out.path = path("small/out.mp4");
  for (const auto size : {whole / 8, whole + whole / 8}) {  // full while encoding; full when the file is put together
    const std::string mount = fmt::format("mount -t tmpfs -o size={} tmpfs '{}' 2>/dev/null", size, path("small"));
    if (geteuid() != 0 || std::system(mount.c_str()) != 0) GTEST_SKIP() << "a small file system cannot be mounted here";
    EXPECT_NE(transcode(out, metadata_of(1234, 217, 2000)).find("no space left"), std::string::npos) << size;
    EXPECT_TRUE(fs::is_empty(path("small"))) << size;
    EXPECT_EQ(std::system(("umount '" + path("small") + "'").c_str()), 0);
  }
}

}  // namespace
}  // namespace framelift
