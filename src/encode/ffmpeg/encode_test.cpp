// Whole jobs through open_source and open_sink: what is written, copied and refused.
#include <algorithm>
#include <set>

#include "color/resolve.h"
#include "decode/media_test_support.h"
#include "encode/ffmpeg/packet_times.h"
#include "encode/sink.h"

namespace framelift {
namespace {

using namespace test;

struct Job {
  SourceOptions in;
  SinkOptions out;
  int64_t stop_after = 0;  // as if cancelled; 0: never
};

// Passes frames on unchanged. Returns the error text, empty when all went well.
std::string transcode(Job job) {
  if (!can_carry_display_matrix(job.out.path, job.out.format)) job.in.apply_rotation = true;
  auto source = open_source(job.in);
  if (!source) return source.error().message;
  const VideoInfo& info = (*source)->info();
  job.out = for_frames_of(info, std::move(job.out));
  job.out.start_seconds = job.in.start_seconds;
  job.out.duration_seconds = job.in.duration_seconds;
  auto sink = open_sink(job.out);
  if (!sink) return sink.error().message;
  if (!((*sink)->format() == info.format)) return "the sink wants " + to_string((*sink)->format());
  for (int64_t count = 0;; ++count) {
    auto frame = (*source)->next();
    if (!frame) return frame.error().message;
    if (frame->empty()) break;
    if (job.stop_after && count == job.stop_after) {
      (*sink)->cut_short();
      break;
    }
    if (auto written = (*sink)->write(std::move(*frame)); !written) return written.error().message;
  }
  auto finished = (*sink)->finish();
  return finished ? "" : finished.error().message;
}

class Encode : public MediaTest {
 protected:
  Job job(const std::string& in, const std::string& out) const {
    Job job;
    job.in.path = in;
    job.out.path = path(out);
    job.out.copy_streams_from.path = job.out.input_path = in;
    return job;
  }
  Job fast_job(const std::string& in, const std::string& out) const {
    Job j = job(in, out);
    j.out.encoder = "libx264";
    j.out.preset = "ultrafast";
    return j;
  }
  Job lossless_job(const std::string& in, const std::string& out) const {
    Job j = job(in, out);
    j.out.encoder = "ffv1";
    return j;
  }
  // The other streams of a video as Matroska, somewhere in a file.
  OtherStreams wrapped(const std::string& in) const {
    constexpr uint64_t before = 1000;
    SinkOptions options;
    options.path = path("streams.mkv");
    options.width = 64;
    options.height = 48;
    options.copy_streams_from.path = in;
    EXPECT_TRUE(save_other_streams(options, std::nullopt).value());
    const std::string streams = read_file(options.path);
    EXPECT_TRUE(save_other_streams(options, std::nullopt).value());
    EXPECT_TRUE(streams == read_file(options.path)) << "not the same bytes each time";
    std::ofstream(path("wrapped"), std::ios::binary) << std::string(before, 'x') << streams << std::string(300, 'y');
    return {path("wrapped"), before, streams.size(), {}};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path().filename().string());
    return found;
  }
};

TEST_F(Encode, LosslessRoundTripOfEveryFormat) {
  for (const char* format : {"yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p12le", "yuv444p16le", "gbrp10le",
                             "gbrp16le", "gray", "gray16le", "yuva420p", "yuva444p10le", "gbrap16le"}) {
    SCOPED_TRACE(format);
    ffmpeg(fmt::format("-f lavfi -i testsrc2=s=66x50:r=25 -frames:v 4 -pix_fmt {} -c:v ffv1 in.mkv", format));
    Job j = lossless_job(path("in.mkv"), "out.mkv");
    j.out.overwrite = true;
    ASSERT_EQ(transcode(j), "");
    const Decoded in = decode_all(path("in.mkv")), out = decode_all(path("out.mkv"));
    EXPECT_EQ(in.info.format, out.info.format);
    EXPECT_EQ(in.times, out.times);
    EXPECT_TRUE(in.pictures == out.pictures);
  }
}

TEST_F(Encode, X264LosslessKeepsVariableTimesExactlyInMp4) {
  ffmpeg(
      "-f lavfi -i testsrc2=s=64x48:r=30000/1001:d=3 -vf \"select='not(mod(n,3))+lt(n,20)'\" -vsync passthrough "
      "-c:v libx264 -qp 0 -bf 3 -video_track_timescale 30000 in.mp4");
  Job j = job(path("in.mp4"), "out.mp4");
  j.out.encoder_options = {{"qp", "0"}};
  ASSERT_EQ(transcode(j), "");
  const Decoded in = decode_all(path("in.mp4")), out = decode_all(path("out.mp4"));
  EXPECT_EQ(out.info.time_base, in.info.time_base);
  EXPECT_EQ(out.times, in.times);
  EXPECT_TRUE(out.pictures == in.pictures);
  EXPECT_EQ(ffprobe(path("out.mp4"), "-show_entries stream=duration_ts"),
            ffprobe(path("in.mp4"), "-show_entries stream=duration_ts"));
}

TEST_F(Encode, TenBitDefaultsToHevc) {
  ffmpeg("-f lavfi -i testsrc2=s=128x96:r=25 -frames:v 5 -pix_fmt yuv420p10le -c:v ffv1 in.mkv");
  ASSERT_EQ(transcode(job(path("in.mkv"), "out.mp4")), "");
  EXPECT_EQ(ffprobe(path("out.mp4"), "-show_entries stream=codec_name,pix_fmt,nb_frames"),
            std::vector<std::string>{"hevc,yuv420p10le,5"});
}

TEST_F(Encode, ClipsShorterThanTheEncodersDelay) {
  for (const char* encoder : {"libx264", "libx265", "libvpx-vp9", "mpeg4"})
    for (const char* container : {"mkv", "mp4"})
      for (int frames : {1, 2, 3, 7}) {
        SCOPED_TRACE(fmt::format("{} {} {}", encoder, container, frames));
        Job j = job(fmt::format("test:64x48:{}", frames), fmt::format("{}{}.{}", encoder, frames, container));
        j.out.copy_streams_from = {};
        j.out.encoder = encoder;
        ASSERT_EQ(transcode(j), "");
        const auto times = frame_times(j.out.path);
        ASSERT_EQ(times.size(), static_cast<size_t>(frames));
        const double tick = decode_all(j.out.path, false).info.time_base.value();
        for (size_t i = 0; i < times.size(); ++i)
          EXPECT_NEAR(static_cast<double>(times[i]) * tick, static_cast<double>(i) / 25, 0.001);
      }
}

TEST_F(Encode, CopiedStreamsAreIdenticalInMkvAndMp4) {
  SKIP_WITHOUT_CLIPS();
  const struct {
    const char* clip;
    std::vector<const char*> streams;  // copied byte for byte into both containers
  } cases[] = {
      {"nasa_13013_2video_2audio_2subs.mp4", {"0", "1", "4"}},  // the second video is processed
      {"sample_with_ass_subtitles.mkv", {"1"}},
      {"sample_with_srt.mkv", {"1"}},
      {"am_sample_srgb.mp4", {"1"}},
      {"hlg10-color-test.mp4", {"0"}},
      {"bigbuckbunny.mp4", {"1"}},
  };
  for (const auto& c : cases)
    for (const char* container : {"mkv", "mp4"}) {
      SCOPED_TRACE(std::string(c.clip) + " to " + container);
      const std::string in = clips_folder + "/" + c.clip;
      Job j = fast_job(in, std::string("out.") + container);
      j.out.overwrite = true;
      j.out.crf = 30;
      if (std::string(c.clip).starts_with("hlg10")) j.out.encoder = "libx265";
      ASSERT_EQ(transcode(j), "");
      for (const char* stream : c.streams)
        EXPECT_EQ(packet_hashes(j.out.path, stream), packet_hashes(in, stream)) << "stream " << stream;
      EXPECT_EQ(ffprobe(j.out.path, "-show_entries stream=codec_type"), ffprobe(in, "-show_entries stream=codec_type"));
    }
}

TEST_F(Encode, AudioBeforeZeroStaysInStepWithTheVideo) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=1 -f lavfi -i sine=d=1:r=8000 -c:v libx264 -c:a aac in.mp4");
  const std::string times = "-select_streams a -show_entries packet=pts_time";
  for (const char* out : {"out.mkv", "out.mp4", "wrapped.mkv", "wrapped.mp4"}) {
    Job j = fast_job(path("in.mp4"), out);
    if (std::string(out).starts_with("wrapped")) j.out.copy_streams_from = wrapped(path("in.mp4"));
    ASSERT_EQ(transcode(j), "");
    const auto before = ffprobe(path("in.mp4"), times), after = ffprobe(path(out), times);
    ASSERT_EQ(before.size(), after.size());
    EXPECT_LT(std::stod(before[0]), 0);
    for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(std::stod(before[i]), std::stod(after[i]), 0.0011);
    EXPECT_EQ(packet_hashes(path("in.mp4"), "a"), packet_hashes(path(out), "a"));
    EXPECT_EQ(decode_all(path(out)).times.at(0), 0);
  }
}

