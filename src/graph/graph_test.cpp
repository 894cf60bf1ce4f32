#include "graph/graph.h"

#include <gtest/gtest.h>

#include <cmath>

#include "graph/analysis.h"
#include "graph/evaluate.h"
#include "graph/op.h"
#include "graph/passes.h"

namespace framelift {
namespace {

Graph finish(GraphBuilder&& builder) {
  auto graph = std::move(builder).finish();
  EXPECT_TRUE(graph) << graph.error().message;
  return graph ? std::move(*graph) : Graph{};
}

Tensor ramp(const Shape& shape, float step = 0.01f) {
  Tensor tensor(DType::f32, shape);
  float value = -0.5f;
  for (float& v : tensor.f32()) v = std::fmod(value += step, 1.0f);
  return tensor;
}

// n convolutions of 3x3, then a pixel shuffle by 4 and the nearest-upsampled input added.
Graph stack(int convolutions, int height, int width) {
  GraphBuilder b;
  const ValueId x = b.input("image", {1, 3, height, width});
  ValueId y = x;
  for (int i = 0; i < convolutions; ++i) y = b.conv2d_same(y, "c" + std::to_string(i), i + 1 < convolutions ? 4 : 48);
  b.output(b.add(b.pixel_shuffle(y, 4), b.resize(x, ResizeMode::nearest, 4)), "image");
  return finish(std::move(b));
}

Parameters ramps(const Graph& graph) {
  Parameters parameters;
  for (const Value& v : graph.values)
    if (v.kind == ValueKind::parameter) parameters.emplace(v.name, ramp(v.shape, 0.013f));
  return parameters;
}

TEST(Builder, NamesTheNodeWhoseShapesDoNotFit) {
  GraphBuilder b;
  const ValueId x = b.input("image", {1, 3, 8, 8});
  b.output(b.add(b.conv2d_same(x, "body.0", 16), b.pixel_shuffle(x, 2)), "image");
  auto graph = std::move(b).finish();
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(graph.error().message.find("pixel_shuffle"), std::string::npos) << graph.error().message;
}

TEST(ShapeRules, RefuseWhatCannotBe) {
  auto refused = [](const Op& op, std::vector<Shape> shapes) { return !infer_shape(op, shapes).has_value(); };
  EXPECT_TRUE(refused(Conv2d{}, {{1, 3, 8, 8}, {4, 2, 3, 3}}));       // channels
  EXPECT_TRUE(refused(Conv2d{}, {{1, 3, 2, 8}, {4, 3, 3, 3}}));       // kernel larger than the picture
  EXPECT_TRUE(refused(Conv2d{}, {{1, 3, 8, 8}, {4, 3, 3, 3}, {3}}));  // bias
  EXPECT_TRUE(refused(Conv2d{}, {{3, 8, 8}, {4, 3, 3, 3}}));          // rank
  EXPECT_TRUE(refused(Conv2d{}, {{1, 3, 8, 8}}));                     // no weight
  EXPECT_TRUE(refused(PixelShuffle{2}, {{1, 3, 8, 8}}));
  EXPECT_TRUE(refused(PixelUnshuffle{2}, {{1, 3, 7, 8}}));
  EXPECT_TRUE(refused(Concat{1}, {{1, 3, 8, 8}, {1, 3, 8, 9}}));
  EXPECT_TRUE(refused(Add{}, {{1, 3, 8, 8}, {1, 2, 8, 8}}));
  EXPECT_TRUE(refused(PRelu{}, {{1, 3, 8, 8}, {4}}));
  EXPECT_TRUE(refused(Resize{ResizeMode::nearest, 1 << 20, 1 << 20}, {{1, 3, 8192, 8192}}));  // absurd size
}

TEST(ShapeRules, ConvolutionWithStrideDilationAndPadding) {
  Conv2d c;
  c.stride = {2, 1};
  c.dilation = {1, 2};
  c.pad = {0, 2, 1, 2};
  const std::vector<Shape> in{{1, 3, 10, 12}, {5, 3, 3, 3}, {5}};
  EXPECT_EQ(*infer_shape(c, in), (Shape{1, 5, 5, 12}));
}

TEST(Cost, CountsMultiplyAddsTwice) {
  GraphBuilder b;
  b.output(b.conv2d_same(b.input("image", {1, 3, 10, 20}), "c", 8), "y");
  const GraphCost cost = graph_cost(finish(std::move(b)));
  EXPECT_EQ(cost.flops, 10 * 20 * 8 * (2 * 27 + 1));
  EXPECT_EQ(cost.parameter_count, 8 * 27 + 8);
}

TEST(WithBatch, EveryPictureIsComputedAsIfAlone) {
  GraphBuilder b;
  const ValueId x = b.input("image", {1, 3, 6, 8});
  const ValueId gate = b.sigmoid(b.conv2d(b.global_average_pool(x), "gate", 3, 1, Conv2d{}));
  const ValueId flat = b.reshape(b.mul(x, gate), {1, 3, 48});
  b.output(b.resize_to(b.reshape(b.linear(flat, "fc", 48), {1, 3, 6, 8}), 9, 5), "image");
  const Graph one = finish(std::move(b));
  const auto three = with_batch(one, 3);
  ASSERT_TRUE(three) << three.error().message;
  EXPECT_EQ(three->value(three->outputs[0]).shape, (Shape{3, 3, 9, 5}));
  const Parameters parameters = ramps(one);
  std::vector<Tensor> together;
  together.push_back(ramp({3, 3, 6, 8}, 0.017f));
  const auto all = evaluate(*three, parameters, together);
  ASSERT_TRUE(all);
  for (size_t i = 0; i < 3; ++i) {
    std::vector<Tensor> alone;
    alone.push_back(Tensor::from_f32({1, 3, 6, 8}, together[0].f32().subspan(i * 144, 144)));
    const auto single = evaluate(one, parameters, alone);
    ASSERT_TRUE(single);
    EXPECT_TRUE(std::ranges::equal((*single)[0].f32(), (*all)[0].f32().subspan(i * 135, 135))) << i;
  }
}

TEST(WithBatch, RefusesWhatMixesPictures) {
  GraphBuilder mean, permute, softmax;
  mean.output(mean.mean(mean.input("image", {1, 3, 6, 8})), "mean");
  permute.output(permute.permute(permute.input("image", {1, 3, 6, 8}), {1, 0, 2, 3}), "turned");
  softmax.output(softmax.softmax(softmax.input("image", {1, 3, 6, 8}), 0), "shares");
  for (auto* builder : {&mean, &permute, &softmax}) {
    const auto batched = with_batch(finish(std::move(*builder)), 2);
    ASSERT_FALSE(batched);
    EXPECT_EQ(batched.error().code, ErrorCode::unsupported);
  }
}

TEST(ReceptiveField, IsOnePixelPerConvolution) {
  const Halo halo = receptive_field(stack(34, 32, 32), 1);
  EXPECT_EQ(halo.before_x, 34);
  EXPECT_EQ(halo.after_x, 34);
  EXPECT_EQ(halo.before_y, 34);
  EXPECT_EQ(halo.after_y, 34);
}

TEST(ReceptiveField, AfterUpsamplingShrinksToFractions) {
  // One convolution at full size, one at twice and two at four times: 1 + 1/2 + 1/4 + 1/4 pixels, rounded up to 2.
  GraphBuilder b;
  ValueId y = b.conv2d_same(b.input("image", {1, 3, 16, 16}), "a", 3);
  y = b.conv2d_same(b.resize(y, ResizeMode::nearest, 2), "b", 3);
  y = b.conv2d_same(b.resize(y, ResizeMode::nearest, 2), "c", 3);
  b.output(b.conv2d_same(y, "d", 3), "image");
  const Halo halo = receptive_field(finish(std::move(b)), 1);
  EXPECT_EQ(halo.before_x, 2);
  EXPECT_EQ(halo.after_x, 2);
}

TEST(ReceptiveField, CountsInputPixelsBelowAnUnshuffle) {
  GraphBuilder b;
  ValueId y = b.pixel_unshuffle(b.input("image", {1, 3, 16, 16}), 2);
  b.output(b.pixel_shuffle(b.conv2d_same(y, "a", 12), 2), "image");
  const Halo halo = receptive_field(finish(std::move(b)), 2);
  EXPECT_EQ(halo.before_x, 2);
  EXPECT_EQ(halo.after_x, 2);
}

// The definition itself: changing any pixel outside the halo never changes the region, and at the halo's edge it can.
TEST(ReceptiveField, IsExactlyWhatChangesTheOutput) {
  const int size = 24;
  const Graph graph = stack(3, size, size);
  const Parameters parameters = ramps(graph);
  const Halo halo = receptive_field(graph, 1);
  const int core = 12;
  std::vector<Tensor> input;
  input.push_back(ramp({1, 3, size, size}));
  auto output_at = [&](int x) {
    auto out = evaluate(graph, parameters, input);
    EXPECT_TRUE(out);
    return (*out)[0].f32()[static_cast<size_t>(core * 4 * size * 4 + x * 4)];
  };
  const float before = output_at(core);
  for (int dx = -6; dx <= 6; ++dx) {
    float& pixel = input[0].f32()[static_cast<size_t>(core * size + core + dx)];
    const float kept = std::exchange(pixel, pixel + 10);
    if (dx < -halo.before_x || dx > halo.after_x)
      EXPECT_EQ(output_at(core), before) << dx;
    else
      EXPECT_NE(output_at(core), before) << dx;
    pixel = kept;
  }
}

TEST(MemoryPlan, NeverPutsTwoLiveValuesInOnePlace) {
  const Graph graph = stack(5, 16, 20);
  const MemoryPlan plan = plan_memory(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto out = static_cast<size_t>(graph.nodes[i].output);
    const int64_t begin = plan.offsets[out], end = begin + 4 * graph.values[out].shape.elements();
    EXPECT_LE(end, plan.bytes);
    // Everything written earlier and read later (or an output) must lie elsewhere.
    for (size_t j = 0; j < i; ++j) {
      const ValueId other = graph.nodes[j].output;
      bool live = std::ranges::count(graph.outputs, other) > 0;
      for (size_t k = i; k < graph.nodes.size(); ++k) live |= std::ranges::count(graph.nodes[k].inputs, other) > 0;
      if (!live) continue;
      const int64_t at = plan.offsets[static_cast<size_t>(other)];
      EXPECT_TRUE(at + 4 * graph.value(other).shape.elements() <= begin || at >= end) << j << " and " << i;
    }
  }
  EXPECT_LT(plan.bytes, 4 * 16 * 20 * (4 * 4 + 48 * 3));  // less than giving every value a place of its own
}

TEST(Passes, KeepTheMeaning) {
  GraphBuilder b;
  const ValueId x = b.input("image", {1, 3, 9, 9});
  const ValueId c = b.conv2d_same(x, "c", 3);
  const ValueId folded = b.add(b.scale(c, 0.2f), x);
  const ValueId twice = b.scale(b.scale(b.conv2d_same(folded, "d", 3), 0.5f), 0.5f);
  b.conv2d_same(x, "unused", 3);
  b.output(b.mul(twice, b.add(b.constant(Tensor::filled({1}, 1)), b.constant(Tensor::filled({1}, 2)))), "y");
  const Graph graph = finish(std::move(b));
  const Parameters parameters = ramps(graph);
  auto bound = bind_parameters(graph, parameters);
  ASSERT_TRUE(bound) << bound.error().message;
  auto optimised = optimise(*bound);
  ASSERT_TRUE(optimised);
  EXPECT_EQ(optimised->nodes.size(), 3u);  // two convolutions and the residual addition remain

  std::vector<Tensor> input;
  input.push_back(ramp({1, 3, 9, 9}));
  const auto expected = evaluate(graph, parameters, input);
  const auto actual = evaluate(*optimised, {}, input);
  ASSERT_TRUE(expected && actual);
  for (size_t i = 0; i < (*expected)[0].f32().size(); ++i)
    EXPECT_NEAR((*actual)[0].f32()[i], (*expected)[0].f32()[i], 1e-6) << i;
}

TEST(Passes, DoNotScaleAConvolutionThatOthersRead) {
  GraphBuilder b;
  const ValueId c = b.conv2d_same(b.input("image", {1, 3, 5, 5}), "c", 3);
  b.output(b.add(b.scale(c, 0.2f), c), "y");
  const Graph graph = finish(std::move(b));
  auto optimised = optimise(*bind_parameters(graph, ramps(graph)));
  ASSERT_TRUE(optimised);
  EXPECT_EQ(optimised->nodes.size(), 3u);
}

TEST(Passes, SayWhichWeightIsMissingOrMisshapen) {
  const Graph graph = stack(2, 8, 8);
  Parameters parameters = ramps(graph);
  parameters.find("c1.bias")->second = Tensor::filled({47}, 0);
  auto wrong = bind_parameters(graph, parameters);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "weight c1.bias has shape [47], expected [48]");
  parameters.erase("c1.bias");
  auto missing = bind_parameters(graph, parameters);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "weight c1.bias [48] is missing");
}

}  // namespace
}  // namespace framelift
