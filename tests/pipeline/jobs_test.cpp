// Whole jobs: source to sink through real networks, judged by properties (tiled = untiled, identity = copy).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "color/pq.h"
#include "color/resolve.h"
#include "decode/source.h"
#include "metrics/compare_videos.h"
#include "network/model_store.h"
#include "pipeline/video_job.h"
#include "preprocess/frame_to_tensor.h"
#include "tests/pipeline/job_for_test.h"
#include "tests/support.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

class Jobs : public testing::Test {
 protected:
  VideoJob job(const Network& network, const std::string& source, const std::string& sink) const {
    VideoJob j = exact_job(network, source, sink);
    j.sink.overwrite = true;
    return j;
  }

  // The frame checksums that a job writes.
  std::string checksums(VideoJob j) const {
    const fs::path file = folder_ / "out.md5";
    j.sink.path = "md5:" + file.string();
    const auto report = process_video(j);
    EXPECT_TRUE(report) << report.error().message;
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    EXPECT_FALSE(text.str().empty());
    return text.str();
  }

  test::TempFolder folder_;
};

Network golden_network(const char* weights) {
  auto network = load_network(fs::path("tests/golden") / weights);
  EXPECT_TRUE(network) << network.error().message;
  return network ? std::move(*network) : Network{};
}

// What is stated must be what the decoded file holds, here without coding loss: of the codes, after subsampling,
// resizing and tiling. Linearised in double; sums apart by what the meter's curve may be off.
TEST_F(Jobs, StatedLightLevelsAreThoseOfTheFile) {
  const Network network = pq_network();
  struct Case {
    const char* pixel_format;
    int tile, max_width;
  };
  for (const auto& [pixel_format, tile, max_width] : {Case{"yuv420p10le", 0, 0},
                                                      {"yuv420p10le", 100, 0},
                                                      {"yuv420p12le", 0, 0},
                                                      {"yuv422p10le", 90, 0},
                                                      {"yuv444p10le", 0, 0},
                                                      {"yuv420p10le", 0, 240}}) {
    SCOPED_TRACE(fmt::format("{} tile {} width {}", pixel_format, tile, max_width));
    VideoJob j = job(network, "test:320x180:5", folder_ / "out.mkv");
    j.tile = tile;
    j.max_width = max_width;
    j.sink.encoder = "libx265";
    j.sink.pixel_format = pixel_format;
    j.sink.preset = "ultrafast";
    j.sink.encoder_options = {{"x265-params", "lossless=1"}};
    const auto report = process_video(j);
    ASSERT_TRUE(report) << report.error().message;

    SourceOptions options;
    options.path = j.sink.path;
    const auto source = open_source(options).value();
    const VideoInfo& info = source->info();
    const auto to_tensor =
        FrameToTensor::create(info.format, resolve_color(info.color, info.width, info.height, false)).value();
    Tensor picture(DType::f32, {1, 3, info.height, info.width});
    const int64_t pixels = int64_t{info.width} * info.height;
    double max = 0, max_mean = 0;
    int frames = 0;
    for (;; ++frames) {
      const Frame frame = source->next().value();
      if (frame.empty()) break;
      to_tensor.run_reference(frame, {0, 0, info.width, info.height}, picture.view());
      double sum = 0;
      for (int64_t i = 0; i < pixels; ++i) {
        const float* p = picture.as<float>() + i;
        const double light = pq_eotf(static_cast<double>(std::max({p[0], p[pixels], p[2 * pixels]})));
        max = std::max(max, light);
        sum += light;
      }
      max_mean = std::max(max_mean, sum / static_cast<double>(pixels));
    }
    EXPECT_EQ(frames, 5);
    EXPECT_DOUBLE_EQ(report->max_cll_nits, max);
    EXPECT_NEAR(report->max_fall_nits, max_mean, 2e-5 * max_mean);
    ASSERT_TRUE(info.hdr.content_light && info.hdr.mastering_display);
    EXPECT_EQ(info.hdr.content_light->max_content_nits, std::lround(report->max_cll_nits));
    EXPECT_EQ(info.hdr.content_light->max_frame_average_nits, std::lround(report->max_fall_nits));
    EXPECT_GE(info.hdr.mastering_display->max_nits, info.hdr.content_light->max_content_nits);
  }
}

