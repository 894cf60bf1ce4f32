#include "codec/tensor_coder.h"

#include <gtest/gtest.h>

#include <random>

#include "codec/rans.h"
#include "codec/tensors_for_test.h"

namespace framelift {
namespace {

using test::noise_tensor;
using test::same;
using test::small_network;

// Encodes, decodes, compares; the number of bytes.
size_t round_trip(const std::vector<StoredTensor>& tensors) {
  const auto bytes = encode_tensors(tensors);
  if (!bytes) {
    ADD_FAILURE() << bytes.error().message;
    return 0;
  }
  const auto back = decode_tensors(layout_of(tensors), *bytes, "x.fnv");
  if (!back)
    ADD_FAILURE() << back.error().message;
  else
    EXPECT_TRUE(same(*back, tensors));
  return bytes->size();
}

std::vector<StoredTensor> alone(QuantizedTensor tensor) {
  std::vector<StoredTensor> tensors;
  tensors.push_back({"w", std::move(tensor)});
  return tensors;
}

TEST(Rans, ReadsBackIntervalsAndBits) {
  std::mt19937 random(1);
  struct Step {
    uint32_t start, frequency, raw;
    int bits;
  };
  std::vector<Step> steps;
  for (int i = 0; i < 5000; ++i) {
    const auto frequency = 1 + static_cast<uint32_t>(random()) % (i % 3 == 0 ? probability_one : 5);
    const int bits = 1 + static_cast<int>(random() % max_raw_bits);
    steps.push_back({static_cast<uint32_t>(random() % (probability_one - frequency + 1)), frequency,
                     static_cast<uint32_t>(random()) >> (32 - bits), bits});
  }
  RansEncoder encoder;
  RansCost cost;
  for (const Step& step : steps) {
    encoder.put(step.start, step.frequency);
    encoder.put_raw(step.raw, step.bits);
    cost.put(step.start, step.frequency);
    cost.put_raw(step.raw, step.bits);
  }
  const auto bytes = encoder.finish();
  // The state takes 32 bits of which 16 are spent on the code itself; words and bytes are filled up.
  EXPECT_NEAR(static_cast<double>(cost.bits()), 8.0 * static_cast<double>(bytes.size()) - 24, 24);

  RansDecoder decoder(bytes);
  for (const Step& step : steps) {
    ASSERT_GE(decoder.slot(), step.start);
    ASSERT_LT(decoder.slot(), step.start + step.frequency);
    decoder.skip(step.start, step.frequency);
    ASSERT_EQ(decoder.raw(step.bits), step.raw);
  }
  EXPECT_FALSE(decoder.damaged());
  EXPECT_TRUE(decoder.finished());
  decoder.raw(9);
  EXPECT_TRUE(decoder.damaged());
}

TEST(Rans, SaysWhenTheBytesAreAtTheirEnd) {
  for (size_t size = 0; size < 12; ++size) {
    RansDecoder decoder(std::vector<std::byte>(size, std::byte{0xff}));
    for (int i = 0; i < 100; ++i) decoder.skip(decoder.slot(), 1);
    EXPECT_TRUE(decoder.damaged()) << size;
  }
}

// Shapes of every rank, depths, sparsity and resemblance: what comes out is what went in.
TEST(TensorCoder, RoundTripsAnything) {
  std::mt19937 random(7);
  for (unsigned i = 0; i < 300; ++i) {
    Shape shape;
    std::vector<int64_t> dims(random() % 7);
    for (int64_t& dim : dims) dim = 1 + random() % (dims.size() > 3 ? 5 : 40);
    shape = Shape(dims);
    const int bits = min_quantized_bits + static_cast<int>(random() % 11);
    const int zeros = static_cast<int>(random() % 11), resemblance = static_cast<int>(random() % 11);  // in tenths
    QuantizedTensor tensor = noise_tensor(shape, bits, 0.1 * zeros, 0.1 * resemblance, i);
    if (i % 3 == 0)  // any axis is allowed
      tensor.axis = static_cast<int>(random() % (dims.size() + 1)) - 1;
    tensor.scales.resize(static_cast<size_t>(scale_count(shape, tensor.axis)), 0x2c01);
    round_trip(alone(std::move(tensor)));
  }
}

TEST(TensorCoder, KeepsTheWholeRangeOfEveryDepth) {
  for (int bits = min_quantized_bits; bits <= max_quantized_bits; ++bits) {
    QuantizedTensor tensor{{4, 1 << bits}, bits, no_axis, {0x3c00}, {}};
    for (int i = 0; i < 4 << bits; ++i)  // each value; smallest beside largest, so that differences wrap around
      tensor.values.push_back(static_cast<int16_t>((i % 2 ? i : -i) / 2 % (1 << (bits - 1)) - (i % 4 == 2)));
    round_trip(alone(std::move(tensor)));
  }
}

TEST(TensorCoder, NumbersKeepEveryBit) {
  std::mt19937 random(3);
  std::vector<StoredTensor> tensors;
  for (DType dtype : {DType::f16, DType::f32}) {
    Tensor any(dtype, {3, 50});
    for (size_t i = 0; i < any.bytes(); ++i) any.data()[i] = static_cast<std::byte>(random());  // NaN, infinities, ...
    tensors.push_back({to_string(dtype), std::move(any)});
  }
  round_trip(tensors);
  round_trip({});
}

TEST(TensorCoder, SameTensorsGiveSameBytes) {
  EXPECT_EQ(*encode_tensors(small_network(1)), *encode_tensors(small_network(1)));
}

TEST(TensorCoder, NothingCostsNearlyNothing) {
  const QuantizedTensor zeros{{512, 512}, 8, no_axis, {0x3c00}, std::vector<int16_t>(512 * 512)};
  EXPECT_LT(round_trip(alone(zeros)), 300u);
}

// What the choices of the encoder are for: each pays where its assumption holds.
TEST(TensorCoder, UsesWhatItKnows) {
  const double bits = 8.0 / (400 * 256);
  const auto cost = [&](QuantizedTensor tensor) {
    return bits * static_cast<double>(round_trip(alone(std::move(tensor)))) - 16 * bits / 8 * 256;  // less its scales
  };
  const double noise = cost(noise_tensor({400, 256}, 6, 0, 0, 1));
  // Gaussian noise of standard deviation s levels has log2(s sqrt(2 pi e)) bits; the maximum of 400 is about 3
  // deviations and 31.5 levels: 5.4 bits.
  EXPECT_NEAR(noise, 5.4, 0.15);
  EXPECT_LT(cost(noise_tensor({400, 256}, 6, 0, 0.97, 1)), noise - 1) << "differences in time";
  QuantizedTensor lines = noise_tensor({400, 256}, 6, 0, 0, 1);
  for (size_t i = 0; i < lines.values.size(); ++i)
    if (i / 256 % 8 > 0) lines.values[i] = static_cast<int16_t>(lines.values[i] / 4);
  QuantizedTensor shuffled = lines;  // the same values, but loud and quiet ones mixed
  std::shuffle(shuffled.values.begin(), shuffled.values.end(), std::mt19937(1));
  EXPECT_LT(cost(lines), cost(shuffled) - 0.1) << "classes of lines";
  // Half of the values pruned: a mask of its own would cost 1 bit each, and the rest half of what they cost before.
  EXPECT_LT(cost(noise_tensor({400, 256}, 6, 0.5, 0, 1)), 1 + noise / 2 + 0.1);
}

TEST(TensorCoder, RefusesContradictions) {
  const auto fails = [](QuantizedTensor tensor) { return !encode_tensors(alone(std::move(tensor))).has_value(); };
  EXPECT_TRUE(fails({{2}, 8, no_axis, {0x3c00}, {1}}));
  EXPECT_TRUE(fails({{2}, 8, no_axis, {}, {1, 2}}));
  EXPECT_TRUE(fails({{2}, 8, 1, {0x3c00}, {1, 2}}));
  EXPECT_TRUE(fails({{2}, 4, no_axis, {0x3c00}, {1, 8}}));
  EXPECT_TRUE(fails({{2}, 13, no_axis, {0x3c00}, {1, 2}}));
  EXPECT_TRUE(fails({{0}, 8, no_axis, {0x3c00}, {}}));
  std::vector<StoredTensor> twice;
  for (int i = 0; i < 2; ++i) twice.push_back({"same", Tensor::filled({1}, 0)});
  EXPECT_FALSE(encode_tensors(twice));
  std::vector<StoredTensor> integers;
  integers.push_back({"i", Tensor(DType::i32, {1})});
  EXPECT_FALSE(encode_tensors(integers));
}

TEST(TensorCoder, ChecksLayouts) {
  const auto ok = [](const TensorLayout& tensor) { return check_layout({&tensor, 1}, "x.fnv").has_value(); };
  EXPECT_TRUE(ok({"w", {2, 3}, 6, 1}));
  EXPECT_FALSE(ok({"w", {2, 3}, 6, 2}));
  EXPECT_FALSE(ok({"w", {2, 3}, 14, no_axis}));
  EXPECT_FALSE(ok({"w", {2, 3}, 32, 0}));
  EXPECT_FALSE(ok({"w", {2, 0}, 32, no_axis}));
  EXPECT_FALSE(ok({"w", {int64_t{1} << 33, int64_t{1} << 33}, 6, no_axis}));
  EXPECT_FALSE(ok({"w", {max_stored_values + 1}, 6, no_axis}));
}

// Damage may go unnoticed here (the file's checksums are for that), but gives the right shapes or an error.
TEST(TensorCoder, SurvivesDamage) {
  const auto tensors = small_network(5);
  const auto layout = layout_of(tensors);
  const auto bytes = *encode_tensors(tensors);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_tensors(layout, std::span(bytes).first(size), "x.fnv")) << size;
  for (size_t at = 0; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] ^= std::byte{0x41};
    const auto result = decode_tensors(layout, damaged, "x.fnv");
    if (!result) continue;
    EXPECT_FALSE(same(*result, tensors)) << at;
    EXPECT_EQ(layout_of(*result), layout);
  }
}

TEST(TensorCoder, PromisesTakeNoMemory) {
  const std::vector<TensorLayout> layout = {{"w", {max_stored_values}, 8, no_axis}};
  const std::vector<std::byte> bytes(64, std::byte{0x5a});
  const auto result = decode_tensors(layout, bytes, "x.fnv");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "x.fnv: the data of tensor w are damaged or cut off");
}

}  // namespace
}  // namespace framelift
