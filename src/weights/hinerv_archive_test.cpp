#include "weights/hinerv_archive.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include "weights/checkpoint_for_test.h"
#include "weights/file_bytes.h"
#include "weights/files_for_test.h"
#include "weights/range_decoder.h"

namespace framelift {
namespace {

std::vector<std::byte> to_bytes(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (int v : values) bytes.push_back(static_cast<std::byte>(v));
  return bytes;
}

// What torchac writes for these symbols.
TEST(RangeDecoder, DecodesTheCheckVector) {
  const std::vector<std::byte> bytes = to_bytes({0x69, 0x40});
  const float cdf[] = {0, 0.5f, 1};
  const auto symbols = decode_range_coded(bytes, cdf, 8, "check");
  ASSERT_TRUE(symbols) << symbols.error().message;
  EXPECT_EQ(*symbols, (std::vector<uint16_t>{0, 1, 1, 0, 1, 0, 0, 1}));
}

TEST(RangeDecoder, ASingleSymbolTakesNoBits) {
  const float cdf[] = {0, 1};
  EXPECT_EQ(decode_range_coded({}, cdf, 1000, "one").value(), std::vector<uint16_t>(1000, 0));
}

TEST(RangeDecoder, RefusesDistributionsThatAreNone) {
  for (const std::vector<float>& cdf : {std::vector<float>{0},
                                        {0.1f, 1},
                                        {0, 0.6f, 0.5f, 1},
                                        {0, -1, 1},
                                        {0, NAN, 1},
                                        {0, 2, 1},
                                        std::vector<float>(40'000)})
    EXPECT_FALSE(decode_range_coded({}, cdf, 4, "bad"));
}

// Whatever the bytes, every symbol is one of the alphabet.
TEST(RangeDecoder, AnyBytesDecode) {
  std::mt19937 random(1);
  const std::vector<float> cdf{0, 0.001f, 0.3f, 0.30001f, 0.9f, 1};
  for (int round = 0; round < 200; ++round) {
    std::vector<std::byte> bytes(random() % 64);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    const auto symbols = decode_range_coded(bytes, cdf, 500, "random");
    ASSERT_TRUE(symbols) << symbols.error().message;
    EXPECT_LT(*std::ranges::max_element(*symbols), 5);
  }
}

const std::vector<std::byte>& golden_archive() {
  static const std::vector<std::byte> bytes = read_file_bytes("tests/golden/hinerv.weights.zip").value();
  return bytes;
}

std::string member(const std::string& name) {
  const auto archive = ZipArchive::open(golden_archive(), "golden");
  const auto bytes = archive->read(name, 1 << 20).value();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The golden with one member replaced, or left out when `content` is nothing.
Result<WeightFile> with_member(const std::string& name, const std::optional<std::string>& content) {
  const auto archive = ZipArchive::open(golden_archive(), "golden");
  std::vector<std::pair<std::string, std::string>> members;
  for (const std::string& m : archive->members()) {
    if (m != name) members.emplace_back(m, member(m));
  }
  if (content) members.emplace_back(name, *content);
  const std::string zip = test::make_zip(members);
  return parse_hinerv_archive(std::as_bytes(std::span(zip)), "changed.zip");
}

constexpr const char* side = "model_compressed.pth.tar";
constexpr const char* stream = "decoder.stem.conv.parametrizations.weight.original.bit";

TEST(HinervArchive, NamesWhatIsDamaged) {
  EXPECT_FAILS_WITH(with_member(stream, {}), "stem.conv");
  EXPECT_FAILS_WITH(with_member(stream, "short"), "decoder.stem.conv.parametrizations.weight.original is damaged");
  EXPECT_FAILS_WITH(with_member(side, {}), side);
  EXPECT_FAILS_WITH(with_member(side, "no zlib stream"), "is damaged");
  EXPECT_FAILS_WITH(with_member(side, member(side).substr(0, 5000)), "is damaged");
}

// Changed tables, lengths and shapes in the side data give errors or other numbers, never more.
TEST(HinervArchive, SurvivesAnyChangeOfItsSideData) {
  std::mt19937 random(2);
  const std::string whole = member(side);
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string changed = whole;
    for (int i = 0; i < 4; ++i) changed[random() % changed.size()] = static_cast<char>(random());
    refused += !with_member(side, changed);
  }
  EXPECT_GT(refused, 250);  // zlib's checksum finds nearly all
}

}  // namespace
}  // namespace framelift
