#include "compress/weight_noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "backend/torch/torch_engine.h"
#include "codec/quantized_tensor.h"
#include "compress/hinerv_start.h"
#include "network/hinerv/hinerv.h"
#include "train/train_test_support.h"

namespace framelift {
namespace {

HinervConfig small_config() {
  HinervConfig c;
  c.frames = 3;
  c.height = c.width = 16;
  c.channels = 12;
  c.stages = {{2, 1, 2, 3}, {2, 1, 1, 3}};
  c.base_channels = 2;
  c.grid_channels = 2;
  return c;
}

Graph small_graph() { return build_hinerv(small_config(), {}).value(); }

int64_t zeros(const Tensor& t) { return std::ranges::count(t.f32(), 0.0f); }

// Against the definition itself: sorted scores.
TEST(Pruning, RemovesTheLowestScores) {
  const Parameters before = initial_hinerv_parameters(small_graph(), 5);
  Parameters after;
  int64_t total = 0;
  for (const auto& [name, tensor] : before) {
    after.emplace(name, tensor.clone());
    total += tensor.elements();
  }
  const auto wanted = static_cast<int64_t>(0.15 * static_cast<double>(total));
  EXPECT_EQ(prune_weights(after, 0.15), wanted);  // no two scores are equal

  double largest_removed = 0, smallest_kept = 1e9;
  int64_t removed = 0;
  for (const auto& [name, tensor] : after) {
    const bool layer = name == "decoder.stem.conv.weight" || name == "decoder.head.linear.weight" ||
                       name.find("conv.weight") != std::string::npos || name.find(".fc") != std::string::npos;
    const Tensor& old = before.at(name);
    for (size_t i = 0; i < old.f32().size(); ++i) {
      const float w = tensor.f32()[i];
      if (!layer || w != 0) {
        ASSERT_EQ(w, old.f32()[i]) << name;
      }
      if (!layer) continue;
      const double score = std::abs(old.f32()[i]) / (std::sqrt(static_cast<double>(tensor.elements())) + 1e-6);
      removed += w == 0;
      if (w == 0) largest_removed = std::max(largest_removed, score);
      if (w != 0) smallest_kept = std::min(smallest_kept, score);
    }
  }
  EXPECT_EQ(removed, wanted);
  EXPECT_LT(largest_removed, smallest_kept);
}

TEST(Pruning, NothingAndEverything) {
  Parameters parameters = initial_hinerv_parameters(small_graph(), 5);
  EXPECT_EQ(prune_weights(parameters, 0), 0);
  EXPECT_GT(prune_weights(parameters, 1), 0);
  EXPECT_EQ(zeros(parameters.at("decoder.stem.conv.weight")), parameters.at("decoder.stem.conv.weight").elements());
  EXPECT_EQ(zeros(parameters.at("encoding.grids.0.weight")), 0);
}

// Each weight either learns or is what rounding leaves of it; the share is the one asked for; pruned ones stay zero.
TEST(QuantNoise, KeepsOrRounds) {
  Parameters parameters = initial_hinerv_parameters(small_graph(), 5);
  prune_weights(parameters, 0.15);
  TensorBits bits(6);
  bits.of["decoder.stem.conv.weight"] = 3;
  const Parameters inputs = noisy_weight_inputs(parameters, bits, 0.9, 1, 7).value();
  int64_t rounded = 0, learning = 0;
  for (const auto& [name, tensor] : parameters) {
    ASSERT_EQ(inputs.contains("keep." + name), tensor.shape().rank() >= 2) << name;
    if (tensor.shape().rank() < 2) continue;
    const Tensor q = dequantize(quantize(tensor, bits(name), quantization_axis(tensor.shape())).value());
    const Tensor &keep = inputs.at("keep." + name), &fixed = inputs.at("fixed." + name);
    for (size_t i = 0; i < q.f32().size(); ++i) {
      const float w = tensor.f32()[i], k = keep.f32()[i], f = fixed.f32()[i];
      ASSERT_TRUE(k == 0 || (k == 1 && f == 0 && w != 0)) << name;
      if (k == 0) {
        ASSERT_EQ(f, q.f32()[i]) << name;
      }
      if (w == 0) continue;
      (k == 1 ? learning : rounded) += 1;
    }
  }
  const double share = static_cast<double>(rounded) / static_cast<double>(rounded + learning);
  const double deviation = std::sqrt(0.09 / static_cast<double>(rounded + learning));  // of a mean of coin tosses
  EXPECT_NEAR(share, 0.9, 4 * deviation);

  EXPECT_TRUE(test::equal_bits(inputs, noisy_weight_inputs(parameters, bits, 0.9, 1, 7).value()));
  EXPECT_FALSE(test::equal_bits(inputs, noisy_weight_inputs(parameters, bits, 0.9, 1, 8).value()));
  const Parameters all = noisy_weight_inputs(parameters, 6, 1, 1, 7).value();
  for (const auto& [name, tensor] : all)
    if (name.starts_with("keep.")) {
      EXPECT_EQ(zeros(tensor), tensor.elements()) << name;
    }
}

// The network sees w * keep + fixed, and w learns by keep alone.
TEST(QuantNoise, GradientsGoToKeptWeightsOnly) {
  SKIP_WITHOUT_TORCH();
  const HinervConfig config = small_config();
  const Graph plain = small_graph();
  const Graph graph = with_weight_inputs(plain).value();
  Parameters parameters = initial_hinerv_parameters(plain, 5);
  prune_weights(parameters, 0.15);
  Parameters weights = noisy_weight_inputs(parameters, 4, 0.5, 1, 7).value();
  const HinervPlace place[] = {{1, 0, 0}};
  std::vector<Tensor> made = hinerv_inputs(plain, config, {}, place);
  std::vector<TensorView> inputs, plain_inputs;
  for (Tensor& tensor : made) plain_inputs.push_back(tensor.view());
  size_t next = 0;
  for (const ValueId id : graph.inputs) {
    const auto found = weights.find(graph.value(id).name);
    inputs.push_back(found != weights.end() ? found->second.view() : plain_inputs[next++]);
  }
  const auto adjusted = (*torch_engine())->gradients(graph, parameters, inputs).value();

  Parameters seen;
  for (const auto& [name, tensor] : parameters) {
    Tensor w = tensor.clone();
    if (const auto keep = weights.find("keep." + name); keep != weights.end())
      for (size_t i = 0; i < w.f32().size(); ++i)
        w.f32()[i] = w.f32()[i] * keep->second.f32()[i] + weights.at("fixed." + name).f32()[i];
    seen.emplace(name, std::move(w));
  }
  const auto direct = (*torch_engine())->gradients(plain, seen, plain_inputs).value();
  EXPECT_NEAR(adjusted.value, direct.value, 1e-9);  // sums of some hundred float64 numbers around 1
  for (const auto& [name, tensor] : parameters) {
    const auto keep = weights.find("keep." + name);
    for (size_t i = 0; i < tensor.f32().size(); ++i) {
      const double share = keep == weights.end() ? 1 : keep->second.f32()[i];
      ASSERT_NEAR(adjusted.gradients.at(name)[i], share * direct.gradients.at(name)[i], 1e-9) << name;
    }
  }
}

}  // namespace
}  // namespace framelift
