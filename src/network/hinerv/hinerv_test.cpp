#include "network/hinerv/hinerv.h"

#include <gtest/gtest.h>

#include "network/hinerv/weights.h"
#include "network/network.h"

namespace framelift {
namespace {

int64_t parameter_count(const HinervConfig& config) {
  const auto graph = build_hinerv(config, {});
  EXPECT_TRUE(graph) << graph.error().message;
  int64_t count = 0;
  for (const Value& value : graph->values)
    if (value.kind == ValueKind::parameter) count += value.shape.elements();
  return count;
}

// Counted from the authors' program.
TEST(HinervConfig, HasThePublishedNumberOfParameters) {
  const std::pair<const char*, int64_t> counts[] = {
      {"uvg-s", 3'188'933},   {"uvg-m", 6'489'553},    {"uvg-l", 12'818'953},  {"mcl-xxs", 766'115},
      {"bunny-xxs", 766'691}, {"bunny-xs", 1'585'666}, {"bunny-s", 3'249'819},
  };
  for (const auto& [name, count] : counts) {
    const auto config = find_published_hinerv(name);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(parameter_count(*config), count) << name;
  }
}

TEST(HinervConfig, EveryPublishedOneBuilds) {
  EXPECT_EQ(published_hinerv().size(), 25u);
  for (const PublishedHinerv& published : published_hinerv()) {
    const HinervRun patches{1, published.config.stride(), 2 * published.config.stride()};
    const auto graph = build_hinerv(published.config, patches);
    ASSERT_TRUE(graph) << published.name << ": " << graph.error().message;
    EXPECT_EQ(graph->value(graph->outputs[0]).shape,
              (Shape{1, 3, published.config.stride(), 2 * published.config.stride()}));
  }
  const auto unknown = find_published_hinerv("uvg-tiny");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("bunny-b-s"), std::string::npos) << unknown.error().message;
}

std::vector<int> paddings(const char* name) {
  const HinervPadding padding = hinerv_padding(find_published_hinerv(name).value());
  std::vector<int> result{padding.stem};
  for (const auto& stage : padding.stages) result.push_back(stage.wide);
  return result;
}

TEST(HinervConfig, PadsPatchesAsTheAuthorsDo) {
  EXPECT_EQ(paddings("uvg-s"), (std::vector<int>{3, 6, 6, 4, 1}));
  EXPECT_EQ(paddings("bunny-s"), (std::vector<int>{3, 7, 6, 4, 1}));
}

TEST(HinervConfig, RefusesWhatDoesNotFit) {
  HinervConfig config = find_published_hinerv("bunny-xxs").value();
  config.width = 1270;
  const auto odd = build_hinerv(config, {});
  ASSERT_FALSE(odd);
  EXPECT_NE(odd.error().message.find("1270x720 is no multiple of 40"), std::string::npos) << odd.error().message;
  config.width = 1280;
  EXPECT_FALSE(build_hinerv(config, {1, 60, 80}));
  EXPECT_FALSE(build_hinerv(config, {1, 80, 0}));
  EXPECT_FALSE(build_hinerv(config, {0, 0, 0}));
  config.channels = 0;
  EXPECT_FALSE(build_hinerv(config, {}));
}

// ---- state dicts

WeightFile state_dict(const HinervConfig& config) {
  WeightFile file;
  file.path = "hinerv.pth";
  file.format = WeightFormat::pytorch;
  const Graph graph = build_hinerv(config, {}).value();
  for (const Value& value : graph.values)
    if (value.kind == ValueKind::parameter) file.tensors.emplace_back(value.name, Tensor::filled(value.shape, 0.5f));
  return file;
}

TEST(HinervWeights, APublishedConfigurationIsKnownByItsShapes) {
  for (const char* name : {"uvg-b-s", "mcl-xxs", "bunny-xxs", "bunny-a-xs"}) {
    HinervConfig config = find_published_hinerv(name).value();
    config.frames = 64;  // of another video
    const auto detected = detect_hinerv(state_dict(config), {});
    ASSERT_TRUE(detected) << name << ": " << detected.error().message;
    EXPECT_EQ(*detected, config) << name;
  }
}

HinervConfig small_config() {
  HinervConfig config;
  config.frames = 5;
  config.height = 12;
  config.width = 24;
  config.channels = 7;
  config.stages = {{3, 2, 1.5, 3}, {2, 1, 1, 5}};
  config.base_frames = 4;
  config.base_channels = 2;
  config.grid_channels = 3;
  return config;
}

TEST(HinervWeights, AnyOtherNeedsTheSizeOfItsVideo) {
  const HinervConfig config = small_config();
  const WeightFile file = state_dict(config);
  EXPECT_TRUE(is_hinerv(file));
  const auto unsized = detect_hinerv(file, {});
  ASSERT_FALSE(unsized);
  EXPECT_NE(unsized.error().message.find("--size"), std::string::npos) << unsized.error().message;
  const auto wrong = detect_hinerv(file, {12, 30, {}});
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("check --size"), std::string::npos) << wrong.error().message;

  const auto detected = detect_hinerv(file, {12, 24, false});
  ASSERT_TRUE(detected) << detected.error().message;
  EXPECT_FALSE(detected->upsample_norm);
  EXPECT_EQ(parameter_count(*detected), parameter_count(config));
  ASSERT_EQ(detected->stages.size(), 2u);
  EXPECT_EQ(detected->stages[0].scale, 3);
  EXPECT_EQ(detected->stages[1].kernel, 5);
  EXPECT_TRUE(hinerv_parameters(file, *detected));
}

TEST(HinervWeights, PrunedWeightsAreZero) {
  const HinervConfig config = small_config();
  WeightFile file = state_dict(config);
  for (auto& [name, tensor] : file.tensors) {
    if (name != "decoder.head.linear.weight") continue;
    name = "decoder.head.linear.parametrizations.weight.original";
    Tensor mask(DType::boolean, tensor.shape());
    std::fill_n(mask.as<uint8_t>(), mask.elements(), uint8_t{1});
    mask.as<uint8_t>()[1] = 0;
    file.tensors.emplace_back("decoder.head.linear.parametrizations.weight.0.mask", std::move(mask));
    file.tensors.emplace_back("decoder.head.linear.parametrizations.weight.1.bitwidth", Tensor::filled({}, 6));
    break;
  }
  auto parameters = hinerv_parameters(file, config);
  ASSERT_TRUE(parameters) << parameters.error().message;
  const Tensor& weight = parameters->at("decoder.head.linear.weight");
  EXPECT_EQ(weight.f32()[0], 0.5f);
  EXPECT_EQ(weight.f32()[1], 0.0f);
  EXPECT_EQ(weight.f32()[2], 0.5f);
}

TEST(HinervWeights, AreNoNetworkForPictures) {
  const auto network = make_network(state_dict(small_config()));
  ASSERT_FALSE(network);
  EXPECT_NE(network.error().message.find("framelift decompress"), std::string::npos) << network.error().message;
}

TEST(HinervWeights, OtherNetworksAreNone) {
  WeightFile file;
  file.tensors.emplace_back("body.0.weight", Tensor::filled({8, 3, 3, 3}, 1));
  EXPECT_FALSE(is_hinerv(file));
  const auto detected = detect_hinerv(file, {});
  ASSERT_FALSE(detected);
  EXPECT_EQ(detected.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace framelift
