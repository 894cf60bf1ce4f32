#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "backend/lut/color_table.h"
#include "backend/lut/lut_backend.h"
#include "backend/lut/pixel_function.h"
#include "backend/lut/pixel_mlp.h"
#include "backend/openvino/openvino_backend.h"
#include "graph/evaluate.h"
#include "graph/passes.h"

namespace framelift {
namespace {

Tensor random_tensor(const Shape& shape, float low, float high, uint32_t seed) {
  std::mt19937 random(seed);
  Tensor t(DType::f32, shape);
  for (float& v : t.f32()) v = low + (high - low) * static_cast<float>(random() >> 8) * 0x1p-24f;
  return t;
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double difference = std::abs(double{a[i]} - double{b[i]});
    worst = difference <= worst ? worst : difference;  // NaN counts as a difference
  }
  return worst;
}

// A picture [1,3,H,W] through the table.
Tensor applied(const ColorTable& table, Tensor& picture, bool reference = false) {
  Tensor out(DType::f32, picture.shape());
  const auto n = static_cast<size_t>(picture.elements() / 3);
  const float* in = picture.as<float>();
  float* to = out.as<float>();
  const float* const src[3] = {in, in + n, in + 2 * n};
  float* const dst[3] = {to, to + n, to + 2 * n};
  reference ? table.apply_reference(src, n, dst) : table.apply(src, n, dst);
  return out;
}

// The colours of all points of a grid as a picture.
Tensor all_points(const ColorGrid& grid) {
  const size_t n = static_cast<size_t>(grid.points), plane = n * n * n;
  Tensor picture(DType::f32, {1, 3, grid.points, int64_t{grid.points} * grid.points});
  for (size_t i = 0; i < plane; ++i) {
    const size_t at[3] = {i / (n * n), i / n % n, i % n};
    for (size_t c = 0; c < 3; ++c) picture.f32()[c * plane + i] = grid.coordinate(static_cast<int>(at[c]));
  }
  return picture;
}

void want(ColorTable& table, Tensor& picture) {
  const auto n = static_cast<size_t>(picture.elements() / 3);
  table.want({picture.as<float>(), picture.as<float>() + n, picture.as<float>() + 2 * n}, n);
}

// How many points were computed.
template <class F>
size_t compute_wanted(ColorTable& table, const F& f) {
  constexpr size_t capacity = 1000;
  std::vector<float> in(3 * capacity), out(3 * capacity);
  std::vector<uint32_t> points(capacity);
  ColorTable::Cursor cursor{0, table.grid().points};
  size_t total = 0;
  while (const size_t n = table.next_batch(cursor, in.data(), points.data(), capacity)) {
    for (size_t i = 0; i < n; ++i) {
      const std::array<float, 3> v = f(in[i], in[capacity + i], in[2 * capacity + i]);
      for (size_t c = 0; c < 3; ++c) out[c * capacity + i] = v[c];
    }
    table.set(points.data(), n, out.data(), capacity);
    total += n;
  }
  return total;
}

template <class F>
ColorTable table_of(const ColorGrid& grid, const F& f) {
  ColorTable table(grid);
  Tensor picture = all_points(grid);
  want(table, picture);
  compute_wanted(table, f);
  return table;
}

constexpr ColorGrid small_graded = ColorGrid::graded(32, 1.0f / 8, 16, 3.0f / 4, 64);

std::array<float, 3> curved(float r, float g, float b) {
  return {std::sqrt(r + 0.1f) * (1 + b), g * g - r * b, std::sin(5 * b) + 0.3f * g};
}

// An AGCM-like network: three 1x1 convolutions whose channels are scaled and shifted by linear functions of a vector.
Graph modulated_mlp(int height, int width, int features = 64, int condition_size = 6) {
  GraphBuilder b;
  ValueId x = b.input("image", {1, 3, height, width});
  const ValueId condition = b.input("condition", {1, condition_size});
  const auto layer = [&](ValueId in, const std::string& name, int out) {
    const auto per_channel = [&](const char* kind) {
      return b.reshape(b.linear(condition, name + kind, out), {1, out, 1, 1});
    };
    const ValueId gain = b.add(per_channel(".scale"), b.constant(Tensor::filled({1}, 1)));
    return b.add(b.mul(b.conv2d_same(in, name, out, 1), gain), per_channel(".shift"));
  };
  x = b.relu(layer(x, "first", features));
  x = b.relu(layer(x, "hidden", features));
  b.output(layer(x, "last", 3), "image");
  return std::move(b).finish().value();
}

// Each layer keeps values at about unit size.
Parameters parameters_of(const Graph& graph) {
  Parameters parameters;
  uint32_t seed = 7;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    const int64_t fan_in = value.shape.rank() > 1 ? value.shape[1] : 16;
    const float bound = std::sqrt(1.0f / static_cast<float>(fan_in));
    parameters.emplace(value.name, random_tensor(value.shape, -bound, bound, ++seed));
  }
  return parameters;
}

