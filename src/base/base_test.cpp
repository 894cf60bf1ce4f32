#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/byte_reader.h"
#include "base/edit_distance.h"
#include "base/parse_number.h"
#include "base/rational.h"
#include "base/result.h"
#include "base/temporary_folder.h"

namespace framelift {
namespace {

Result<int> half(int n) {
  if (n % 2) return fail(ErrorCode::invalid_argument, "{} is odd", n);
  return n / 2;
}
Result<int> quarter(int n) {
  FL_TRY(const int h, half(n));
  return half(h);
}
Status even(int n) {
  FL_CHECK(half(n));
  return {};
}

TEST(Result, PassesFailuresOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
  EXPECT_TRUE(even(4));
  EXPECT_EQ(even(5).error().code, ErrorCode::invalid_argument);
}

TEST(ByteReader, NeverLeavesItsBytes) {
  const std::vector<std::byte> bytes(10, std::byte{1});
  ByteReader reader(bytes, "file.bin");
  EXPECT_EQ(*reader.read<uint32_t>(), 0x01010101u);
  EXPECT_EQ(reader.take(6)->size(), 6u);
  EXPECT_FALSE(reader.read<uint8_t>());
  ASSERT_TRUE(reader.seek(9));
  EXPECT_TRUE(reader.read<uint8_t>());
  EXPECT_FALSE(reader.seek(11));
  ASSERT_TRUE(reader.seek(2));
  const auto huge = reader.take(~uint64_t{0});  // must not wrap around
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().message, "file.bin: truncated, 18446744073709551615 bytes wanted at offset 2 but 8 are left");
  EXPECT_FALSE(reader.take_line());
}

TEST(EditDistance, CountsLetters) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("flaw", "lawn"), edit_distance("lawn", "flaw"));
  const std::vector<std::string> names{"person", "car", "bus"};
  EXPECT_EQ(nearest_name("persom", names), "person");
  EXPECT_EQ(nearest_name("bas", names), "bus");
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(BoundedQueue, KeepsOrderAndGivesBackPressure) {
  BoundedQueue<int> queue(2);
  std::jthread producer([&] {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(queue.push(i));
    queue.close();
  });
  int expected = 0;
  while (auto item = queue.pop()) {
    EXPECT_EQ(*item, expected++);
    EXPECT_LE(queue.size(), 2u);
  }
  EXPECT_EQ(expected, 1000);
}

TEST(BoundedQueue, ClosingWakesEveryone) {
  BoundedQueue<int> full(1), empty(1);
  ASSERT_TRUE(full.push(1));
  std::jthread pusher([&] { EXPECT_FALSE(full.push(2)); });
  std::jthread popper([&] { EXPECT_FALSE(empty.pop()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  full.close();
  empty.close();
  pusher.join();
  EXPECT_EQ(*full.pop(), 1);  // what was inside stays
  EXPECT_FALSE(full.pop());
}

TEST(BoundedQueue, TryPopNeverWaits) {
  BoundedQueue<int> queue(2);
  EXPECT_FALSE(queue.try_pop());
  EXPECT_FALSE(queue.finished());
  ASSERT_TRUE(queue.push(7));
  queue.close();
  EXPECT_FALSE(queue.finished());
  EXPECT_EQ(queue.try_pop(), 7);
  EXPECT_FALSE(queue.try_pop());
  EXPECT_TRUE(queue.finished());
}

TEST(Rational, ComparesByValue) {
  EXPECT_EQ((Rational{1, 2}), (Rational{2, 4}));
  EXPECT_NE((Rational{30000, 1001}), (Rational{30, 1}));
  EXPECT_DOUBLE_EQ((Rational{30000, 1001}).value(), 30000.0 / 1001);
  EXPECT_EQ((Rational{1, 0}).value(), 0);
}

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<double>("4.5e1"), 45);
  for (const char* text : {"", " 1", "1 ", "+1", "0x10", "12a", "99999999999"})
    EXPECT_FALSE(parse_number<int>(text)) << text;
  EXPECT_FALSE(parse_number<uint64_t>("-1"));
}

TEST(TemporaryFolder, IsItsOwnersAndGoesWithIt) {
  std::filesystem::path path;
  {
    TemporaryFolder first = TemporaryFolder::create().value();
    path = first.path();
    const TemporaryFolder inside = TemporaryFolder::create(path).value();
    EXPECT_EQ(inside.path().parent_path(), path);
    const TemporaryFolder moved = std::move(first);
    EXPECT_EQ(moved.path(), path);
    EXPECT_TRUE(std::filesystem::is_directory(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  const auto nowhere = TemporaryFolder::create("/no/such/folder");
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message.find("/no/such/folder"), std::string::npos);
}

TEST(Rational, RescaleRoundsToTheNearest) {
  EXPECT_EQ(rescale(3, {1, 25}, {1, 1000}), 120);
  EXPECT_EQ(rescale(11, {1, 1000}, {1, 90000}), 990);
  EXPECT_EQ(rescale(15, {1, 10}, {1, 1}), 2);
  EXPECT_EQ(rescale(14, {1, 10}, {1, 1}), 1);
  EXPECT_EQ(rescale(-15, {1, 10}, {1, 1}), -2);
  EXPECT_EQ(rescale(-14, {1, 10}, {1, 1}), -1);
  EXPECT_EQ(rescale(INT64_MAX, {INT32_MAX, 1}, {1, INT32_MAX}), INT64_MAX);
  EXPECT_EQ(rescale(INT64_MIN, {INT32_MAX, 1}, {1, INT32_MAX}), INT64_MIN);
  EXPECT_EQ(rescale(INT64_MIN, {1, 1}, {1, 1}), INT64_MIN);
}

}  // namespace
}  // namespace framelift
