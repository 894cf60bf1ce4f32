// What a job costs per frame once it runs: no allocations of ours, and no more frames held than promised.
#include <gtest/gtest.h>

#include <atomic>

#include "base/allocation_counter.h"
#include "color/resolve.h"
#include "decode/media_test_support.h"
#include "decode/source.h"
#include "encode/sink.h"

namespace framelift {
namespace {

using namespace test;

using SteadyState = MediaTest;

// Stands between a picture and its owner, and knows how many are alive.
class CountedMemory final : public FrameMemory {
 public:
  CountedMemory(FrameMemoryPtr inner, std::atomic<int>& alive) : inner_(std::move(inner)), alive_(alive) { ++alive_; }
  void release() override {
    --alive_;
    delete this;
  }

 private:
  FrameMemoryPtr inner_;
  std::atomic<int>& alive_;
};

Result<std::unique_ptr<Sink>> sink_for(const VideoInfo& info, const std::string& path, const std::string& encoder) {
  SinkOptions options;
  options.path = path;
  options.width = info.width;
  options.height = info.height;
  options.source_format = info.format;
  options.color = resolve_color(info.color, info.width, info.height, info.format.family == ColorFamily::rgb);
  options.time_base = info.time_base;
  options.frame_rate = info.frame_rate;
  options.encoder = encoder;
  options.overwrite = true;
  return open_sink(options);
}

TEST_F(SteadyState, SinksHoldNoMoreFramesThanTheySay) {
  for (const char* encoder : {"libx264", "libx265", "libvpx-vp9", "ffv1", "mpeg4", "prores_ks", "png", "rawvideo"}) {
    SCOPED_TRACE(encoder);
    SourceOptions options;
    options.path = "test:96x64:60:" + std::string(std::string(encoder) == "prores_ks" ? "yuv422p10le"
                                                  : std::string(encoder) == "png"     ? "gbrp"
                                                                                      : "yuv420p");
    auto source = open_source(options);
    ASSERT_TRUE(source);
    auto sink = sink_for((*source)->info(), path(std::string(encoder) == "prores_ks" ? "out.mov" : "out.nut"), encoder);
    ASSERT_TRUE(sink) << sink.error().message;
    std::atomic<int> alive = 0;
    int most = 0;
    for (;;) {
      auto frame = (*source)->next();
      ASSERT_TRUE(frame);
      if (frame->empty()) break;
      frame->memory.reset(new CountedMemory(std::move(frame->memory), alive));
      ASSERT_TRUE((*sink)->write(std::move(*frame)));
      most = std::max(most, alive.load());
    }
    EXPECT_LE(most, (*sink)->frames_held());
    ASSERT_TRUE((*sink)->finish());
    sink->reset();
    EXPECT_EQ(alive, 0);
  }
}

TEST_F(SteadyState, NoAllocationsOfOursPerFrame) {
  if (!allocation_counting_available()) GTEST_SKIP() << "operator new is not instrumented";
  for (const char* format : {"yuv420p", "nv12", "rgb24"}) {
    SCOPED_TRACE(format);
    ffmpeg(fmt::format(
        "-f lavfi -i testsrc2=s=96x64:r=25 -f lavfi -i sine -t 8 -pix_fmt {} -c:v rawvideo -c:a aac in.nut", format));
    SourceOptions options;
    options.path = path("in.nut");
    auto source = open_source(options);
    ASSERT_TRUE(source) << source.error().message;
    auto sink = sink_for((*source)->info(), path("out.nut"), std::string(format) == "rgb24" ? "png" : "libx264");
    ASSERT_TRUE(sink) << sink.error().message;
    uint64_t before = 0;
    int count = 0;
    for (;; ++count) {
      if (count == 100) before = counted_allocations();
      AllocationScope scope;
      auto frame = (*source)->next();
      ASSERT_TRUE(frame);
      if (frame->empty()) break;
      ASSERT_TRUE((*sink)->write(std::move(*frame)));
    }
    EXPECT_EQ(count, 200);
    EXPECT_EQ(counted_allocations() - before, 0u);
    ASSERT_TRUE((*sink)->finish());
  }
}

}  // namespace
}  // namespace framelift