// The job's own figure is that of a second measurement of the two files.
TEST_F(Jobs, StatedFlickerIsThatOfTheFile) {
  write_wobbling_video(folder_ / "in.y4m", 320, 180, 30);
  for (auto transfer : {TransferCharacteristic::pq, TransferCharacteristic::hlg}) {
    Network network = pq_network();
    network.contract.output_color->transfer = transfer;
    for (int tile : {0, 100}) {
      VideoJob j = job(network, folder_ / "in.y4m", folder_ / "out.mkv");
      j.tile = tile;
      j.sink.encoder = "ffv1";
      j.sink.pixel_format = "yuv444p10le";
      const auto report = process_video(j);
      ASSERT_TRUE(report) << report.error().message;

      CompareJob compare;
      compare.a.path = j.source.path;
      compare.b.path = j.sink.path;
      compare.flicker = true;
      const auto comparison = compare_videos(compare);
      ASSERT_TRUE(comparison) << comparison.error().message;
      EXPECT_TRUE(comparison->quality.empty());
      // The file's 10-bit codes move a frame's mean by about 1e-4 of it at most, the score is some per cent.
      EXPECT_NEAR(report->flicker_percent, comparison->flicker.added, 0.01);
      EXPECT_GT(report->flicker_percent, 0.5);
    }
  }
}

// Too short to be judged, and jobs that keep the picture's light.
TEST_F(Jobs, FlickerThatIsNotMeasured) {
  const Network hdr = pq_network(), same = identity_network();
  write_wobbling_video(folder_ / "in.y4m", 64, 48, 20);
  for (const auto& [network, frames] : {std::pair{&hdr, 5}, {&same, 20}}) {
    VideoJob j = job(*network, folder_ / "in.y4m", "null:");
    j.source.max_frames = frames;
    const auto report = process_video(j);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->flicker_percent, -1);
    EXPECT_NE(to_json(*report).find("\"flicker\": null"), std::string::npos);
  }
}

// Measuring reads the picture in bands; what is written must not notice.
TEST_F(Jobs, MeasuringLightChangesNoSample) {
  Network network = pq_network();
  VideoJob j = job(network, "test:233x181:3", "");
  j.sink.pixel_format = "yuv420p10le";
  const std::string measured = checksums(j);
  j.tile = 90;
  EXPECT_EQ(checksums(j), measured);
  network.contract.output_color->transfer = TransferCharacteristic::hlg;  // not measured
  EXPECT_EQ(checksums(j), measured);
  j.tile = 0;
  EXPECT_EQ(checksums(j), measured);
}

TEST_F(Jobs, TiledEqualsUntiled) {
  for (const char* weights : {"srvgg_x4.weights.pth", "srvgg_x2.weights.safetensors", "rrdb_x2.weights.safetensors"}) {
    const Network network = golden_network(weights);
    for (Precision precision : {Precision::f32, Precision::bf16}) {
      VideoJob j = job(network, "test:233x181:2", "");
      j.compile.precision = precision;
      const std::string whole = checksums(j);
      for (int tile : {230, 200, 176}) {
        j.tile = tile;
        EXPECT_EQ(checksums(j), whole) << weights << " " << to_string(precision) << " tile " << tile;
      }
    }
  }
}

TEST_F(Jobs, TiledEqualsUntiledWithPublishedWeights) {
  FL_SHARED_OR_SKIP(assets);
  auto network = load_network(assets / "weights/realesrgan/realesr-animevideov3-x4.param");
  ASSERT_TRUE(network) << network.error().message;
  for (Precision precision : {Precision::f32, Precision::bf16}) {
    VideoJob j = job(*network, (assets / "video/decord_video_0.mov").string(), "");
    j.source.max_frames = 1;
    j.compile.precision = precision;
    const std::string whole = checksums(j);
    for (int tile : {128, 200, 333}) {
      j.tile = tile;
      EXPECT_EQ(checksums(j), whole) << to_string(precision) << " tile " << tile;
    }
  }
}

