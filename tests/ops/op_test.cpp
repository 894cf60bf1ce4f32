// Every op on every backend against its reference meaning.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/backend.h"
#include "graph/evaluate.h"
#include "tests/ops/op_cases.h"
#include "tests/support.h"

namespace framelift {
namespace {

class OpOnBackend : public testing::TestWithParam<size_t> {};

TEST_P(OpOnBackend, EqualsTheReference) {
  const OpCase& c = op_cases()[GetParam()];
  GraphBuilder builder;
  c.build(builder);
  auto graph = std::move(builder).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  const Parameters parameters = random_parameters(*graph, 100);
  std::vector<Tensor> inputs;
  for (ValueId id : graph->inputs) inputs.push_back(random_tensor(graph->value(id).shape, static_cast<uint32_t>(id)));
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  const auto expected = evaluate(*graph, parameters, inputs);
  ASSERT_TRUE(expected) << expected.error().message;

  for (Backend* backend : exact_backends()) {
    for (Precision precision : {Precision::f32, Precision::bf16}) {
      CompileOptions options;
      options.precision = precision;
      if (!backend->supports(*graph, options)) continue;
      const auto output = run_graph(*backend, *graph, parameters, pointers, options);
      ASSERT_TRUE(output) << backend->name() << ": " << output.error().message;
      const double tolerance = precision == Precision::f32 ? c.f32_tolerance : c.bf16_tolerance;
      EXPECT_LE(largest_difference(output->f32(), (*expected)[0].f32()), tolerance)
          << backend->name() << " " << to_string(precision);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, OpOnBackend, testing::Range(size_t{0}, op_cases().size()),
                         [](const auto& test) { return op_cases()[test.param].name; });

}  // namespace
}  // namespace framelift
