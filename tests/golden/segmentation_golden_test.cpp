// Segmentation networks against LiteRT, MediaPipe's weights and independent PyTorch code.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/formula_weights.h"
#include "tests/support.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Bytes [H,W,3] as the picture [1,3,H,W] from 0 to 1.
Tensor picture_of(const Tensor& codes) {
  const int64_t height = codes.shape()[0], width = codes.shape()[1];
  Tensor picture(DType::f32, {1, 3, height, width});
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < height * width; ++i)
      picture.f32()[static_cast<size_t>(c * height * width + i)] =
          static_cast<float>(codes.as<uint8_t>()[i * 3 + c]) / 255.0f;
  return picture;
}

// Every 4th pixel of every plane, [C,h,w].
Tensor every_fourth(const Tensor& scores) {
  const int64_t planes = scores.shape()[1], height = scores.shape()[2], width = scores.shape()[3];
  Tensor out(DType::f32, {planes, (height + 3) / 4, (width + 3) / 4});
  float* to = out.as<float>();
  for (int64_t c = 0; c < planes; ++c)
    for (int64_t y = 0; y < height; y += 4)
      for (int64_t x = 0; x < width; x += 4) *to++ = scores.as<float>()[(c * height + y) * width + x];
  return out;
}

std::vector<int> largest_planes(const Tensor& scores) {
  const int64_t planes = scores.shape()[1], pixels = scores.shape()[2] * scores.shape()[3];
  std::vector<int> best(static_cast<size_t>(pixels), 0);
  for (int64_t c = 1; c < planes; ++c)
    for (int64_t i = 0; i < pixels; ++i) {
      int& winner = best[static_cast<size_t>(i)];
      if (scores.as<float>()[c * pixels + i] > scores.as<float>()[winner * pixels + i]) winner = static_cast<int>(c);
    }
  return best;
}

CompileOptions in_f32() {
  CompileOptions options;
  options.precision = Precision::f32;
  return options;
}

WeightFile goldens_of(const fs::path& path) {
  auto file = read_weights(path);
  if (!file) throw std::runtime_error(file.error().message);
  return std::move(*file);
}