TEST_F(Jobs, OneThreadEqualsTwo) {
  const Network network = golden_network("srvgg_x4.weights.pth");
  for (Precision precision : {Precision::f32, Precision::bf16}) {
    VideoJob j = job(network, "test:64x48:4", "");
    j.compile.precision = precision;
    j.compile.threads = 1;
    const std::string one = checksums(j);
    j.compile.threads = 2;
    EXPECT_EQ(checksums(j), one);
    j.compile.latency = true;
    EXPECT_EQ(checksums(j), one);
  }
}

TEST_F(Jobs, IdentityNetworkChangesNothing) {
  const Network network = identity_network();
  for (const char* format : {"yuv420p", "yuv422p", "yuv444p", "yuv420p10", "yuv422p10", "yuv444p12", "gbrp", "gray"})
    for (const char* size : {"64x48", "33x21"}) {
      const std::string source = fmt::format("test:{}:3:{}", size, format);
      VideoJob j = job(network, source, "");
      const std::string through_network = checksums(j);
      // The same frames without framelift's pixel stages: straight from the source into the sink.
      SourceOptions source_options;
      source_options.path = source;
      auto in = open_source(source_options);
      ASSERT_TRUE(in) << in.error().message;
      SinkOptions sink_options;
      sink_options.path = "md5:" + (folder_ / "direct.md5").string();
      sink_options.overwrite = true;
      sink_options.width = (*in)->info().width;
      sink_options.height = (*in)->info().height;
      sink_options.source_format = (*in)->info().format;
      sink_options.time_base = (*in)->info().time_base;
      sink_options.frame_rate = (*in)->info().frame_rate;
      auto out = open_sink(sink_options);
      ASSERT_TRUE(out) << out.error().message;
      for (;;) {
        auto frame = (*in)->next();
        ASSERT_TRUE(frame) << frame.error().message;
        if (frame->empty()) break;
        ASSERT_TRUE((*out)->write(std::move(*frame)));
      }
      ASSERT_TRUE((*out)->finish());
      std::ifstream direct(folder_ / "direct.md5");
      std::stringstream text;
      text << direct.rdbuf();
      EXPECT_EQ(through_network, text.str()) << source;
    }
}