TEST_F(Encode, ChaptersAttachmentsCoverMetadataAndDispositions) {
  std::ofstream(path("meta.txt")) << ";FFMETADATA1\ntitle=The Film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=800\n"
                                     "title=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=800\nEND=2000\ntitle=Two\n";
  std::ofstream(path("font.ttf"), std::ios::binary) << std::string(3000, 'f');
  std::ofstream(path("a.srt")) << "1\n00:00:00,100 --> 00:00:00,600\nHello\n\n2\n00:00:01,200 --> 00:00:01,700\nYou\n";
  ffmpeg("-f lavfi -i color=red:s=32x32 -frames:v 1 cover.png");
  ffmpeg(
      "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=2 -f lavfi -i sine=300:d=2 -i a.srt -i meta.txt "
      "-map 0 -map 1 -map 2 -map 3 -map_metadata 4 -map_chapters 4 -c:v libx264 -c:a aac -c:s srt "
      "-metadata:s:a:0 language=deu -metadata:s:a:1 title=Comments -disposition:a:1 comment -disposition:s:0 forced "
      "-attach font.ttf -metadata:s:t:0 mimetype=application/x-truetype-font "
      "-attach cover.png -metadata:s:t:1 mimetype=image/png -metadata:s:t:1 filename=cover.png in.mkv");
  for (const char* name : {"out.mkv", "out.mp4", "wrapped.mkv", "wrapped.mp4"}) {
    SCOPED_TRACE(name);
    const bool mkv = std::string(name).ends_with("mkv");
    const std::string out = path(name);
    Job j = fast_job(path("in.mkv"), name);
    if (std::string(name).starts_with("wrapped")) j.out.copy_streams_from = wrapped(path("in.mkv"));
    ASSERT_EQ(transcode(j), "");
    EXPECT_EQ(ffprobe(out, "-show_chapters -show_entries chapter=start_time,end_time:chapter_tags=title"),
              (std::vector<std::string>{"0.000000,0.800000,One", "0.800000,2.000000,Two"}));
    EXPECT_EQ(ffprobe(out, "-show_entries format_tags=title"), std::vector<std::string>{"The Film"});
    EXPECT_EQ(ffprobe(out, "-select_streams a:0 -show_entries stream_tags=language"), std::vector<std::string>{"deu"});
    EXPECT_EQ(ffprobe(out, "-select_streams s:0 -show_entries stream_disposition=forced"),
              std::vector<std::string>{"1"});
    EXPECT_EQ(ffprobe(out, "-select_streams s:0 -show_entries stream=codec_name"),
              std::vector<std::string>{mkv ? "subrip" : "mov_text"});
    const auto covers = ffprobe(out, "-select_streams v -show_entries stream_disposition=attached_pic");
    EXPECT_EQ(std::count(covers.begin(), covers.end(), "1"), 1);
    if (mkv) {
      EXPECT_EQ(ffprobe(out, "-select_streams t -show_entries stream_tags=filename"),
                std::vector<std::string>{"font.ttf"});
      EXPECT_EQ(packet_hashes(out, "s:0"), packet_hashes(path("in.mkv"), "s:0"));
    }
  }
}

