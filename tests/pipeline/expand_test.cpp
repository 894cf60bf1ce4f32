// Whole jobs that make linear light, and tiles that blend.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "color/transfer.h"
#include "network/ldr2hdr.h"
#include "pipeline/video_job.h"
#include "tests/formula_weights.h"
#include "tests/support.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

// Keeps the last frame.
class MemorySink final : public Sink {
 public:
  MemorySink(const SinkOptions& options, PixelFormat format, Frame& frame)
      : format_(format), color_(options.color), frame_(frame) {
    if (format.family == ColorFamily::yuv) color_.matrix = MatrixCoefficients::bt709;
    color_.chroma_location = ChromaLocation::top_left;
  }
  PixelFormat format() const override { return format_; }
  ColorInfo color() const override { return color_; }
  int frames_held() const override { return 1; }
  Status write(Frame frame) override {
    frame_ = std::move(frame);
    return {};
  }
  Status finish() override { return {}; }
  std::string describe() const override { return "memory"; }

 private:
  PixelFormat format_;
  ColorInfo color_;
  Frame& frame_;
};

class Expand : public testing::Test {
 protected:
  // An RGB picture file of smooth and noisy parts, codes 1 to 255.
  fs::path picture(int width, int height) const {
    const fs::path path = folder_ / fmt::format("{}x{}.ppm", width, height);
    std::ofstream file(path, std::ios::binary);
    file << "P6\n" << width << " " << height << "\n255\n";
    uint32_t state = 7;
    std::string row;
    for (int y = 0; y < height; ++y) {
      row.clear();
      for (int x = 0; x < width; ++x)
        for (int c = 0; c < 3; ++c) {
          state = state * 1664525u + 1013904223u;
          const double wave = 100 + 90 * std::sin(x * 0.02 * (c + 1)) * std::cos(y * 0.015);
          row += static_cast<char>(std::clamp(static_cast<int>(wave) + static_cast<int>(state >> 27), 1, 255));
        }
      file << row;
    }
    return path;
  }

  // The picture as the network's output leaves it, in 16 bits R, G, B unless told otherwise.
  Frame run(const Network& network, const fs::path& source, int tile, int overlap,
            PixelFormat format = {ColorFamily::rgb, 16, 0, 0, false},
            const std::function<void(VideoJob&)>& change = {}) const {
    Frame frame;
    VideoJob job;
    job.source.path = source;
    job.sink.path = "memory.exr";
    job.copy_streams = false;
    job.make_sink = [&](const SinkOptions& options) -> Result<std::unique_ptr<Sink>> {
      return std::make_unique<MemorySink>(options, format, frame);
    };
    job.network = &network;
    job.backend = exact_backends().front();
    job.compile.precision = Precision::f32;
    job.tile = tile;
    job.overlap = overlap;
    if (change) change(job);
    const auto report = process_video(job);
    EXPECT_TRUE(report) << report.error().message;
    tiles_ = report ? report->tiles : 0;
    return frame;
  }

  test::TempFolder folder_;
  mutable int tiles_ = 0;
};

std::vector<int> codes(const Frame& frame) {
  std::vector<int> all;
  for (int p = 0; p < frame.format.plane_count(); ++p) {
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    for (int y = 0; y < plane.height; ++y)
      for (int x = 0; x < plane.width; ++x)
        all.push_back(frame.format.bits > 8 ? plane.row<uint16_t>(y)[x] : plane.row<uint8_t>(y)[x]);
  }
  return all;
}

int largest_step(const Frame& a, const Frame& b) {
  const std::vector<int> x = codes(a), y = codes(b);
  if (x.size() != y.size() || x.empty()) return 1 << 20;
  int worst = 0;
  for (size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - y[i]));
  return worst;
}

// A small one of the residual encoder-decoders.
Network small_ldr2hdr() {
  Network network;
  network.name = "formula";
  network.architecture = &ldr2hdr;
  network.hyper = {{"base", 2}, {"blocks", 2}, {"dilation", 2}, {"scale_hdr_milli", 250}};
  network.contract = ldr2hdr.contract(network.hyper);
  add_formula_weights(ldr2hdr.build(network.hyper, 1, 8, 8).value(), network.parameters);
  return network;
}