void fill(const TensorView& to, const Tensor& from) { std::memcpy(to.data, from.data(), from.bytes()); }

TEST(ColorTable, ExactOnGridPoints) {
  for (const ColorGrid& grid : {ColorGrid::uniform(2), ColorGrid::uniform(17), ColorGrid::uniform(65), small_graded}) {
    ASSERT_EQ(grid.coordinate(0), 0);
    ASSERT_EQ(grid.coordinate(grid.points - 1), 1);
    const ColorTable table = table_of(grid, curved);
    Tensor picture = all_points(grid);
    const Tensor out = applied(table, picture);
    const auto n = static_cast<size_t>(picture.elements() / 3);
    for (size_t i = 0; i < n; ++i) {
      const auto expected = curved(picture.f32()[i], picture.f32()[n + i], picture.f32()[2 * n + i]);
      // Steps of a power of two are exact in float, and so are the weights, 0 and 1.
      for (size_t c = 0; c < 3; ++c) ASSERT_EQ(out.f32()[c * n + i], expected[c]) << grid.points << " " << i;
    }
  }
}

TEST(ColorTable, GradedGridIsFineAtBothEnds) {
  std::vector<float> x;
  for (int k = 0; k < small_graded.points; ++k) x.push_back(small_graded.coordinate(k));
  ASSERT_EQ(small_graded.points, 4 + 10 + 16 + 1);
  for (size_t k = 1; k < x.size(); ++k)
    EXPECT_EQ(x[k] - x[k - 1], x[k] <= 0.125f ? 1 / 32.0f : x[k] <= 0.75f ? 1 / 16.0f : 1 / 64.0f) << k;
}

// A table made for a picture alone colours it as the whole table does; the same colours again need nothing new.
TEST(ColorTable, WantsWhatItReads) {
  const ColorTable whole = table_of(small_graded, curved);
  ColorTable table(small_graded);
  for (uint32_t seed : {1, 2, 3}) {
    Tensor picture = random_tensor({1, 3, 1, 1003}, 0.9f - 0.3f * static_cast<float>(seed),
                                   1.3f - 0.3f * static_cast<float>(seed), seed);
    want(table, picture);
    EXPECT_GT(compute_wanted(table, curved), 0u);
    EXPECT_EQ(largest_difference(applied(table, picture).f32(), applied(whole, picture).f32()), 0);
    want(table, picture);
    EXPECT_EQ(compute_wanted(table, curved), 0u);
  }
  table.forget();
  Tensor one = Tensor::from_f32({1, 3, 1, 1}, std::array{0.3f, 0.2f, 0.6f});
  want(table, one);
  EXPECT_EQ(compute_wanted(table, curved), 4u);
}