TEST_F(Encode, Mp4TextSubtitlesSurviveTheWayToMatroskaAndBack) {
  std::ofstream(path("a.srt")) << "1\n00:00:00,100 --> 00:00:00,600\nHello\n\n2\n00:00:01,200 --> 00:00:01,700\nYou\n";
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=2 -i a.srt -map 0 -map 1 -c:v libx264 -c:s mov_text in.mp4");
  ASSERT_EQ(transcode(fast_job(path("in.mp4"), "there.mkv")), "");
  ASSERT_EQ(transcode(fast_job(path("there.mkv"), "back.mp4")), "");
  for (const char* file : {"there.mkv", "back.mp4"}) {
    const std::string text = run("ffmpeg -v error -i " + path(file) + " -map s:0 -f srt -");
    EXPECT_NE(text.find("00:00:00,100 --> 00:00:00,600\nHello"), std::string::npos) << text;
    EXPECT_NE(text.find("00:00:01,200 --> 00:00:01,700\nYou"), std::string::npos) << text;
  }
}

TEST_F(Encode, StartAndDurationCutAllStreamsTogether) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=4 -f lavfi -i sine=d=4 -c:v libx264 -g 30 -c:a aac in.mp4");
  for (const char* out : {"out.mkv", "out.mp4"}) {
    Job j = fast_job(path("in.mp4"), out);
    j.in.start_seconds = 1.4;
    j.in.duration_seconds = 1;
    ASSERT_EQ(transcode(j), "");
    const Decoded cut = decode_all(path(out));
    EXPECT_EQ(cut.times.size(), 25u);
    EXPECT_EQ(cut.times.at(0), 0);
    const auto audio = ffprobe(path(out), "-select_streams a -show_entries packet=pts_time");
    ASSERT_FALSE(audio.empty());
    EXPECT_GE(std::stod(audio.front()), 0);
    EXPECT_LT(std::stod(audio.front()), 0.03);
    EXPECT_NEAR(std::stod(audio.back()), 1, 0.03);
  }
}

