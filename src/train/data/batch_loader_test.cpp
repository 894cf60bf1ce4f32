#include "train/data/batch_loader.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <numeric>
#include <set>

#include "train/data/picture_for_test.h"

namespace framelift {
namespace {

using test::random_picture;
using test::same_bits;

// Random pictures of different sizes; a function of the index alone.
class RandomPictures : public Dataset {
 public:
  explicit RandomPictures(size_t count) {
    for (size_t i = 0; i < count; ++i) names_.push_back("picture " + std::to_string(i));
  }
  size_t size() const override { return names_.size(); }
  const std::string& name(size_t i) const override { return names_[i]; }
  Result<Sample> load(size_t i) const override {
    if (broken.contains(i)) return fail(ErrorCode::invalid_data, "{}: is damaged", names_[i]);
    const int height = 20 + static_cast<int>(i % 7), width = 18 + static_cast<int>(i % 5);
    const int k = i < doubled ? 2 : 1;
    return Sample{names_[i], random_picture(height, width, i), random_picture(height * k, width * k, i + 1000)};
  }
  std::set<size_t> broken;
  size_t doubled = 0;  // samples before this one have a target of twice the size

 private:
  std::vector<std::string> names_;
};

std::vector<size_t> first(size_t count) {
  std::vector<size_t> indices(count);
  std::iota(indices.begin(), indices.end(), size_t{0});
  return indices;
}

std::vector<Batch> rest_of_epoch(BatchLoader& loader) {
  std::vector<Batch> batches;
  for (;;) {
    auto batch = loader.next();
    if (!batch) {
      ADD_FAILURE() << batch.error().message;
      break;
    }
    if (!*batch) break;
    batches.push_back(std::move(**batch));
  }
  return batches;
}

void expect_equal(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].names, b[i].names) << "batch " << i;
    EXPECT_TRUE(same_bits(a[i].input, b[i].input)) << "batch " << i;
    EXPECT_TRUE(same_bits(a[i].target, b[i].target)) << "batch " << i;
  }
}

BatchOptions options_with(int workers) {
  BatchOptions options;
  options.batch = 3;
  options.tile = 16;
  options.flip = true;
  options.workers = workers;
  return options;
}

TEST(BatchLoader, GivesTheSameBitsForAnyNumberOfWorkers) {
  const RandomPictures data(23);
  for (const uint64_t seed : {uint64_t{1}, uint64_t{42}}) {
    std::map<int, std::vector<Batch>> expected;
    for (const int workers : {0, 1, 2, 7}) {
      BatchOptions options = options_with(workers);
      options.seed = seed;
      options.queued_batches = 1 + workers % 3;
      BatchLoader loader(data, first(data.size()), options);
      for (const int epoch : {0, 1, 5}) {
        loader.start_epoch(epoch);
        std::vector<Batch> batches = rest_of_epoch(loader);
        EXPECT_EQ(batches.size(), loader.batches_per_epoch());
        if (workers == 0)
          expected[epoch] = std::move(batches);
        else
          expect_equal(expected[epoch], batches);
      }
    }
  }
}

TEST(BatchLoader, AnEpochShowsEverySampleAndFillsUpTheLastBatch) {
  const RandomPictures data(11);
  const std::vector<size_t> indices{10, 2, 3, 5, 7};
  BatchLoader loader(data, indices, options_with(2));
  ASSERT_EQ(loader.batches_per_epoch(), 2u);
  std::set<std::vector<std::string>> orders;
  for (int epoch = 0; epoch < 8; ++epoch) {
    loader.start_epoch(epoch);
    std::vector<std::string> names;
    for (const Batch& batch : rest_of_epoch(loader)) {
      EXPECT_EQ(batch.input.shape(), (Shape{3, 3, 16, 16}));
      EXPECT_EQ(batch.target.shape(), batch.input.shape());
      names.insert(names.end(), batch.names.begin(), batch.names.end());
    }
    ASSERT_EQ(names.size(), 6u);
    EXPECT_EQ(names[5], names[0]);
    names.pop_back();
    orders.insert(names);
    std::ranges::sort(names);
    EXPECT_EQ(names, (std::vector<std::string>{"picture 10", "picture 2", "picture 3", "picture 5", "picture 7"}));
  }
  EXPECT_GT(orders.size(), 4u);  // 8 draws out of 120 orders; fixed by the seed
}

TEST(BatchLoader, TilesDifferBetweenEpochsSeedsAndPositions) {
  const RandomPictures data(1);
  const auto batch_of = [&](uint64_t seed, int epoch) {
    BatchOptions options = options_with(0);
    options.seed = seed;
    BatchLoader loader(data, {0}, options);
    loader.start_epoch(epoch);
    return std::move(rest_of_epoch(loader)[0]);
  };
  const Batch batch = batch_of(1, 0);
  EXPECT_FALSE(same_bits(batch.input, batch_of(2, 0).input));
  EXPECT_FALSE(same_bits(batch.input, batch_of(1, 1).input));
  const float* tile = batch.input.as<float>();
  const int64_t n = batch.input.elements() / 3;
  EXPECT_FALSE(std::equal(tile, tile + n, tile + n));
  EXPECT_TRUE(same_bits(batch.input, batch_of(1, 0).input));
}

