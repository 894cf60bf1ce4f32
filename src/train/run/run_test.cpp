// What a run leaves on disk: lock, checkpoints, logs, event files, charts, pictures.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/line_chart.h"
#include "train/run/checkpoint.h"
#include "train/run/event_file.h"
#include "train/run/history.h"
#include "train/run/panel_picture.h"
#include "train/run/run_folder.h"
#include "train/run/run_lock.h"
#include "train/train_test_support.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;
using test::TempFolder;

// ---- lock

TEST(RunLock, IsHeldOnce) {
  const TempFolder folder;
  {
    const auto lock = RunLock::acquire(folder.path());
    ASSERT_WORKS(lock);
    EXPECT_EQ(test::read_file(folder / RunLock::file_name), "process " + std::to_string(getpid()));
    EXPECT_FAILS_WITH(RunLock::acquire(folder.path()), "process " + std::to_string(getpid()));
    EXPECT_TRUE(fs::exists(folder / RunLock::file_name));
  }
  EXPECT_FALSE(fs::exists(folder / RunLock::file_name));
  EXPECT_TRUE(RunLock::acquire(folder.path()));
}

TEST(RunLock, OfADeadProcessDoesNotCount) {
  const TempFolder folder;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = RunLock::acquire(folder.path());
    const char answer = lock ? 'y' : 'n';
    if (write(ready[1], &answer, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  EXPECT_FAILS_WITH(RunLock::acquire(folder.path()), "process " + std::to_string(child));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(fs::exists(folder / RunLock::file_name));  // left behind
  EXPECT_TRUE(RunLock::acquire(folder.path()));
  close(ready[0]);
  close(ready[1]);
}

// ---- checkpoints

Checkpoint some_checkpoint() {
  Checkpoint c;
  c.parameters.emplace("a.weight", Tensor::from_f32({2, 2}, std::vector<float>{1, -2, 3.5f, 1e-30f}));
  c.optimiser_state.emplace("step", Tensor::filled({1}, 7));
  c.progress = {3, 11, 1234567890123, 0.1, 1e300, 2, 1.0 / 3};
  c.notes = {{"notes", "two\nlines \"and\" signs"}, {"tile", "256"}};
  return c;
}

TEST(Checkpoint, ReadsBackToTheLastBit) {
  const TempFolder folder;
  Checkpoint expected = some_checkpoint();
  ASSERT_WORKS(write_checkpoint(folder / "c.safetensors", expected));
  const auto found = read_checkpoint(folder / "c.safetensors");
  ASSERT_WORKS(found);
  EXPECT_TRUE(test::equal_bits(found->parameters, expected.parameters));
  EXPECT_TRUE(test::equal_bits(found->optimiser_state, expected.optimiser_state));
  EXPECT_EQ(found->notes, expected.notes);
  EXPECT_EQ(found->progress.epoch, 3);
  EXPECT_EQ(found->progress.batches, 11);
  EXPECT_EQ(found->progress.step, 1234567890123);
  EXPECT_EQ(found->progress.loss_sum, 0.1);
  EXPECT_EQ(found->progress.gradient_sum, 1e300);
  EXPECT_EQ(found->progress.best_epoch, 2);
  EXPECT_EQ(found->progress.best_loss, 1.0 / 3);
  // Before the first validation.
  expected.progress.best_loss = std::numeric_limits<double>::infinity();
  ASSERT_WORKS(write_checkpoint(folder / "c.safetensors", expected));
  EXPECT_EQ(read_checkpoint(folder / "c.safetensors")->progress.best_loss, expected.progress.best_loss);
}

TEST(Checkpoint, DamageIsNoticed) {
  const TempFolder folder;
  const fs::path file = folder / "c.safetensors";
  ASSERT_WORKS(write_checkpoint(file, some_checkpoint()));
  const std::string good = test::read_file(file);
  std::string bad = good;
  bad.back() ^= 1;
  test::write_file(file, bad);
  EXPECT_FAILS_WITH(read_checkpoint(file), "c.safetensors: is damaged");
  test::write_file(file, good.substr(0, good.size() - 3));
  EXPECT_FAILS_WITH(read_checkpoint(file), "c.safetensors: ");
  test::write_file(file, "");
  EXPECT_FAILS_WITH(read_checkpoint(file), "is empty");
  EXPECT_FAILS_WITH(read_checkpoint(folder / "none.safetensors"), "none.safetensors");
  EXPECT_FAILS_WITH(read_checkpoint("tests/golden/srvgg_x2.weights.safetensors"), "no checkpoint of framelift train");
}

// ---- where to go on

TEST(ResumePoint, IsFoundByNameFileAndFolder) {
  const TempFolder root;
  EXPECT_FAILS_WITH(find_resume_point(root.path(), "latest"), "no run to resume");
  for (const char* run : {"20240101-000000", "20250101-000000_tag", "20260101-000000"})
    fs::create_directories(root / run / "checkpoints");
  for (const char* run : {"20240101-000000", "20250101-000000_tag"})
    test::write_file(root / run / "checkpoints/latest.safetensors", "");
  const fs::path newest = root / "20250101-000000_tag";
  EXPECT_EQ(find_resume_point(root.path(), "latest")->checkpoint, newest / "checkpoints/latest.safetensors");
  EXPECT_TRUE(find_resume_point(root.path(), "latest")->continues);
  EXPECT_FAILS_WITH(find_resume_point(root.path(), "best"), "best.safetensors");
  EXPECT_FAILS_WITH(find_resume_point(root.path(), (root / "20260101-000000").string()), "no run folder");
  EXPECT_FAILS_WITH(find_resume_point(root.path(), "latests"), "no such checkpoint");
  const auto old = find_resume_point(root.path(), (root / "20240101-000000").string());
  ASSERT_WORKS(old);
  EXPECT_TRUE(old->continues);
  test::write_file(newest / "checkpoints/epoch_0003.safetensors", "");
  const auto file = find_resume_point(root.path(), (newest / "checkpoints/epoch_0003.safetensors").string());
  ASSERT_WORKS(file);
  EXPECT_EQ(file->run, newest);
  EXPECT_FALSE(file->continues);
}

TEST(RunFolder, NamesNeverMeet) {
  const TempFolder root;
  const auto first = RunFolder::create(root.path(), "t"), second = RunFolder::create(root.path(), "t");
  ASSERT_WORKS(first);
  ASSERT_WORKS(second);
  EXPECT_NE(first->path(), second->path());
  EXPECT_FAILS_WITH(RunFolder::create(root.path(), "../x"), "tag '../x'");
}

// ---- logs

TEST(History, ReadsBack) {
  const TempFolder folder;
  EpochRecord r;
  r.epoch = 2;
  r.step = 8;
  r.training_loss = 0.1;
  r.psnr = std::numeric_limits<double>::infinity();
  r.best = true;
  test::write_file(folder / "log.jsonl", training_log_jsonl({EpochRecord{.epoch = 1}, r}));
  const auto found = read_history(folder / "log.jsonl");
  ASSERT_WORKS(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->back().training_loss, 0.1);
  EXPECT_TRUE(std::isnan(found->back().psnr));
  EXPECT_TRUE(found->back().best);
  EXPECT_EQ(training_log_csv({r}),
            "epoch,step,train_loss,val_loss,learning_rate,gradient_norm,seconds,seconds_waited,best\n"
            "2,8,0.1,,,,,,1\n");
  EXPECT_EQ(metrics_csv({r}, "log"), "epoch,mode,pictures,psnr,ssim,pu21_psnr\n2,log,0,,,\n");
  test::write_file(folder / "log.jsonl", training_log_jsonl({r}) + "{\"epoch\": 3}\n");
  EXPECT_FAILS_WITH(read_history(folder / "log.jsonl"), "line 2");
}

// ---- event files; tests/train/read_events.py reads them without this code

TEST(EventFile, ChecksumsAreTheStandards) {
  // RFC 3720, appendix B.4.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
}

TEST(EventFile, ReadsBackInPython) {
  const std::string python = ".venv/bin/python";
  if (!fs::exists(python)) GTEST_SKIP() << "needs .venv (tools/setup.sh)";
  const TempFolder folder;
  auto file = EventFile::create(folder.path());
  ASSERT_WORKS(file);
  ASSERT_WORKS(file->add_scalar("loss/train", 1, 0.5));
  ASSERT_WORKS(file->add_scalar("loss/train", 300, -1.25));
  ASSERT_WORKS(file->add_scalar("epoch/psnr", int64_t{1} << 40, 1e-3));
  const fs::path out = folder / "out.txt";
  const std::string command =
      python + " tests/train/read_events.py '" + file->path().string() + "' > '" + out.string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(test::read_file(out),
            "version brain.Event:2\nloss/train 1 0.5\nloss/train 300 -1.25\nepoch/psnr 1099511627776 0.001\n");
  // A flipped bit is noticed, so the reader does check.
  std::string bytes = test::read_file(file->path());
  bytes[bytes.size() - 6] ^= 1;
  test::write_file(file->path(), bytes);
  EXPECT_NE(std::system((command + " 2>&1").c_str()), 0);
}

// ---- to look at

TEST(LineChart, DrawsEveryFiniteValue) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x{1, 2, 3, 4, 5};
  LineChart chart{"title", "epoch", {{"a", x, {1, 2, nan, 4, 5}}, {"b", x, {nan, nan, 7, nan, nan}}}};
  std::string svg = line_chart_svg(chart);
  const auto count = [&](const char* what) {
    int n = 0;
    for (size_t at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("<polyline"), 2);
  EXPECT_EQ(count("<circle"), 1);
  EXPECT_EQ(count("nan"), 0);
  chart.dots = true;
  svg = line_chart_svg(chart);
  EXPECT_EQ(count("<polyline"), 2);
  EXPECT_EQ(count("<circle"), 5);
  EXPECT_EQ(line_chart_svg({"t", "x", {}, true, true}).find("nan"), std::string::npos);
  // The lowest value of a logarithmic axis is at the bottom of the plot, the highest at its top.
  const std::string logarithmic = line_chart_svg({"t", "x", {{"p", x, {1, 10, 100, 1000, 10000}}}, false, true});
  EXPECT_NE(logarithmic.find("78.0,280.0 214.5,225.5 351.0,171.0 487.5,116.5 624.0,62.0"), std::string::npos)
      << logarithmic;
  const std::string across = line_chart_svg({"t", "x", {{"p", {1, 10, 100, 1000, 10000}, x}}, true, false});
  EXPECT_NE(across.find("78.0,280.0 214.5,225.5 351.0,171.0 487.5,116.5 624.0,62.0"), std::string::npos) << across;
}

TEST(PanelPicture, ShowsThreePanels) {
  Tensor input = Tensor::filled({1, 3, 20, 30}, 0.5f), prediction = Tensor::filled({1, 3, 40, 60}, 2.0f),
         target = Tensor::filled({1, 3, 40, 60}, -1.0f);
  const auto frame = panel_picture(input, prediction, target, false);
  ASSERT_WORKS(frame);
  EXPECT_EQ(frame->width, 3 * 60 + 2 * 4);
  EXPECT_EQ(frame->height, 18 + 40);
  EXPECT_EQ(frame->planes[0].row<uint8_t>(30)[10], 128);
  EXPECT_EQ(frame->planes[1].row<uint8_t>(30)[64 + 10], 255);
  EXPECT_EQ(frame->planes[2].row<uint8_t>(30)[128 + 10], 0);
  EXPECT_EQ(frame->planes[0].row<uint8_t>(30)[62], 32);  // between panels
  // Linear light: log(1 + 1) / log(1 + 3) of the target's largest.
  std::ranges::fill(target.f32(), 3.0f);
  std::ranges::fill(prediction.f32(), 1.0f);
  const auto linear = panel_picture(input, prediction, target, true);
  EXPECT_EQ(linear->planes[0].row<uint8_t>(30)[64 + 10], 128);
  EXPECT_EQ(linear->planes[0].row<uint8_t>(30)[128 + 10], 255);
  // Large pictures shrink.
  EXPECT_EQ(panel_picture(Tensor::filled({1, 3, 10, 1000}, 0), Tensor::filled({1, 3, 10, 1000}, 0),
                          Tensor::filled({1, 3, 10, 1000}, 0), true)
                ->width,
            3 * 333 + 2 * 4);
}

}  // namespace
}  // namespace framelift