TEST_F(Encode, OtherStreamsOfAPartThatHoldsNone) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=1 -fflags +bitexact -c:v libx264 plain.mp4");
  SinkOptions none;
  none.path = path("streams.mkv");
  none.copy_streams_from.path = path("plain.mp4");
  const auto saved = save_other_streams(none, std::nullopt);
  ASSERT_TRUE(saved) << saved.error().message;
  ASSERT_FALSE(*saved);
  EXPECT_EQ(names(), std::vector<std::string>{"plain.mp4"});

  ffmpeg("-f lavfi -i sine=d=1 sound.mka");
  std::ofstream(path("text"), std::ios::binary) << "#EXTM3U\nfile:" << path("sound.mka") << std::string(200, '\n');
  for (const char* file : {"text", "sound.mka"}) {
    Job j = fast_job(path("plain.mp4"), "out.mkv");
    j.out.copy_streams_from = {path(file), 0, fs::file_size(path(file)), {}};
    EXPECT_NE(transcode(j).find(file), std::string::npos) << file;
    j.out.copy_streams_from.check = []() -> Status { return fail(ErrorCode::invalid_data, "the sum differs"); };
    EXPECT_EQ(transcode(j), "the sum differs");
  }
}

TEST_F(Encode, CancelledJobLeavesAPlayableFile) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=4 -f lavfi -i sine=d=4 -c:v libx264 -c:a aac in.mp4");
  for (const char* out : {"out.mkv", "out.mp4"}) {
    Job j = fast_job(path("in.mp4"), out);
    j.stop_after = 50;
    ASSERT_EQ(transcode(j), "");
    EXPECT_EQ(decode_all(path(out)).times.size(), 50u);
    const auto audio = ffprobe(path(out), "-select_streams a -show_entries packet=pts_time");
    EXPECT_NEAR(std::stod(audio.back()), 2, 0.1);
  }
}

TEST_F(Encode, RotationIsCarriedByMp4) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 3 -c:v libx264 flat.mp4");
  ffmpeg("-i flat.mp4 -c copy -metadata:s:v rotate=90 turned.mp4");
  ASSERT_EQ(transcode(fast_job(path("turned.mp4"), "out.mp4")), "");
  const std::string rotation = "-select_streams v -show_entries stream=width:stream_side_data=rotation";
  EXPECT_EQ(ffprobe(path("out.mp4"), rotation), ffprobe(path("turned.mp4"), rotation));
  ASSERT_EQ(transcode(fast_job(path("turned.mp4"), "out.mkv")), "");
  EXPECT_EQ(decode_all(path("out.mkv")).info.width, 48);
}

TEST_F(Encode, HdrMetadataAndTagsAreWritten) {
  ffmpeg(
      "-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 2 -pix_fmt yuv420p10le -c:v libx265 -x265-params "
      "\"log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited:chromaloc=2:"
      "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400\" "
      "in.mkv");
  const VideoInfo in = decode_all(path("in.mkv")).info;
  for (const char* out : {"out.mkv", "out.mp4"}) {
    ASSERT_EQ(transcode(job(path("in.mkv"), out)), "");
    const VideoInfo info = decode_all(path(out)).info;
    EXPECT_EQ(info.color, in.color);
    ASSERT_TRUE(info.hdr.mastering_display && info.hdr.content_light) << out;
    EXPECT_NEAR(info.hdr.mastering_display->min_nits, 0.005, 1e-6);
    EXPECT_EQ(info.hdr.content_light->max_frame_average_nits, 400);
  }
}

