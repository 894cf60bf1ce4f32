#include "weights/tflite.h"

#include <gtest/gtest.h>

#include "weights/file_bytes.h"

namespace framelift {
namespace {

// tools/make_tflite.py writes these files.
Result<WeightFile> parse(const std::string& name) {
  const auto bytes = read_file_bytes("tests/fuzz/corpus/tflite/" + name);
  if (!bytes) return fail(bytes.error());
  return parse_tflite(*bytes, name);
}

TEST(Tflite, AFileIsItsGraph) {
  const auto file = parse("small");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->format, WeightFormat::tflite);
  ASSERT_TRUE(file->graph);
  const Graph& graph = *file->graph;
  EXPECT_EQ(graph.value(graph.inputs[0]).shape, (Shape{1, 3, 8, 8}));
  EXPECT_EQ(graph.value(graph.outputs[0]).shape, (Shape{1, 1, 8, 8}));
  ASSERT_EQ(graph.nodes.size(), 4u);
  // Half precision behind its operator, and [out,h,w,in] as [out,in,h,w].
  const Tensor* weight = file->find("op001.in1");
  ASSERT_TRUE(weight);
  EXPECT_EQ(weight->dtype(), DType::f16);
  EXPECT_EQ(weight->shape(), (Shape{4, 3, 3, 3}));
  EXPECT_EQ(file->find("op003.in1")->shape(), (Shape{4, 1, 2, 2}));
  // SAME with stride 2 on 8 pixels: the one pixel of padding is at the end.
  EXPECT_EQ(std::get<Conv2d>(graph.nodes[0].op).pad, (Padding{0, 0, 1, 1}));
}

TEST(Tflite, WhatIsNotUnderstoodIsNamed) {
  const std::pair<const char*, const char*> cases[] = {{"unknown_op", "operator 2: code 99"},
                                                       {"unknown_custom", "operator 3: Mystery"},
                                                       {"huge_stride", "operator 1: has a step of"},
                                                       {"wrong_size", "not the [1, 4, 4, 4]"},
                                                       {"bad_root", "beyond the end"}};
  for (const auto& [name, message] : cases) {
    const auto file = parse(name);
    ASSERT_FALSE(file) << name;
    EXPECT_NE(file.error().message.find(message), std::string::npos) << file.error().message;
    EXPECT_EQ(file.error().message.rfind(name, 0), 0u) << "the message begins with the file";
  }
}

TEST(Tflite, NoPartOfAFileIsAFile) {
  const auto whole = read_file_bytes("tests/fuzz/corpus/tflite/small");
  ASSERT_TRUE(whole);
  for (size_t bytes = 0; bytes < whole->size(); ++bytes)
    EXPECT_FALSE(parse_tflite(std::span(*whole).first(bytes), "cut")) << bytes;
}

}  // namespace
}  // namespace framelift
