// What masks are made of over time and in stereo video, with networks whose answer is known.
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "tests/pipeline/job_for_test.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

// The person is where the mean of the 3x3 pixels around is bright.
Network bright_network() {
  static const Architecture architecture{"bright",
                                         "probability by brightness",
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         [](const HyperParameters&, int batch, int height, int width) {
                                           GraphBuilder b;
                                           const ValueId image = b.input("image", {batch, 3, height, width});
                                           Conv2d same;
                                           same.pad = Padding::same(1);
                                           const ValueId weight = b.constant(Tensor::filled({1, 3, 3, 3}, 1.0f / 27));
                                           b.output(b.add_node(same, {image, weight}), "scores");
                                           return std::move(b).finish();
                                         }};
  Network network;
  network.name = "bright";
  network.architecture = &architecture;
  network.contract = segmentation_contract(1);
  return network;
}

using Picture = std::vector<uint8_t>;  // gray

// Keeps what is written.
class Memory final : public Sink {
 public:
  Memory(const SinkOptions& options, std::vector<Picture>& frames, std::vector<int64_t>& times)
      : format_(options.source_format), color_(options.color), frames_(frames), times_(times) {}
  PixelFormat format() const override { return format_; }
  ColorInfo color() const override { return color_; }
  int frames_held() const override { return 0; }
  Status write(Frame frame) override {
    Picture picture;
    for (int y = 0; y < frame.height; ++y) {
      const auto* row = frame.planes[0].row<uint8_t>(y);
      picture.insert(picture.end(), row, row + frame.width);
    }
    frames_.push_back(std::move(picture));
    times_.push_back(frame.pts.value_or(-1));
    return {};
  }
  Status finish() override { return {}; }
  std::string describe() const override { return "memory"; }

 private:
  PixelFormat format_;
  ColorInfo color_;
  std::vector<Picture>& frames_;
  std::vector<int64_t>& times_;
};

class MaskJobs : public testing::Test {
 protected:
  // Gray frames as 4:4:4 video of full range.
  std::string write(const std::string& name, int width, int height, const std::vector<Picture>& frames,
                    const char* rate = "25:1") const {
    std::ofstream file(folder_ / name, std::ios::binary);
    file << "YUV4MPEG2 W" << width << " H" << height << " F" << rate << " Ip A1:1 C444 XCOLORRANGE=FULL\n";
    for (const Picture& frame : frames) {
      file << "FRAME\n";
      file.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
      const std::string chroma(frame.size() * 2, '\x80');
      file << chroma;
    }
    return (folder_ / name).string();
  }

  std::vector<Picture> masks(const std::string& source, const MaskOptions& options, int batch = 0) {
    const Network network = bright_network();
    VideoJob job = exact_job(network, source, "null:");
    job.mask = options;
    job.batch = batch;
    job.scale = 1;
    std::vector<Picture> frames;
    times_.clear();
    job.make_sink = [&](const SinkOptions& sink) -> Result<std::unique_ptr<Sink>> {
      return std::make_unique<Memory>(sink, frames, times_);
    };
    const auto report = process_video(job);
    EXPECT_TRUE(report) << report.error().message;
    return frames;
  }

  // Nothing but the network's answer.
  static MaskOptions plain() {
    MaskOptions options;
    options.refine_radius = 0;
    options.smooth = 0;
    options.min_region = 0;
    options.contrast = 1;
    return options;
  }

  test::TempFolder folder_;
  std::vector<int64_t> times_;
};

// Faint, so that no frame of noise after another is a cut.
Picture noise(int pixels, uint32_t seed) {
  std::mt19937 engine(seed);
  Picture picture(static_cast<size_t>(pixels));
  for (uint8_t& v : picture) v = static_cast<uint8_t>(120 + engine() % 24);
  return picture;
}

std::vector<Picture> noisy_video(int frames, int pixels) {
  std::vector<Picture> video;
  for (int i = 0; i < frames; ++i) video.push_back(noise(pixels, static_cast<uint32_t>(i) + 1));
  return video;
}

TEST_F(MaskJobs, LookingAheadKeepsFramesAndTheirTimes) {
  const std::string source = write("in.y4m", 24, 16, noisy_video(9, 24 * 16));
  const std::vector<Picture> at_once = masks(source, plain());
  const std::vector<int64_t> times = times_;
  ASSERT_EQ(at_once.size(), 9u);
  for (int lookahead : {1, 4, 8, 40}) {
    MaskOptions options = plain();
    options.lookahead = lookahead;
    EXPECT_EQ(masks(source, options), at_once) << lookahead;
    EXPECT_EQ(times_, times);
  }
}

TEST_F(MaskJobs, BatchesChangeNoMask) {
  const std::string source = write("in.y4m", 24, 16, noisy_video(9, 24 * 16));
  for (const auto& [every, lookahead, eyes] : {std::tuple{1, 0, EyeLayout::one},
                                               {1, 5, EyeLayout::one},
                                               {3, 4, EyeLayout::one},
                                               {1, 2, EyeLayout::top_bottom}}) {
    MaskOptions options;
    options.every = every;
    options.lookahead = lookahead;
    options.eyes = eyes;
    const std::vector<Picture> one = masks(source, options);
    ASSERT_EQ(one.size(), 9u);
    for (const int batch : {2, 4, 16}) EXPECT_EQ(masks(source, options, batch), one) << batch;
  }
}