TEST(ColorTable, LinearFunctionsAreReproduced) {
  const auto linear = [](float r, float g, float b) -> std::array<float, 3> {
    return {0.25f + r - 0.5f * g, 2 * g + b, 1 - r - g - b};
  };
  const ColorTable table = table_of(small_graded, linear);
  Tensor picture = random_tensor({1, 3, 61, 67}, 0, 1, 1);
  const Tensor out = applied(table, picture);
  const size_t n = 61 * 67;
  for (size_t i = 0; i < n; ++i) {
    const auto expected = linear(picture.f32()[i], picture.f32()[n + i], picture.f32()[2 * n + i]);
    // Values up to 3, a few roundings of 2^-24 each; the fraction in a cell is known to 32 * 2^-24.
    for (size_t c = 0; c < 3; ++c) ASSERT_NEAR(out.f32()[c * n + i], expected[c], 3e-6);
  }
}

TEST(ColorTable, SimdEqualsScalar) {
  for (const ColorGrid& grid : {ColorGrid::uniform(2), ColorGrid::uniform(3), ColorGrid::uniform(50), small_graded}) {
    const ColorTable table = table_of(grid, curved);
    for (int64_t width : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 1000, 4099}) {
      Tensor picture = random_tensor({1, 3, 1, width}, -0.1f, 1.1f, static_cast<uint32_t>(width));
      // Greys, edges of cells, and what is no colour.
      const auto p = picture.f32();
      const float odd[] = {0, 1, 0.5f, 1 / 32.0f, -0.0f, 2, -INFINITY, INFINITY, NAN, 1e-30f, 3e9f};
      for (size_t i = 0; i < p.size(); i += 5) p[i] = odd[i / 5 % std::size(odd)];
      for (size_t i = 0; 3 * i < p.size(); i += 3) p[i] = p[i + p.size() / 3] = p[i + p.size() / 3 * 2];
      const Tensor simd = applied(table, picture), scalar = applied(table, picture, true);
      ASSERT_EQ(std::memcmp(simd.data(), scalar.data(), simd.bytes()), 0) << grid.points << " points, width " << width;
      for (float v : simd.f32()) ASSERT_TRUE(std::isfinite(v));
    }
  }
}

TEST(ColorTable, OutsideIsClamped) {
  const ColorTable table = table_of(small_graded, curved);
  Tensor outside = Tensor::from_f32({1, 3, 1, 2}, std::array{-3.0f, 0.25f, 7.0f, NAN, 0.5f, 1.5f});
  Tensor inside = Tensor::from_f32({1, 3, 1, 2}, std::array{0.0f, 0.25f, 1.0f, 0.0f, 0.5f, 1.0f});
  EXPECT_EQ(largest_difference(applied(table, outside).f32(), applied(table, inside).f32()), 0);
}

TEST(Lut, RefusesOtherGraphs) {
  const auto reason = [](auto build) {
    GraphBuilder b;
    build(b);
    const Graph graph = std::move(b).finish().value();
    const Status status = lut_backend().supports(graph, {});
    return status ? std::string() : status.error().message;
  };
  const auto expect = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  expect(reason([](GraphBuilder& b) {
           b.output(b.conv2d_same(b.input("x", {1, 3, 8, 8}), "c", 3), "y");
         }),
         "looks at neighbouring pixels");
  expect(reason([](GraphBuilder& b) {
           const ValueId x = b.input("x", {1, 3, 8, 8});
           b.output(b.add(x, b.global_average_pool(x)), "y");
         }),
         "whole picture");
  expect(reason([](GraphBuilder& b) {
           b.output(b.conv2d_same(b.input("x", {1, 3, 8, 8}), "c", 4, 1), "y");
         }),
         "[1, 3, H, W]");
  // One pixel each, but not the same for all.
  expect(reason([](GraphBuilder& b) {
           b.output(b.add(b.input("x", {1, 3, 8, 8}), b.constant(Tensor::filled({8, 8}, 1))), "y");
         }),
         "where they are");
  expect(reason([](GraphBuilder& b) {
           const ValueId x = b.input("x", {1, 3, 8, 8});
           b.output(b.add(x, b.input("m", {1, 1, 8, 8})), "y");
         }),
         "where they are");
  expect(reason([](GraphBuilder& b) {
           Conv2d every_second;
           every_second.stride = {2, 2};
           const ValueId half = b.conv2d(b.input("x", {1, 3, 8, 8}), "c", 3, 1, every_second);
           b.output(b.resize(half, ResizeMode::nearest, 2), "y");
         }),
         "where they are");
  expect(reason([](GraphBuilder& b) {
           b.input("x", {1, 3, 8, 8});
           b.output(b.constant(Tensor::filled({1, 3, 8, 8}, 1)), "y");
         }),
         "does not depend");
  EXPECT_EQ(reason([](GraphBuilder& b) { b.output(b.relu(b.input("x", {1, 3, 8, 8})), "y"); }), "");

  const Graph good = modulated_mlp(8, 8);
  CompileOptions options;
  EXPECT_TRUE(lut_backend().supports(good, options));
  options.precision = Precision::bf16;
  EXPECT_FALSE(lut_backend().supports(good, options));
  EXPECT_FALSE(compile_table(good, parameters_of(good), {}, ColorGrid::uniform(1)));
  EXPECT_NE(find_backend("auto", good, {}).value(), &lut_backend()) << "exact engines come first";
}