// Tiles of a network without receptive field agree, so that blending them changes no bit. With chroma that postprocess
// filters across rows too.
TEST_F(Expand, BlendedTilesOfAnIdentityAreTheUntiledPicture) {
  const Network network = identity_network();
  for (const auto& [width, height] : {std::pair{200, 150}, {201, 149}, {64, 200}, {1, 90}})
    for (const PixelFormat& format :
         {PixelFormat{ColorFamily::rgb, 16, 0, 0, false}, PixelFormat{ColorFamily::yuv, 8, 1, 1, false}}) {
      SCOPED_TRACE(fmt::format("{}x{} {}", width, height, to_string(format)));
      const fs::path source = picture(width, height);
      const Frame untiled = run(network, source, 0, -1, format);
      EXPECT_EQ(tiles_, 1);
      for (const int overlap : {1, 10, 30}) {
        const Frame blended = run(network, source, 64, overlap, format);
        EXPECT_GT(tiles_, 1);
        EXPECT_EQ(largest_step(untiled, blended), 0) << "overlap " << overlap;
      }
    }
}

// The same with bars around the picture, kept or cut off again, where whole rows of tiles may lie in them.
TEST_F(Expand, BlendedTilesWithBars) {
  const Network network = identity_network();
  const fs::path source = picture(120, 200);
  for (const auto& [width, height] : {std::pair{400, 200}, {120, 420}})
    for (const bool keep_bars : {false, true})
      for (const PixelFormat& format :
           {PixelFormat{ColorFamily::rgb, 16, 0, 0, false}, PixelFormat{ColorFamily::yuv, 8, 1, 1, false}}) {
        SCOPED_TRACE(fmt::format("{}x{} bars {} {}", width, height, keep_bars, to_string(format)));
        const auto letterbox = [width = width, height = height, keep_bars](VideoJob& job) {
          job.input_width = width;
          job.input_height = height;
          job.keep_bars = keep_bars;
        };
        const Frame untiled = run(network, source, 0, -1, format, letterbox);
        EXPECT_EQ(untiled.width, keep_bars ? width : 120);
        const Frame blended = run(network, source, 64, 20, format, letterbox);
        EXPECT_GT(tiles_, 1);
        EXPECT_EQ(largest_step(untiled, blended), 0);
      }
}

// No pixel is NaN (which would be written as 0), none is left out (which would keep what the pool's memory held), and
// tiles that share enough are the untiled picture but for the engine's rounding.
TEST_F(Expand, AnySize) {
  const Network network = small_ldr2hdr();
  for (const auto& [width, height] :
       {std::pair{1, 1}, {2, 3}, {5, 1}, {63, 65}, {1000, 1000}, {1025, 1023}, {4097, 3}, {3, 4097}, {16384, 5}}) {
    SCOPED_TRACE(fmt::format("{}x{}", width, height));
    const fs::path source = picture(width, height);
    const Frame untiled = run(network, source, 0, -1);
    ASSERT_EQ(untiled.width, width);
    ASSERT_EQ(untiled.height, height);
    const std::vector<int> all = codes(untiled);
    // Softplus of anything the network has inside is far above half a code of 65535.
    EXPECT_TRUE(std::ranges::all_of(all, [](int v) { return v > 100; })) << std::ranges::min(all);
    for (const auto& [tile, overlap] : {std::pair{256, 64}, {1024, 256}, {240, 160}}) {
      const Frame blended = run(network, source, tile, overlap);
      EXPECT_EQ(tiles_ > 1, std::max(width, height) > tile);
      // The receptive field reaches 34 pixels: in the last case it stays inside the outer quarter of the overlap, where
      // the weight is 0; in the others the blended pixels are different ones. The engine may sum in another order.
      EXPECT_TRUE(std::ranges::all_of(codes(blended), [](int v) { return v > 100; }));
      EXPECT_LE(largest_step(untiled, blended), overlap == 160 ? 1 : 65535) << "tile " << tile;
    }
  }
}

// What the network is given is linear light decoded with the sRGB curve, which an untagged picture has.
TEST_F(Expand, FeedsLinearLight) {
  Network network = identity_network();
  network.contract = sdr_to_linear_contract(TransferCharacteristic::linear);
  const fs::path source = picture(40, 30);
  const Frame out = run(network, source, 0, -1);
  std::ifstream file(source, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  bytes = bytes.substr(bytes.size() - size_t{40} * 30 * 3);
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 40; ++x)
      for (size_t c = 0; c < 3; ++c) {
        const double code = static_cast<unsigned char>(bytes[(static_cast<size_t>(y) * 40 + x) * 3 + c]);
        // Half a code, and what the converter's curve is off (color_convert_test.cpp).
        EXPECT_NEAR(out.planes[c].row<uint16_t>(y)[x], 65535 * srgb_eotf(code / 255), 0.6);
      }
  EXPECT_EQ(out.color.transfer, TransferCharacteristic::linear);
  EXPECT_EQ(out.color.primaries, ColorPrimaries::bt709);
}

