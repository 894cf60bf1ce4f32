#include "compress/bit_allocation.h"

#include <gtest/gtest.h>

#include "codec/quantized_tensor.h"

namespace framelift {
namespace {

double mean_of(const TensorBits& bits, const std::vector<TensorSensitivity>& tensors) {
  double sum = 0, weights = 0;
  for (const TensorSensitivity& t : tensors) {
    sum += static_cast<double>(t.weights) * bits(t.name);
    weights += static_cast<double>(t.weights);
  }
  return sum / weights;
}

TEST(BitAllocation, AlikeTensorsGetAlikeBits) {
  const std::vector<TensorSensitivity> tensors{{"a", 100, 1e-4}, {"b", 200, 2e-4}, {"c", 50, 0.5e-4}};
  const TensorBits bits = allocate_bits(tensors, 6);
  for (const TensorSensitivity& t : tensors) EXPECT_EQ(bits(t.name), 6) << t.name;
  EXPECT_EQ(bits("another"), 6);
}

TEST(BitAllocation, FourTimesTheDamageIsOneBit) {
  const std::vector<TensorSensitivity> tensors{{"quiet", 100, 1e-4}, {"middle", 100, 4e-4}, {"loud", 100, 16e-4}};
  const TensorBits bits = allocate_bits(tensors, 6);
  EXPECT_EQ(bits("quiet"), 5);
  EXPECT_EQ(bits("middle"), 6);
  EXPECT_EQ(bits("loud"), 7);
}

TEST(BitAllocation, KeepsTheMeanAndTheLimits) {
  const std::vector<TensorSensitivity> tensors{
      {"nothing", 1000, 0}, {"huge", 5000, 1e-3}, {"tiny", 3, 1}, {"pruned away", 0, 1e-3}};
  for (const int mean : {2, 4, 6, 12}) {
    const TensorBits bits = allocate_bits(tensors, mean);
    EXPECT_LE(mean_of(bits, tensors), mean);
    for (const TensorSensitivity& t : tensors) {
      EXPECT_GE(bits(t.name), min_quantized_bits);
      EXPECT_LE(bits(t.name), max_quantized_bits);
    }
    EXPECT_EQ(bits("nothing"), min_quantized_bits);
    EXPECT_EQ(bits("pruned away"), min_quantized_bits);
    if (mean > 2) {
      EXPECT_EQ(bits("tiny"), max_quantized_bits);
    }
  }
}

}  // namespace
}  // namespace framelift
