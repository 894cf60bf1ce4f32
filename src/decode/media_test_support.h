// For the tests of decode/ and encode/: small clips made by the ffmpeg program, and what ffprobe says about them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "decode/source.h"

namespace framelift::test {

namespace fs = std::filesystem;

// A folder of its own for each test, removed afterwards.
class MediaTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = fmt::format("framelift_{}_{}_{}", info->test_suite_name(), info->name(), getpid());
    std::replace(name.begin(), name.end(), '/', '_');  // of parameterised tests
    folder_ = fs::temp_directory_path() / name;
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  // ffmpeg -y ARGUMENTS in the test's folder.
  void ffmpeg(const std::string& arguments) const {
    const std::string command =
        fmt::format("cd '{}' && ffmpeg -nostdin -v error -y {} 2>&1", folder_.string(), arguments);
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  fs::path folder_;
};

inline std::string run(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  while (size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), count);
  pclose(pipe);
  return output;
}

// One frame (from 0) as the ffmpeg program decodes it: R, G, B bytes, pixel by pixel. BT.709 where it is YUV.
inline std::vector<uint8_t> rgb24_of(const std::string& path, int64_t frame = 0) {
  const std::string bytes = run(fmt::format(
      "ffmpeg -nostdin -v error -i '{}' -vf \"select=eq(n\\,{}),scale=in_color_matrix=bt709:"
      "flags=bicubic+accurate_rnd+full_chroma_inp+full_chroma_int\" -frames:v 1 -pix_fmt rgb24 -f rawvideo -",
      path, frame));
  return {bytes.begin(), bytes.end()};
}

inline std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> found;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    while (!line.empty() && (line.back() == ',' || line.back() == '\r')) line.pop_back();
    if (!line.empty()) found.push_back(line);
  }
  return found;
}

inline std::vector<std::string> ffprobe(const std::string& file, const std::string& arguments) {
  return lines(run(fmt::format("ffprobe -v quiet -of csv=p=0 {} 'file:{}'", arguments, file)));
}

inline std::vector<int64_t> frame_times(const std::string& file, const std::string& stream = "v:0") {
  std::vector<int64_t> times;
  for (const auto& line : ffprobe(file, "-select_streams " + stream + " -show_entries frame=best_effort_timestamp"))
    times.push_back(std::strtoll(line.c_str(), nullptr, 10));
  return times;
}

// The MD5 of every packet of a stream.
inline std::vector<std::string> packet_hashes(const std::string& file, const std::string& stream) {
  std::vector<std::string> hashes;
  for (const auto& line :
       ffprobe(file, "-select_streams " + stream + " -show_packets -show_data_hash md5 -show_entries packet=data_hash"))
    if (const size_t start = line.find("MD5:"); start != std::string::npos) hashes.push_back(line.substr(start));
  return hashes;
}

inline std::string read_file(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The samples of a frame, plane after plane without padding.
inline std::string samples(const Frame& frame) {
  std::string bytes;
  for (int p = 0; p < frame.format.plane_count(); ++p) {
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    for (int y = 0; y < plane.height; ++y)
      bytes.append(plane.row<char>(y), static_cast<size_t>(plane.width) * frame.format.bytes_per_sample());
  }
  return bytes;
}

struct Decoded {
  VideoInfo info;
  std::vector<int64_t> times;
  std::vector<std::string> pictures;
  SourceCounters counters;
  std::string error;  // of open or next
};

inline Decoded decode_all(const SourceOptions& options, bool keep_pictures = true) {
  Decoded decoded;
  auto source = open_source(options);
  if (!source) {
    decoded.error = source.error().message;
    return decoded;
  }
  decoded.info = (*source)->info();
  for (;;) {
    auto frame = (*source)->next();
    if (!frame) {
      decoded.error = frame.error().message;
      break;
    }
    if (frame->empty()) break;
    EXPECT_EQ(frame->width, decoded.info.width);
    EXPECT_EQ(frame->height, decoded.info.height);
    EXPECT_EQ(frame->format, decoded.info.format);
    decoded.times.push_back(frame->pts.value_or(INT64_MIN));
    if (keep_pictures) decoded.pictures.push_back(samples(*frame));
  }
  decoded.counters = (*source)->counters();
  return decoded;
}

inline Decoded decode_all(const std::string& file, bool keep_pictures = true) {
  SourceOptions options;
  options.path = file;
  return decode_all(options, keep_pictures);
}

inline const std::string clips_folder = "../shared/assets/video";
#define SKIP_WITHOUT_CLIPS() \
  if (!fs::exists(::framelift::test::clips_folder)) GTEST_SKIP() << "no clips in " << ::framelift::test::clips_folder

}  // namespace framelift::test