TEST_F(Expand, AppliesTheGain) {
  Network network = identity_network();
  network.contract = sdr_to_linear_contract(TransferCharacteristic::linear);
  const fs::path source = picture(40, 30);
  const std::vector<int> whole = codes(run(network, source, 0, -1));
  network.contract.output_gain = 0.25f;
  const std::vector<int> quarter = codes(run(network, source, 0, -1));
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(quarter[i], whole[i] / 4.0, 0.75);
}

// ---- what is written

constexpr PixelFormat with_confidence{ColorFamily::rgb, 32, 0, 0, true};

// Makes five times the light that goes in: 2.3 stops more everywhere.
Network brightening_network() {
  Network network = identity_network();
  network.contract = sdr_to_linear_contract(TransferCharacteristic::linear);
  network.contract.output_gain = 5;
  return network;
}

// The formula of postprocess/confidence.h, on the file's codes and the picture that came out.
TEST_F(Expand, ConfidenceComparesThePictureWithTheFile) {
  const Network network = brightening_network();
  for (const auto& [width, height] : {std::pair{1, 1}, {5, 1}, {201, 149}, {64, 33}}) {
    const fs::path source = picture(width, height);
    std::ifstream file(source, std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    bytes = bytes.substr(bytes.size() - static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
    for (const auto& [tile, overlap] : {std::pair{0, -1}, {64, 0}, {64, 20}}) {
      SCOPED_TRACE(fmt::format("{}x{} tile {} overlap {}", width, height, tile, overlap));
      const Frame out =
          run(network, source, tile, overlap, with_confidence, [](VideoJob& job) { job.confidence = true; });
      size_t at = 0;
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
          double before = 0, after = 0;
          for (size_t c = 0; c < 3; ++c) {
            before = std::max(before, srgb_eotf(static_cast<unsigned char>(bytes[at++]) / 255.0));
            after = std::max<double>(after, out.planes[c].row<float>(y)[x]);
          }
          const double clipped = std::clamp((before - 0.85) / 0.15, 0.0, 1.0);
          const double stops = std::abs(std::log2((after + 1.0 / 256) / (before + 1.0 / 256)));
          // What the converter's curve is off (color_convert_test.cpp), times the formula's steepest slope.
          EXPECT_NEAR(out.planes[3].row<float>(y)[x], 1 / (1 + (0.125 + 0.875 * clipped) * stops), 1e-4);
        }
    }
  }
}

// Where the output has another size the source is brought to it; a flat picture stays flat.
TEST_F(Expand, ConfidenceOfAnotherSize) {
  const Network network = brightening_network();
  const fs::path source = folder_ / "flat.ppm";
  std::ofstream(source, std::ios::binary) << "P6\n60 40\n255\n" << std::string(size_t{60} * 40 * 3, char(100));
  const double before = srgb_eotf(100 / 255.0), stops = std::log2((5 * before + 1.0 / 256) / (before + 1.0 / 256));
  for (const double scale : {0.5, 1.5}) {
    const Frame out = run(network, source, 0, -1, with_confidence, [&](VideoJob& job) {
      job.confidence = true;
      job.scale = scale;
    });
    ASSERT_EQ(out.width, static_cast<int>(60 * scale));
    for (int y = 0; y < out.height; ++y)
      for (int x = 0; x < out.width; ++x)
        EXPECT_NEAR(out.planes[3].row<float>(y)[x], 1 / (1 + 0.125 * stops), 1e-3);  // 16-bit codes between the sizes
  }
}

// What the sink is asked for, and the error.
TEST_F(Expand, SaysWhatItWrites) {
  const Network network = brightening_network();
  const fs::path source = picture(16, 16);
  SinkOptions asked;
  const auto run_into = [&](const std::string& path, PixelFormat format, const std::function<void(VideoJob&)>& change) {
    VideoJob job;
    job.source.path = source;
    job.sink.path = path;
    job.sink.attributes.texts = {{"software", "mine"}};
    job.network = &network;
    job.backend = find_backend("openvino").value();
    job.compile.precision = Precision::f32;
    Frame frame;
    job.make_sink = [&](const SinkOptions& options) -> Result<std::unique_ptr<Sink>> {
      asked = options;
      return std::make_unique<MemorySink>(options, format, frame);
    };
    change(job);
    const auto report = process_video(job);
    return report ? std::string() : report.error().message;
  };
  const auto plain = [](VideoJob&) {};
  const auto confident = [](VideoJob& job) { job.confidence = true; };

  EXPECT_EQ(run_into("a.exr", {ColorFamily::rgb, 32, 0, 0, false}, plain), "");
  EXPECT_EQ(asked.color.transfer, TransferCharacteristic::linear);
  EXPECT_EQ(asked.color.primaries, ColorPrimaries::bt709);
  EXPECT_EQ(asked.attributes.white_nits, 203);
  EXPECT_EQ(asked.attributes.texts.at(0), (std::pair<std::string, std::string>{"software", "mine"}));
  EXPECT_FALSE(asked.source_format.alpha);

  EXPECT_EQ(run_into("a.exr", with_confidence, confident), "");
  EXPECT_TRUE(asked.source_format.alpha);
  EXPECT_EQ(asked.alpha_channel, "confidence");

  EXPECT_EQ(run_into("a.mov", {ColorFamily::yuv, 12, 0, 0, false}, plain), "");
  EXPECT_EQ(asked.color.transfer, TransferCharacteristic::pq);
  EXPECT_EQ(asked.color.primaries, ColorPrimaries::bt2020);
  EXPECT_EQ(asked.color.matrix, MatrixCoefficients::bt2020_ncl);
  EXPECT_TRUE(asked.hdr_follows);
  EXPECT_EQ(asked.attributes.white_nits, 0);

  EXPECT_NE(run_into("a.mov", {ColorFamily::yuv, 12, 0, 0, false}, confident).find("--confidence"), std::string::npos);
  const std::string bars = run_into("a.exr", with_confidence, [](VideoJob& job) {
    job.confidence = job.keep_bars = true;
    job.input_width = 40;
    job.input_height = 16;
  });
  EXPECT_NE(bars.find("--keep-bars"), std::string::npos) << bars;
}

// A network whose receptive field is not to be carried around blends on its own; others stay exact.
TEST_F(Expand, BlendsByDefaultWhereTheReceptiveFieldIsLarge) {
  Network network = small_ldr2hdr();
  const fs::path source = picture(400, 300);
  const Frame untiled = run(network, source, 0, -1);
  // Exact tiles of this network: 2 blocks see less than its overlap.
  const Frame exact = run(network, source, 200, -1);
  EXPECT_GT(tiles_, 1);
  EXPECT_LE(largest_step(untiled, exact), 1);  // the engine may sum in another order
  network.contract.blend_overlap = 8;
  const Frame blended = run(network, source, 200, -1);
  EXPECT_GT(largest_step(exact, blended), 1);  // tiles that see each other's borders: not the same picture
  const Frame explicitly_exact = run(network, source, 200, 0);
  EXPECT_LE(largest_step(untiled, explicitly_exact), 1);
}

// The reference network with eight blocks, whose receptive field reaches over 100 pixels to each side.
TEST_F(Expand, BlendedAgainstUntiledOnARealNetwork) {
  FL_SHARED_OR_SKIP(assets);
  auto network = load_network(assets / "golden/hdrnet_base8_synthetic.pt");
  ASSERT_TRUE(network) << network.error().message;
  network->contract.output_gain = 0.25f;
  const fs::path source = picture(640, 500);
  const Frame untiled = run(*network, source, 0, -1);
  const std::vector<int> expected = codes(untiled);
  const auto [low, high] = std::ranges::minmax(expected);
  EXPECT_GT(high - low, 500) << "a flat picture would hide seams";
  EXPECT_EQ(largest_step(run(*network, source, 384, -1), run(*network, source, 384, 128)), 0) << "the default";
  for (const auto& [tile, overlap] : {std::pair{320, 64}, {384, 128}, {448, 240}}) {
    const Frame blended = run(*network, source, tile, overlap);
    EXPECT_GT(tiles_, 1);
    const int worst = largest_step(untiled, blended);
    std::printf("tile %d overlap %d: %d tiles, largest difference %d codes of the picture's range of %d\n", tile,
                overlap, tiles_, worst, high - low);
    // Stated in docs/expand.md: within 0.1 % of the picture's range from an overlap of 128 on, the default, far below
    // what a seam needs to be seen, and within 2 % at 64.
    EXPECT_LE(worst, overlap >= 128 ? (high - low) / 1000 : (high - low) / 50);
  }
}

}  // namespace
}  // namespace framelift