TEST_F(Encode, CodecsThatOnlyCountFramesKeepTheTimes) {
  ffmpeg(
      "-f lavfi -i testsrc2=s=64x48:r=25:d=2 -vf \"select='not(mod(n,4))+lt(n,20)'\" -vsync passthrough "
      "-c:v libx264 -video_track_timescale 90000 in.mp4");
  for (const char* encoder : {"mpeg4", "mpeg2video"}) {
    Job j = job(path("in.mp4"), std::string(encoder) + ".mkv");
    j.out.encoder = encoder;
    j.out.encoder_options = {{"bf", "2"}};
    ASSERT_EQ(transcode(j), "") << encoder;
    const auto wanted = frame_times(path("in.mp4"));
    const auto got = frame_times(j.out.path);
    ASSERT_EQ(got.size(), wanted.size()) << encoder;
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(static_cast<double>(got[i]), static_cast<double>(wanted[i]) / 90, 1);
  }
}

TEST_F(Encode, PicturesRoundTrip) {
  for (const auto& [format, name] : {std::pair{"rgb24", "a.png"},
                                     {"rgb48be", "b.png"},
                                     {"rgba", "c.png"},
                                     {"gray", "d.png"},
                                     {"ya8", "e.png"},
                                     {"rgb24", "f.tif"},
                                     {"rgb48le", "g.tif"}}) {
    SCOPED_TRACE(std::string(format) + " " + name);
    ffmpeg(fmt::format("-f lavfi -i testsrc2=s=50x34 -frames:v 1 -pix_fmt {} in_{}", format, name));
    const Job j = job(path(std::string("in_") + name), name);
    ASSERT_EQ(transcode(j), "");
    const Decoded in = decode_all(j.in.path), out = decode_all(j.out.path);
    EXPECT_EQ(in.info.format, out.info.format);
    EXPECT_TRUE(in.pictures == out.pictures);
  }
}

TEST_F(Encode, PictureSequenceAndSinglePicture) {
  Job j = job("test:40x30:5:gbrp", "%03d.png");
  j.out.copy_streams_from = {};
  ASSERT_EQ(transcode(j), "");
  EXPECT_EQ(names().size(), 5u);
  EXPECT_EQ(decode_all(path("%03d.png")).pictures, decode_all("test:40x30:5:gbrp").pictures);
  EXPECT_NE(transcode(j).find("--overwrite"), std::string::npos);
  j.out.path = path("one.png");
  const std::string error = transcode(j);
  EXPECT_NE(error.find("one_"), std::string::npos) << error;
  EXPECT_FALSE(fs::exists(j.out.path));
  j.in.max_frames = 1;
  EXPECT_EQ(transcode(j), "");
  EXPECT_TRUE(decode_all(j.out.path).info.still);
}

