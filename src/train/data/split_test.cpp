#include "train/data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "train/data/random_stream.h"

namespace framelift {
namespace {

class Names final : public Dataset {
 public:
  explicit Names(std::vector<std::string> names) : names_(std::move(names)) {}
  size_t size() const override { return names_.size(); }
  const std::string& name(size_t i) const override { return names_[i]; }
  Result<Sample> load(size_t) const override { return fail(ErrorCode::internal, "not meant to be read"); }

 private:
  std::vector<std::string> names_;
};

std::vector<std::string> numbered(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(fmt::format("scene/{:04}", i));
  return names;
}

std::set<std::string> names_of(const Names& data, const std::vector<size_t>& indices) {
  std::set<std::string> names;
  for (const size_t i : indices) names.insert(data.name(i));
  return names;
}

TEST(Split, CoversEverySampleOnce) {
  for (const int count : {0, 1, 2, 3, 10, 500}) {
    const Names data(numbered(count));
    const DatasetSplit split = split_dataset(data);
    std::vector<size_t> all = split.training;
    all.insert(all.end(), split.validation.begin(), split.validation.end());
    std::ranges::sort(all);
    ASSERT_EQ(all.size(), static_cast<size_t>(count));
    for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], i);
    if (count >= 2) {
      EXPECT_FALSE(split.validation.empty());
      EXPECT_FALSE(split.training.empty());
    }
  }
}

// 2000 draws with probability p: five standard deviations are 5 sqrt(2000 p (1 - p)), below 100.
TEST(Split, HasTheShareThatWasAskedFor) {
  const Names data(numbered(2000));
  for (const double share : {0.1, 0.2, 0.5})
    EXPECT_NEAR(static_cast<double>(split_dataset(data, share).validation.size()), 2000 * share, 112);
  EXPECT_TRUE(split_dataset(data, 0).validation.empty());
}

TEST(Split, ASampleStaysOnItsSideWhenOthersComeAndGo) {
  std::vector<std::string> names = numbered(300);
  const Names all(names);
  const auto validation = names_of(all, split_dataset(all).validation);
  std::ranges::reverse(names);
  names.erase(names.begin() + 40, names.begin() + 170);
  names.push_back("a new one");
  const Names some(names);
  const DatasetSplit split = split_dataset(some);
  for (const std::string& name : names_of(some, split.validation))
    if (name != "a new one") {
      EXPECT_TRUE(validation.contains(name)) << name;
    }
  for (const std::string& name : names_of(some, split.training)) EXPECT_FALSE(validation.contains(name)) << name;
}

TEST(Split, AnotherSeedSplitsAnotherWay) {
  const Names data(numbered(100));
  EXPECT_EQ(split_dataset(data, 0.2, 1).validation, split_dataset(data, 0.2, 1).validation);
  EXPECT_NE(split_dataset(data, 0.2, 1).validation, split_dataset(data, 0.2, 2).validation);
}

// First outputs for the state 1234567, as published with SplitMix64 implementations.
TEST(RandomStream, MixesAsSplitMix64) {
  constexpr uint64_t step = 0x9e3779b97f4a7c15u;
  EXPECT_EQ(mix_bits(1234567 + step), 6457827717110365317u);
  EXPECT_EQ(mix_bits(1234567 + 2 * step), 3203168211198807973u);
}

TEST(RandomStream, KeysAndTheirOrderMatter) {
  std::set<uint64_t> seen;
  for (uint64_t a = 0; a < 30; ++a)
    for (uint64_t b = 0; b < 30; ++b) seen.insert(RandomStream{a, b}.bits());
  for (uint64_t a = 0; a < 30; ++a) seen.insert(RandomStream{a}.bits());
  EXPECT_EQ(seen.size(), 930u);
  EXPECT_EQ(RandomStream({3, 4}).bits(), RandomStream({3, 4}).bits());
  EXPECT_NE(key_of("ab"), key_of("ba"));
}

TEST(RandomStream, DrawsHaveTheirDistributions) {
  constexpr int n = 100000;
  RandomStream random{5};
  double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0;
  std::map<uint64_t, int> counts;
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform(2, 4), z = random.normal();
    ASSERT_GE(u, 2);
    ASSERT_LT(u, 4);
    sum += u / n;
    squares += (u - 3) * (u - 3) / n;
    normal_sum += z / n;
    normal_squares += z * z / n;
    ++counts[random.below(7)];
  }
  // Five standard deviations of each estimate.
  EXPECT_NEAR(sum, 3, 5 * std::sqrt(1.0 / 3 / n));
  EXPECT_NEAR(squares, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
  EXPECT_NEAR(normal_sum, 0, 5 * std::sqrt(1.0 / n));
  EXPECT_NEAR(normal_squares, 1, 5 * std::sqrt(2.0 / n));
  ASSERT_EQ(counts.size(), 7u);
  for (const auto& [value, count] : counts) {
    EXPECT_LT(value, 7u);
    EXPECT_NEAR(count, n / 7.0, 5 * std::sqrt(n / 7.0));
  }
}

}  // namespace
}  // namespace framelift
