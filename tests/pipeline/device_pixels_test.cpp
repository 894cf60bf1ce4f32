// Jobs whose engine converts pixels itself: the kernels that GPUs run (frame/pixel_kernels.h), here in host loops
// behind the same interface, against the row kernels of preprocess/ and postprocess/.
#include <gtest/gtest.h>

#include <fstream>

#include "frame/pixel_kernels.h"
#include "pipeline/video_job.h"
#include "tests/support.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

struct PortCounts {
  int loads = 0, takes = 0;
};

template <class F>
void with_sample(const PixelFormat& format, const F& f) {
  if (format.bits > 8)
    f(uint16_t{});
  else
    f(uint8_t{});
}

TensorPicture<float> picture_of(const TensorView& view) {
  return {view.as<float>(), view.shape[2] * view.shape[3], view.shape[3], 1};
}

class HostPort final : public InferRequest, public PixelPort {
 public:
  HostPort(std::unique_ptr<InferRequest> inner, PortCounts& counts) : inner_(std::move(inner)), counts_(counts) {}
  TensorView input(int index) override { return inner_->input(index); }
  TensorView output(int index) override { return inner_->output(index); }
  Status start() override { return inner_->start(); }
  Status wait() override { return inner_->wait(); }
  PixelPort* pixels() override { return this; }

  Status load(const PixelReading& reading, const Frame& frame, const Region& region, bool clamp) override {
    ++counts_.loads;
    with_sample(frame.format, [&](auto sample) {
      const ReadKernel<decltype(sample), float> kernel{reading, sample_picture(frame), region, clamp,
                                                       picture_of(inner_->input(0))};
      for (int y = 0; y < region.height; ++y)
        for (int x = 0; x < region.width; ++x) kernel(x, y);
    });
    return {};
  }
  Status make_frames(const PixelWriting& writing, const PixelFormat&, int, int) override {
    writing_ = writing;
    return {};
  }
  void take(const Frame& dst) override {
    ++counts_.takes;
    with_sample(dst.format, [&](auto sample) {
      const TensorPicture<float> out = picture_of(inner_->output(0));
      WriteKernel<decltype(sample), float> kernel;
      kernel.writing = writing_;
      kernel.in = {out.data, out.channel_stride, out.row_stride, out.pixel_stride};
      kernel.picture = sample_picture(dst);
      for (kernel.plane = 0; kernel.plane < (dst.format.family == ColorFamily::gray ? 1 : 3); ++kernel.plane)
        for (int y = 0; y < dst.planes[static_cast<size_t>(kernel.plane)].height; ++y)
          for (int x = 0; x < dst.planes[static_cast<size_t>(kernel.plane)].width; ++x) kernel(x, y);
    });
  }

 private:
  std::unique_ptr<InferRequest> inner_;
  PortCounts& counts_;
  PixelWriting writing_;
};

class HostPortExecutable final : public Executable {
 public:
  HostPortExecutable(std::unique_ptr<Executable> inner, PortCounts& counts)
      : inner_(std::move(inner)), counts_(counts) {}
  const std::vector<PortInfo>& inputs() const override { return inner_->inputs(); }
  const std::vector<PortInfo>& outputs() const override { return inner_->outputs(); }
  Precision precision() const override { return inner_->precision(); }
  int streams() const override { return inner_->streams(); }
  Result<std::unique_ptr<InferRequest>> create_request() override {
    FL_TRY(auto request, inner_->create_request());
    return std::make_unique<HostPort>(std::move(request), counts_);
  }

 private:
  std::unique_ptr<Executable> inner_;
  PortCounts& counts_;
};

// An engine with the device's way of doing pixels.
class HostPortBackend final : public Backend {
 public:
  const char* name() const override { return "host-port"; }
  std::vector<std::string> describe() const override { return {"for tests"}; }
  Status supports(const Graph& graph, const CompileOptions& options) const override {
    return inner_.supports(graph, options);
  }
  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Parameters& parameters,
                                              const CompileOptions& options) override {
    FL_TRY(auto executable, inner_.compile(graph, parameters, options));
    return std::make_unique<HostPortExecutable>(std::move(executable), counts);
  }

  PortCounts counts;

 private:
  Backend& inner_ = *exact_backends().front();
};

class DevicePixelsJobs : public testing::Test {
 protected:
  // The checksums of what the job makes.
  std::string sums(VideoJob job, Backend& backend) const {
    const fs::path file = folder_ / "sums.md5";
    job.sink.path = "md5:" + file.string();
    job.sink.overwrite = true;
    job.backend = &backend;
    job.compile.precision = Precision::f32;
    const auto report = process_video(job);
    if (!report) return report.error().message;
    std::ifstream stream(file);
    std::string text;
    for (std::string line; std::getline(stream, line);)
      if (!line.starts_with('#')) text += line + "\n";
    return text;
  }

  test::TempFolder folder_;
};

TEST_F(DevicePixelsJobs, EveryFormatGivesTheSameCodes) {
  const Network network = load_network("tests/golden/srvgg_x2.weights.safetensors").value();
  for (const char* format : {"yuv420p", "yuv422p", "yuv444p", "gray", "gbrp", "yuv420p10", "yuv422p12", "yuv444p16",
                             "gray12", "gbrp16", "yuv440p"})
    for (const char* size : {"37x23", "46x34", "2x2"}) {
      VideoJob job;
      job.source.path = fmt::format("test:{}:2:{}", size, format);
      job.network = &network;
      HostPortBackend backend;
      const std::string expected = sums(job, *exact_backends().front());
      ASSERT_NE(expected.find("0,          1,          1,"), std::string::npos) << expected;
      EXPECT_EQ(sums(job, backend), expected) << format << " " << size;
      EXPECT_EQ(backend.counts.loads, 2) << format;
      EXPECT_EQ(backend.counts.takes, 2) << format;
    }
}

TEST_F(DevicePixelsJobs, DitherIsTheSame) {
  const Network network = load_network("tests/golden/srvgg_x2.weights.safetensors").value();
  VideoJob job;
  job.source.path = "test:46x34:2:yuv420p12";
  job.sink.pixel_format = "yuv420p";
  job.network = &network;
  HostPortBackend backend;
  EXPECT_EQ(sums(job, backend), sums(job, *exact_backends().front()));
  EXPECT_EQ(backend.counts.takes, 2);
}

// Where something else looks at the tensors, or there are several, they come to the host.
TEST_F(DevicePixelsJobs, OtherJobsKeepTheirTensors) {
  const Network network = load_network("tests/golden/srvgg_x2.weights.safetensors").value(), hdr = pq_network();
  VideoJob tiled;
  tiled.source.path = "test:64x48:2";
  tiled.network = &network;
  tiled.tile = 40;
  VideoJob flicker;
  flicker.source.path = "test:64x48:2";
  flicker.network = &hdr;
  VideoJob light;
  light.source.path = "test:64x48:2:gbrpf32";
  light.network = &network;
  for (const VideoJob& job : {tiled, flicker, light}) {
    HostPortBackend backend;
    EXPECT_EQ(sums(job, backend), sums(job, *exact_backends().front()));
    EXPECT_EQ(backend.counts.loads + backend.counts.takes, 0);
  }
}

}  // namespace
}  // namespace framelift