TEST_F(Encode, SinkWantsTheNearestFormat) {
  const auto wanted = [&](const std::string& file, PixelFormat source, ColorInfo color = {}) {
    SinkOptions options;
    options.path = path(file);
    options.width = 64;
    options.height = 48;
    options.source_format = source;
    options.color = resolve_color(color, 64, 48, source.family == ColorFamily::rgb);
    auto sink = open_sink(options);
    if (!sink) return std::pair(sink.error().message, ColorInfo{});
    return std::pair((*sink)->describe() + " " + to_string((*sink)->format()), (*sink)->color());
  };
  const PixelFormat rgb8{ColorFamily::rgb, 8}, rgb16{ColorFamily::rgb, 16};
  EXPECT_EQ(wanted("a.mp4", {ColorFamily::yuv, 8, 1, 1, false}).first, "libx264 yuv420p mp4 yuv420p");
  EXPECT_EQ(wanted("a.mkv", {ColorFamily::yuv, 8, 1, 1, false}).first, "libx264 yuv420p matroska yuv420p");
  EXPECT_EQ(wanted("a.mkv", {ColorFamily::yuv, 10, 1, 1, false}).first, "libx265 yuv420p10le matroska yuv420p10");
  EXPECT_EQ(wanted("a.webm", {ColorFamily::yuv, 10, 1, 1, false}).first, "libvpx-vp9 yuv420p10le webm yuv420p10");
  EXPECT_EQ(wanted("a.webm", {ColorFamily::yuv, 8, 1, 1, true}).first, "libvpx-vp9 yuva420p webm yuva420p");
  EXPECT_EQ(wanted("a.png", {ColorFamily::yuv, 10, 1, 1, false}).first, "png rgb48be image2 gbrp16");
  EXPECT_EQ(wanted("a.y4m", rgb8).first.substr(0, 8), "wrapped_");
  const auto [from_rgb, color] = wanted("a.mkv", rgb8);
  EXPECT_EQ(from_rgb, "libx264 yuv420p matroska yuv420p");
  EXPECT_EQ(color.matrix, MatrixCoefficients::bt709);
  EXPECT_EQ(color.range, ColorRange::limited);
  EXPECT_EQ(wanted("b.mkv", rgb16).first, "libx265 yuv420p10le matroska yuv420p10");
  const auto [jpeg, jpeg_color] = wanted("a.jpg", rgb8);
  EXPECT_EQ(jpeg, "mjpeg yuvj444p image2 yuv444p");
  EXPECT_EQ(jpeg_color.range, ColorRange::full);
  EXPECT_EQ(jpeg_color.matrix, MatrixCoefficients::bt470bg);
}

TEST_F(Encode, ExtremeSizes) {
  // Odd sizes become 4:4:4 for H.264, so the source is 4:4:4 here: the frames pass unchanged.
  for (const char* size : {"1x1", "3x5", "16384x16", "16x16384"})
    for (const char* format : {"yuv444p", "yuv444p10le"}) {
      Job j = job(fmt::format("test:{}:3:{}", size, format), "out.mkv");
      j.out.copy_streams_from = {};
      j.out.overwrite = true;
      ASSERT_EQ(transcode(j), "") << size << format;
      EXPECT_EQ(decode_all(path("out.mkv"), false).times.size(), 3u) << size << format;
    }
}

TEST_F(Encode, Yuv4mpegRoundTrip) {
  for (const char* format : {"yuv420p", "yuv444p10le", "yuv422p16le", "gray"}) {
    Job j = job(fmt::format("test:40x30:4:{}", format), "out.y4m");
    j.out.copy_streams_from = {};
    j.out.overwrite = true;
    ASSERT_EQ(transcode(j), "") << format;
    EXPECT_EQ(decode_all(path("out.y4m")).pictures, decode_all(j.in.path).pictures) << format;
  }
}

TEST_F(Encode, Framemd5IsFfmpegs) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 6 -c:v libx264 in.mp4");
  ffmpeg("-i in.mp4 -map 0:v -f framemd5 -video_track_timescale 12800 -enc_time_base -1 expected.txt");
  Job j = job(path("in.mp4"), "unused");
  j.out.path = "md5:" + path("got.txt");
  ASSERT_EQ(transcode(j), "");
  const auto hashes = [](const std::string& text) {
    std::vector<std::string> found;
    for (const auto& line : lines(text))
      if (line[0] != '#') found.push_back(line.substr(line.rfind(' ')));
    return found;
  };
  EXPECT_EQ(hashes(read_file(path("got.txt"))).size(), 6u);
  EXPECT_EQ(hashes(read_file(path("got.txt"))), hashes(read_file(path("expected.txt"))));
}