TEST_F(Jobs, MemoryBudgetMakesTiles) {
  const Network network = golden_network("srvgg_x4.weights.pth");
  VideoJob j = job(network, "test:320x180:2", "null:");
  j.memory_bytes = 8 << 20;
  const auto report = process_video(j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(report->tiles, 1);
  j.memory_bytes = int64_t{4} << 30;
  EXPECT_EQ(process_video(j)->tiles, 1);
  j.memory_bytes = 1000;
  const auto refused = process_video(j);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
}

TEST_F(Jobs, OutputSizeFollowsScaleAndLimits) {
  const Network network = golden_network("srvgg_x4.weights.pth");
  struct Case {
    double scale;
    int max_width, max_height;
    const char* size;
  };
  for (const Case& c : {Case{0, 0, 0, "256x192"}, Case{2, 0, 0, "128x96"}, Case{3, 100, 0, "100x76"},
                        Case{0, 0, 96, "128x96"}, Case{6, 0, 0, "384x288"}}) {
    VideoJob j = job(network, "test:64x48:2", "null:");
    j.scale = c.scale;
    j.max_width = c.max_width;
    j.max_height = c.max_height;
    const auto report = process_video(j);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_NE(report->output.find(c.size), std::string::npos) << report->output << " wanted " << c.size;
  }
}

// Luma or gray of a file's frames.
std::vector<std::vector<int>> first_planes(const fs::path& file, int* width = nullptr) {
  SourceOptions options;
  options.path = file.string();
  const auto in = open_source(options).value();
  if (width) *width = in->info().width;
  std::vector<std::vector<int>> planes;
  for (;;) {
    const Frame frame = in->next().value();
    if (frame.empty()) return planes;
    auto& samples = planes.emplace_back();
    for (int y = 0; y < frame.height; ++y)
      for (int x = 0; x < frame.width; ++x)
        samples.push_back(frame.format.bits > 8 ? frame.planes[0].row<uint16_t>(y)[x]
                                                : frame.planes[0].row<uint8_t>(y)[x]);
  }
}

TEST_F(Jobs, LetterboxLeavesThePictureAsItIs) {
  const Network network = identity_network();
  struct Case {
    const char* size;
    int width, height;
  };
  // Bars left and right, above and below, and none.
  for (const Case& c :
       {Case{"64x48", 80, 48}, {"64x48", 64, 100}, {"33x21", 41, 21}, {"33x21", 33, 40}, {"33x21", 33, 21}})
    for (const char* format : {"yuv420p", "yuv422p10", "yuv444p", "gbrp", "gray"}) {
      SCOPED_TRACE(fmt::format("{} {} in {}x{}", c.size, format, c.width, c.height));
      VideoJob j = job(network, fmt::format("test:{}:3:{}", c.size, format), "");
      const std::string plain = checksums(j);
      j.input_width = c.width;
      j.input_height = c.height;
      EXPECT_EQ(checksums(j), plain);
      j.tile = 20;
      EXPECT_EQ(checksums(j), plain);
    }
}

TEST_F(Jobs, KeptBarsAreBlackAroundTheSamePicture) {
  const Network network = identity_network();
  VideoJob j = job(network, "test:64x48:2:yuv444p", folder_ / "bars.mkv");
  j.sink.encoder = "ffv1";
  j.input_width = 83;
  j.input_height = 52;
  j.fit = Fit::letterbox;
  j.keep_bars = true;
  for (const int tile : {0, 30}) {
    j.tile = tile;
    ASSERT_TRUE(process_video(j));
    VideoJob plain = job(network, "test:83x52:1", folder_ / "plain.mkv");
    plain.source.path = "test:64x48:2:yuv444p";
    plain.sink.encoder = "ffv1";
    // 64x48 grows to 69x52 in 83x52, so compare with the same growth without bars.
    plain.input_width = 70;
    plain.input_height = 52;
    plain.fit = Fit::stretch;
    ASSERT_TRUE(process_video(plain));
    int width = 0;
    const auto barred = first_planes(j.sink.path, &width), picture = first_planes(plain.sink.path);
    ASSERT_EQ(width, 83);
    ASSERT_EQ(barred.size(), 2u);
    for (size_t f = 0; f < barred.size(); ++f)
      for (int y = 0; y < 52; ++y)
        for (int x = 0; x < 83; ++x) {
          const bool inside = x >= 6 && x < 76;
          const int found = barred[f][static_cast<size_t>(y) * 83 + x];
          ASSERT_EQ(found, inside ? picture[f][static_cast<size_t>(y) * 70 + (x - 6)] : 16) << x << " " << y;
        }
  }
}

TEST_F(Jobs, LetterboxedTilesEqualUntiled) {
  // The second has an alignment, so that its input is completed beyond picture and bars.
  for (const char* weights : {"srvgg_x2.weights.safetensors", "rrdb_x2.weights.safetensors"})
    for (const bool keep_bars : {false, true}) {
      const Network network = golden_network(weights);
      VideoJob j = job(network, "test:160x90:2", "");
      j.input_width = 181;
      j.input_height = 233;
      j.keep_bars = keep_bars;
      const std::string whole = checksums(j);
      for (const int tile : {200, 176}) {
        j.tile = tile;
        EXPECT_EQ(checksums(j), whole) << weights << " " << tile;
      }
    }
}

TEST_F(Jobs, OutputSizeFollowsTheInputsSize) {
  const Network network = golden_network("srvgg_x2.weights.safetensors");
  struct Case {
    int max_input_width, width, height;
    Fit fit;
    bool keep_bars;
    double scale;
    const char* size;
  };
  for (const Case& c :
       {Case{32, 0, 0, Fit::letterbox, false, 0, "64x48"}, Case{32, 0, 0, Fit::letterbox, false, 2, "128x96"},
        Case{0, 50, 50, Fit::letterbox, false, 0, "100x76"}, Case{0, 50, 50, Fit::letterbox, true, 0, "100x100"},
        Case{0, 50, 50, Fit::stretch, false, 0, "100x100"}, Case{0, 50, 50, Fit::stretch, false, 1, "64x48"},
        Case{0, 100, 50, Fit::letterbox, false, 0, "136x100"}}) {
    VideoJob j = job(network, "test:64x48:2", "null:");
    j.max_input_width = c.max_input_width;
    j.input_width = c.width;
    j.input_height = c.height;
    j.fit = c.fit;
    j.keep_bars = c.keep_bars;
    j.scale = c.scale;
    const auto report = process_video(j);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_NE(report->output.find(" " + std::string(c.size)), std::string::npos)
        << report->output << " wanted " << c.size;
  }
}

// With a network that changes nothing, it does not matter on which side of it the picture is reduced.
TEST_F(Jobs, ReducingBeforeEqualsReducingAfter) {
  const Network network = identity_network();
  for (const char* format : {"gray", "yuv444p", "yuv420p10"}) {
    VideoJob before = job(network, fmt::format("test:96x64:3:{}", format), folder_ / "before.mkv");
    VideoJob after = job(network, before.source.path, folder_ / "after.mkv");
    before.sink.encoder = after.sink.encoder = "ffv1";
    before.max_input_width = 48;
    after.max_width = 48;
    ASSERT_TRUE(process_video(before));
    ASSERT_TRUE(process_video(after));
    const auto a = first_planes(before.sink.path), b = first_planes(after.sink.path);
    ASSERT_EQ(a.size(), 3u);
    ASSERT_EQ(b.size(), 3u);
    for (size_t f = 0; f < a.size(); ++f) {
      ASSERT_EQ(a[f].size(), size_t{48} * 32);
      ASSERT_EQ(b[f].size(), a[f].size());
      // Both round once to 16 bits and once to the output, in another order.
      for (size_t i = 0; i < a[f].size(); ++i) ASSERT_NEAR(a[f][i], b[f][i], 1) << format << " " << i;
    }
  }
}

TEST_F(Jobs, WarmUpAndTimingsChangeNoFrame) {
  const Network network = golden_network("srvgg_x2.weights.safetensors");
  VideoJob j = job(network, "test:64x48:25", "");
  const std::string plain = checksums(j);
  std::vector<IntervalReport> timings;
  j.on_timing = [&](const IntervalReport& t) { timings.push_back(t); };
  j.timing_interval = 10;
  j.warm_up = 5;
  EXPECT_EQ(checksums(j), plain);
  ASSERT_EQ(timings.size(), 2u);
  EXPECT_EQ(timings[0].frames, 10);
  EXPECT_EQ(timings[1].frames, 20);
  for (const IntervalReport& t : timings) {
    EXPECT_GT(t.fps, 0);
    EXPECT_GT(t.low_1_percent_fps, 0);
    EXPECT_GT(t.stage_seconds[stage_network], 0);
  }
  j.sink.path = "null:";
  EXPECT_EQ(process_video(j)->warm_up, 5);
  EXPECT_EQ(process_video(j)->target_fps, 25);  // the pattern's own
  j.target_fps = 1e9;                           // one frame in a nanosecond is out of reach
  const auto report = process_video(j);
  EXPECT_EQ(report->target_fps, 1e9);
  EXPECT_EQ(report->late_frames, 24);  // all but the first, by which the others are judged
}

TEST_F(Jobs, CompiledNetworkComesFromTheCache) {
  const Network network = golden_network("srvgg_x2.weights.safetensors");
  VideoJob j = job(network, "test:64x48:1", "null:");
  j.compile.cache_dir = folder_ / "cache";
  EXPECT_FALSE(process_video(j)->compile_cached);
  const auto again = process_video(j);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->compile_cached);
  EXPECT_GT(again->compile_seconds, 0);
  j.compile.cache_dir.clear();
  EXPECT_FALSE(process_video(j)->compile_cached);
}

