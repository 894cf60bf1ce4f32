// Autograd of every op against finite differences of the same graph, all in float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "backend/torch/torch_engine.h"
#include "tests/ops/op_cases.h"

namespace framelift {
namespace {

Tensor to_f64(const Tensor& tensor) {
  Tensor result(DType::f64, tensor.shape());
  std::ranges::copy(tensor.f32(), result.as<double>());
  return result;
}

class Gradient : public testing::TestWithParam<size_t> {};

TEST_P(Gradient, EqualsFiniteDifferences) {
  const auto engine = torch_engine();
  if (!engine) GTEST_SKIP() << engine.error().message;
  GraphBuilder builder;
  op_cases()[GetParam()].build(builder);
  auto graph = std::move(builder).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  if (!(*engine)->backend().supports(*graph, {})) GTEST_SKIP() << "not an op that is trained";
  for (const Node& node : graph->nodes)
    if (std::holds_alternative<FakeQuantize>(node.op)) GTEST_SKIP() << "steps; see FakeQuantizeGradient";

  // A sum of the outputs with weights of their own, so that no gradients cancel.
  const Shape out = graph->value(graph->outputs[0]).shape;
  {
    const auto constant = static_cast<ValueId>(graph->values.size());
    graph->values.push_back({ValueKind::constant, DType::f32, out, {}, nullptr});
    graph->value(constant).constant = std::make_shared<const Tensor>(random_tensor(out, 77));
    graph->values.push_back({ValueKind::result, DType::f32, out, "weighted", nullptr});
    graph->nodes.push_back({Mul{}, {graph->outputs[0], constant}, constant + 1});
    graph->values.push_back({ValueKind::result, DType::f32, {1}, "loss", nullptr});
    graph->nodes.push_back({Mean{}, {constant + 1}, constant + 2});
    graph->outputs = {constant + 2};
  }

  Parameters tensors;  // parameters and inputs by name
  for (auto& [name, tensor] : random_parameters(*graph, 100)) tensors.emplace(name, to_f64(tensor));
  for (ValueId id : graph->inputs)
    tensors.emplace(graph->value(id).name, to_f64(random_tensor(graph->value(id).shape, static_cast<uint32_t>(id))));
  const auto run = [&] {
    std::vector<TensorView> inputs;
    Parameters parameters;
    for (const auto& entry : tensors) {
      const bool is_input =
          std::ranges::any_of(graph->inputs, [&](ValueId id) { return graph->value(id).name == entry.first; });
      if (!is_input) parameters.emplace(entry.first, entry.second.clone());
    }
    for (ValueId id : graph->inputs) inputs.push_back(tensors.at(graph->value(id).name).view());
    return (*engine)->gradients(*graph, parameters, inputs);
  };
  const auto expected = run();
  ASSERT_TRUE(expected) << expected.error().message;

  int checked = 0;
  for (auto& [name, tensor] : tensors) {
    const auto found = expected->gradients.find(name);
    if (found == expected->gradients.end()) continue;  // statistics, which are not learnt
    const std::vector<double>& gradient = found->second;
    // A prime stride: every position in rows and channels has its turn, and no case takes seconds.
    for (int64_t i = 0; i<tensor.elements(); i += tensor.elements()> 60 ? 13 : 1) {
      double& element = tensor.as<double>()[i];
      const double at = element;
      // The error of a one-sided difference is h / 2 times the curvature, which is at most about 10 here, over the
      // number of outputs; that of the central one h^2. Where a kink lies within h, the gradient lies between the two.
      constexpr double h = 1e-6;
      element = at + h;
      const double above = run()->value;
      element = at - h;
      const double below = run()->value;
      element = at;
      const double right = (above - expected->value) / h, left = (expected->value - below) / h;
      const double tolerance = 2e-5 / std::sqrt(static_cast<double>(out.elements())) + 1e-8;
      EXPECT_GE(gradient[static_cast<size_t>(i)], std::min(left, right) - tolerance) << name << " " << i;
      EXPECT_LE(gradient[static_cast<size_t>(i)], std::max(left, right) + tolerance) << name << " " << i;
      ++checked;
    }
  }
  EXPECT_GT(checked, 0);
}

INSTANTIATE_TEST_SUITE_P(Ops, Gradient, testing::Range(size_t{0}, op_cases().size()),
                         [](const auto& test) { return op_cases()[test.param].name; });

// The rounding counts as if it were not there, and the ends end it: gradients by hand, of one value below the grid,
// some inside and one above.
TEST(FakeQuantizeGradient, PassesTheRoundingAndStopsAtTheEnds) {
  const auto engine = torch_engine();
  if (!engine) GTEST_SKIP() << engine.error().message;
  constexpr int low = -10, high = 20;
  constexpr double scale = 0.25;
  const std::vector<double> x{-7.3, -2.5, -0.6, 0.0, 0.3, 4.99, 5.2}, factor{1, -2, 3, 4, -5, 6, 7};
  const auto count = static_cast<int64_t>(x.size());
  GraphBuilder b;
  Tensor factors(DType::f32, {count});
  std::ranges::transform(factor, factors.f32().begin(), [](double v) { return static_cast<float>(v); });
  const ValueId input = b.input("x", {count}), steps = b.fake_quantize(input, b.parameter("scale", {1}), low, high);
  b.output(b.mean(b.mul(steps, b.constant(std::move(factors)))), "loss");
  const Graph graph = std::move(b).finish().value();
  Tensor values(DType::f64, {count});
  std::ranges::copy(x, values.as<double>());
  Parameters parameters;
  parameters.emplace("scale", Tensor(DType::f64, {1}));
  parameters.at("scale").as<double>()[0] = scale;
  const TensorView inputs[] = {values.view()};
  const auto found = (*engine)->gradients(graph, parameters, inputs);
  ASSERT_TRUE(found) << found.error().message;

  double expected_value = 0, expected_scale = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double step = x[i] / scale, weight = factor[i] / static_cast<double>(count);
    const double rounded = std::clamp(std::nearbyint(step), double{low}, double{high});
    const bool inside = step >= low && step <= high;
    expected_value += weight * rounded * scale;
    expected_scale += weight * (inside ? rounded - step : rounded);
    EXPECT_NEAR(found->gradients.at("x")[i], inside ? weight : 0, 1e-12) << x[i];
  }
  EXPECT_NEAR(found->value, expected_value, 1e-12);
  EXPECT_NEAR(found->gradients.at("scale")[0], expected_scale, 1e-12);
}

}  // namespace
}  // namespace framelift