TEST(BatchLoader, FlippingDoesNotChangeTheOtherDraws) {
  const RandomPictures data(6);
  const auto names_of = [&](bool flip) {
    BatchOptions options = options_with(0);
    options.flip = flip;
    BatchLoader loader(data, first(6), options);
    loader.start_epoch(3);
    return rest_of_epoch(loader);
  };
  const auto with = names_of(true), without = names_of(false);
  size_t mirrored = 0;
  for (size_t b = 0; b < with.size(); ++b) {
    EXPECT_EQ(with[b].names, without[b].names);
    const int64_t n = 3 * 16 * 16;
    for (int64_t i = 0; i < 3; ++i) {
      std::vector<float> x(with[b].input.as<float>() + i * n, with[b].input.as<float>() + (i + 1) * n);
      std::vector<float> y(without[b].input.as<float>() + i * n, without[b].input.as<float>() + (i + 1) * n);
      mirrored += x != y;
      std::ranges::sort(x);
      std::ranges::sort(y);
      EXPECT_EQ(x, y);  // the same pixels in another order
    }
  }
  EXPECT_GT(mirrored, 0u);
}

TEST(BatchLoader, StartsAgainInTheMiddleOfAnEpoch) {
  const RandomPictures data(40);
  for (const int workers : {0, 3}) {
    BatchLoader loader(data, first(40), options_with(workers));
    loader.start_epoch(1);
    const std::vector<Batch> whole = rest_of_epoch(loader);
    for (int taken = 0; taken < 5; ++taken) {
      loader.start_epoch(2);
      for (int i = 0; i < taken; ++i) ASSERT_TRUE(loader.next());
      loader.start_epoch(1);
      expect_equal(whole, rest_of_epoch(loader));
    }
    ASSERT_TRUE(loader.next());
    EXPECT_FALSE(*loader.next());  // still at the end
  }
}

TEST(BatchLoader, HasNothingBeforeAnEpochAndWithoutSamples) {
  const RandomPictures data(4);
  BatchLoader idle(data, first(4), options_with(2));
  EXPECT_FALSE(idle.next().value().has_value());
  BatchLoader empty(data, {}, options_with(2));
  EXPECT_EQ(empty.batches_per_epoch(), 0u);
  empty.start_epoch(0);
  EXPECT_FALSE(empty.next().value().has_value());
}

TEST(BatchLoader, ASampleThatCannotBeReadEndsTheEpochWhereItWouldHaveCome) {
  RandomPictures data(12);
  BatchLoader good(data, first(12), options_with(0));
  good.start_epoch(4);
  const std::vector<Batch> whole = rest_of_epoch(good);
  const std::string victim = whole[2].names[1];
  data.broken = {static_cast<size_t>(std::stoi(victim.substr(8)))};
  for (const int workers : {0, 1, 5}) {
    BatchLoader loader(data, first(12), options_with(workers));
    loader.start_epoch(4);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(loader.next().value().value().names, whole[static_cast<size_t>(i)].names);
    for (int i = 0; i < 2; ++i) {
      const auto batch = loader.next();
      ASSERT_FALSE(batch);
      EXPECT_EQ(batch.error().message, victim + ": is damaged");
    }
    loader.start_epoch(4);  // and the next epoch begins as if nothing had been
    EXPECT_TRUE(loader.next());
  }
}

TEST(BatchLoader, RefusesToMixScales) {
  RandomPictures all_doubled(6), one_doubled(6);
  all_doubled.doubled = 6;
  one_doubled.doubled = 1;
  BatchLoader doubled(all_doubled, first(6), options_with(1));
  doubled.start_epoch(0);
  EXPECT_EQ(doubled.next().value().value().target.shape(), (Shape{3, 3, 32, 32}));
  BatchLoader mixed(one_doubled, first(6), options_with(1));
  mixed.start_epoch(0);
  auto batch = mixed.next();
  if (batch) batch = mixed.next();
  ASSERT_FALSE(batch);
  EXPECT_NE(batch.error().message.find("times as large"), std::string::npos) << batch.error().message;
}