TEST_F(Jobs, CancelledJobKeepsWhatItWrote) {
  const Network network = golden_network("srvgg_x4.weights.pth");
  const fs::path file = folder_ / "cancelled.mkv";
  VideoJob j = job(network, "test:64x48:500", file.string());
  const auto report = run_until(j, 7);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->cancelled);
  EXPECT_GE(report->frames, 7);
  EXPECT_LT(report->frames, 100);
  SourceOptions written;
  written.path = file.string();
  auto source = open_source(written);
  ASSERT_TRUE(source) << source.error().message;
  int64_t frames = 0;
  while (!(*source)->next()->empty()) ++frames;
  EXPECT_EQ(frames, report->frames);
}

TEST_F(Jobs, CancelledAtOnceLeavesNothing) {
  const Network network = golden_network("srvgg_x4.weights.pth");
  const fs::path file = folder_ / "never.mkv";
  VideoJob j = job(network, "test:64x48:50", file.string());
  Cancellation cancel;
  cancel.request();
  j.cancel = &cancel;
  const auto report = process_video(j);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

// A sink that fails in the middle stops every stage and leaves nothing behind.
TEST_F(Jobs, FailureInTheMiddleEndsTheJob) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  const Network network = golden_network("srvgg_x4.weights.pth");
  VideoJob j = job(network, "test:64x48:200", "md5:/dev/full");
  const auto report = process_video(j);
  ASSERT_FALSE(report);
  EXPECT_FALSE(report.error().message.empty());
}

