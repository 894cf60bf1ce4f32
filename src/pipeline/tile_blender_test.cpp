#include "pipeline/tile_blender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace framelift {
namespace {

TileRequest blended(int width, int height, int tile, int overlap, int alignment = 4, int scale = 1, int margin = 0) {
  TileRequest r;
  r.width = width;
  r.height = height;
  r.scale = scale;
  r.alignment = alignment;
  r.halo = {1000, 1000, 1000, 1000};  // does not matter when tiles blend
  r.margin = margin;
  r.max_tile_edge = tile;
  r.blend = overlap;
  return r;
}

// Every size of the list against every other, and what it takes to tile it.
struct Case {
  int width, height, tile, overlap;
};
const Case cases[] = {{1, 1, 16, 4},        {1, 1, 1024, 128}, {3, 2, 16, 4},         {15, 17, 16, 4},
                      {16, 16, 16, 4},      {17, 16, 16, 8},   {18, 33, 16, 8},       {97, 61, 32, 16},
                      {97, 61, 32, 28},     {250, 1, 24, 20},  {1000, 1000, 256, 64}, {1025, 1023, 512, 128},
                      {4097, 3, 1024, 256}, {3, 4097, 64, 8},  {16384, 7, 1024, 128}, {7, 16384, 256, 100},
                      {640, 480, 100, 33},  {333, 222, 48, 1}};

// Columns i of the plan: where they see (covered) and take over (ramp), along x or y.
void expect_valid_axis(const std::vector<Ramp>& ramps, const std::vector<Region>& covered, bool x, int margin) {
  const auto begin = [&](size_t i) { return x ? covered[i].x : covered[i].y; };
  const auto end = [&](size_t i) { return x ? covered[i].right() : covered[i].bottom(); };
  ASSERT_EQ(ramps.size(), covered.size());
  EXPECT_EQ(begin(0), 0);
  for (size_t i = 1; i < ramps.size(); ++i) {
    // All of the ramp, and the context, is seen by this tile and by the one before.
    EXPECT_GE(ramps[i].begin - 2 * margin, begin(i));
    EXPECT_LE(ramps[i].end, end(i - 1));
    EXPECT_GE(ramps[i].begin, ramps[i - 1].begin);
    EXPECT_EQ(ramps[i].begin % 2, 0);
    EXPECT_EQ(ramps[i].end - ramps[i].begin, ramps[1].end - ramps[1].begin);
    EXPECT_GT(ramps[i].end, ramps[i].begin);
    EXPECT_GT(begin(i), begin(i - 1));
  }
}

TEST(BlendedTiles, PlansOfAnySize) {
  int with_blend = 0;
  for (const Case& c : cases)
    for (const int alignment : {1, 2, 4, 8})
      for (const int scale : {1, 2, 3})
        for (const int margin : {0, 2}) {
          SCOPED_TRACE(testing::Message()
                       << c.width << "x" << c.height << " tile " << c.tile << " overlap " << c.overlap << " align "
                       << alignment << " scale " << scale << " margin " << margin);
          const auto r = blended(c.width, c.height, c.tile, c.overlap, alignment, scale, margin);
          const auto plan = plan_tiles(r);
          if (!plan) {  // said, not crashed: the overlap with its alignment and margin fills the tile
            EXPECT_GT(c.overlap + 2 * alignment + 2 * margin + 4, c.tile);
            continue;
          }
          EXPECT_LE(std::max(plan->tile_width, plan->tile_height), c.tile);
          std::vector<int> written_x(static_cast<size_t>(c.width) * scale),
              written_y(static_cast<size_t>(c.height) * scale);
          for (const Tile& t : plan->tiles) {
            EXPECT_EQ(t.input.x % alignment, 0);
            EXPECT_EQ(t.input.y % alignment, 0);
            EXPECT_EQ(t.covered,
                      (Region{t.input.x * scale, t.input.y * scale, t.input.width * scale, t.input.height * scale}));
            EXPECT_EQ(t.input.width, plan->tile_width);
            EXPECT_EQ(t.input.height, plan->tile_height);
            // A grid: counting one row and one column of it is counting every pixel.
            if (t.covered.y == 0)
              for (int x = t.written.x; x < t.written.right(); ++x) ++written_x.at(static_cast<size_t>(x));
            if (t.covered.x == 0)
              for (int y = t.written.y; y < t.written.bottom(); ++y) ++written_y.at(static_cast<size_t>(y));
          }
          EXPECT_TRUE(std::ranges::all_of(written_x, [](int n) { return n == 1; }));
          EXPECT_TRUE(std::ranges::all_of(written_y, [](int n) { return n == 1; }));
          EXPECT_EQ(plan->blend.has_value(), plan->tiles.size() > 1);
          if (!plan->blend) continue;
          ++with_blend;
          const size_t columns = plan->blend->x.size();
          std::vector<Region> across, down;
          for (size_t i = 0; i < columns; ++i) across.push_back(plan->tiles[i].covered);
          for (const Tile& band : plan->blend->bands) {
            down.push_back(band.covered);
            EXPECT_EQ(band.written.y % 2, 0);
            EXPECT_GE(band.written.y - (band.covered.y > 0 ? margin : 0), band.covered.y);
            EXPECT_EQ(band.written.width, c.width * scale);
          }
          EXPECT_EQ(plan->tiles.size(), columns * down.size());
          expect_valid_axis(plan->blend->x, across, true, 0);
          expect_valid_axis(plan->blend->y, down, false, margin);
          EXPECT_GE(across.back().right(), c.width * scale);
          EXPECT_GE(down.back().bottom(), c.height * scale);
        }
  EXPECT_GT(with_blend, 100);
}

TEST(BlendedTiles, TakeOneTileWhenItFits) {
  EXPECT_FALSE(plan_tiles(blended(1024, 1024, 1024, 128))->blend);
  EXPECT_EQ(plan_tiles(blended(1024, 1024, 0, 128))->tiles.size(), 1u);
  auto r = blended(16384, 16384, 0, 128);
  r.max_tile_pixels = 2'000'000;
  const auto plan = plan_tiles(r);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_LE(int64_t{plan->tile_width} * plan->tile_height, 2'000'000);
  EXPECT_GT(int64_t{plan->tile_width} * plan->tile_height, 1'500'000);
}

TEST(BlendedTiles, SayThatTheOverlapIsTooLarge) {
  const auto plan = plan_tiles(blended(1000, 1000, 64, 64));
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("--overlap"), std::string::npos) << plan.error().message;
}

