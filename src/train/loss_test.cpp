// Losses, first weights, schedules and picture metrics, against PyTorch's and NumPy's numbers
// (tools/make_goldens.py) where there are some.
#include "train/loss.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <numeric>

#include "graph/evaluate.h"
#include "train/initialise.h"
#include "train/picture_metrics.h"
#include "train/schedule.h"
#include "train/train_test_support.h"
#include "weights/weight_file.h"

namespace framelift {
namespace {

const WeightFile& golden() {
  static const WeightFile file = read_weights("tests/golden/training.golden.safetensors").value();
  return file;
}

double golden_value(const std::string& key) { return std::stod(golden().metadata.at(key)); }

Tensor golden_picture(const char* name) {
  Tensor picture = golden().find(name)->to_f32();
  for (float& x : picture.f32()) x = (x - 8) / 64;
  return picture;
}

struct LossCase {
  const char* name;
  LossOptions options;
};
void PrintTo(const LossCase& c, std::ostream* out) { *out << c.name; }
const LossCase loss_cases[] = {{"l1", {LossKind::l1, 0.5, 11}},
                               {"hybrid", {LossKind::hybrid, 0.3, 11}},
                               {"pu21", {LossKind::pu21, 0.5, 11}},
                               {"ms-ssim 5", {LossKind::ms_ssim, 0.84, 5}},
                               {"ms-ssim 11", {LossKind::ms_ssim, 0.84, 11}}};

class Loss : public testing::TestWithParam<LossCase> {};

// float32 against float64: sums of 190000 terms in float, and variances as differences of means of squares of values up
// to 4, whose rounding (1e-6) stands beside the constant 9e-4 that divides them.
TEST_P(Loss, EqualsPyTorch) {
  const Tensor pictures[] = {golden_picture("prediction"), golden_picture("target")};
  const auto graph = loss_graph(pictures[0].shape(), GetParam().options);
  ASSERT_WORKS(graph);
  const auto outputs = evaluate(*graph, {}, pictures);
  ASSERT_WORKS(outputs);
  EXPECT_NEAR(outputs->front().f32()[0], golden_value(GetParam().name), 2e-5);
}

TEST_P(Loss, HasPyTorchsGradient) {
  SKIP_WITHOUT_TORCH();
  Tensor prediction = golden_picture("prediction"), target = golden_picture("target");
  const auto graph = loss_graph(prediction.shape(), GetParam().options);
  ASSERT_WORKS(graph);
  const TensorView inputs[] = {prediction.view(), target.view()};
  const auto found = (*torch_engine())->gradients(*graph, {}, inputs);
  ASSERT_WORKS(found);
  // All in float64; constants of the graph are float32 (1e-7), and gradients of this scale reach some 10.
  EXPECT_NEAR(found->value, golden_value(GetParam().name), 1e-6);
  const std::vector<double>& gradient = found->gradients.at("prediction");
  const auto expected = golden().find(std::string("gradient ") + GetParam().name)->f32();
  ASSERT_GT(expected.size(), 100U);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(gradient[1000 * i] * static_cast<double>(gradient.size()), static_cast<double>(expected[i]), 1e-4) << i;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Loss, testing::ValuesIn(loss_cases), [](const auto& test) {
  std::string name = test.param.name;
  std::erase_if(name, [](char c) { return c == '-' || c == ' '; });
  return name;
});

TEST(HybridLoss, TakesWhatIsNoNumberForZero) {
  const LossOptions options{LossKind::hybrid, 0.5, 11};
  const auto graph = loss_graph({1, 3, 1, 1}, options);
  ASSERT_WORKS(graph);
  const Tensor inputs[] = {
      Tensor::from_f32({1, 3, 1, 1}, std::vector<float>{std::numeric_limits<float>::quiet_NaN(), -2, 1}),
      Tensor::from_f32({1, 3, 1, 1}, std::vector<float>{0, 0, 1})};
  EXPECT_EQ(evaluate(*graph, {}, inputs)->front().f32()[0], 0);
}

TEST(TrainingGraph, GivesLossAndPrediction) {
  const ChosenNetwork network = choose_network("srvgg", {{"features", 4}, {"convs", 1}, {"scale", 2}}).value();
  const Graph plain = network.architecture->build(network.hyper, 2, 8, 10).value();
  const auto graph = with_loss(plain, {});
  ASSERT_WORKS(graph);
  const Parameters parameters = initial_parameters(plain, 1).value();
  std::vector<Tensor> inputs;
  inputs.push_back(Tensor::filled({2, 3, 8, 10}, 0.25f));
  const Tensor expected = std::move(evaluate(plain, parameters, inputs)->front());
  inputs.push_back(Tensor::filled({2, 3, 16, 20}, 0.5f));
  const auto outputs = evaluate(*graph, parameters, inputs);
  ASSERT_WORKS(outputs);
  ASSERT_EQ(outputs->size(), 2U);
  ASSERT_EQ((*outputs)[1].shape(), expected.shape());
  double sum = 0;
  for (size_t i = 0; i < expected.f32().size(); ++i) {
    EXPECT_EQ((*outputs)[1].f32()[i], expected.f32()[i]);
    sum += std::abs(static_cast<double>(expected.f32()[i]) - 0.5);
  }
  EXPECT_NEAR((*outputs)[0].f32()[0], sum / static_cast<double>(expected.elements()), 1e-6);  // float sums
}

TEST(TrainingGraph, RefusesPicturesTooSmallForItsLoss) {
  const ChosenNetwork small = choose_network("srvgg", {{"features", 4}, {"convs", 1}, {"scale", 1}}).value();
  EXPECT_FAILS_WITH(with_loss(small.architecture->build(small.hyper, 1, 64, 64).value(), {LossKind::ms_ssim, 0.84, 5}),
                    "80x80");
}

// ---- first weights

TEST(InitialParameters, FollowPyTorchsRules) {
  GraphBuilder b;
  ValueId x = b.input("image", {1, 16, 8, 8});
  x = b.conv2d_same(x, "conv", 64);
  x = b.prelu(b.batch_norm(x, "norm"), "slope");
  x = b.conv_transpose2d(x, "up", 32, 4, {{2, 2}, Padding::same(1)});
  b.output(b.linear(x, "linear", 40), "image");
  const Graph graph = std::move(b).finish().value();
  const auto found = initial_parameters(graph, 3);
  ASSERT_WORKS(found);

  const std::map<std::string, double> bounds{
      {"conv.weight", 1 / std::sqrt(16 * 9.0)}, {"conv.bias", 1 / std::sqrt(16 * 9.0)},
      {"up.weight", 1 / std::sqrt(32 * 16.0)},  {"up.bias", 1 / std::sqrt(32 * 16.0)},
      {"linear.weight", 1 / std::sqrt(16.0)},   {"linear.bias", 1 / std::sqrt(16.0)}};
  for (const auto& [name, bound] : bounds) {
    const auto values = found->at(name).f32();
    double largest = 0, mean = 0, square = 0;
    for (const float v : values) {
      largest = std::max(largest, std::abs(static_cast<double>(v)));
      mean += static_cast<double>(v) / static_cast<double>(values.size());
      square += static_cast<double>(v) * static_cast<double>(v) / static_cast<double>(values.size());
    }
    EXPECT_LE(largest, bound) << name;
    EXPECT_GT(largest, 0.85 * bound) << name;  // of at least 32 numbers; the chance of less is 0.85^32 = 0.6 %
    // Five standard errors of a uniform distribution's mean and variance.
    const double error = 5 / std::sqrt(static_cast<double>(values.size()));
    EXPECT_NEAR(mean, 0, error * bound / std::sqrt(3.0)) << name;
    EXPECT_NEAR(square / (bound * bound / 3), 1, error * 0.9) << name;
  }
  for (const auto& [name, value] : std::map<std::string, float>{{"norm.weight", 1.0f},
                                                                {"norm.bias", 0.0f},
                                                                {"norm.running_mean", 0.0f},
                                                                {"norm.running_var", 1.0f},
                                                                {"slope.weight", 0.25f}})
    for (const float v : found->at(name).f32()) EXPECT_EQ(v, value) << name;
}

TEST(InitialParameters, AreTheSameForTheSameSeed) {
  GraphBuilder b;
  b.output(b.conv2d_same(b.input("image", {1, 3, 8, 8}), "conv", 8), "image");
  const Graph graph = std::move(b).finish().value();
  const Parameters first = initial_parameters(graph, 7).value();
  EXPECT_TRUE(test::equal_bits(first, initial_parameters(graph, 7).value()));
  EXPECT_FALSE(test::equal_bits(first, initial_parameters(graph, 8).value()));
  // Computed by hand: FNV-1a of the name, the standard's 64-bit Mersenne Twister, 53 bits of each number.
  const float expected[] = {0.0132806664f, -0.0427855998f, -0.0808415264f};
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(first.at("conv.bias").f32()[i], expected[i]);
}

// ---- learning rate

TEST(Schedule, WarmsUpAndFalls) {
  Schedule s{.learning_rate = 1e-3, .final_rate = 1e-5, .cosine = true, .warm_up_steps = 10};
  EXPECT_DOUBLE_EQ(learning_rate_at(s, 0, 111), 1e-4);
  EXPECT_DOUBLE_EQ(learning_rate_at(s, 9, 111), 1e-3);
  EXPECT_DOUBLE_EQ(learning_rate_at(s, 10, 111), 1e-3);
  EXPECT_NEAR(learning_rate_at(s, 60, 111), (1e-3 + 1e-5) / 2, 1e-12);
  EXPECT_NEAR(learning_rate_at(s, 110, 111), 1e-5, 1e-15);
  EXPECT_NEAR(learning_rate_at(s, 500, 111), 1e-5, 1e-15);
  for (int64_t i = 11; i < 111; ++i) EXPECT_LT(learning_rate_at(s, i, 111), learning_rate_at(s, i - 1, 111));
  s.cosine = false;
  EXPECT_DOUBLE_EQ(learning_rate_at(s, 100, 111), 1e-3);
}

// ---- picture metrics

class PictureMetricsMode : public testing::TestWithParam<MetricMode> {};

TEST_P(PictureMetricsMode, EqualsNumPy) {
  const auto first = [](const Tensor& both) {
    const Shape one{1, 3, both.shape()[2], both.shape()[3]};
    return Tensor::from_f32(one, both.f32());
  };
  const PictureMetrics found =
      measure_pictures(first(golden_picture("prediction")), first(golden_picture("target")), GetParam());
  const std::string mode = to_string(GetParam());
  // Values are kept as float32 (6e-8 of them) in between.
  EXPECT_NEAR(found.psnr, golden_value("psnr " + mode), 1e-4);
  EXPECT_NEAR(found.ssim, golden_value("ssim " + mode), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Modes, PictureMetricsMode,
                         testing::Values(MetricMode::linear_clip, MetricMode::percentile, MetricMode::log,
                                         MetricMode::tone_mapped),
                         [](const auto& test) { return std::to_string(static_cast<int>(test.param)); });

TEST(PictureMetrics, Pu21EqualsNumPy) {
  const auto first = [](const Tensor& both) {
    return Tensor::from_f32({1, 3, both.shape()[2], both.shape()[3]}, both.f32());
  };
  const Tensor prediction = first(golden_picture("prediction")), target = first(golden_picture("target"));
  // Both work in double precision.
  EXPECT_NEAR(pu21_psnr(prediction, target, 203), golden_value("pu21 psnr"), 1e-9);
  EXPECT_EQ(pu21_psnr(target, target, 203), std::numeric_limits<double>::infinity());
}

TEST(PictureMetrics, OfEqualAndOfSmallPictures) {
  const Tensor picture = Tensor::filled({1, 3, 16, 16}, 3.0f);
  for (const MetricMode mode : {MetricMode::linear_clip, MetricMode::tone_mapped}) {
    EXPECT_EQ(measure_pictures(picture, picture, mode).psnr, std::numeric_limits<double>::infinity());
    EXPECT_DOUBLE_EQ(measure_pictures(picture, picture, mode).ssim, 1);
  }
  const Tensor tiny = Tensor::filled({1, 3, 4, 4}, 0);
  EXPECT_TRUE(std::isnan(measure_pictures(tiny, tiny, MetricMode::percentile).ssim));
}

}  // namespace
}  // namespace framelift
