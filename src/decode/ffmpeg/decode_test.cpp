// Frames, timestamps and bad files; pixel formats are in pixel_layout_test.cpp.
#include <cmath>
#include <set>

#include "decode/media_test_support.h"

namespace framelift {
namespace {

using namespace test;

using Decode = MediaTest;

TEST_F(Decode, EveryClipGivesTheFramesAndTimesOfFfprobe) {
  SKIP_WITHOUT_CLIPS();
  for (const auto& entry : fs::directory_iterator(clips_folder)) {
    const std::string file = entry.path().string();
    SCOPED_TRACE(file);
    const Decoded decoded = decode_all(file, false);
    EXPECT_EQ(decoded.error, "");
    // FFmpeg's best stream of the clip with two videos is the second one.
    const bool two_videos = file.find("2video") != std::string::npos;
    EXPECT_EQ(decoded.times, frame_times(file, two_videos ? "v:1" : "v:0"));
  }
}

TEST_F(Decode, VariableFrameRateAndStartOffsetAreKept) {
  ffmpeg(
      "-f lavfi -i testsrc2=s=64x48:r=30:d=1 -vf \"select='not(mod(n,3))+lt(n,8)'\" -vsync passthrough "
      "-output_ts_offset 1.5 -c:v libx264 -preset ultrafast vfr.mkv");
  const Decoded decoded = decode_all(path("vfr.mkv"));
  EXPECT_EQ(decoded.times, frame_times(path("vfr.mkv")));
  EXPECT_GE(decoded.times.at(0), 1500);
  std::set<int64_t> steps;
  for (size_t i = 1; i < decoded.times.size(); ++i) steps.insert(decoded.times[i] - decoded.times[i - 1]);
  EXPECT_GT(steps.size(), 1u);
}

TEST_F(Decode, BFramesAreReorderedAndDrained) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 37 -c:v libx264 -bf 3 -threads 2 b.mp4");
  const Decoded decoded = decode_all(path("b.mp4"));
  EXPECT_EQ(decoded.times.size(), 37u);
  EXPECT_TRUE(std::is_sorted(decoded.times.begin(), decoded.times.end()));
}

TEST_F(Decode, StartAndDurationCutBetweenKeyFrames) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=4 -c:v libx264 -g 30 -bf 2 cut.mp4");
  const std::vector<int64_t> all = frame_times(path("cut.mp4"));
  const Decoded full = decode_all(path("cut.mp4"));
  SourceOptions options;
  options.path = path("cut.mp4");
  options.start_seconds = 1.4;
  options.duration_seconds = 0.8;
  const Decoded part = decode_all(options);
  const std::vector<int64_t> wanted(all.begin() + 35, all.begin() + 55);
  EXPECT_EQ(part.times, wanted);
  ASSERT_EQ(part.pictures.size(), 20u);
  EXPECT_EQ(part.pictures.front(), full.pictures.at(35));
  EXPECT_EQ(part.info.frame_count, 20);
}

TEST_F(Decode, StartIsExactInEveryClip) {
  SKIP_WITHOUT_CLIPS();
  for (const auto& entry : fs::directory_iterator(clips_folder)) {
    SCOPED_TRACE(entry.path().string());
    const Decoded all = decode_all(entry.path().string(), false);
    SourceOptions options;
    options.path = entry.path().string();
    options.start_seconds = 0.45 * all.info.duration_seconds;
    const double tick = all.info.time_base.value();
    const double begin = std::stod(ffprobe(options.path, "-show_entries format=start_time").at(0));
    const auto start = static_cast<int64_t>(std::llround((std::max(0.0, begin) + options.start_seconds) / tick));
    std::vector<int64_t> wanted;
    for (int64_t time : all.times)
      if (time >= start) wanted.push_back(time);
    EXPECT_EQ(decode_all(options, false).times, wanted);
  }
}

TEST_F(Decode, EditListHidesFrames) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=2 -c:v libx264 -g 50 -bf 2 whole.mp4");
  ffmpeg("-ss 0.5 -i whole.mp4 -c copy edited.mp4");
  const Decoded decoded = decode_all(path("edited.mp4"));
  EXPECT_EQ(decoded.times, frame_times(path("edited.mp4")));
  EXPECT_LT(decoded.times.size(), 45u);
}

