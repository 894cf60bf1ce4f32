#include "frame/frame.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "frame/tensor.h"

namespace framelift {
namespace {

TEST(PixelFormat, RoundsChromaUp) {
  PixelFormat yuv420;
  yuv420.chroma_shift_x = yuv420.chroma_shift_y = 1;
  EXPECT_EQ(yuv420.plane_width(1, 5), 3);
  EXPECT_EQ(yuv420.plane_height(2, 1), 1);
  EXPECT_EQ(yuv420.plane_width(0, 5), 5);
  EXPECT_EQ(to_string(yuv420), "yuv420p");
  EXPECT_EQ(to_string(PixelFormat{ColorFamily::rgb, 16, 0, 0, true}), "gbrap16");
  EXPECT_EQ((PixelFormat{ColorFamily::gray, 8, 0, 0, true}).plane_count(), 2);
}

TEST(PixelFormat, IsFoundByItsName) {
  for (const char* name : {"yuv420p", "yuv422p10", "yuva444p16", "gbrp", "gbrapf32", "gray", "gray12", "yuv440p"}) {
    const auto format = parse_pixel_format(name);
    ASSERT_TRUE(format) << name;
    EXPECT_EQ(to_string(*format), name);
  }
  EXPECT_EQ(to_string(*parse_pixel_format("yuv420p10le")), "yuv420p10");
  for (const char* name : {"", "rgb24", "yuv420", "yuv420ple", "yuv444pf32", "gray32", "yuv420p17"})
    EXPECT_FALSE(parse_pixel_format(name)) << name;
}

TEST(FramePool, GrowsWhereItIsMeantTo) {
  FramePool pool(8, 8, PixelFormat{}, FramePool::growing);
  std::vector<Frame> held;
  for (int i = 0; i < 5; ++i) held.push_back(std::move(*pool.acquire()));
  for (size_t i = 1; i < held.size(); ++i) EXPECT_NE(held[i].planes[0].data, held[0].planes[0].data);
  const std::byte* last = held.back().planes[0].data;
  held.pop_back();
  EXPECT_EQ(pool.acquire()->planes[0].data, last);
}

TEST(FramePool, KnowsHowMuchWasInUseAtItsBusiest) {
  const PixelFormat format{ColorFamily::rgb, 8, 0, 0, false};
  FramePool pool(10, 4, format, 3);
  EXPECT_EQ(pool.use().most, 0u);
  {
    const auto a = pool.acquire(), b = pool.acquire();
    EXPECT_EQ(pool.use().most, 2u);
  }
  const auto c = pool.acquire();
  EXPECT_EQ(pool.use().most, 2u) << "what came back is not forgotten";
  EXPECT_EQ(pool.use().capacity, 3u);
  EXPECT_EQ(pool.use().piece_bytes, frame_bytes(format, 10, 4));
  FramePool growing(10, 4, format, FramePool::growing);
  const auto d = growing.acquire(), e = growing.acquire();
  EXPECT_EQ(growing.use().capacity, 2u);
}

TEST(FramePool, ReusesMemoryAndAlignsRows) {
  FramePool pool(33, 21, PixelFormat{ColorFamily::yuv, 10, 1, 1, false}, 1);
  std::byte* first = nullptr;
  {
    auto frame = pool.acquire();
    ASSERT_TRUE(frame);
    first = frame->planes[0].data;
    for (int p = 0; p < 3; ++p) {
      const PlaneView& plane = frame->planes[static_cast<size_t>(p)];
      EXPECT_EQ(reinterpret_cast<uintptr_t>(plane.data) % 64, 0u);
      EXPECT_EQ(plane.stride_bytes % 64, 0);
      EXPECT_GE(plane.stride_bytes, 2 * plane.width + 64);
    }
  }
  EXPECT_EQ(pool.acquire()->planes[0].data, first);
}

TEST(FramePool, WaitsUntilAFrameComesBackAndStopsWhenCancelled) {
  FramePool pool(4, 4, PixelFormat{}, 1);
  auto held = pool.acquire();
  ASSERT_TRUE(held);
  std::jthread waiter([&] { EXPECT_TRUE(pool.acquire()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  *held = Frame{};
  waiter.join();
  auto again = pool.acquire();
  std::jthread hopeless([&] { EXPECT_EQ(pool.acquire().error().code, ErrorCode::cancelled); });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  pool.cancel();
}

TEST(FramePool, FramesOutliveThePool) {
  Frame frame;
  {
    FramePool pool(4, 4, PixelFormat{}, 2);
    frame = std::move(*pool.acquire());
  }
  frame.planes[0].row<uint8_t>(3)[3] = 7;  // still ours; the sanitizers watch
  EXPECT_EQ(frame.planes[0].row<uint8_t>(3)[3], 7);
}

TEST(Half, RoundTripsEveryValue) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = half_to_float(half);
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(half_to_float(float_to_half(value))));
    else
      EXPECT_EQ(float_to_half(value), half) << bits;
  }
}

TEST(Half, RoundsToNearestEven) {
  EXPECT_EQ(float_to_half(1.0f + 0x1p-11f), 0x3c00);            // tie: down to even
  EXPECT_EQ(float_to_half(1.0f + 3 * 0x1p-11f), 0x3c02);        // tie: up to even
  EXPECT_EQ(float_to_half(65519.0f), 0x7bff);                   // below the midpoint to infinity
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);                   // at it
  EXPECT_EQ(float_to_half(-0x1p-25f), 0x8000);                  // tie with zero: even
  EXPECT_EQ(float_to_half(std::nextafter(0x1p-25f, 1.0f)), 1);  // just above
}

TEST(Tensor, ConvertsAndClones) {
  Tensor halves(DType::f16, {2, 2});
  for (int i = 0; i < 4; ++i) halves.as<uint16_t>()[i] = float_to_half(static_cast<float>(i) * 0.25f);
  const Tensor floats = halves.to_f32();
  EXPECT_EQ(floats.f32()[3], 0.75f);
  const Tensor flat = floats.clone().reshaped({4});
  EXPECT_EQ(flat.shape(), (Shape{4}));
  EXPECT_EQ(flat.f32()[2], 0.5f);
  EXPECT_EQ(to_string(Shape{1, 3, 180, 320}), "[1, 3, 180, 320]");
}

}  // namespace
}  // namespace framelift