TEST_F(MaskJobs, BetweenRunsMasksAreKeptOrInterpolated) {
  const std::string source = write("in.y4m", 24, 16, noisy_video(8, 24 * 16));
  const std::vector<Picture> every = masks(source, plain());
  MaskOptions options = plain();
  options.every = 3;
  const std::vector<Picture> kept = masks(source, options);
  ASSERT_EQ(kept.size(), 8u);
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(kept[i], every[i / 3 * 3]) << i;
  options.lookahead = 3;
  const std::vector<Picture> between = masks(source, options);
  for (size_t i = 0; i < 8; ++i)
    for (size_t p = 0; p < every[0].size(); ++p) {
      const size_t before = i / 3 * 3;
      const double part = before + 3 < 8 ? static_cast<double>(i - before) / 3 : 0;
      const double wanted = part == 0 ? every[before][p] : every[before][p] * (1 - part) + every[before + 3][p] * part;
      // Three roundings to codes.
      ASSERT_NEAR(between[i][p], wanted, 1.01) << i << " " << p;
    }
}

TEST_F(MaskJobs, ASceneBeginsWithARun) {
  // Dark, and from frame 4 on white: the change is a cut.
  std::vector<Picture> video(8, Picture(24 * 16, 10));
  for (size_t i = 4; i < 8; ++i) video[i].assign(24 * 16, 250);
  MaskOptions options = plain();
  options.every = 3;
  options.lookahead = 2;
  options.smooth = 0.9f;
  const std::vector<Picture> masks_found = masks(write("in.y4m", 24, 16, video), options);
  for (size_t i = 0; i < 8; ++i) EXPECT_NEAR(masks_found[i][8 * 24 + 12], i < 4 ? 10 : 250, 1) << i;
}

TEST_F(MaskJobs, AVideoRunsBehindAtItsOwnRate) {
  // Nobody is in the dark, so all is background: three frames at half the rate, larger than the picture, over and over.
  const std::string source = write("in.y4m", 24, 16, std::vector<Picture>(14, Picture(24 * 16, 10)));
  MaskOptions options = plain();
  options.output = MaskOutput::composite;
  options.contrast = 10;
  options.background_picture =
      write("behind.y4m", 40, 40, {Picture(1600, 60), Picture(1600, 120), Picture(1600, 180)}, "25:2");
  for (int lookahead : {0, 3}) {
    options.lookahead = lookahead;
    const std::vector<Picture> frames = masks(source, options);
    ASSERT_EQ(frames.size(), 14u);
    for (size_t i = 0; i < 14; ++i)
      EXPECT_EQ(frames[i], Picture(24 * 16, static_cast<uint8_t>(60 * (i / 2 % 3 + 1)))) << i;
  }
}

TEST_F(MaskJobs, EyesAreTwoVideos) {
  constexpr int width = 32, height = 20, pixels = width * height;
  std::vector<Picture> left = noisy_video(3, pixels), right, beside, above;
  for (uint32_t i = 0; i < 3; ++i) right.push_back(noise(pixels, 100 + i));
  for (size_t i = 0; i < 3; ++i) {
    Picture sbs, tb = left[i];
    for (int y = 0; y < height; ++y)
      for (const Picture* eye : {&left[i], &right[i]})
        sbs.insert(sbs.end(), eye->begin() + y * width, eye->begin() + (y + 1) * width);
    tb.insert(tb.end(), right[i].begin(), right[i].end());
    beside.push_back(sbs);
    above.push_back(tb);
  }
  MaskOptions options;  // with refinement, smoothing and cleaning, none of which crosses from eye to eye
  options.wrap = false;
  const auto alone_left = masks(write("l.y4m", width, height, left), options);
  const auto alone_right = masks(write("r.y4m", width, height, right), options);
  options.eyes = EyeLayout::side_by_side;
  const auto sbs = masks(write("sbs.y4m", 2 * width, height, beside), options);
  options.eyes = EyeLayout::top_bottom;
  const auto tb = masks(write("tb.y4m", width, 2 * height, above), options);
  ASSERT_EQ(sbs.size(), 3u);
  for (size_t i = 0; i < 3; ++i)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const auto at = static_cast<size_t>(y) * width + static_cast<size_t>(x);
        const auto row = static_cast<size_t>(y) * 2 * width + static_cast<size_t>(x);
        ASSERT_EQ(sbs[i][row], alone_left[i][at]) << x << " " << y;
        ASSERT_EQ(sbs[i][row + width], alone_right[i][at]) << x << " " << y;
        ASSERT_EQ(tb[i][at], alone_left[i][at]) << x << " " << y;
        ASSERT_EQ(tb[i][at + pixels], alone_right[i][at]) << x << " " << y;
      }
}

TEST_F(MaskJobs, WrappedPicturesHaveNoBorderAtTheSides) {
  // Turning the viewer round turns the mask round, and changes nothing else.
  constexpr int width = 32, height = 12, turn = 10;
  const std::vector<Picture> video = noisy_video(2, width * 2 * height);
  std::vector<Picture> turned = video;
  for (size_t i = 0; i < 2; ++i)
    for (int y = 0; y < 2 * height; ++y) {
      const auto row = turned[i].begin() + y * width;
      std::rotate(row, row + turn, row + width);
    }
  MaskOptions options = plain();
  options.eyes = EyeLayout::top_bottom;
  const auto a = masks(write("a.y4m", width, 2 * height, video), options);
  const auto b = masks(write("b.y4m", width, 2 * height, turned), options);
  for (size_t i = 0; i < 2; ++i)
    for (size_t y = 0; y < 2 * height; ++y)
      for (size_t x = 0; x < width; ++x) ASSERT_EQ(b[i][y * width + x], a[i][y * width + (x + turn) % width]);
}

}  // namespace
}  // namespace framelift