// The folded chain against the graph's reference, for widths that fill no block of outputs and no vector of pixels.
TEST(PixelMlp, EqualsTheGraph) {
  for (int features : {1, 5, 64, 127}) {
    const Graph graph = modulated_mlp(7, 31, features);
    const Parameters parameters = parameters_of(graph);
    const auto bound = bind_parameters(graph, parameters);
    ASSERT_TRUE(bound);
    auto mlp = PixelMlp::from(*optimise(*bound));
    ASSERT_TRUE(mlp) << features;
    std::vector<Tensor> inputs;
    inputs.push_back(random_tensor({1, 3, 7, 31}, 0, 1, 61));
    inputs.push_back(random_tensor({1, 6}, -1, 1, 62));
    for (int round = 0; round < 2; ++round) {  // folds anew for another condition
      const auto expected = evaluate(graph, parameters, inputs);
      ASSERT_TRUE(expected);
      const TensorView condition = inputs[1].view();
      mlp->fold(std::span(&condition, 1));
      Tensor out(DType::f32, inputs[0].shape());
      const size_t n = 7 * 31;
      const float* const src[3] = {inputs[0].as<float>(), inputs[0].as<float>() + n, inputs[0].as<float>() + 2 * n};
      float* const dst[3] = {out.as<float>(), out.as<float>() + n, out.as<float>() + 2 * n};
      mlp->run(src, n, dst);
      // Sums of up to 127 products of about unit size in f32.
      EXPECT_LE(largest_difference(out.f32(), (*expected)[0].f32()), 2e-6) << features;
      inputs[1] = random_tensor({1, 6}, -1, 1, 63);
    }
  }
}

TEST(PixelMlp, RefusesWhatIsNoChain) {
  const auto accepts = [](auto build) {
    GraphBuilder b;
    b.output(build(b, b.input("x", {1, 3, 4, 4})), "y");
    const Graph graph = std::move(b).finish().value();
    return PixelMlp::from(*optimise(*bind_parameters(graph, parameters_of(graph)))).has_value();
  };
  using B = GraphBuilder;
  EXPECT_TRUE(accepts([](B& b, ValueId x) { return b.leaky_relu(b.conv2d_same(x, "a", 3, 1), 0.2f); }));
  EXPECT_FALSE(accepts([](B& b, ValueId x) { return b.conv2d_same(x, "a", 3, 3); }));            // neighbours
  EXPECT_FALSE(accepts([](B& b, ValueId x) { return b.add(b.conv2d_same(x, "a", 3, 1), x); }));  // a branch
  EXPECT_FALSE(accepts([](B& b, ValueId x) { return b.relu(x); }));                              // no layer
  EXPECT_FALSE(accepts([](B& b, ValueId x) {  // shifted after its activation
    return b.add(b.relu(b.conv2d_same(x, "a", 3, 1)), b.constant(Tensor::filled({1}, 1)));
  }));
  EXPECT_FALSE(accepts([](B& b, ValueId x) { return b.conv2d_same(b.conv2d_same(x, "a", 200, 1), "b", 3, 1); }));
}

