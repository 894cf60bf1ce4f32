// Jobs whose network runs on several tiles at a time: the same pictures, whatever the batch.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "pipeline/video_job.h"
#include "tests/pipeline/job_for_test.h"
#include "tests/support.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

class BatchJobs : public testing::Test {
 protected:
  VideoJob job(const std::string& source) const {
    VideoJob j = exact_job(network_, source, "null:");
    j.sink.overwrite = true;
    return j;
  }

  std::string checksums(VideoJob j, int64_t frames) const {
    const auto file = folder_ / "out.md5";
    j.sink.path = "md5:" + file.string();
    const auto report = process_video(j);
    EXPECT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->frames, frames);
    EXPECT_EQ(report->batch, std::max(j.batch, 1));
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }

  Network network_ = load_network("tests/golden/srvgg_x2.weights.safetensors").value();
  test::TempFolder folder_;
};

// Batches that frames fill, that end in the middle of a frame, and that the last frames do not fill.
TEST_F(BatchJobs, EqualOneAtATime) {
  for (const int frames : {1, 7, 24})
    for (const int tile : {0, 80}) {
      VideoJob j = job("test:128x96:" + std::to_string(frames));
      j.tile = tile;
      const std::string one = checksums(j, frames);
      for (const int batch : {2, 4, 5}) {
        j.batch = batch;
        EXPECT_EQ(checksums(j, frames), one) << frames << " frames, tile " << tile << ", batch " << batch;
      }
    }
}

TEST_F(BatchJobs, MeasureTheSameFlickerAndLight) {
  const Network network = pq_network();
  write_wobbling_video(folder_ / "in.y4m", 64, 48, 30);
  VideoJob j = exact_job(network, (folder_ / "in.y4m").string(), "null:");
  const auto one = process_video(j);
  j.batch = 4;
  const auto four = process_video(j);
  ASSERT_TRUE(one && four);
  EXPECT_GT(one->flicker_percent, 0);
  EXPECT_EQ(four->flicker_percent, one->flicker_percent);
  EXPECT_EQ(four->max_cll_nits, one->max_cll_nits);
}

TEST_F(BatchJobs, SteadyStateAllocatesNothing) {
  VideoJob j = job("test:64x48:200");
  j.batch = 4;
  const auto report = process_video(j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->allocations_per_frame, 0);
}

TEST_F(BatchJobs, CancelledInTheMiddleOfABatch) {
  VideoJob j = job("test:64x48:500");
  j.batch = 8;
  const auto report = run_until(j, 5);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->cancelled);
  EXPECT_GE(report->frames, 5);
  EXPECT_LT(report->frames, 200);
}

// What a search finds is kept, used and told; of a single picture there is no batch to search.
TEST_F(BatchJobs, TakeTheFastestBatch) {
  VideoJob j = job("test:16x16:40");
  j.compile.threads = 1;
  j.tuning_file = folder_ / "tuning.json";
  const auto searched = process_video(j), remembered = process_video(j);
  ASSERT_TRUE(searched && remembered);
  EXPECT_FALSE(searched->tuning.empty());
  EXPECT_EQ(remembered->tuning, searched->tuning);
  EXPECT_NE(searched->tuning.find(fmt::format("batch {}", searched->batch)), std::string::npos) << searched->tuning;
  EXPECT_EQ(remembered->batch, searched->batch);
  j.source.path = "test:16x16:1";
  const auto picture = process_video(j);
  ASSERT_TRUE(picture) << picture.error().message;
  EXPECT_EQ(picture->batch, 1);
  j.batch = 2;  // what the user says
  EXPECT_EQ(process_video(j)->batch, 2);
}

}  // namespace
}  // namespace framelift