TEST_F(Decode, FramesOutliveTheSourceAndStayUnchanged) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 30 -c:v libx264 keep.mp4");
  const Decoded expected = decode_all(path("keep.mp4"));
  std::vector<Frame> kept;
  SourceOptions options;
  options.path = path("keep.mp4");
  {
    auto source = open_source(options);
    ASSERT_TRUE(source);
    for (;;) {
      auto frame = (*source)->next();
      ASSERT_TRUE(frame);
      if (frame->empty()) break;
      kept.push_back(std::move(*frame));
    }
  }
  ASSERT_EQ(kept.size(), 30u);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(samples(kept[i]), expected.pictures[i]);
}

TEST_F(Decode, SeekingGivesTheFramesOfTheWholeVideo) {
  const std::string source = "-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 100 ";
  ffmpeg(source + "-c:v libx264 -g 30 -bf 3 a.mp4");
  ffmpeg(source + "-c:v libx264 -g 30 -bf 3 b.mkv");
  ffmpeg(source + "-c:v mpeg2video -g 15 -bf 2 c.ts");
  ffmpeg(source + "d.y4m");
  ffmpeg(source + "-vf tinterlace=4,setfield=tff -c:v libx264 -flags +ilme+ildct e.mp4");
  const auto of = [](const std::string& file) {
    SourceOptions options;
    options.path = file;
    return options;
  };
  for (const char* name : {"a.mp4", "b.mkv", "c.ts", "d.y4m", "e.mp4"}) {
    SCOPED_TRACE(name);
    const Decoded all = decode_all(path(name));
    const auto source_now = open_source(of(path(name))).value();
    ASSERT_TRUE(source_now->can_seek());
    const auto count = static_cast<int>(all.times.size());
    for (const int frame : {60, 59, 0, count - 1, 31, 29, 7, 45}) {
      if (frame >= count) continue;
      ASSERT_TRUE(source_now->seek(all.times[static_cast<size_t>(frame)]));
      for (int i = frame; i < frame + 3; ++i) {
        const Frame found = source_now->next().value();
        ASSERT_EQ(found.empty(), i >= count) << i;
        if (found.empty()) break;
        EXPECT_EQ(found.pts, all.times[static_cast<size_t>(i)]);
        // The deinterlacer looks at frames before, which are not there right after a key frame.
        EXPECT_TRUE(all.info.interlaced || samples(found) == all.pictures[static_cast<size_t>(i)]) << i;
      }
    }
  }
  SourceOptions some = of(path("a.mp4"));
  some.max_frames = 5;
  EXPECT_FALSE(open_source(some).value()->can_seek());
  EXPECT_FALSE(open_source(of("test:8x8:2")).value()->seek(0));
}

TEST_F(Decode, InterlacedIsDetectedAndDeinterlacedOneToOne) {
  ffmpeg(
      "-f lavfi -i testsrc2=s=128x96:r=50 -frames:v 40 -vf tinterlace=4,setfield=tff "
      "-c:v libx264 -flags +ildct+ilme -bf 2 fields.mkv");
  SourceOptions options;
  options.path = path("fields.mkv");
  const Decoded automatic = decode_all(options);
  EXPECT_TRUE(automatic.info.interlaced);
  EXPECT_EQ(automatic.times, frame_times(options.path));
  options.deinterlace = Deinterlace::off;
  const Decoded off = decode_all(options);
  EXPECT_FALSE(off.info.interlaced);
  EXPECT_EQ(off.times, automatic.times);
  EXPECT_NE(off.pictures.at(5), automatic.pictures.at(5));
}

TEST_F(Decode, RotationTurnsThePixelsOnlyWhenAsked) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 3 -c:v libx264 flat.mp4");
  for (int angle : {90, 180, 270}) {
    SCOPED_TRACE(angle);
    ffmpeg(fmt::format("-i flat.mp4 -c copy -metadata:s:v rotate={} turned.mp4", angle));
    ffmpeg("-i turned.mp4 -f rawvideo -pix_fmt yuv420p turned.yuv");  // ffmpeg turns by itself
    SourceOptions options;
    options.path = path("turned.mp4");
    const Decoded kept = decode_all(options);
    EXPECT_TRUE(kept.info.display_matrix.has_value());
    EXPECT_EQ(kept.info.width, 64);
    options.apply_rotation = true;
    const Decoded turned = decode_all(options);
    EXPECT_FALSE(turned.info.display_matrix.has_value());
    EXPECT_EQ(turned.info.width, angle == 180 ? 64 : 48);
    std::string all;
    for (const auto& picture : turned.pictures) all += picture;
    EXPECT_TRUE(all == read_file(path("turned.yuv")));
  }
}