TEST(Lut, GraphsWithoutPictureRunAsTheyAre) {
  GraphBuilder b;
  const ValueId mean = b.global_average_pool(b.conv2d_same(b.input("x", {1, 3, 12, 10}), "c", 5));
  b.output(b.reshape(mean, {1, 5}), "v");
  const Graph graph = std::move(b).finish().value();
  const Parameters parameters = parameters_of(graph);
  std::vector<Tensor> inputs;
  inputs.push_back(random_tensor({1, 3, 12, 10}, 0, 1, 3));
  const auto expected = evaluate(graph, parameters, inputs);
  auto executable = lut_backend().compile(graph, parameters, {});
  ASSERT_TRUE(executable) << executable.error().message;
  auto request = (*executable)->create_request();
  ASSERT_TRUE(request);
  fill((*request)->input(0), inputs[0]);
  ASSERT_TRUE((*request)->start());
  ASSERT_TRUE((*request)->wait());
  EXPECT_LE(largest_difference((*request)->output(0).f32(), (*expected)[0].f32()), 1e-5);
}

TEST(Lut, RandomNetworkWithinBound) {
  const Graph graph = modulated_mlp(48, 64);
  const Parameters parameters = parameters_of(graph);
  std::vector<Tensor> inputs;
  inputs.push_back(random_tensor({1, 3, 48, 64}, 0, 1, 11));
  inputs.push_back(random_tensor({1, 6}, -1, 1, 12));
  const auto expected = evaluate(graph, parameters, inputs);
  double previous = INFINITY;
  for (const ColorGrid& grid : {ColorGrid::uniform(17), ColorGrid::uniform(65), default_color_grid}) {
    auto executable = compile_table(graph, parameters, {}, grid);
    ASSERT_TRUE(executable) << executable.error().message;
    auto request = (*executable)->create_request();
    ASSERT_TRUE(request);
    for (int i = 0; i < 2; ++i) fill((*request)->input(i), inputs[static_cast<size_t>(i)]);
    ASSERT_TRUE((*request)->start());
    ASSERT_TRUE((*request)->wait());
    const double error = largest_difference((*request)->output(0).f32(), (*expected)[0].f32());
    std::printf("random network, %3d points: largest error %.2e\n", grid.points, error);
    EXPECT_LT(error, previous);
    previous = error;
  }
  EXPECT_LE(previous, 0.2 / 1023);
}

// The formulas of BT.2446 through the table, for what 8-bit video holds: every grey, and random colours in steps of
// limited range codes.
TEST(Lut, InverseToneMapsWithinOneCode) {
  if (openvino_backend().describe().empty()) GTEST_SKIP() << "tables are made unasked only where OpenVINO is";
  constexpr int height = 128, width = 220;
  Tensor picture = random_tensor({1, 3, height, width}, 0, 1, 51);
  for (float& v : picture.f32()) v = std::round(v * 219) / 219;
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < 220; ++i)
      picture.f32()[static_cast<size_t>(c) * height * width + static_cast<size_t>(i)] = static_cast<float>(i) / 219;
  for (const Bt2446Method method : {Bt2446Method::a, Bt2446Method::c})
    for (const float peak : {400.0f, 1000.0f, 4000.0f}) {
      GraphBuilder b;
      b.output(b.add_node(InverseToneMap{method, peak}, {b.input("image", picture.shape())}), "image");
      auto graph = std::move(b).finish();
      ASSERT_TRUE(graph) << graph.error().message;
      EXPECT_FALSE(openvino_backend().supports(*graph, {}));
      const auto chosen = find_backend("auto", *graph, {});
      ASSERT_TRUE(chosen) << chosen.error().message;
      EXPECT_EQ(*chosen, &lut_backend());
      const auto executable = (*chosen)->compile(*graph, {}, {});
      ASSERT_TRUE(executable) << executable.error().message;
      const auto request = (*executable)->create_request().value();
      fill(request->input(0), picture);
      ASSERT_TRUE(request->start() && request->wait());
      const auto exact = evaluate(*graph, {}, std::span(&picture, 1));
      ASSERT_TRUE(exact);
      const double error = largest_difference(request->output(0).f32(), (*exact)[0].f32());
      std::printf("BT.2446 method %c, %4.0f cd/m2: largest error %.3f / 1023\n", method == Bt2446Method::a ? 'A' : 'C',
                  peak, error * 1023);
      EXPECT_LE(error, 1.0 / 1023);
    }
}

