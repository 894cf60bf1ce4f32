// Training small networks on pictures made on the spot, within seconds.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>
#include <set>

#include "train/initialise.h"
#include "train/run/checkpoint.h"
#include "train/run/run_lock.h"
#include "train/train_test_support.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;
using test::small_job;
using test::SyntheticDataset;

class Training : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_TORCH(); }
  test::TempFolder root_;
};

Checkpoint latest(const fs::path& run) { return read_checkpoint(run / "checkpoints/latest.safetensors").value(); }

TEST_F(Training, LearnsOneBatchByHeart) {
  const SyntheticDataset dataset(1, 16, 16, 2);
  TrainingJob job = small_job(dataset, root_.path(), 2);
  job.hyper["features"] = 8;
  job.data.training_indices.assign(200, 0);  // the same batch 100 times an epoch
  job.options.epochs = 4;
  job.options.schedule = {.learning_rate = 1e-2, .cosine = true};
  double first = 0, last = 1;
  job.on_batch = [&](const BatchReport& r) { first = r.epoch == 1 && r.batch == 1 ? r.mean_loss : first; };
  job.on_epoch = [&](const EpochRecord& r) { last = r.validation_loss; };
  const auto result = train(job);
  ASSERT_WORKS(result);
  EXPECT_GT(first, 0.1);
  EXPECT_LT(last, 0.01);  // a fiftieth of the pictures' contrast
}

// The mean gradient of k batches is that of one that is k times as large.
TEST_F(Training, AccumulatesGradients) {
  const SyntheticDataset dataset(4, 16, 16);
  const auto run = [&](int batch, int accumulation) {
    TrainingJob job = small_job(dataset, root_.path());
    job.options.epochs = 1;
    job.options.batches.batch = batch;
    job.options.accumulation = accumulation;
    EpochRecord record;
    job.on_epoch = [&](const EpochRecord& r) { record = r; };
    const auto result = train(job);
    EXPECT_TRUE(result) << result.error().message;
    return std::pair(record, latest(result->run_folder).optimiser_state);
  };
  const auto [whole, whole_state] = run(4, 1);
  const auto [parts, parts_state] = run(1, 4);
  EXPECT_EQ(whole.step, 1);
  EXPECT_EQ(parts.step, 1);
  EXPECT_EQ(run(1, 1).first.step, 4);
  // Sums of 1000 float32 terms in another order.
  EXPECT_NEAR(parts.gradient_norm / whole.gradient_norm, 1, 1e-5);
  int moments = 0;
  for (const auto& [name, tensor] : whole_state) {
    if (name.find("exp_avg.") == std::string::npos) continue;  // after one step: a tenth of the gradient
    ++moments;
    for (size_t i = 0; i < tensor.f32().size(); ++i)
      EXPECT_NEAR(parts_state.at(name).f32()[i], tensor.f32()[i], 1e-6 * whole.gradient_norm) << name;
  }
  EXPECT_GT(moments, 0);
}

TEST_F(Training, GoesOnAsIfItHadNeverStopped) {
  const SyntheticDataset dataset(5, 24, 24);
  const auto job_for = [&](const char* root, int epochs) {
    TrainingJob job = small_job(dataset, root_ / root);
    job.options.epochs = epochs;
    job.options.accumulation = 2;
    return job;
  };
  const auto whole = train(job_for("whole", 4));
  ASSERT_WORKS(whole);

  ASSERT_WORKS(train(job_for("parts", 2)));
  TrainingJob second = job_for("parts", 4);
  second.resume = find_resume_point(second.root, "latest").value();
  const auto parts = train(second);
  ASSERT_WORKS(parts);
  const Checkpoint expected = latest(whole->run_folder), found = latest(parts->run_folder);
  EXPECT_EQ(found.progress.epoch, 4);
  EXPECT_TRUE(test::equal_bits(found.parameters, expected.parameters));
  EXPECT_TRUE(test::equal_bits(found.optimiser_state, expected.optimiser_state));
  EXPECT_EQ(found.progress.best_loss, expected.progress.best_loss);
  EXPECT_EQ(read_history(parts->run_folder / "logs/train_log.jsonl")->size(), 4U);
  // Two epochs alone are another result: the comparison above can fail.
  TrainingJob short_job = job_for("short", 2);
  EXPECT_FALSE(test::equal_bits(latest(train(short_job)->run_folder).parameters, expected.parameters));
}

