// Whole jobs: source to sink through real networks, judged by properties (tiled = untiled, identity = copy).
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "color/pq.h"
#include "decode/source.h"
#include "pipeline/video_job.h"
#include "postprocess/light_levels.h"
#include "preprocess/frame_to_tensor.h"
#include "tests/support.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

class Jobs : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("framelift_jobs_" + std::to_string(getpid()) + "_" +
                                           testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  VideoJob job(const Network& network, const std::string& source, const std::string& sink) const {
    VideoJob j;
    j.source.path = source;
    j.sink.path = sink;
    j.sink.overwrite = true;
    j.network = &network;
    j.backend = find_backend("openvino").value();
    j.compile.precision = Precision::f32;
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

  fs::path folder_;
};

Network golden_network(const char* weights) {
  auto network = load_network(fs::path("tests/golden") / weights);
  EXPECT_TRUE(network) << network.error().message;
  return network ? std::move(*network) : Network{};
}

// What is stated must be what a second measurement of the decoded file finds, here without coding loss.
TEST_F(Jobs, StatedLightLevelsAreThoseOfTheFile) {
  const Network network = pq_network();
  for (int tile : {0, 100}) {
    VideoJob j = job(network, "test:320x180:5", folder_ / "out.mkv");
    j.tile = tile;
    j.sink.encoder = "libx265";
    j.sink.pixel_format = "yuv444p10le";
    j.sink.preset = "ultrafast";
    j.sink.encoder_options = {{"x265-params", "lossless=1"}};
    const auto report = process_video(j);
    ASSERT_TRUE(report) << report.error().message;

    SourceOptions options;
    options.path = j.sink.path;
    const auto source = open_source(options).value();
    const VideoInfo& info = source->info();
    const auto to_tensor = FrameToTensor::create(info.format, info.color).value();
    Tensor picture(DType::f32, {1, 3, info.height, info.width});
    const Region all{0, 0, info.width, info.height};
    LightMeter meter;
    for (;;) {
      const Frame frame = source->next().value();
      if (frame.empty()) break;
      to_tensor.run(frame, all, picture.view());
      meter.add(picture.view(), all, all);
      meter.end_frame();
    }
    EXPECT_EQ(meter.frames(), 5);
    // A code apart, as R, G and B of 10-bit YCbCr are.
    const auto expect_near = [](double stated, double measured) {
      EXPECT_NEAR(pq_inverse_eotf(stated), pq_inverse_eotf(measured), 2.0 / 876) << stated << " " << measured;
    };
    expect_near(report->max_cll_nits, meter.max_content_nits());
    EXPECT_NEAR(report->max_fall_nits, meter.max_frame_average_nits(), 0.002 * meter.max_frame_average_nits());
    ASSERT_TRUE(info.hdr.content_light && info.hdr.mastering_display);
    EXPECT_EQ(info.hdr.content_light->max_content_nits, std::lround(report->max_cll_nits));
    EXPECT_EQ(info.hdr.content_light->max_frame_average_nits, std::lround(report->max_fall_nits));
    EXPECT_GE(info.hdr.mastering_display->max_nits, info.hdr.content_light->max_content_nits);
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

TEST_F(Jobs, CancelledJobKeepsWhatItWrote) {
  const Network network = golden_network("srvgg_x4.weights.pth");
  const fs::path file = folder_ / "cancelled.mkv";
  VideoJob j = job(network, "test:64x48:500", file.string());
  Cancellation cancel;
  j.cancel = &cancel;
  j.on_progress = [&](const Progress& p) {
    if (p.frames == 7) cancel.request();
  };
  const auto report = process_video(j);
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
  EXPECT_TRUE(fs::is_empty(folder_));
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

TEST_F(Jobs, HdrInputIsRefusedByNetworksThatMakeHdr) {
  FL_SHARED_OR_SKIP(assets);
  auto network = load_network(assets / "weights/hdrtvnetpp/AGCM.pth");
  ASSERT_TRUE(network) << network.error().message;
  VideoJob j = job(*network, (assets / "video/hdr10-av1.mp4").string(), "null:");
  j.source.max_frames = 1;
  const auto refused = process_video(j);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_NE(refused.error().message.find("--force"), std::string::npos) << refused.error().message;
  j.force = true;
  EXPECT_TRUE(process_video(j));
}

TEST_F(Jobs, HlgOutputIsTagged) {
  FL_SHARED_OR_SKIP(assets);
  auto network = load_network(assets / "weights/hdrtvnetpp/AGCM.pth");
  ASSERT_TRUE(network) << network.error().message;
  const fs::path file = folder_ / "hlg.mkv";
  VideoJob j = job(*network, "test:64x48:3", file.string());
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