TEST(Lut, RequestsInFlightKeepTheirConditions) {
  const Graph graph = modulated_mlp(37, 41);  // no multiple of any vector
  const Parameters parameters = parameters_of(graph);
  Tensor picture = random_tensor({1, 3, 37, 41}, 0, 1, 21);
  constexpr int count = 5;
  std::vector<Tensor> conditions, alone;
  for (uint32_t i = 0; i < count; ++i) conditions.push_back(random_tensor({1, 6}, -1, 1, 30 + i));

  auto executable = compile_table(graph, parameters, {}, small_graded);
  ASSERT_TRUE(executable) << executable.error().message;
  std::vector<std::unique_ptr<InferRequest>> requests;
  for (int i = 0; i < count; ++i) requests.push_back((*executable)->create_request().value());
  for (int i = 0; i < count; ++i) {
    fill(requests[0]->input(0), picture);
    fill(requests[0]->input(1), conditions[static_cast<size_t>(i)]);
    ASSERT_TRUE(requests[0]->start());
    ASSERT_TRUE(requests[0]->wait());
    alone.push_back(Tensor::from_f32(picture.shape(), requests[0]->output(0).f32()));
    for (int j = 0; j < i; ++j)
      EXPECT_GT(largest_difference(alone[static_cast<size_t>(j)].f32(), alone.back().f32()), 0.01);
  }
  // A request outlives its executable, and one that nobody waits for ends in order.
  executable->reset();
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < count; ++i) {
      fill(requests[static_cast<size_t>(i)]->input(0), picture);
      fill(requests[static_cast<size_t>(i)]->input(1), conditions[static_cast<size_t>(i)]);
      ASSERT_TRUE(requests[static_cast<size_t>(i)]->start());
    }
    for (int i = count - 1; i >= 0; --i) {
      ASSERT_TRUE(requests[static_cast<size_t>(i)]->wait());
      ASSERT_EQ(
          largest_difference(requests[static_cast<size_t>(i)]->output(0).f32(), alone[static_cast<size_t>(i)].f32()), 0)
          << i;
    }
  }
  ASSERT_TRUE(requests[1]->start());
}

TEST(Lut, OneThreadEqualsMany) {
  const Graph graph = modulated_mlp(211, 307);
  const Parameters parameters = parameters_of(graph);
  const Tensor picture = random_tensor({1, 3, 211, 307}, 0, 1, 41), condition = random_tensor({1, 6}, -1, 1, 42);
  std::vector<Tensor> results;
  for (int threads : {1, 2, 5}) {
    CompileOptions options;
    options.threads = threads;
    auto executable = lut_backend().compile(graph, parameters, options);
    ASSERT_TRUE(executable) << executable.error().message;
    auto request = (*executable)->create_request();
    ASSERT_TRUE(request);
    fill((*request)->input(0), picture);
    fill((*request)->input(1), condition);
    ASSERT_TRUE((*request)->start());
    ASSERT_TRUE((*request)->wait());
    results.push_back(Tensor::from_f32(picture.shape(), (*request)->output(0).f32()));
    EXPECT_EQ(largest_difference(results[0].f32(), results.back().f32()), 0) << threads;
  }
}

}  // namespace
}  // namespace framelift