TEST_F(Decode, SizeChangeInMidStreamIsScaledToTheFirstSize) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 5 -c:v libx264 -bsf:v h264_mp4toannexb a.h264");
  ffmpeg("-f lavfi -i testsrc2=s=96x80:r=25 -frames:v 5 -c:v libx264 -bsf:v h264_mp4toannexb b.h264");
  std::ofstream(path("both.h264"), std::ios::binary) << read_file(path("a.h264")) << read_file(path("b.h264"));
  const Decoded decoded = decode_all(path("both.h264"));
  EXPECT_EQ(decoded.error, "");
  EXPECT_EQ(decoded.pictures.size(), 10u);
  EXPECT_EQ(decoded.info.width, 64);
}

TEST_F(Decode, SequencesGlobsFoldersAndSingles) {
  fs::create_directories(folder_ / "p[1]");
  ffmpeg("-f lavfi -i testsrc2=s=32x24:r=25 -frames:v 6 -start_number 107 'p[1]/%04d.png'");
  const auto frames = [](const std::string& name) { return decode_all(name); };
  const Decoded numbered = frames(path("p[1]/%04d.png"));
  EXPECT_EQ(numbered.error, "");
  EXPECT_EQ(numbered.pictures.size(), 6u);
  EXPECT_FALSE(numbered.info.still);
  EXPECT_EQ(frames(path("p[1]")).pictures, numbered.pictures);
  EXPECT_EQ(frames(path("p\\[1\\]/*.png")).pictures, numbered.pictures);
  const Decoded single = frames(path("p[1]/0107.png"));
  EXPECT_TRUE(single.info.still);
  ASSERT_EQ(single.pictures.size(), 1u);
  EXPECT_EQ(single.pictures[0], numbered.pictures.at(0));
  fs::copy(folder_ / "p[1]/0108.png", folder_ / "p[1]/100%04d.png");
  const Decoded odd_name = frames(path("p[1]/100%04d.png"));
  ASSERT_EQ(odd_name.pictures.size(), 1u) << odd_name.error;
  EXPECT_EQ(odd_name.pictures[0], numbered.pictures.at(1));
}

TEST_F(Decode, PatternSource) {
  EXPECT_EQ(to_string(decode_all("test:8x6").info.format), "yuv420p");
  const Decoded decoded = decode_all("test:33x17:20:yuv420p10");
  EXPECT_EQ(decoded.error, "");
  EXPECT_EQ(decoded.info.format.bits, 10);
  ASSERT_EQ(decoded.pictures.size(), 20u);
  EXPECT_EQ(decoded.pictures[0], decoded.pictures[8]);
  EXPECT_NE(decoded.pictures[0], decoded.pictures[1]);
  for (const char* bad : {"test:", "test:10", "test:0x5", "test:8x8:0", "test:8x8:5:rgb24", "test:8x8:5x"})
    EXPECT_NE(decode_all(bad).error.find("write test:WIDTHxHEIGHT"), std::string::npos) << bad;
}

TEST_F(Decode, DamagedPacketsAreSkippedAndCounted) {
  ffmpeg("-f lavfi -i testsrc2=s=160x128:r=25 -frames:v 60 -c:v mpeg4 -g 10 good.avi");
  std::string bytes = read_file(path("good.avi"));
  for (size_t i = bytes.size() / 3; i < bytes.size() / 3 + 4000; ++i) bytes[i] = static_cast<char>(i * 37);
  std::ofstream(path("bad.avi"), std::ios::binary) << bytes;
  const Decoded decoded = decode_all(path("bad.avi"), false);
  EXPECT_EQ(decoded.error, "");
  EXPECT_GT(decoded.times.size(), 30u);
}