using Picture = std::function<float(int tile, int64_t channel, int x, int y)>;  // in output pixels

// What the pipeline would write: every band's written part, out of band(). Pixels that nobody writes stay NaN.
std::vector<float> blend(TileBlender& blender, const TilePlan& plan, int width, int height, const Picture& value) {
  std::vector<float> result(static_cast<size_t>(width) * height * 3, std::numeric_limits<float>::quiet_NaN());
  const Region size = plan.tiles[0].covered;
  Tensor output(DType::f32, {1, 3, size.height, size.width});
  for (int i = 0; i < static_cast<int>(plan.tiles.size()); ++i) {
    const Region& covered = plan.tiles[static_cast<size_t>(i)].covered;
    float* to = output.as<float>();
    for (int64_t c = 0; c < 3; ++c)
      for (int y = covered.y; y < covered.bottom(); ++y)
        for (int x = covered.x; x < covered.right(); ++x) *to++ = value(i, c, x, y);
    const Tile* band = blender.add(i, output.view());
    if (!band) continue;
    const TensorView view = blender.band();
    for (int64_t c = 0; c < 3; ++c)
      // With its context, which is final as well.
      for (int y = std::max(band->written.y - plan.blend->margin, 0); y < band->written.bottom(); ++y)
        for (int x = 0; x < width; ++x)
          result[static_cast<size_t>((c * height + y) * width + x)] =
              view.as<float>()[(c * band->covered.height + y - band->covered.y) * band->covered.width + x];
  }
  return result;
}