TEST_F(Jobs, SteadyStateAllocatesNothing) {
  const Network network = golden_network("srvgg_x4.weights.pth");
  const auto report = process_video(job(network, "test:64x48:200", "null:"));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->frames, 200);
  EXPECT_EQ(report->allocations_per_frame, 0);
}

TEST_F(Jobs, SteadyStateAllocatesNothingWithSizesAndTimings) {
  const Network network = golden_network("srvgg_x2.weights.safetensors");
  VideoJob j = job(network, "test:65x47:200", "null:");
  j.input_width = 40;
  j.input_height = 60;
  j.scale = 1;
  j.timing_interval = 7;
  j.on_timing = [](const IntervalReport&) {};
  const auto report = process_video(j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->allocations_per_frame, 0);
}

TEST_F(Jobs, HdrInputIsRefusedByNetworksThatMakeHdr) {
  const Network network = open_model("bt2446a").value();
  const fs::path hdr = folder_ / "hdr.mkv";
  VideoJob make = job(network, "test:64x48:3", hdr.string());
  make.backend = find_backend("auto", network, {}).value();
  ASSERT_TRUE(process_video(make));
  VideoJob j = job(network, hdr.string(), "null:");
  j.backend = make.backend;
  const auto refused = process_video(j);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_NE(refused.error().message.find("--force"), std::string::npos) << refused.error().message;
  j.force = true;
  EXPECT_TRUE(process_video(j));
}

TEST_F(Jobs, HlgOutputIsTagged) {
  const Network network = open_model("bt2446c").value();
  const fs::path file = folder_ / "hlg.mkv";
  VideoJob j = job(network, "test:64x48:3", file.string());
  j.backend = find_backend("auto", network, {}).value();
  j.hlg = true;
  ASSERT_TRUE(process_video(j));
  SourceOptions written;
  written.path = file.string();
  auto source = open_source(written);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->info().color.transfer, TransferCharacteristic::hlg);
  EXPECT_EQ((*source)->info().color.primaries, ColorPrimaries::bt2020);
  EXPECT_EQ((*source)->info().format.bits, 10);
}

TEST_F(Jobs, ReferenceBackendRunsVideoToo) {
  const Network network = golden_network("srvgg_x2.weights.safetensors");
  VideoJob j = job(network, "test:32x24:2", "null:");
  j.backend = find_backend("reference").value();
  const auto report = process_video(j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->frames, 2);
  EXPECT_EQ(report->backend, "reference");
}

}  // namespace
}  // namespace framelift
