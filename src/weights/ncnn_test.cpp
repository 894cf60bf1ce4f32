#include "weights/ncnn.h"

#include <cstring>

#include "weights/files_for_test.h"

namespace framelift {
namespace {

using test::as_bytes;

Result<WeightFile> parse(std::string_view param, std::string_view bin) {
  return parse_ncnn(as_bytes(param), "n.param", as_bytes(bin), "n.bin");
}

template <class T>
void append(std::string& bytes, std::initializer_list<T> values) {
  bytes.append(reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T));
}

constexpr std::string_view small_param =
    "7767517\n4 4\n"
    "Input            in   0 1 data\n"
    "Convolution      c1   1 1 data a 0=1 1=1 5=1 6=3\n"
    "PReLU            p1   1 1 a b 0=2\n"
    "Convolution      c2   1 1 b output 0=2 1=1 5=0 6=2 9=2 -23310=1,2.000000e-01";  // no newline at the end

std::string small_bin() {
  std::string bin;
  append<uint32_t>(bin, {0x01306B47});
  append<uint16_t>(bin, {0x3c00, 0x4000, 0x4200, 0});  // 1, 2, 3 and two bytes of padding
  append<float>(bin, {0.5f});                          // bias
  append<float>(bin, {0.1f, 0.2f});                    // slopes
  append<uint32_t>(bin, {0});
  append<float>(bin, {5, 6});
  return bin;
}

TEST(Ncnn, ReadsHalfAndSinglePrecision) {
  auto file = parse(small_param, small_bin());
  ASSERT_WORKS(file);
  ASSERT_EQ(file->tensors.size(), 4u);
  EXPECT_EQ(file->tensors[0].first, "c1.weight");
  EXPECT_EQ(file->tensors[0].second.dtype(), DType::f16);
  EXPECT_EQ(file->tensors[0].second.shape(), (Shape{1, 3, 1, 1}));
  EXPECT_EQ(file->tensors[0].second.to_f32().f32()[2], 3.0f);
  EXPECT_EQ(file->tensors[1].first, "c1.bias");
  EXPECT_EQ(file->tensors[2].first, "p1.slope");
  EXPECT_EQ(file->tensors[3].first, "c2.weight");
  EXPECT_EQ(file->tensors[3].second.f32()[1], 6.0f);
  EXPECT_EQ(file->metadata.at("layer.c2"), "Convolution 0=2 1=1 5=0 6=2 9=2 -23310=1,2.000000e-01");
  EXPECT_EQ(file->path, "n.bin");
}

TEST(Ncnn, EveryByteMustBelongToALayer) {
  EXPECT_FAILS_WITH(parse(small_param, small_bin() + std::string(4, '\0')), "4 bytes are left over");
  const std::string bin = small_bin();
  for (size_t size = 0; size < bin.size(); ++size)
    EXPECT_FAILS_WITH(parse(small_param, std::string_view(bin).substr(0, size)), "n.bin: ");
}

TEST(Ncnn, EveryGraphTruncationIsSurvived) {
  // Cuts inside the last attributes leave a different but valid graph; nothing else may be accepted.
  for (size_t size = 0; size < small_param.size(); ++size) {
    const auto result = parse(small_param.substr(0, size), small_bin());
    EXPECT_TRUE(!result || size >= small_param.find(" 9=2")) << "cut to " << size << " bytes";
  }
}

TEST(Ncnn, RefusesUnknownLayersAndStorage) {
  EXPECT_FAILS_WITH(parse("7767517\n1 1\nInnerProduct f 1 1 a b 0=10 1=1 2=100\n", ""), "type InnerProduct");
  EXPECT_FAILS_WITH(parse("7767517\n1 1\nConvolution c 1 1 a b 0=1 1=1 6=1 8=2\n", ""), "int8 weights");
  EXPECT_FAILS_WITH(parse("7767517\n1 1\nConvolution c 1 1 a b 0=1 1=1 6=1 19=1\n", ""), "dynamic weights");
  std::string int8;
  append<uint32_t>(int8, {0x000D4B38, 0});
  EXPECT_FAILS_WITH(parse("7767517\n1 1\nConvolution c 1 1 a b 0=1 1=1 6=1\n", int8), "0x000d4b38");
}

TEST(Ncnn, RefusesHostileGraphs) {
  const auto layer = [](std::string_view text) { return parse("7767517\n1 1\n" + std::string(text) + "\n", ""); };
  EXPECT_FAILS_WITH(parse("", ""), "does not begin with 7767517");
  EXPECT_FAILS_WITH(parse("7767518\n1 1\n", ""), "does not begin with 7767517");
  EXPECT_FAILS_WITH(parse("7767517\n", ""), "number of layers");
  EXPECT_FAILS_WITH(parse("7767517\n-3 1\n", ""), "number of layers");
  EXPECT_FAILS_WITH(parse("7767517\n99999999999999999999 1\n", ""), "number of layers");
  EXPECT_FAILS_WITH(parse("7767517\n2 1\nInput in 0 1 data\n", ""), "1 of 2 layers");
  EXPECT_FAILS_WITH(parse("7767517\n2 1\nInput in 0 1 a\nInput in 0 1 b\n", ""), "second layer is named in");
  EXPECT_FAILS_WITH(layer("Input"), "no ncnn layer");
  EXPECT_FAILS_WITH(layer("Input in -1 1 data"), "no ncnn layer");
  EXPECT_FAILS_WITH(layer("Input in 0 2000000000 data"), "no ncnn layer");
  EXPECT_FAILS_WITH(layer("Input in 0 2 data"), "fewer blobs");
  EXPECT_FAILS_WITH(layer("Split in 0 1 data x=1"), "malformed attribute");
  EXPECT_FAILS_WITH(layer("Split in 0 1 data 5"), "malformed attribute");
  EXPECT_FAILS_WITH(layer("Convolution c 1 1 a b 0=x 1=1 6=1"), "a number is expected");
  EXPECT_FAILS_WITH(layer("Convolution c 1 1 a b 0=-4 1=1 6=4"), "do not fit");
  EXPECT_FAILS_WITH(layer("Convolution c 1 1 a b 0=4 1=3 6=100"), "do not fit");
  EXPECT_FAILS_WITH(layer("Convolution c 1 1 a b 0=4 1=3"), "do not fit");
  EXPECT_FAILS_WITH(layer("Convolution c 1 1 a b 0=1 1=1 6=2000000000"), "truncated");
  EXPECT_FAILS_WITH(layer("Convolution c 1 1 a b 0=1 1=1 6=9223372036854775807"), "a number is expected");
  EXPECT_FAILS_WITH(layer("PReLU p 1 1 a b 0=-1"), "-1 slopes");
  EXPECT_FAILS_WITH(layer("PReLU p 1 1 a b 0=60000"), "truncated");
}

}  // namespace
}  // namespace framelift