// Two epochs of six batches, two to an update; cancelled as `arrange` says, and resumed.
void expect_equal_after_cancelling(const fs::path& root,
                                   const std::function<void(TrainingJob&, Cancellation&)>& arrange,
                                   int64_t batches_kept) {
  const SyntheticDataset dataset(6, 24, 24);
  TrainingJob whole = small_job(dataset, root / "whole");
  whole.options.batches.batch = 1;
  whole.options.accumulation = 2;
  const auto expected = train(whole);
  ASSERT_WORKS(expected);

  TrainingJob job = whole;
  job.root = root / "parts";
  Cancellation cancel;
  job.cancel = &cancel;
  arrange(job, cancel);
  const auto first = train(job);
  ASSERT_WORKS(first);
  EXPECT_EQ(first->end, TrainingEnd::cancelled);
  const Checkpoint stopped = latest(first->run_folder);
  EXPECT_EQ(stopped.progress.epoch, 1);
  EXPECT_EQ(stopped.progress.batches, batches_kept);

  TrainingJob rest = whole;
  rest.root = job.root;
  rest.resume = find_resume_point(rest.root, "latest").value();
  const auto second = train(rest);
  ASSERT_WORKS(second);
  EXPECT_EQ(second->run_folder, first->run_folder);
  EXPECT_TRUE(test::equal_bits(latest(second->run_folder).parameters, latest(expected->run_folder).parameters));
  const auto found = read_history(second->run_folder / "logs/train_log.jsonl"),
             wanted = read_history(expected->run_folder / "logs/train_log.jsonl");
  EXPECT_EQ(found->back().training_loss, wanted->back().training_loss);
  EXPECT_EQ(found->back().validation_loss, wanted->back().validation_loss);
  EXPECT_EQ(found->back().gradient_norm, wanted->back().gradient_norm);
}

void cancel_at(TrainingJob& job, Cancellation& cancel, int64_t batch) {
  job.on_batch = [&cancel, batch](const BatchReport& r) {
    if (r.epoch == 2 && r.batch == batch) cancel.request();
  };
}

TEST_F(Training, CancelledBetweenTwoUpdatesGoesOnBitForBit) {
  expect_equal_after_cancelling(
      root_.path(), [](TrainingJob& job, Cancellation& cancel) { cancel_at(job, cancel, 3); }, 2);
}

TEST_F(Training, CancelledAfterTheLastBatchGoesOnBitForBit) {
  expect_equal_after_cancelling(
      root_.path(), [](TrainingJob& job, Cancellation& cancel) { cancel_at(job, cancel, 6); }, 6);
}

// Asks to stop when a picture is read for the n-th time.
class CancellingDataset final : public SyntheticDataset {
 public:
  CancellingDataset(Cancellation& cancel, int n) : SyntheticDataset(6, 24, 24), cancel_(cancel), left_(n) {}
  Result<Sample> load(size_t i) const override {
    if (--left_ == 0) cancel_.request();
    return SyntheticDataset::load(i);
  }

 private:
  Cancellation& cancel_;
  mutable int left_;
};

TEST_F(Training, CancelledInValidationGoesOnBitForBit) {
  std::optional<CancellingDataset> validation;
  expect_equal_after_cancelling(
      root_.path(),
      [&](TrainingJob& job, Cancellation& cancel) {
        validation.emplace(cancel, 6 + 3);  // in the second epoch's
        job.data.validation = &*validation;
      },
      6);
}