TEST_F(Decode, InvalidNalUnitDoesNotStopTheClip) {
  SKIP_WITHOUT_CLIPS();
  const Decoded decoded = decode_all(clips_folder + "/am_sample_with_invalid_nalu.mp4", false);
  EXPECT_EQ(decoded.error, "");
  EXPECT_GE(decoded.times.size(), 26u);
  EXPECT_GE(decoded.counters.damaged_packets, 1);
}

TEST_F(Decode, BadInputNamesTheFileAndTheRemedy) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=2 -c:v libx264 full.mp4");
  ffmpeg("-f lavfi -i sine=d=1 audio.m4a");
  const std::string full = read_file(path("full.mp4"));
  std::ofstream(path("truncated.mp4"), std::ios::binary) << full.substr(0, full.size() / 2);
  std::ofstream(path("header.mkv"), std::ios::binary) << "\x1a\x45\xdf\xa3";
  std::ofstream(path("empty.mp4"));
  std::ofstream(path("notes.txt")) << "These are notes, not a film.\n";
  std::ofstream(path("notes.mp4")) << std::string(5000, 'x');
  fs::create_directories(folder_ / "folder");
  const struct {
    const char* file;
    ErrorCode code;
    const char* says;
  } cases[] = {
      {"missing.mp4", ErrorCode::not_found, "no such file"},
      {"missing_%04d.png", ErrorCode::not_found, "no file matches"},
      {"truncated.mp4", ErrorCode::invalid_data, "cut off"},
      {"header.mkv", ErrorCode::invalid_data, "cut off"},
      {"empty.mp4", ErrorCode::invalid_data, "is empty"},
      {"notes.txt", ErrorCode::invalid_data, "not a video"},
      {"notes.mp4", ErrorCode::invalid_data, "not a video"},
      {"audio.m4a", ErrorCode::invalid_data, "only audio"},
      {"folder", ErrorCode::invalid_data, "without pictures"},
  };
  for (const auto& c : cases) {
    SourceOptions options;
    options.path = path(c.file);
    auto source = open_source(options);
    ASSERT_FALSE(source) << c.file;
    EXPECT_EQ(source.error().code, c.code) << source.error().message;
    EXPECT_NE(source.error().message.find(c.says), std::string::npos) << source.error().message;
    EXPECT_NE(source.error().message.find(c.file), std::string::npos) << source.error().message;
    EXPECT_EQ(source.error().message.find('\n'), std::string::npos);
  }
}

TEST_F(Decode, TruncatedStreamGivesWhatItHas) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=4 -c:v libx264 full.mkv");
  const std::string full = read_file(path("full.mkv"));
  std::ofstream(path("half.mkv"), std::ios::binary) << full.substr(0, full.size() / 2);
  const Decoded decoded = decode_all(path("half.mkv"), false);
  EXPECT_EQ(decoded.error, "");
  EXPECT_GT(decoded.times.size(), 10u);
  EXPECT_LT(decoded.times.size(), 100u);
}

TEST_F(Decode, VideoStreamWithoutFrames) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=1 -c:v libx264 -frames:v 0 none.mkv");
  const Decoded decoded = decode_all(path("none.mkv"));
  EXPECT_NE(decoded.error.find("none.mkv"), std::string::npos) << decoded.error;
}

TEST_F(Decode, ColorTagsAndHdrMetadata) {
  ffmpeg(
      "-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 2 -pix_fmt yuv420p10le -c:v libx265 -x265-params "
      "\"log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited:"
      "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400\" "
      "hdr.mkv");
  const VideoInfo info = decode_all(path("hdr.mkv")).info;
  EXPECT_EQ(info.color.transfer, TransferCharacteristic::pq);
  EXPECT_EQ(info.color.matrix, MatrixCoefficients::bt2020_ncl);
  EXPECT_EQ(info.color.primaries, ColorPrimaries::bt2020);
  EXPECT_EQ(info.color.range, ColorRange::limited);
  ASSERT_TRUE(info.hdr.mastering_display && info.hdr.content_light);
  EXPECT_NEAR(info.hdr.mastering_display->max_nits, 1000, 1e-6);
  EXPECT_NEAR(info.hdr.mastering_display->primaries[0][0], 0.68, 1e-6);
  EXPECT_EQ(info.hdr.content_light->max_content_nits, 1000);
}

}  // namespace
}  // namespace framelift