// Samples of 2 x 1 MiB, tiles of a few bytes. The memory of tensors that large is mapped block by block, and glibc
// counts the blocks: those alive while a sample is loaded belong to whole samples.
class LargePictures final : public RandomPictures {
 public:
  using RandomPictures::RandomPictures;
  Result<Sample> load(size_t i) const override {
    ++loads_;
    Sample sample{name(i), Tensor::filled({1, 3, 300, 300}, 0.5f), Tensor::filled({1, 3, 300, 300}, 0.5f)};
    size_t seen = blocks(), most = most_blocks_;
    while (seen > most && !most_blocks_.compare_exchange_weak(most, seen)) {
    }
    size_t ahead = loads_ - asked_for, furthest = furthest_ahead_;
    while (loads_ > asked_for && ahead > furthest && !furthest_ahead_.compare_exchange_weak(furthest, ahead)) {
    }
    return sample;
  }
  static size_t blocks() { return mallinfo2().hblks; }

  std::atomic<size_t> asked_for{0};  // samples of the batches that next() was called for
  size_t most_blocks() const { return most_blocks_; }
  size_t furthest_ahead() const { return furthest_ahead_; }

 private:
  mutable std::atomic<size_t> loads_{0}, most_blocks_{0}, furthest_ahead_{0};
};

TEST(BatchLoader, KeepsNoMoreThanItSays) {
  mallopt(M_MMAP_THRESHOLD, 1 << 18);  // and keeps glibc from raising it
  const size_t before = LargePictures::blocks();
  {
    const LargePictures probe(1);
    const auto sample = probe.load(0);
    if (LargePictures::blocks() < before + 2) GTEST_SKIP() << "this allocator does not count its blocks";
  }
  for (const int workers : {0, 1, 4}) {
    LargePictures data(60);
    BatchOptions options = options_with(workers);
    options.tile = 4;
    options.queued_batches = 2;
    const auto batch = static_cast<size_t>(options.batch);
    BatchLoader loader(data, first(60), options);
    loader.start_epoch(0);
    for (size_t i = 0; i < loader.batches_per_epoch(); ++i) {
      data.asked_for += batch;
      ASSERT_TRUE(loader.next().value().has_value());
    }
    const auto threads = static_cast<size_t>(std::max(1, workers));
    EXPECT_LE(data.most_blocks(), before + 2 * threads) << workers << " workers";
    EXPECT_GE(data.most_blocks(), before + 2);
    // Batches waiting and being made, when the consumer is about to take one.
    EXPECT_LE(data.furthest_ahead(), (2 + static_cast<size_t>(workers)) * batch) << workers << " workers";
    EXPECT_LE(LargePictures::blocks(), before);
  }
}

TEST(BatchLoader, CanBeDestroyedWhileItWorks) {
  const RandomPictures data(50);
  for (int i = 0; i < 20; ++i) {
    BatchLoader loader(data, first(50), options_with(3));
    if (i > 0) loader.start_epoch(i);
    if (i > 10) {
      EXPECT_TRUE(loader.next());
    }
  }
}

TEST(BatchLoader, WaitingIsCounted) {
  const RandomPictures data(6);
  BatchLoader loader(data, first(6), options_with(0));
  EXPECT_EQ(loader.seconds_waited(), 0);
  loader.start_epoch(0);
  ASSERT_TRUE(loader.next());
  const double once = loader.seconds_waited();
  EXPECT_GT(once, 0);
  ASSERT_TRUE(loader.next());
  EXPECT_GT(loader.seconds_waited(), once);
}

// Pictures without targets, whose vector is their number.
class NumberedPictures : public RandomPictures {
 public:
  using RandomPictures::RandomPictures;
  Result<Sample> load(size_t i) const override {
    FL_TRY(Sample sample, RandomPictures::load(i));
    sample.target = {};
    sample.frame_vector = Tensor::filled({1, 2}, static_cast<float>(i));
    return sample;
  }
};

TEST(BatchLoader, PicturesWithoutTargetsKeepTheirVectors) {
  const NumberedPictures pictures(5);
  BatchLoader loader(pictures, {0, 1, 2, 3, 4}, {.batch = 2, .tile = 8, .workers = 0});
  const RandomPictures pairs(5);
  BatchLoader other(pairs, {0, 1, 2, 3, 4}, {.batch = 2, .tile = 8, .workers = 0});
  loader.start_epoch(1);
  other.start_epoch(1);
  for (int n = 0; n < 3; ++n) {
    auto batch = loader.next().value(), pair = other.next().value();
    ASSERT_TRUE(batch && pair);
    EXPECT_TRUE(same_bits(batch->input, pair->input));
    EXPECT_TRUE(batch->target.empty());
    ASSERT_EQ(batch->frame_vectors.shape(), (Shape{2, 2}));
    for (size_t i = 0; i < 2; ++i)
      EXPECT_EQ("picture " + std::to_string(static_cast<int>(batch->frame_vectors.f32()[2 * i])), batch->names[i]);
    EXPECT_EQ(batch->inputs().size(), 2U);
    EXPECT_EQ(pair->inputs().size(), 1U);
  }
}

}  // namespace
}  // namespace framelift
