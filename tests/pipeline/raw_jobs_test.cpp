// Jobs from and to uncompressed video, which every build reads and writes.
#include <gtest/gtest.h>

#include "pipeline/video_job.h"
#include "tests/pipeline/job_for_test.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

class RawJobs : public testing::Test {
 protected:
  void SetUp() override {
    auto network = load_network("tests/golden/srvgg_x2.weights.safetensors");
    ASSERT_TRUE(network) << network.error().message;
    network_ = std::move(*network);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string content(const std::string& name) const { return test::read_file(folder_ / name); }
  Result<JobReport> run(const Network& network, const std::string& source, const std::string& sink) const {
    return process_video(exact_job(network, source, sink));
  }

  test::TempFolder folder_;
  Network network_;
};

TEST_F(RawJobs, AFileGivesWhatItsFramesGive) {
  for (const char* format : {"yuv420p", "yuv422p10", "yuv444p"}) {
    const std::string pattern = fmt::format("test:46x34:3:{}", format);
    // The pattern's own frames in a file: a network that changes nothing gives back every code of it.
    ASSERT_TRUE(run(identity_network(), pattern, path(fmt::format("in_{}.y4m", format))));
    const auto direct = run(network_, pattern, path(fmt::format("a_{}.y4m", format)));
    ASSERT_TRUE(direct) << direct.error().message;
    const auto read = run(network_, path(fmt::format("in_{}.y4m", format)), path(fmt::format("b_{}.y4m", format)));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->frames, 3);
    const std::string a = content(fmt::format("a_{}.y4m", format)), b = content(fmt::format("b_{}.y4m", format));
    EXPECT_GT(a.size(), size_t{92} * 68 * 3);
    EXPECT_EQ(a.find("YUV4MPEG2 W92 H68 "), 0u);
    EXPECT_TRUE(a == b) << format;

    ASSERT_TRUE(run(network_, pattern, "md5:" + path("a.md5")));
    ASSERT_TRUE(run(network_, path(fmt::format("in_{}.y4m", format)), "md5:" + path("b.md5")));
    EXPECT_NE(content("a.md5").find("0,          2,          2,"), std::string::npos) << content("a.md5");
    fs::remove(folder_ / "a.md5");
    fs::remove(folder_ / "b.md5");
  }
}

}  // namespace
}  // namespace framelift
