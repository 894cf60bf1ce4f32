#include "pipeline/tiler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace framelift {
namespace {

// Every output pixel is written once, by a tile in which it is exact with the margin that postprocess needs.
void expect_valid(const TileRequest& r, const TilePlan& plan) {
  const int width = r.width * r.scale, height = r.height * r.scale;
  std::vector<int> written(static_cast<size_t>(width) * height, 0);
  for (const Tile& t : plan.tiles) {
    EXPECT_EQ(t.input.width, plan.tile_width);
    EXPECT_EQ(t.input.height, plan.tile_height);
    EXPECT_EQ(t.input.x % r.alignment, 0);
    EXPECT_EQ(t.input.y % r.alignment, 0);
    EXPECT_EQ(t.written.x % 2, 0);
    EXPECT_EQ(t.written.y % 2, 0);
    auto inside = [](const Region& inner, const Region& outer) {
      return inner.x >= outer.x && inner.y >= outer.y && inner.right() <= outer.right() &&
             inner.bottom() <= outer.bottom();
    };
    EXPECT_TRUE(inside(t.exact, t.covered));
    const int left = std::max(t.written.x - r.margin, 0), top = std::max(t.written.y - r.margin, 0);
    const Region needed{left, top, std::min(t.written.right() + r.margin, width) - left,
                        std::min(t.written.bottom() + r.margin, height) - top};
    EXPECT_TRUE(inside(needed, t.exact));
    for (int y = t.written.y; y < t.written.bottom(); ++y)
      for (int x = t.written.x; x < t.written.right(); ++x) ++written[static_cast<size_t>(y) * width + x];
  }
  EXPECT_TRUE(std::ranges::all_of(written, [](int n) { return n == 1; }));
}

TEST(Tiler, PartitionsThePictureExactly) {
  for (int width : {1, 2, 5, 97, 200, 321})
    for (int height : {1, 3, 64, 181})
      for (int alignment : {1, 2, 4, 8})
        for (int scale : {1, 2, 4})
          for (int edge : {0, 48, 64, 100}) {
            SCOPED_TRACE(testing::Message()
                         << width << "x" << height << " align " << alignment << " scale " << scale << " edge " << edge);
            TileRequest r;
            r.width = width;
            r.height = height;
            r.scale = scale;
            r.alignment = alignment;
            r.halo = {7, 6, 5, 7};
            r.margin = 3;
            r.max_tile_edge = edge;
            auto plan = plan_tiles(r);
            ASSERT_TRUE(plan) << plan.error().message;
            if (edge) {
              EXPECT_LE(plan->tile_width, edge);
              EXPECT_LE(plan->tile_height, edge);
            }
            expect_valid(r, *plan);
          }
}

TEST(Tiler, TakesOneTileWhenItFits) {
  TileRequest r;
  r.width = 640;
  r.height = 360;
  r.halo = {34, 34, 34, 34};
  r.max_tile_pixels = 640 * 360;
  EXPECT_EQ(plan_tiles(r)->tiles.size(), 1u);
  r.max_tile_pixels = 640 * 360 - 1;
  const auto plan = plan_tiles(r);
  EXPECT_GT(plan->tiles.size(), 1u);
  EXPECT_LE(plan->tile_width * plan->tile_height, 640 * 360 - 1);
}

TEST(Tiler, SaysHowLargeATileMustBe) {
  TileRequest r;
  r.width = r.height = 512;
  r.halo = {34, 34, 34, 34};
  r.max_tile_edge = 64;
  const auto plan = plan_tiles(r);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("70x70"), std::string::npos) << plan.error().message;
}

// What is kept is partitioned, and every tile still computes the pixels that it did before.
TEST(Tiler, CropsToThePartThatIsKept) {
  for (const Region& picture : {Region{0, 40, 201, 60}, Region{36, 0, 33, 181}, Region{10, 20, 57, 99}})
    for (const int edge : {0, 64, 100})
      for (const bool keep_bars : {false, true}) {
        TileRequest r;
        r.width = 201;
        r.height = 181;
        r.scale = 2;
        r.halo = {7, 6, 5, 7};
        r.margin = 3;
        r.max_tile_edge = edge;
        const Region kept = keep_bars ? Region{0, 0, 402, 362}
                                      : Region{2 * picture.x, 2 * picture.y, 2 * picture.width, 2 * picture.height};
        const TilePlan whole = plan_tiles(r).value();
        TilePlan plan = whole;
        crop_tiles(plan, picture, kept);
        EXPECT_LE(plan.tiles.size(), whole.tiles.size());
        std::vector<int> written(static_cast<size_t>(kept.width) * kept.height, 0);
        for (const Tile& t : plan.tiles) {
          EXPECT_EQ(t.written.x % 2, 0);
          EXPECT_EQ(t.written.y % 2, 0);
          EXPECT_EQ(2 * (t.input.x + picture.x), t.covered.x + kept.x);
          EXPECT_EQ(2 * (t.input.y + picture.y), t.covered.y + kept.y);
          EXPECT_TRUE(std::ranges::any_of(whole.tiles, [&](const Tile& before) {
            return before.covered ==
                       Region{t.covered.x + kept.x, t.covered.y + kept.y, t.covered.width, t.covered.height} &&
                   before.exact == Region{t.exact.x + kept.x, t.exact.y + kept.y, t.exact.width, t.exact.height};
          }));
          for (int y = t.written.y; y < t.written.bottom(); ++y)
            for (int x = t.written.x; x < t.written.right(); ++x) ++written.at(static_cast<size_t>(y) * kept.width + x);
        }
        EXPECT_TRUE(std::ranges::all_of(written, [](int n) { return n == 1; }));
      }
}

}  // namespace
}  // namespace framelift