// Tiles that agree give what they agree on, to the last bit: pixels of one number (a constant network) and pixels that
// say where they are (a network of no receptive field). Whatever the blender kept from the picture before, here NaN, is
// gone, and no pixel is left out.
TEST(TileBlender, KeepsWhatTilesAgreeOn) {
  for (const Case& c : cases)
    for (const int margin : {0, 2}) {
      SCOPED_TRACE(testing::Message() << c.width << "x" << c.height << " tile " << c.tile << " overlap " << c.overlap
                                      << " margin " << margin);
      const auto plan = plan_tiles(blended(c.width, c.height, c.tile, c.overlap, 2, 1, margin));
      if (!plan || !plan->blend) continue;
      TileBlender blender(*plan);
      const float nan = std::numeric_limits<float>::quiet_NaN();
      blend(blender, *plan, c.width, c.height, [&](int, int64_t, int, int) { return nan; });
      const std::vector<float> constant =
          blend(blender, *plan, c.width, c.height, [](int, int64_t, int, int) { return 0.1f; });
      EXPECT_TRUE(std::ranges::all_of(constant, [](float v) { return v == 0.1f; }));
      const Picture place = [](int, int64_t channel, int x, int y) {
        return 1 / (1 + static_cast<float>(channel) + static_cast<float>(x) + 3 * static_cast<float>(y));
      };
      const std::vector<float> placed = blend(blender, *plan, c.width, c.height, place);
      size_t i = 0, wrong = 0;
      for (int64_t channel = 0; channel < 3; ++channel)
        for (int y = 0; y < c.height; ++y)
          for (int x = 0; x < c.width; ++x) wrong += placed[i++] != place(0, channel, x, y);
      EXPECT_EQ(wrong, 0u);
    }
}

// One tile of ones among zeros shows its weight. All weights are in [0, 1], are 1 where no other tile sees the pixel,
// and sum to 1; each is a sum of products of two float weights, so that the sum is off by a few units in the last
// place.
TEST(TileBlender, WeightsSumToOne) {
  for (const Case& c : {Case{97, 61, 32, 16}, {97, 61, 32, 28}, {250, 1, 24, 20}, {64, 90, 40, 7}}) {
    SCOPED_TRACE(testing::Message() << c.width << "x" << c.height << " tile " << c.tile << " overlap " << c.overlap);
    const auto plan = plan_tiles(blended(c.width, c.height, c.tile, c.overlap, 1));
    ASSERT_TRUE(plan && plan->blend);
    TileBlender blender(*plan);
    std::vector<double> sum(static_cast<size_t>(c.width) * c.height * 3);
    std::vector<int> seen(sum.size());
    for (int tile = 0; tile < static_cast<int>(plan->tiles.size()); ++tile) {
      const std::vector<float> weight =
          blend(blender, *plan, c.width, c.height, [&](int i, int64_t, int, int) { return i == tile ? 1.0f : 0.0f; });
      const Region& covered = plan->tiles[static_cast<size_t>(tile)].covered;
      for (size_t i = 0; i < weight.size(); ++i) {
        const int x = static_cast<int>(i) % c.width, y = static_cast<int>(i) / c.width % c.height;
        const bool sees = x >= covered.x && x < covered.right() && y >= covered.y && y < covered.bottom();
        EXPECT_GE(weight[i], 0);
        EXPECT_LE(weight[i], 1);
        EXPECT_TRUE(sees || weight[i] == 0);
        seen[i] += sees;
        sum[i] += weight[i];
      }
    }
    for (const double s : sum) EXPECT_NEAR(s, 1, 4 * 0x1p-24);
    EXPECT_TRUE(std::ranges::all_of(seen, [](int n) { return n > 0; }));
    EXPECT_TRUE(std::ranges::any_of(seen, [](int n) { return n > 1; }));
  }
}

// Across a ramp the weight follows half a Hann window.
TEST(TileBlender, RampsAreHann) {
  const auto plan = plan_tiles(blended(40, 8, 32, 16));
  ASSERT_TRUE(plan && plan->blend);
  ASSERT_EQ(plan->tiles.size(), 2u);
  TileBlender blender(*plan);
  const auto weight =
      blend(blender, *plan, 40, 8, [](int tile, int64_t, int, int) { return static_cast<float>(tile); });
  const Ramp ramp = plan->blend->x[1];
  ASSERT_EQ(ramp.end - ramp.begin, 8);  // half of what they share
  for (int x = 0; x < 40; ++x) {
    const double t = x < ramp.begin  ? 0
                     : x >= ramp.end ? 1
                                     : std::pow(std::sin(M_PI / 2 * (x - ramp.begin + 0.5) / 8), 2);
    EXPECT_NEAR(weight[static_cast<size_t>(x)], t, 1e-7);
  }
}

}  // namespace
}  // namespace framelift