TEST_F(Encode, TargetIsCheckedAndOnlyCompleteFilesAppear) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 3 -c:v libx264 in.mp4");
  const std::string in = path("in.mp4");
  const auto error = [&](const std::string& out, bool overwrite = false) {
    Job j = fast_job(in, out);
    j.out.overwrite = overwrite;
    return transcode(j);
  };
  std::ofstream(path("old.mkv")) << "old";
  EXPECT_NE(error("old.mkv").find("--overwrite"), std::string::npos);
  EXPECT_EQ(read_file(path("old.mkv")), "old");
  EXPECT_EQ(error("old.mkv", true), "");
  EXPECT_EQ(decode_all(path("old.mkv")).times.size(), 3u);
  fs::create_symlink(in, path("link.mp4"));
  fs::create_hard_link(in, path("hard.mp4"));
  for (const char* same : {"in.mp4", "link.mp4", "hard.mp4"})
    EXPECT_NE(error(same, true).find("is the input itself"), std::string::npos) << same;
  EXPECT_NE(error("missing/out.mkv").find("does not exist"), std::string::npos);
  EXPECT_NE(error("out.unknown").find("file kind is unknown"), std::string::npos);
  fs::create_directories(path("folder.mkv"));
  EXPECT_NE(error("folder.mkv").find("is a folder"), std::string::npos);
  {
    Job j = fast_job(in, "gone.mkv");
    SinkOptions out = j.out;
    out.width = 64;
    out.height = 48;
    out.source_format = {ColorFamily::yuv, 8, 1, 1, false};
    out.color = resolve_color({}, 64, 48, false);
    auto sink = open_sink(out);
    ASSERT_TRUE(sink) << sink.error().message;
  }
  for (const auto& name : names()) EXPECT_EQ(name.find("part"), std::string::npos) << name;
  EXPECT_FALSE(fs::exists(path("gone.mkv")));
  if (geteuid() != 0) {
    fs::create_directories(path("locked"));
    fs::permissions(path("locked"), fs::perms::owner_read | fs::perms::owner_exec);
    EXPECT_NE(error("locked/out.mkv").find("not writable"), std::string::npos);
    fs::permissions(path("locked"), fs::perms::owner_all);
  }
}

TEST_F(Encode, FullDiskIsReported) {
  fs::create_directories(path("small"));
  if (geteuid() != 0 ||
      std::system(("mount -t tmpfs -o size=64k tmpfs " + path("small") + " 2>/dev/null").c_str()) != 0)
    GTEST_SKIP() << "a small file system cannot be mounted here";
  for (const char* container : {"mkv", "mp4"}) {
    Job j = fast_job("test:320x240:60", std::string("small/out.") + container);
    j.out.copy_streams_from = {};
    j.out.crf = 1;
    EXPECT_NE(transcode(j).find("no space left"), std::string::npos) << container;
    EXPECT_TRUE(fs::is_empty(path("small")));
  }
  EXPECT_EQ(std::system(("umount " + path("small")).c_str()), 0);
}

TEST_F(Encode, EncoderIsChecked) {
  const auto error = [&](auto change) {
    Job j = job("test:64x48:3", "out.mkv");
    j.out.copy_streams_from = {};
    change(j.out);
    return transcode(j);
  };
  EXPECT_NE(error([](SinkOptions& o) { o.encoder = "libx246"; }).find("did you mean libx264"), std::string::npos);
  EXPECT_NE(error([](SinkOptions& o) { o.encoder_options = {{"crff", "3"}}; }).find("\"crff\""), std::string::npos);
  EXPECT_NE(error([](SinkOptions& o) { o.preset = "warp"; }).find("libx264"), std::string::npos);
  EXPECT_NE(error([](SinkOptions& o) { o.encoder = "libx264", o.pixel_format = "gbrp"; }).find("yuv444p"),
            std::string::npos);
  EXPECT_NE(error([](SinkOptions& o) { o.pixel_format = "yuv999"; }).find("unknown pixel format"), std::string::npos);
  EXPECT_NE(error([](SinkOptions& o) { o.encoder = "ffv1", o.crf = 20; }).find("has no CRF"), std::string::npos);
  EXPECT_NE(error([](SinkOptions& o) { o.format = "nonsense"; }).find("nonsense"), std::string::npos);
}

TEST_F(Encode, ForcedPixelFormatIsPacked) {
  ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 3 -pix_fmt gbrp -c:v ffv1 in.mkv");
  Job j = job(path("in.mkv"), "out.nut");
  j.out.encoder = "rawvideo";
  j.out.pixel_format = "rgb24";
  ASSERT_EQ(transcode(j), "");
  EXPECT_TRUE(decode_all(path("out.nut")).pictures == decode_all(path("in.mkv")).pictures);
}

TEST(PacketTimesTest, DurationsComeFromTheFrameOrTheNextOne) {
  PacketTimes times;
  times.add(0, 0);
  times.add(10, 0);
  times.add(25, 7);
  times.add(40, 0);
  EXPECT_EQ(times.duration(0), 10);
  EXPECT_EQ(times.duration(10), 15);
  EXPECT_EQ(times.duration(25), 7);
  EXPECT_EQ(times.duration(40), 7);
  EXPECT_EQ(times.pts_of_index(2), 25);
  EXPECT_EQ(times.pts_of_index(-1), -10);
}

}  // namespace
}  // namespace framelift