TEST_F(Training, ResumesFromTheBestInAFolderOfItsOwn) {
  const SyntheticDataset dataset(2, 16, 16);
  TrainingJob job = small_job(dataset, root_.path());
  job.options.epochs = 3;
  job.options.schedule.learning_rate = 0;  // the first epoch stays the best
  const auto first = train(job);
  ASSERT_WORKS(first);
  job.resume = find_resume_point(job.root, "best").value();
  const auto second = train(job);
  ASSERT_WORKS(second);
  EXPECT_NE(second->run_folder, first->run_folder);
  EXPECT_EQ(read_history(first->run_folder / "logs/train_log.jsonl")->size(), 3U);
  const auto history = read_history(second->run_folder / "logs/train_log.jsonl");
  ASSERT_EQ(history->size(), 3U);
  EXPECT_EQ((*history)[1].epoch, 2);
  job.options.start_epoch = 3;
  const auto third = train(job);
  ASSERT_WORKS(third);
  const auto jumped = read_history(third->run_folder / "logs/train_log.jsonl");
  ASSERT_EQ(jumped->size(), 2U);
  EXPECT_EQ(jumped->back().epoch, 3);
}

TEST_F(Training, LearnsInBf16) {
  const SyntheticDataset dataset(2, 16, 16);
  TrainingJob job = small_job(dataset, root_.path());
  job.options.learner.precision = Precision::bf16;
  job.options.epochs = 20;
  job.options.schedule.learning_rate = 1e-2;
  std::vector<double> losses;
  job.on_epoch = [&](const EpochRecord& r) { losses.push_back(r.validation_loss); };
  ASSERT_WORKS(train(job));
  EXPECT_LT(losses.back(), losses.front() / 2);
  job.options.validation.loss.kind = LossKind::ms_ssim;
  EXPECT_FAILS_WITH(train(job), "ms-ssim needs f32");
}

TEST_F(Training, StopFileEndsItOnce) {
  const SyntheticDataset dataset(4, 16, 16);
  TrainingJob job = small_job(dataset, root_.path());
  const fs::path stop = root_ / stop_file_name;
  job.on_batch = [&](const BatchReport&) { test::write_file(stop, ""); };
  const auto result = train(job);
  ASSERT_WORKS(result);
  EXPECT_EQ(result->end, TrainingEnd::stop_file);
  EXPECT_FALSE(fs::exists(stop));
  EXPECT_TRUE(read_checkpoint(result->run_folder / "checkpoints/latest.safetensors"));

  test::write_file(stop, "");
  EXPECT_FAILS_WITH(train(job), "left over");
}

TEST_F(Training, EndsWhenNothingGetsBetter) {
  const SyntheticDataset dataset(2, 16, 16);
  TrainingJob job = small_job(dataset, root_.path());
  job.options.epochs = 50;
  job.options.patience = 3;
  job.options.schedule.learning_rate = 0;  // nothing changes, so the first epoch stays the best
  const auto result = train(job);
  ASSERT_WORKS(result);
  EXPECT_EQ(result->end, TrainingEnd::early_stop);
  EXPECT_EQ(result->best_epoch, 1);
  EXPECT_EQ(latest(result->run_folder).progress.epoch, 4);
}

TEST_F(Training, LeavesTheLastCheckpointWhenTheLossIsNoNumber) {
  const SyntheticDataset good(2, 16, 16), bad(2, 16, 16, 1, std::numeric_limits<float>::quiet_NaN());
  TrainingJob job = small_job(good, root_.path());
  job.options.epochs = 1;
  const auto first = train(job);
  ASSERT_WORKS(first);
  const fs::path file = first->run_folder / "checkpoints/latest.safetensors";
  const std::string before = test::read_file(file);

  TrainingJob next = small_job(bad, root_.path());
  next.resume = find_resume_point(next.root, "latest").value();
  EXPECT_FAILS_WITH(train(next), "no finite number any more in epoch 2");
  EXPECT_EQ(test::read_file(file), before);
}

