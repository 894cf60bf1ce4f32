#include "synthesis/fnv_source.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/log.h"
#include "codec/damage_for_test.h"
#include "codec/fnv_writer.h"
#include "network/hinerv/config_text.h"
#include "synthesis/fnv_video.h"
#include "synthesis/hinerv_source.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

using Bytes = std::vector<std::byte>;
using Codes = std::vector<uint8_t>;

constexpr int group_frames = 7, groups = 2;

// Two groups of networks as in tests/golden/hinerv.weights.zip, with noise for weights: 14 frames of 33x23.
class FnvSource : public testing::Test {
 protected:
  void SetUp() override {
    HinervVideo video = read_hinerv_video("tests/golden/hinerv.weights.zip", {24, 36, {}}, {30, 1}).value();
    FnvHeader header;
    header.width = 33;
    header.height = 23;
    header.coded_width = video.config.width;
    header.coded_height = video.config.height;
    header.format = {ColorFamily::yuv, 8, 1, 1, false};
    header.color = video.color;
    header.time_base = {1, 1000};
    header.frame_rate = {30, 1};
    std::mt19937 random(1);
    auto writer = FnvWriter::create(path("whole.fnv"), header).value();
    for (int g = 0; g < groups; ++g) {
      FnvGroup group;
      group.configuration = hinerv_texts(video.config);
      for (int i = 0; i < group_frames; ++i) group.times.push_back({(g * group_frames + i) * 40 + i % 3 * 7, 20});
      for (auto& [name, tensor] : video.parameters)
        for (float& weight : tensor.f32()) weight = static_cast<float>(random() % 2001) / 1000 - 1;
      group.tensors = store_network(video.parameters, 6).value();
      ASSERT_TRUE(writer.add_group(group));
    }
    ASSERT_TRUE(writer.finish());
    std::ifstream file(path("whole.fnv"), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    const auto raw = std::as_bytes(std::span(content));
    whole_ = {raw.begin(), raw.end()};
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  FnvSourceOptions options(const std::string& name) const {
    FnvSourceOptions options;
    options.path = path(name);
    options.backend = "reference";
    return options;
  }

  void write(const std::string& name, const Bytes& bytes) const {
    std::ofstream file(path(name), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

  test::TempFolder folder_;
  Bytes whole_;
};

Codes codes_of(const Frame& frame) {
  Codes codes;
  for (int p = 0; p < frame.format.plane_count(); ++p) {
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    for (int y = 0; y < plane.height; ++y)
      codes.insert(codes.end(), plane.row<uint8_t>(y), plane.row<uint8_t>(y) + plane.width);
  }
  return codes;
}

// Every frame until the end or an error.
std::vector<Codes> frames_of(Source& source) {
  std::vector<Codes> frames;
  for (;;) {
    const auto frame = source.next();
    if (!frame || frame->empty()) return frames;
    frames.push_back(codes_of(*frame));
  }
}

TEST_F(FnvSource, FrameByItselfIsThatOfTheWholeVideo) {
  const auto whole = open_fnv_source(options("whole.fnv"));
  ASSERT_TRUE(whole) << whole.error().message;
  const std::vector<Codes> all = frames_of(**whole);
  ASSERT_EQ(all.size(), size_t{groups * group_frames});
  EXPECT_TRUE(std::ranges::adjacent_find(all) == all.end()) << "all frames differ";
  for (int i = groups * group_frames - 1; i >= 0; --i) {  // backwards, as nobody decodes
    FnvSourceOptions one = options("whole.fnv");
    one.first_frame = i;
    one.frames = 1;
    const auto frames = frames_of(**open_fnv_source(one));
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0], all[static_cast<size_t>(i)]) << i;
  }
}

TEST_F(FnvSource, SeekingGoesToAnyFrameOfWhatWasAskedFor) {
  const std::vector<Codes> all = frames_of(**open_fnv_source(options("whole.fnv")));
  const auto pts_of = [](int frame) { return frame * 40 + frame % group_frames % 3 * 7; };
  FnvSourceOptions part = options("whole.fnv");
  part.first_frame = 2;
  part.frames = 10;
  const auto source = open_fnv_source(part).value();
  ASSERT_TRUE(source->can_seek());
  for (const int frame : {5, 4, 11, 3, 6, 7, 2, 8}) {  // within groups and from one to the other
    ASSERT_TRUE(source->seek(pts_of(frame)));
    for (int i = frame; i < std::min(frame + 2, 12); ++i) {
      const Frame found = source->next().value();
      EXPECT_EQ(found.pts, pts_of(i));
      EXPECT_EQ(codes_of(found), all[static_cast<size_t>(i)]) << i;
    }
  }
  ASSERT_TRUE(source->seek(0));
  EXPECT_EQ(source->next().value().pts, pts_of(2)) << "nothing before the first frame";
  ASSERT_TRUE(source->seek(pts_of(12)));
  EXPECT_TRUE(source->next().value().empty());
  ASSERT_TRUE(source->seek(pts_of(10) + 1));
  EXPECT_EQ(source->next().value().pts, pts_of(11));
}

// What is damaged is noticed: a frame that still comes out is that of the whole file. With checksums made right by
// whoever did it, anything may come out, but nothing may crash, hang or take more memory than the format allows.
TEST_F(FnvSource, TenThousandMutations) {
  const std::vector<Codes> all = frames_of(**open_fnv_source(options("whole.fnv")));
  // 2^27 weights, the most that a group may have, as integers and as floats, and what the frames take.
  constexpr rlim_t most = rlim_t{1} << 30;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limited = before;
  limited.rlim_cur = pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + most;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limited), 0);
  spdlog::set_level(spdlog::level::err);  // "is not complete", a thousand times

  std::mt19937 random(20250101);
  int refused = 0, kept = 0, changed = 0;
  for (int i = 0; i < 10'000; ++i) {
    Bytes bytes = test::mutated(whole_, random);
    const bool repaired = i % 2 == 1;
    if (repaired) test::repair_checksums(bytes);
    write("damaged.fnv", bytes);
    FnvSourceOptions damaged = options("damaged.fnv");
    damaged.first_frame = i / 2 % groups * group_frames;
    damaged.frames = 1;
    const auto source = open_fnv_source(damaged);
    if (!source) {
      ASSERT_NE(source.error().message.find("damaged.fnv"), std::string::npos) << source.error().message;
      ++refused;
      continue;
    }
    const auto frame = (*source)->next();
    if (!frame || frame->empty()) continue;
    const bool same = codes_of(*frame) == all[static_cast<size_t>(damaged.first_frame)];
    ASSERT_TRUE(same || repaired) << i;
    ++(same ? kept : changed);
  }
  spdlog::set_level(spdlog::level::info);
  setrlimit(RLIMIT_AS, &before);
  // All three happen, or the mutations are no good.
  EXPECT_GT(refused, 1000);
  EXPECT_GT(kept, 500);
  EXPECT_GT(changed, 500);
}

}  // namespace
}  // namespace framelift
