#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "graph/evaluate.h"
#include "network/model_store.h"
#include "network/srvgg_compact.h"
#include "quantize/gate.h"
#include "quantize/post_training.h"
#include "quantize/restore_layers.h"
#include "quantize/round_weights.h"
#include "weights/files_for_test.h"
#include "weights/quantized_file.h"
#include "weights/safetensors.h"

namespace framelift {
namespace {

Tensor normal_tensor(const Shape& shape, uint32_t seed, float deviation = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  Tensor tensor(DType::f32, shape);
  for (float& v : tensor.f32()) v = normal(random);
  return tensor;
}

// ---- ranges

double error_on(const InputGrid& g, std::span<const float> values) {
  double sum = 0;
  for (const float v : values) {
    const float back = std::clamp(std::nearbyint(v / g.scale), float(g.grid.low), float(g.grid.high)) * g.scale;
    sum += (back - v) * (back - v);
  }
  return sum / static_cast<double>(values.size());
}

TEST(InputGrid, MinMaxReachesBothEndsAndHoldsZero) {
  const std::vector<float> values{-0.5f, 0, 0.25f, 2.05f};
  const InputGrid g = choose_input_grid(values, {RangeMethod::min_max});
  EXPECT_EQ(g.grid.high - g.grid.low, 255);
  EXPECT_NEAR(g.scale, 2.55 / 255, 1e-7);
  EXPECT_EQ(g.grid.low, -50);
  const InputGrid symmetric = choose_input_grid(values, {RangeMethod::min_max, 1, true});
  EXPECT_EQ(symmetric.grid, (FakeQuantize{-128, 127}));
  EXPECT_NEAR(symmetric.scale, 2.05 / 127, 1e-7);
}

TEST(InputGrid, OfValuesOnOneSideUsesAllIntegersThere) {
  const std::vector<float> positive{0.25f, 1}, negative{-1, -0.25f};
  EXPECT_EQ(choose_input_grid(positive, {RangeMethod::min_max}).grid, (FakeQuantize{0, 255}));
  EXPECT_EQ(choose_input_grid(negative, {RangeMethod::min_max}).grid, (FakeQuantize{-255, 0}));
}

TEST(InputGrid, LeastSquaresLetsOutliersGo) {
  // A million values from -1 to 1 and one of 3: cutting that one costs 4e-6, the finer steps gain 1.5e-5.
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(1'000'000);
  for (float& v : values) v = uniform(random);
  values[0] = 3;
  const InputGrid all = choose_input_grid(values, {RangeMethod::min_max});
  const InputGrid best = choose_input_grid(values, {RangeMethod::mse});
  const InputGrid most = choose_input_grid(values, {RangeMethod::percentile, 0.999});
  EXPECT_LT(error_on(best, values), 0.6 * error_on(all, values));
  EXPECT_LE(error_on(best, values), error_on(most, values));
  EXPECT_NEAR(most.scale, 2.0 / 255, 0.01 / 255);
}

TEST(InputGrid, OfNothingButZeroIsStillAGrid) {
  const std::vector<float> zeros(10, 0.0f);
  for (const RangeMethod method : {RangeMethod::min_max, RangeMethod::percentile, RangeMethod::mse}) {
    const InputGrid g = choose_input_grid(zeros, {method});
    EXPECT_GT(g.scale, 0);
    EXPECT_LE(g.grid.low, 0);
    EXPECT_GE(g.grid.high, 0);
  }
}

// ---- weights

bool lies_on_grid(const RoundedWeights& rounded) {
  const size_t each = rounded.weight.f32().size() / rounded.scale.f32().size();
  for (size_t i = 0; i < rounded.weight.f32().size(); ++i) {
    const float steps = rounded.weight.f32()[i] / rounded.scale.f32()[i / each];
    if (std::abs(steps - std::nearbyint(steps)) > 1e-4 || steps < -128.001 || steps > 127.001) return false;
  }
  return true;
}

TEST(RoundWeights, NearestIsWithinHalfAStep) {
  const Tensor weight = normal_tensor({4, 3, 3, 3}, 2);
  const RoundedWeights rounded = round_to_nearest(weight);
  ASSERT_TRUE(lies_on_grid(rounded));
  for (size_t i = 0; i < weight.f32().size(); ++i)
    EXPECT_LE(std::abs(rounded.weight.f32()[i] - weight.f32()[i]), 0.5001f * rounded.scale.f32()[i / 27]);
}

// Inputs that go together, as neighbouring pixels do: mean of (w x - w' x)^2 = d^T M d.
TEST(RoundWeights, ForOutputChangesTheOutputLess) {
  constexpr int64_t inputs = 36;
  const Tensor weight = normal_tensor({8, 4, 3, 3}, 3), mixing = normal_tensor({inputs, 5}, 4);
  Tensor moments(DType::f32, {inputs, inputs});
  for (int64_t i = 0; i < inputs; ++i)
    for (int64_t j = 0; j < inputs; ++j) {
      float sum = i == j ? 0.05f : 0;
      for (int64_t k = 0; k < 5; ++k) sum += mixing.f32()[size_t(i * 5 + k)] * mixing.f32()[size_t(j * 5 + k)];
      moments.f32()[size_t(i * inputs + j)] = sum;
    }
  const auto output_error = [&](const RoundedWeights& rounded) {
    double sum = 0;
    for (int64_t c = 0; c < 8; ++c)
      for (int64_t i = 0; i < inputs; ++i)
        for (int64_t j = 0; j < inputs; ++j) {
          const auto at = [&](int64_t k) {
            return double{rounded.weight.f32()[size_t(c * inputs + k)]} - weight.f32()[size_t(c * inputs + k)];
          };
          sum += at(i) * moments.f32()[size_t(i * inputs + j)] * at(j);
        }
    return sum;
  };
  const RoundedWeights nearest = round_to_nearest(weight), better = round_for_output(weight, moments);
  EXPECT_TRUE(lies_on_grid(better));
  EXPECT_LT(output_error(better), 0.3 * output_error(nearest));
}

TEST(RoundWeights, ForInputsThatAreAlwaysZeroIsNearest) {
  const Tensor weight = normal_tensor({2, 2, 1, 1}, 5);
  const auto rounded = round_for_output(weight, Tensor::filled({2, 2}, 0));
  EXPECT_TRUE(std::ranges::equal(rounded.weight.f32(), round_to_nearest(weight).weight.f32()));
}

// ---- networks

Network small_network() {
  Network network;
  network.name = "small";
  network.architecture = &srvgg_compact;
  network.hyper = {{"features", 8}, {"convs", 3}, {"scale", 2}};
  network.contract = srvgg_compact.contract(network.hyper);
  const Graph graph = network.build(1, 8, 8).value();
  uint32_t seed = 10;
  for (const Value& value : graph.values)
    if (value.kind == ValueKind::parameter)
      network.parameters.emplace(value.name,
                                 normal_tensor(value.shape, ++seed, value.shape.rank() == 4 ? 0.15f : 0.1f));
  return network;
}

std::vector<SampleInputs> samples(int count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(0, 1);
  std::vector<SampleInputs> all(static_cast<size_t>(count));
  for (SampleInputs& inputs : all) {
    inputs.emplace_back(DType::f32, Shape{1, 3, 24, 32});
    for (float& v : inputs[0].f32()) v = unit(random);
  }
  return all;
}

Backend& engine() { return **find_backend("reference"); }

double psnr_of(const Network& quantized, const Network& floating, uint32_t seed) {
  const auto pictures = samples(2, seed);
  const auto expected = run_samples(floating, pictures, engine(), {}).value();
  return output_psnr(quantized, pictures, expected, engine(), {}).value();
}

TEST(QuantizeNetwork, StaysCloseOnPicturesItHasNotSeen) {
  const Network floating = small_network();
  const auto made = quantize_network(floating, samples(3, 1), engine(), {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->network.quantized_layers.size(), 5u);
  EXPECT_GT(psnr_of(made->network, floating, 99), 42);

  PostTrainingOptions plain;
  plain.equalise = plain.round_for_output = plain.correct_bias = false;
  plain.range.method = RangeMethod::min_max;
  const auto simple = quantize_network(floating, samples(3, 1), engine(), plain);
  EXPECT_GT(psnr_of(made->network, floating, 99), psnr_of(simple->network, floating, 99));
}

TEST(QuantizeNetwork, IsTheSameForTheSameSeed) {
  const Network floating = small_network();
  const auto a = quantize_network(floating, samples(2, 1), engine(), {}).value();
  const auto b = quantize_network(floating, samples(2, 1), engine(), {}).value();
  for (const auto& [name, tensor] : a.network.parameters)
    EXPECT_TRUE(std::ranges::equal(tensor.f32(), b.network.parameters.at(name).f32())) << name;
}

TEST(QuantizeNetwork, EqualisingAloneChangesNothing) {
  const Network floating = small_network();
  auto made = quantize_network(floating, samples(2, 1), engine(), {}).value();
  EXPECT_LT(psnr_of(made.network, floating, 3), 80);
  const std::vector<std::string> layers = [&] {
    std::vector<std::string> names;
    for (const auto& [name, layer] : made.network.quantized_layers) names.push_back(name);
    return names;
  }();
  for (const std::string& layer : layers) restore_layer(made, layer);
  EXPECT_TRUE(made.network.quantized_layers.empty());
  EXPECT_GT(psnr_of(made.network, floating, 3), 110);  // weights were scaled there and back in float32
}

TEST(QuantizeNetwork, MixedKeepsInputsOfLargeLayers) {
  const Network floating = small_network();
  PostTrainingOptions options;
  options.choose = choose_mixed;
  const auto made = quantize_network(floating, samples(1, 1), engine(), options).value();
  for (const auto& [name, layer] : made.network.quantized_layers) EXPECT_FALSE(layer.input) << name;
  EXPECT_EQ(integer_share(made.network).value(), 0);
  EXPECT_EQ(choose_mixed("w", {32, 16, 1, 1}), LayerMode::integer);
  EXPECT_EQ(choose_mixed("w", {64, 16, 1, 1}), LayerMode::weight_only);
}

TEST(QuantizeNetwork, RefusesWhatItCannotDo) {
  const Network floating = small_network();
  EXPECT_FALSE(quantize_network(floating, {}, engine(), {}));
  auto damaged = samples(1, 1);
  damaged[0][0].f32()[5] = NAN;
  const auto refused = quantize_network(floating, damaged, engine(), {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("body.0.weight"), std::string::npos) << refused.error().message;
  const auto made = quantize_network(floating, samples(1, 1), engine(), {}).value();
  EXPECT_FALSE(quantize_network(made.network, samples(1, 1), engine(), {}));
}

TEST(RestoreLayers, ReachesWhatIsAskedFor) {
  const Network floating = small_network();
  const auto pictures = samples(2, 1);
  const auto expected = run_samples(floating, pictures, engine(), {}).value();
  PostTrainingOptions bad;
  bad.range.method = RangeMethod::percentile;
  bad.range.percentile = 0.7;
  auto made = quantize_network(floating, pictures, engine(), bad).value();
  const double before = output_psnr(made.network, pictures, expected, engine(), {}).value();
  RestoreOptions options;
  options.psnr = before + 6;
  const auto steps = restore_until_good(made, pictures, expected, engine(), options).value();
  ASSERT_GE(steps.size(), 2u);
  EXPECT_NEAR(steps.front().psnr, before, 1e-6);
  EXPECT_GE(steps.back().psnr, options.psnr);
  EXPECT_LT(steps.back().integer_share, steps.front().integer_share);
  EXPECT_NEAR(output_psnr(made.network, pictures, expected, engine(), {}).value(), steps.back().psnr, 1e-6);
}

// ---- what the integers compute

// Plain integers: sums of products of steps, one multiplication by both scales, the bias, PReLU.
TEST(QuantizedGraph, EqualsIntegerArithmetic) {
  const Network floating = small_network();
  const auto made = quantize_network(floating, samples(2, 1), engine(), {}).value();
  const Parameters& p = made.network.parameters;
  const auto pictures = samples(1, 50);
  const Tensor& picture = pictures[0][0];
  constexpr int height = 24, width = 32;

  // The whole trunk by hand, until the last convolution.
  std::vector<double> x(picture.f32().begin(), picture.f32().end());
  int64_t channels = 3;
  for (int layer = 0; layer <= 8; layer += 2) {
    const std::string name = fmt::format("body.{}.weight", layer);
    const FakeQuantize grid = *made.network.quantized_layers.at(name).input;
    const float input_scale = p.at(input_scale_name(name)).f32()[0];
    std::vector<int32_t> steps(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const float q = std::nearbyint(static_cast<float>(x[i]) / input_scale);
      steps[i] = static_cast<int32_t>(std::clamp(q, float(grid.low), float(grid.high)));
    }
    const Tensor& weight = p.at(name);
    const int64_t outputs = weight.shape()[0];
    std::vector<double> y(static_cast<size_t>(outputs * height * width));
    for (int64_t o = 0; o < outputs; ++o) {
      const float scale = p.at(weight_scale_name(name)).f32()[size_t(o)];
      const float bias = p.at(fmt::format("body.{}.bias", layer)).f32()[size_t(o)];
      for (int row = 0; row < height; ++row)
        for (int column = 0; column < width; ++column) {
          int64_t sum = 0;
          for (int64_t c = 0; c < channels; ++c)
            for (int ky = -1; ky <= 1; ++ky)
              for (int kx = -1; kx <= 1; ++kx) {
                const int yy = row + ky, xx = column + kx;
                if (yy < 0 || yy >= height || xx < 0 || xx >= width) continue;
                const float w = weight.f32()[size_t(((o * channels + c) * 3 + ky + 1) * 3 + kx + 1)];
                sum += int64_t{std::lround(w / scale)} * steps[size_t((c * height + yy) * width + xx)];
              }
          // Rounded to float once, as every engine hands values from layer to layer.
          float value = static_cast<float>(static_cast<double>(sum) * scale * input_scale + bias);
          if (layer < 8) {
            const float slope = p.at(fmt::format("body.{}.weight", layer + 1)).f32()[size_t(o)];
            value = value < 0 ? value * slope : value;
          }
          y[size_t((o * height + row) * width + column)] = value;
        }
    }
    x = std::move(y);
    channels = outputs;
  }
  Tensor last(DType::f32, {1, channels, height, width});
  std::ranges::transform(x, last.f32().begin(), [](double v) { return static_cast<float>(v); });
  GraphBuilder b;
  const ValueId shuffled = b.pixel_shuffle(b.input("x", last.shape()), 2);
  b.output(b.add(shuffled, b.resize(b.input("image", picture.shape()), ResizeMode::nearest, 2)), "y");
  const Graph tail = std::move(b).finish().value();
  std::vector<Tensor> tail_inputs;
  tail_inputs.push_back(std::move(last));
  tail_inputs.push_back(picture.clone());
  const auto expected = evaluate(tail, {}, tail_inputs).value();
  const auto output = run_samples(made.network, pictures, engine(), {}).value();
  // One float's rounding of a sum of a few units: no step of any grid (the smallest is 1e-3) fell to the other side.
  for (size_t i = 0; i < expected[0].f32().size(); ++i)
    ASSERT_NEAR(output[0].f32()[i], expected[0].f32()[i], 1e-6) << i;
}

// Engines add up in other orders: what lies on the border between two steps may fall to either side, and a step of the
// last layer is what that can cost.
TEST(QuantizedGraph, EveryEngineAgreesWithinAStep) {
  const Network floating = small_network();
  const auto made = quantize_network(floating, samples(2, 1), engine(), {}).value();
  const auto pictures = samples(1, 60);
  const auto expected = run_samples(made.network, pictures, engine(), {}).value();
  CompileOptions exact;
  exact.precision = Precision::f32;
  for (Backend* backend : backends()) {
    const Graph graph = made.network.build(1, 24, 32).value();
    if (backend->describe().empty() || !backend->supports(graph, exact)) continue;
    const auto output = run_samples(made.network, pictures, *backend, exact);
    ASSERT_TRUE(output) << output.error().message;
    double worst = 0, sum = 0;
    for (size_t i = 0; i < expected[0].f32().size(); ++i) {
      const double difference = std::abs(double{(*output)[0].f32()[i]} - expected[0].f32()[i]);
      worst = std::max(worst, difference);
      sum += difference;
    }
    const float step = made.network.parameters.at("body.8.input_scale").f32()[0];
    EXPECT_LE(worst, step) << backend->name();
    EXPECT_LE(sum / static_cast<double>(expected[0].f32().size()), 0.01 * step) << backend->name();
  }
}

// ---- files

TEST(QuantizedFile, ComesBackAsItWas) {
  const test::TempFolder folder;
  ASSERT_EQ(setenv("FRAMELIFT_MODELS", folder.path().c_str(), 1), 0);
  const Network floating = small_network();
  const auto made = quantize_network(floating, samples(2, 1), engine(), {}).value();
  const auto stored = store_model(made.network, "small.int8-full", {{"quantized", "full"}}, false);
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_FALSE(store_model(made.network, "small.int8-full", {}, false));
  const auto back = load_network(stored->path);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->quantized_layers, made.network.quantized_layers);
  EXPECT_EQ(back->metadata.at("quantized"), "full");
  const auto pictures = samples(1, 70);
  const auto a = run_samples(made.network, pictures, engine(), {}).value();
  const auto b = run_samples(*back, pictures, engine(), {}).value();
  EXPECT_TRUE(std::ranges::equal(a[0].f32(), b[0].f32()));
  unsetenv("FRAMELIFT_MODELS");
}

// A file's tensors with some left out or replaced; what loading says.
std::string failure_of(const std::vector<std::string>& without, const std::string& replaced = {},
                       const Tensor* by = nullptr) {
  const Network floating = small_network();
  const auto made = quantize_network(floating, samples(1, 1), engine(), {}).value();
  WeightFile file;
  file.path = "damaged.safetensors";
  for (auto& [name, tensor] : quantized_tensors(made.network.parameters, made.network.quantized_layers))
    if (!std::ranges::count(without, name))
      file.tensors.emplace_back(name, name == replaced ? by->clone() : std::move(tensor));
  const auto network = make_network(file);
  return network ? "" : network.error().message;
}

TEST(QuantizedFile, SaysWhatIsWrong) {
  EXPECT_EQ(failure_of({}), "");
  EXPECT_NE(failure_of({"body.2.weight_scale"}).find("body.2.weight_scale is missing"), std::string::npos);
  EXPECT_NE(failure_of({"body.2.input_grid"}).find("body.2.input_grid is missing"), std::string::npos);
  EXPECT_NE(failure_of({"body.2.input_scale"}).find("body.2.input_scale is missing"), std::string::npos);
  const Tensor negative = Tensor::filled({8}, -1), few = Tensor::filled({3}, 1), nan = Tensor::filled({1}, NAN);
  EXPECT_NE(failure_of({}, "body.2.weight_scale", &negative).find("no positive number"), std::string::npos);
  EXPECT_NE(failure_of({}, "body.2.weight_scale", &few).find("expected [8]"), std::string::npos);
  EXPECT_NE(failure_of({}, "body.2.input_scale", &nan).find("no positive number"), std::string::npos);
  Tensor grid(DType::i32, {2});
  grid.as<int32_t>()[0] = -1000;
  grid.as<int32_t>()[1] = 1000;
  EXPECT_NE(failure_of({}, "body.2.input_grid", &grid).find("no 8-bit integers"), std::string::npos);
}

// ---- the gate

TEST(Gate, ObjectsToWhatIsOutOfBounds) {
  GateReport report;
  report.psnr = 41.9;
  report.truth_loss = 0.3;
  report.color_shift[1] = -0.6;
  EXPECT_EQ(out_of_bounds(report, {.psnr = 42, .truth_loss = 0.2, .color_shift = 0.5}).size(), 3u);
  EXPECT_TRUE(out_of_bounds(report, {.psnr = 41, .truth_loss = {}, .color_shift = {}}).empty());
  report.psnr = NAN;
  EXPECT_FALSE(out_of_bounds(report, {.psnr = 0, .truth_loss = {}, .color_shift = {}}).empty());
}

TEST(Gate, NamesLayersThatWereCalibratedInTheDark) {
  const Network floating = small_network();
  auto dark = samples(1, 1);
  for (float& v : dark[0][0].f32()) v *= 0.05f;
  const auto made = quantize_network(floating, dark, engine(), {}).value();
  const auto narrow = narrow_layers(made.network, samples(1, 2), engine(), {}).value();
  ASSERT_FALSE(narrow.empty());
  const auto first = std::ranges::find(narrow, "body.0.weight", &NarrowLayer::weight);
  ASSERT_NE(first, narrow.end());
  EXPECT_GT(first->beyond, 0.9);
  EXPECT_NEAR(first->high, 0.05, 0.01);
  EXPECT_NEAR(first->seen_high, 1, 0.01);
  const auto well_made = quantize_network(floating, samples(3, 1), engine(), {}).value();
  EXPECT_TRUE(narrow_layers(well_made.network, samples(1, 2), engine(), {}).value().empty());
}

TEST(Gate, MeasuresAKnownShift) {
  const Network floating = small_network();
  Network shifted = floating.clone();
  // A constant on the last convolution's bias goes straight into every pixel.
  for (float& v : shifted.parameters.at("body.8.bias").f32()) v += 2.0f / 1023;
  SamplePictures pictures;
  pictures.inputs = samples(3, 80);
  for (SampleInputs& inputs : pictures.inputs)
    for (float& v : inputs[0].f32()) v = 0.4f + 0.2f * v;  // nothing near the ends, where values are clamped
  pictures.names = {"a", "b", "c"};
  // Weights so small that the picture stays what it was.
  const auto calm = [](Network network) {
    for (auto& [name, tensor] : network.parameters)
      if (tensor.shape().rank() == 4)
        for (float& v : tensor.f32()) v *= 0.1f;
    return network;
  };
  const auto report = measure_quantized(calm(floating.clone()), calm(shifted.clone()), pictures, engine(), {});
  ASSERT_TRUE(report) << report.error().message;
  for (const double shift : report->color_shift) EXPECT_NEAR(shift, 2, 0.01);
  EXPECT_NEAR(report->psnr, 20 * std::log10(1023.0 / 2), 0.05);
}

}  // namespace
}  // namespace framelift