TEST_F(Training, KeepsTheOldCheckpointWhenTheDiskIsFull) {
  const SyntheticDataset dataset(2, 16, 16);
  TrainingJob job = small_job(dataset, root_.path());
  job.options.epochs = 1;
  const auto first = train(job);
  ASSERT_WORKS(first);
  const fs::path file = first->run_folder / "checkpoints/latest.safetensors";
  const Checkpoint before = latest(first->run_folder);
  const std::string bytes = test::read_file(file);

  // Files cannot grow beyond a size: to write() this is what a full disk is.
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const rlimit small{bytes.size() / 2, old_limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = write_checkpoint(file, before);
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_FAILS_WITH(status, "free space");
  EXPECT_EQ(test::read_file(file), bytes);
  EXPECT_EQ(test::count_files(file.parent_path()), 2U);  // best and latest, nothing half-written
}

TEST_F(Training, RefusesBeforeAnyWork) {
  const SyntheticDataset dataset(2, 16, 16);
  test::write_file(root_ / "file", "");
  TrainingJob job = small_job(dataset, root_ / "file");
  EXPECT_FAILS_WITH(train(job), "cannot be created");

  job.root = root_ / "runs";
  fs::create_directories(job.root);
  const RunLock lock = RunLock::acquire(job.root).value();
  EXPECT_FAILS_WITH(train(job), "a training is under way here");
  EXPECT_EQ(test::count_files(job.root), 1U);  // the lock alone

  job.root = root_ / "others";
  const ChosenNetwork agcm = choose_network("agcm", {}).value();
  job.architecture = agcm.architecture;
  job.hyper = agcm.hyper;
  EXPECT_FAILS_WITH(train(job), "--from");
  EXPECT_FALSE(fs::exists(job.root));

  job = small_job(dataset, root_ / "others");
  job.options.infer_only = true;
  EXPECT_FAILS_WITH(train(job), "--resume");
}

TEST_F(Training, RefusesCheckpointsOfOtherNetworks) {
  const SyntheticDataset dataset(2, 16, 16);
  TrainingJob job = small_job(dataset, root_.path());
  job.options.epochs = 1;
  ASSERT_WORKS(train(job));
  job.resume = find_resume_point(job.root, "best").value();
  job.hyper["features"] = 6;
  EXPECT_FAILS_WITH(train(job), "give the options it was made with");
}

TEST_F(Training, WritesACompleteRunFolder) {
  const SyntheticDataset dataset(3, 40, 30, 2);
  TrainingJob job = small_job(dataset, root_.path(), 2);
  job.options.tag = "first";
  job.options.notes = "a \"note\" <&>";
  job.options.checkpoint_every = 2;
  job.options.scale_hdr = 4;
  const auto result = train(job);
  ASSERT_WORKS(result);
  const fs::path& run = result->run_folder;
  EXPECT_TRUE(run.filename().string().ends_with("_first")) << run;
  for (const char* file :
       {"config.json", "report.html", "loss.svg", "psnr.svg", "logs/train_log.csv", "logs/train_log.jsonl",
        "logs/metrics.csv", "viz/epoch_0001_0.png", "viz/epoch_0002_0.png", "checkpoints/best.safetensors",
        "checkpoints/latest.safetensors", "checkpoints/epoch_0002.safetensors", "model.safetensors"})
    EXPECT_TRUE(fs::exists(run / file)) << file;
  EXPECT_FALSE(fs::exists(root_ / RunLock::file_name));
  EXPECT_EQ(test::count_files(run / "tb"), 1U);
  const std::string report = test::read_file(run / "report.html");
  EXPECT_NE(report.find("a \\&quot;note\\&quot; &lt;&amp;&gt;"), std::string::npos);
  EXPECT_NE(report.find("data:image/png;base64,iVBORw0KGgo"), std::string::npos);
  EXPECT_EQ(report.find("http"), report.find("http://www.w3.org/2000/svg"));  // no links

  const Checkpoint checkpoint = latest(run);
  EXPECT_EQ(checkpoint.notes.at("tile"), "16");
  EXPECT_EQ(checkpoint.notes.at("overlap"), "3");  // three 3x3 convolutions
  EXPECT_EQ(checkpoint.notes.at("scale_hdr"), "4");
  EXPECT_EQ(checkpoint.notes.at("alpha"), "0.5");
  EXPECT_EQ(checkpoint.notes.at("notes"), job.options.notes);
  EXPECT_EQ(checkpoint.notes.at("data_digest").size(), 64U);

  // The model is one like any other.
  const auto model = load_network(run / "model.safetensors");
  ASSERT_WORKS(model);
  EXPECT_EQ(model->architecture, job.architecture);
  EXPECT_EQ(model->hyper, job.hyper);

  TrainingJob again = job;
  again.options.infer_only = true;
  again.resume = find_resume_point(job.root, "best").value();
  const auto inference = train(again);
  ASSERT_WORKS(inference);
  EXPECT_NE(inference->run_folder, run);
  const auto history = read_history(inference->run_folder / "logs/train_log.jsonl");
  const auto before = read_history(run / "logs/train_log.jsonl");
  EXPECT_EQ(history->back().validation_loss, (*before)[static_cast<size_t>(result->best_epoch) - 1].validation_loss);
}

// Whole pictures whose sides are no multiples of the network's alignment, 4, nor of the tiles.
TEST_F(Training, ValidatesInTilesAsInOnePiece) {
  const ChosenNetwork network =
      choose_network("rrdb", {{"features", 4}, {"blocks", 1}, {"growth", 2}, {"scale", 1}}).value();
  const Graph graph = network.architecture->build(network.hyper, 1, 64, 64).value();
  const auto learner =
      (*torch_engine())->create_learner(initial_parameters(graph, 5).value(), {.device = "cpu", .threads = 1}).value();
  const SyntheticDataset dataset(1, 250, 301);
  const Sample sample = dataset.load(0).value();
  const auto predict = [&](int tile, int batch) {
    ValidationOptions options;
    options.tile = tile;
    options.batch = batch;
    const auto build = [&](int pictures, int height, int width) {
      return network.architecture->build(network.hyper, pictures, height, width);
    };
    return Validator(network.architecture->contract(network.hyper), build, options).predict(*learner, sample);
  };
  const auto whole = predict(1024, 1);
  ASSERT_WORKS(whole);
  EXPECT_EQ(whole->shape(), sample.input.shape());
  // 64 is less than the receptive field.
  for (const int tile : {64, 200}) {
    const auto tiled = predict(tile, 3);
    ASSERT_WORKS(tiled);
    float worst = 0;
    for (size_t i = 0; i < whole->f32().size(); ++i)
      worst = std::max(worst, std::abs(whole->f32()[i] - tiled->f32()[i]));
    EXPECT_LT(worst, 1e-5f) << tile;  // libtorch takes other kernels for other sizes
  }
}

TEST(SplitData, KeepsPartsApart) {
  const SyntheticDataset dataset(10, 8, 8);
  const auto data = split_data(dataset, nullptr, 0.2, 42);
  ASSERT_WORKS(data);
  EXPECT_EQ(data->training_indices.size() + data->validation_indices.size(), 10U);
  EXPECT_FALSE(data->training_indices.empty() || data->validation_indices.empty());
  std::set<size_t> all(data->training_indices.begin(), data->training_indices.end());
  all.insert(data->validation_indices.begin(), data->validation_indices.end());
  EXPECT_EQ(all.size(), 10U);
  EXPECT_EQ(split_data(dataset, nullptr, 0.2, 42)->validation_indices, data->validation_indices);
  const SyntheticDataset one(1, 8, 8);
  EXPECT_FAILS_WITH(split_data(one, nullptr, 0.2, 42), "too few");
  EXPECT_EQ(split_data(one, &one, 0.2, 42)->training_indices.size(), 1U);
}

}  // namespace
}  // namespace framelift
