// The torch engine on an NVIDIA GPU against PyTorch's goldens, in every precision; skipped, with the reason, where
// there is none. What it records is replayed here too: every request runs twice.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "backend/torch/torch_engine.h"
#include "decode/source.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/frame_to_tensor.h"
#include "tests/formula_weights.h"
#include "tests/support.h"
#include "weights/weight_file.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path golden_folder = "tests/golden";

// A network's graph and inputs, and what PyTorch made of them.
struct GoldenCase {
  Graph graph;
  Parameters parameters;
  std::vector<Tensor> inputs;
  Tensor expected;
};

class CudaGolden : public testing::TestWithParam<json> {
 protected:
  void SetUp() override {
    options_.device = "cuda";
    GraphBuilder builder;
    builder.output(builder.relu(builder.input("x", {1, 3, 4, 4})), "y");
    const Status status = torch_backend().supports(*std::move(builder).finish(), options_);
    if (!status) GTEST_SKIP() << status.error().message;
  }

  // Two runs of one request: the first of its kind, and the same again.
  void expect_close(const GoldenCase& c, Precision precision, double largest, double decibels) {
    options_.precision = precision;
    const auto executable = torch_backend().compile(c.graph, c.parameters, options_);
    ASSERT_TRUE(executable) << executable.error().message;
    const auto request = (*executable)->create_request();
    ASSERT_TRUE(request) << request.error().message;
    for (int run = 0; run < 2; ++run) {
      for (size_t i = 0; i < c.inputs.size(); ++i)
        std::memcpy((*request)->input(static_cast<int>(i)).data, c.inputs[i].data(), c.inputs[i].bytes());
      ASSERT_TRUE((*request)->start());
      const Status done = (*request)->wait();
      ASSERT_TRUE(done) << done.error().message;
      const TensorView output = (*request)->output(0);
      ASSERT_EQ(output.shape, c.expected.shape());
      EXPECT_LE(largest_difference(output.f32(), c.expected.f32()), largest) << to_string(precision) << " run " << run;
      const double quality = psnr(output.f32(), c.expected.f32());
      EXPECT_GT(quality, decibels) << to_string(precision) << " run " << run;
      std::printf("cuda %-4s run %d: largest difference %.2e, PSNR %.1f dB\n", to_string(precision), run,
                  largest_difference(output.f32(), c.expected.f32()), quality);
    }
  }
  // f32: the contract of golden_test.cpp. Halves keep 11 bits, bfloat16 8; each of up to some thirty layers rounds to
  // that, which leaves about three bits less of the output.
  void expect_every_precision(const GoldenCase& c) {
    expect_close(c, Precision::f32, 1e-5, 90);
    expect_close(c, Precision::f16, INFINITY, 48);
    expect_close(c, Precision::bf16, INFINITY, 30);
  }

  CompileOptions options_;
};

json manifest() {
  std::ifstream file(golden_folder / "manifest.json");
  return json::parse(file);
}

class CudaNetworkGolden : public CudaGolden {};

TEST_P(CudaNetworkGolden, EveryPrecision) {
  const json& c = GetParam();
  auto network = load_network(golden_folder / c.at("weights").get<std::string>());
  ASSERT_TRUE(network) << network.error().message;
  if (c.contains("weights_b")) {
    const auto other = load_network(golden_folder / c.at("weights_b").get<std::string>());
    network = interpolate(*network, *other, c.at("strength"));
    ASSERT_TRUE(network) << network.error().message;
  }
  const WeightFile golden = read_weights(golden_folder / c.at("golden").get<std::string>()).value();
  GoldenCase g;
  g.inputs.push_back(golden.find("input")->clone());
  g.expected = golden.find("output")->clone();
  const Shape& shape = g.inputs[0].shape();
  g.graph = network->build(1, static_cast<int>(shape[2]), static_cast<int>(shape[3])).value();
  g.parameters = std::move(network->parameters);
  expect_every_precision(g);
}

INSTANTIATE_TEST_SUITE_P(Synthetic, CudaNetworkGolden,
                         testing::ValuesIn(manifest().at("networks").get<std::vector<json>>()),
                         [](const auto& test) { return test.param.at("case").template get<std::string>(); });

class CudaHdrGolden : public CudaGolden {};