TEST(SegmentationAssets, PersonMaskOfMediaPipe) {
  FL_SHARED_OR_SKIP(assets);
  const auto network = load_network(assets / "weights/segmentation/selfie_segmentation.tflite");
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ(network->parameter_count(), 106'401);
  EXPECT_EQ(network->contract.fixed_width, 256);
  EXPECT_EQ(network->contract.output, OutputKind::probability);
  const WeightFile goldens = goldens_of(assets / "golden/segmentation_tflite.safetensors");
  const Tensor picture = picture_of(*goldens.find("selfie_segmentation.in_u8"));
  for (Backend* backend : exact_backends()) {
    const auto mask = run_network(*network, picture, *backend, in_f32());
    ASSERT_TRUE(mask) << backend->name() << ": " << mask.error().message;
    const double difference = largest_difference(mask->f32(), goldens.find("selfie_segmentation.mask")->f32());
    std::printf("selfie %-9s max difference %.2e\n", backend->name(), difference);
    // Of a probability; 136 operators in float32, in another order than the golden's executor, which was libtorch in
    // float32: the torch engine may meet it to the last bit.
    EXPECT_LE(difference, 1e-4) << backend->name();
    int64_t others = 0;
    for (size_t i = 0; i < mask->f32().size(); ++i)
      others += (mask->f32()[i] > 0.5f) != (goldens.find("selfie_segmentation.mask")->f32()[i] > 0.5f);
    EXPECT_EQ(others, 0) << backend->name();
    // So that no engine is compared with what is in its buffers by chance: it answers to its input.
    const auto of_nothing = run_network(*network, Tensor::filled(picture.shape(), 0.0f), *backend, in_f32());
    ASSERT_TRUE(of_nothing) << backend->name();
    EXPECT_GT(largest_difference(of_nothing->f32(), mask->f32()), 0.5) << backend->name();
  }
  EXPECT_FALSE(network->build(1, 256, 255)) << "another size than the file's";
}

TEST(SegmentationAssets, DeepLabV3OfLiteRt) {
  FL_SHARED_OR_SKIP(assets);
  const auto network = load_network(assets / "weights/segmentation/deeplabv3_257_mv_gpu.tflite");
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ(network->parameter_count(), 688'357);
  ASSERT_EQ(network->contract.classes.size(), 21u);
  EXPECT_EQ(network->contract.classes[15].name, "person");
  const WeightFile goldens = goldens_of(assets / "golden/segmentation_tflite.safetensors");
  const Tensor picture = picture_of(*goldens.find("deeplabv3_257.in_u8"));
  const Tensor &expected = *goldens.find("deeplabv3_257.logits_every4"),
               &winners = *goldens.find("deeplabv3_257.argmax_u8");
  for (Backend* backend : exact_backends()) {
    const auto scores = run_network(*network, picture, *backend, in_f32());
    ASSERT_TRUE(scores) << backend->name() << ": " << scores.error().message;
    const Tensor some = every_fourth(*scores);
    const int64_t pixels = some.shape()[1] * some.shape()[2];
    double difference = 0;  // the golden is [h,w,C]
    for (int64_t c = 0; c < 21; ++c)
      for (int64_t i = 0; i < pixels; ++i)
        difference = std::max(
            difference, std::abs(double{some.as<float>()[c * pixels + i]} - double{expected.as<float>()[i * 21 + c]}));
    std::printf("deeplab 257 %-9s max difference %.2e\n", backend->name(), difference);
    // Of scores up to about 15, after 70 operators in float32.
    EXPECT_LE(difference, 1e-4) << backend->name();
    const std::vector<int> best = largest_planes(*scores);
    int64_t others = 0;
    for (size_t i = 0; i < best.size(); ++i) others += best[i] != winners.as<uint8_t>()[i];
    EXPECT_EQ(others, 0) << backend->name();
  }
}

// The rule of the shared goldens' weights: every entry of the state dict, sorted, numbers its tensors.
Parameters numbered_weights(const Graph& graph) {
  std::map<std::string, Shape> entries;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    entries.emplace(value.name, value.shape);
    const std::string_view mean = ".running_mean";
    if (value.name.ends_with(mean))
      entries.emplace(value.name.substr(0, value.name.size() - mean.size()) + ".num_batches_tracked", Shape{});
  }
  Parameters parameters;
  uint32_t number = 0;
  for (const auto& [name, shape] : entries) {
    const uint32_t t = number++;
    if (name.ends_with(".num_batches_tracked")) continue;
    Tensor tensor(DType::f32, shape);
    const double fan = static_cast<double>(shape.elements() / shape[0]);
    for (size_t i = 0; i < tensor.f32().size(); ++i) {
      uint32_t h = static_cast<uint32_t>(i) * 2654435761u + t * 40503u + 12345u;
      h = (h ^ h >> 16) * 0x45d9f3bu;
      h ^= h >> 16;
      const double u = h / 0x1p32 * 2 - 1;
      const double value = name.ends_with(".running_var")                   ? 1 + 0.25 * u
                           : shape.rank() == 1 && name.ends_with(".weight") ? 1 + 0.1 * u
                           : shape.rank() == 1                              ? 0.1 * u
                                                                            : u * std::sqrt(3 / fan);
      tensor.f32()[i] = static_cast<float>(value);
    }
    parameters.emplace(name, std::move(tensor));
  }
  return parameters;
}

const Architecture& architecture_named(std::string_view name) {
  return **std::ranges::find(architectures(), name, &Architecture::name);
}

TEST(SegmentationAssets, DeepLabV3PlusOfTheUpstreamCode) {
  FL_SHARED_OR_SKIP(assets);
  const WeightFile goldens = goldens_of(assets / "golden/others.safetensors");
  const Tensor picture = picture_of(*goldens.find("deeplab.in_u8"));
  const Architecture& architecture = architecture_named("deeplabv3plus");
  for (const bool resnet : {false, true}) {
    const HyperParameters hyper{{"resnet", resnet}, {"classes", 21}, {"output_stride", 16}};
    const Graph graph = architecture.build(hyper, 1, 129, 129).value();
    const Parameters parameters = numbered_weights(graph);
    const Tensor& expected =
        *goldens.find(resnet ? "deeplabv3plus_resnet50.logits_every4" : "deeplabv3plus_mobilenet.logits_every4");
    const Tensor* const inputs[] = {&picture};
    for (Backend* backend : exact_backends()) {
      const auto scores = run_graph(*backend, graph, parameters, inputs, in_f32());
      ASSERT_TRUE(scores) << backend->name() << ": " << scores.error().message;
      const double difference = largest_difference(every_fourth(*scores).f32(), expected.f32());
      std::printf("deeplabv3plus resnet %d %-9s max difference %.2e\n", resnet, backend->name(), difference);
      // The contract of f32; both sides are float32.
      EXPECT_LE(difference, 1e-5) << backend->name();
    }
  }
}

// ---- formula weights, from a clean checkout

std::vector<json> cases() {
  std::ifstream file("tests/golden/manifest.json");
  return json::parse(file).at("segmentation").get<std::vector<json>>();
}

class SegmentationGolden : public testing::TestWithParam<json> {};

TEST_P(SegmentationGolden, EveryBackend) {
  const json& c = GetParam();
  const Architecture& architecture = architecture_named("deeplabv3plus");
  const auto hyper = c.at("hyper").get<HyperParameters>();
  const WeightFile golden = goldens_of(fs::path("tests/golden") / c.at("golden").get<std::string>());
  const Tensor &input = *golden.find("input"), &expected = *golden.find("output");
  const Graph graph =
      architecture.build(hyper, 1, static_cast<int>(input.shape()[2]), static_cast<int>(input.shape()[3])).value();
  Parameters parameters;
  add_formula_weights(graph, parameters);
  int64_t learnt = 0;
  for (const auto& [name, tensor] : parameters)
    if (name.find(".running_") == std::string::npos) learnt += tensor.elements();
  EXPECT_EQ(learnt, c.at("parameters").get<int64_t>());
  const Tensor* const inputs[] = {&input};
  // Scores are not bound to 0 to 1 as pictures are, and the golden is in float64: relative to their size.
  double size = 1;
  for (float v : expected.f32()) size = std::max(size, std::abs(double{v}));
  for (Backend* backend : exact_backends()) {
    const auto scores = run_graph(*backend, graph, parameters, inputs, in_f32());
    ASSERT_TRUE(scores) << backend->name() << ": " << scores.error().message;
    const double difference = largest_difference(scores->f32(), expected.f32());
    std::printf("%-22s %-9s max difference %.2e of %.1f\n", c.at("case").get<std::string>().c_str(), backend->name(),
                difference, size);
    EXPECT_LE(difference, 1e-5 * size) << backend->name();
  }
}

INSTANTIATE_TEST_SUITE_P(Synthetic, SegmentationGolden, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.at("case").template get<std::string>(); });

}  // namespace
}  // namespace framelift