TEST_P(CudaHdrGolden, EveryPrecision) {
  const json& c = GetParam();
  const auto found = std::ranges::find(architectures(), c.at("architecture").get<std::string>(), &Architecture::name);
  ASSERT_NE(found, architectures().end());
  const HyperParameters hyper = c.at("hyper").get<std::map<std::string, int, std::less<>>>();
  const WeightFile golden = read_weights(golden_folder / c.at("golden").get<std::string>()).value();
  GoldenCase g;
  g.inputs.push_back(golden.find("input")->clone());
  g.expected = golden.find("output")->clone();
  const Shape& shape = g.inputs[0].shape();
  g.graph = (*found)->build(hyper, 1, static_cast<int>(shape[2]), static_cast<int>(shape[3])).value();
  add_formula_weights(g.graph, g.parameters);
  if (const Tensor* picture = golden.find("picture")) {
    const Graph frame_graph =
        (*found)
            ->build_frame_graph(hyper, 1, static_cast<int>(picture->shape()[2]), static_cast<int>(picture->shape()[3]))
            .value();
    Parameters parameters;
    add_formula_weights(frame_graph, parameters);
    CompileOptions exact;
    exact.precision = Precision::f32;
    Backend& reference = *find_backend("reference").value();
    g.inputs.push_back(run_graph(reference, frame_graph, parameters, std::span(&picture, 1), exact).value());
  }
  expect_every_precision(g);
}

INSTANTIATE_TEST_SUITE_P(Synthetic, CudaHdrGolden, testing::ValuesIn(manifest().at("hdr").get<std::vector<json>>()),
                         [](const auto& test) { return test.param.at("case").template get<std::string>(); });

// Frames as samples, converted by the GPU, against frames as tensors, converted by the CPU: in f32 every code.
TEST(CudaPixels, GiveTheCodesOfTheCpu) {
  const Network network = load_network(golden_folder / "srvgg_x2.weights.safetensors").value();
  CompileOptions options;
  options.device = "cuda";
  options.precision = Precision::f32;
  constexpr int width = 46, height = 34;
  const Graph graph = network.build(1, height, width).value();
  if (const Status status = torch_backend().supports(graph, options); !status) GTEST_SKIP() << status.error().message;
  const auto executable = torch_backend().compile(graph, network.parameters, options).value();
  for (const char* name : {"yuv420p", "yuv422p10", "yuv444p16", "gbrp", "gray"}) {
    const auto request = executable->create_request().value();
    PixelPort* const port = request->pixels();
    if (!port) GTEST_SKIP() << "this build has no CUDA part";
    const PixelFormat format = parse_pixel_format(name).value();
    const bool rgb = format.family == ColorFamily::rgb;
    const ColorInfo color{rgb ? MatrixCoefficients::rgb : MatrixCoefficients::bt709, TransferCharacteristic::bt709,
                          ColorPrimaries::bt709, rgb ? ColorRange::full : ColorRange::limited, ChromaLocation::left};
    SourceOptions source_options;
    source_options.path = fmt::format("test:{}x{}:1:{}", width, height, name);
    const Frame frame = open_source(source_options).value()->next().value();
    const auto reader = FrameToTensor::create(format, color).value();
    const auto writer = TensorToFrame::create(format, color, true).value();
    const Region region{0, 0, width, height}, whole{0, 0, 2 * width, 2 * height};

    reader.run(frame, region, request->input(0));
    ASSERT_TRUE(request->start() && request->wait());
    Frame expected = FramePool(whole.width, whole.height, format, 1).acquire().value();
    writer.run(request->output(0), whole, whole, expected);

    Frame made = FramePool(whole.width, whole.height, format, 1).acquire().value();
    ASSERT_TRUE(port->load(reader.reading(), frame, region, false));
    ASSERT_TRUE(port->make_frames(writer.writing(), format, whole.width, whole.height));
    ASSERT_TRUE(request->start() && request->wait());
    port->take(made);
    for (size_t p = 0; p < static_cast<size_t>(format.plane_count()); ++p)
      for (int y = 0; y < expected.planes[p].height; ++y)
        ASSERT_EQ(std::memcmp(made.planes[p].row<std::byte>(y), expected.planes[p].row<std::byte>(y),
                              static_cast<size_t>(made.planes[p].width * format.bytes_per_sample())),
                  0)
            << name << " plane " << p << " row " << y;
  }
}

}  // namespace
}  // namespace framelift
