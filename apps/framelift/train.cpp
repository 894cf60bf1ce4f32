#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/progress.h"
#include "apps/framelift/shared/training_data.h"
#include "apps/framelift/shared/training_memory.h"
#include "color/tone_map.h"
#include "git_commit.h"
#include "network/model_store.h"
#include "quantize/post_training.h"
#include "train/data/tile.h"
#include "train/initialise.h"
#include "train/trainable.h"
#include "train/trainer.h"

namespace framelift {
namespace {

struct TrainCommand {
  std::string network, from, teacher, qat, out = "runs", resume;
  std::vector<std::string> data, val;
  std::string amp = "f32", loss = "auto", schedule = "constant", metrics_mode = "percentile";
  std::vector<double> scale_jitter{0.9, 1.1};
  double scale_hdr = 4, val_share = 0.2;
  int frames = 100;
  HyperParameters hyper;
  Network first, taught_by;  // of --from and --teacher
  TrainerOptions options;
  bool quiet = false;

  TrainCommand() {
    options.learner.gradient_clip = 1;
    options.batches.tile = 256;
  }
};

void add_hyper(CLI::App& c, TrainCommand& o, const char* name, const char* help, int largest = 1024) {
  c.add_option_function<int>(
       fmt::format("--{}", name), [&o, name](const int& value) { o.hyper[name] = value; }, help)
      ->check(CLI::Range(1, largest))
      ->group("Network");
}

void add_network_options(CLI::App& c, TrainCommand& o) {
  add_hyper(c, o, "features", "Channels of the hidden layers (srvgg, rrdb, hg)");
  add_hyper(c, o, "convs", "Convolutions between the first and the last (srvgg)");
  add_hyper(c, o, "blocks", "Residual blocks (ldr2hdr, rrdb)");
  add_hyper(c, o, "growth", "Channels that each layer of a dense block adds (rrdb)");
  add_hyper(c, o, "scale", "Enlargement (srvgg, rrdb)", 16);
  add_hyper(c, o, "base", "Channels of the first layer (ldr2hdr)");
  add_hyper(c, o, "dilation", "Of every other residual block (ldr2hdr)");
}

void add_data_options(CLI::App& c, TrainCommand& o) {
  BatchOptions& b = o.options.batches;
  c.add_option("--data", o.data, "Folder with pairs of pictures; with --teacher: clips and pictures")->group("Data");
  c.add_option("--val", o.val, "The same to validate with; default: a part of --data")->group("Data");
  c.add_option("--frames", o.frames, "Frames out of all of --data together, with --teacher; a tenth out of --val")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str()
      ->group("Data");
  c.add_option("--val-share", o.val_share, "Part of --data that validates when there is no --val")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str()
      ->group("Data");
  c.add_option("--batch", b.batch, "Tiles a batch")->check(CLI::Range(1, 4096))->capture_default_str()->group("Data");
  c.add_option("--tile", b.tile, "Edge of the input's tiles in pixels")
      ->check(CLI::Range(8, 8192))
      ->capture_default_str()
      ->group("Data");
  c.add_option("--scale-jitter", o.scale_jitter, "Smallest and largest factor by which pictures are resized")
      ->expected(2)
      ->delimiter(',')
      ->check(CLI::Range(0.1, 10.0))
      ->capture_default_str()
      ->group("Data");
  c.add_flag("--flip", b.flip, "Mirror tiles at random")->group("Data");
  c.add_option("--workers", b.workers, "Threads that read pictures")
      ->check(CLI::Range(0, 256))
      ->capture_default_str()
      ->group("Data");
  c.add_option("--scale-hdr", o.scale_hdr, "Linear targets are divided by this")
      ->check(CLI::Range(1e-3, 1e6))
      ->capture_default_str()
      ->group("Data");
}

void add_optimiser_options(CLI::App& c, TrainCommand& o) {
  TrainerOptions& t = o.options;
  const char* group = "Optimiser";
  c.add_option("--epochs", t.epochs, "Epochs in all")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str()
      ->group(group);
  c.add_option("--accumulation", t.accumulation, "Batches to an update")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->group(group);
  c.add_option("--lr", t.schedule.learning_rate, "Learning rate")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str()
      ->group(group);
  c.add_option("--schedule", o.schedule, "constant, or cosine: falling to --final-lr over all epochs")
      ->check(CLI::IsMember({"constant", "cosine"}))
      ->capture_default_str()
      ->group(group);
  c.add_option("--final-lr", t.schedule.final_rate, "Where the cosine ends")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str()
      ->group(group);
  c.add_option("--warm-up", t.schedule.warm_up_steps, "Updates over which the learning rate rises from 0")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->capture_default_str()
      ->group(group);
  c.add_option("--grad-clip", t.learner.gradient_clip, "Largest norm of all gradients together; 0: none")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str()
      ->group(group);
  c.add_option("--weight-decay", t.learner.weight_decay, "Of AdamW")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str()
      ->group(group);
  c.add_option("--loss", o.loss,
               "l1, ms-ssim, and for linear light hybrid and pu21; auto takes hybrid for linear light, else l1")
      ->check(CLI::IsMember({"auto", "l1", "hybrid", "ms-ssim", "pu21"}))
      ->capture_default_str()
      ->group(group);
  c.add_option("--alpha", t.validation.loss.alpha, "Share of L1 in hybrid, of MS-SSIM in ms-ssim")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(group);
  c.add_option("--ms-ssim-window", t.validation.loss.window, "5, for tiles from 80 pixels, or 11, from 176")
      ->check(CLI::IsMember({5, 11}))
      ->capture_default_str()
      ->group(group);
  c.add_option("--amp", o.amp, "Precision of the layers: f32, bf16 or f16 (NVIDIA GPUs)")
      ->check(CLI::IsMember({"f32", "bf16", "f16"}))
      ->capture_default_str()
      ->group(group);
  c.add_option("--device", t.learner.device, "auto, cpu, cuda, cuda:1")->capture_default_str()->group(group);
  c.add_option("--threads", t.learner.threads, "CPU threads; 0 takes all")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(group);
  c.add_option("--seed", t.seed, "Of first weights, order, tiles and the split")->capture_default_str()->group(group);
}

void add_run_options(CLI::App& c, TrainCommand& o) {
  TrainerOptions& t = o.options;
  const char* group = "Run";
  c.add_option("--out", o.out, "Folder of runs; each gets a folder of its own there")
      ->capture_default_str()
      ->group(group);
  c.add_option("--tag", t.tag, "Ends the run folder's name")->group(group);
  c.add_option("--notes", t.notes, "Kept in checkpoints and config.json")->group(group);
  c.add_option("--resume", o.resume, "latest or best of the newest run, a checkpoint, or a run folder")->group(group);
  c.add_option("--start-epoch", t.start_epoch, "Number of the first epoch; 0: after the checkpoint's last")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str()
      ->group(group);
  c.add_flag("--infer-only", t.infer_only, "Only validate the checkpoint of --resume")->group(group);
  c.add_option("--patience", t.patience, "Epochs without a better validation loss until training ends; 0: never")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str()
      ->group(group);
  c.add_option("--checkpoint-every", t.checkpoint_every, "Epochs between checkpoints that are kept; 0: none")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str()
      ->group(group);
  c.add_option("--val-batch", t.validation.batch, "Pictures a group in validation, tiles at once in the network")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->group(group);
  c.add_option("--val-tile", t.validation.tile, "Longest side of what validation takes at once; larger is tiled")
      ->check(CLI::Range(64, 16384))
      ->capture_default_str()
      ->group(group);
  c.add_option("--metrics-batches", t.validation.metric_batches, "PSNR and SSIM of the first picture of so many groups")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str()
      ->group(group);
  c.add_option("--metrics-mode", o.metrics_mode, "How pictures are brought to 0..1 for PSNR and SSIM")
      ->check(CLI::IsMember({"linear-clip", "percentile", "log", "tone-mapped"}))
      ->capture_default_str()
      ->group(group);
  c.add_option("--previews", t.previews, "Validation pictures written to viz/ each epoch")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str()
      ->group(group);
  c.add_flag("--tensorboard,!--no-tensorboard", t.tensorboard, "Write event files for TensorBoard")->group(group);
  c.add_flag("-q,--quiet", o.quiet, "No progress")->group(group);
}

// One line redrawn on a terminal; elsewhere a line per epoch.
class TrainingProgressPrinter {
 public:
  void batch(const BatchReport& r) {
    if (!terminal_) return;
    const double share = static_cast<double>(r.batch) / static_cast<double>(r.batches);
    fmt::print(stderr, "\r\033[K{} epoch {}/{}  batch {}/{}  loss {:.5g}  {} left", progress_bar(share), r.epoch,
               r.epochs, r.batch, r.batches, r.mean_loss, clock_text(r.seconds_left));
    std::fflush(stderr);
  }
  void epoch(const EpochRecord& r, int epochs) {
    clear();
    if (r.epoch > 0)
      fmt::print(stderr, "epoch {}/{}: loss {:.5g}, ", r.epoch, epochs, r.training_loss);
    else
      fmt::print(stderr, "as it is: ");
    fmt::print(stderr, "validation {:.5g}{}", r.validation_loss, r.best && r.epoch > 0 ? " (best)" : "");
    if (r.measured_pictures > 0) fmt::print(stderr, ", PSNR {:.2f} dB, SSIM {:.4f}", r.psnr, r.ssim);
    if (std::isfinite(r.pu21_psnr)) fmt::print(stderr, ", PU21-PSNR {:.2f} dB", r.pu21_psnr);
    fmt::print(stderr, ", {}\n", clock_text(r.seconds));
    std::fflush(stderr);
  }
  void clear() const {
    if (terminal_) fmt::print(stderr, "\r\033[K");
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
};

Status complete(TrainCommand& o, TrainingJob& job) {
  TrainerOptions& t = o.options;
  if (o.network.empty() && o.from.empty())
    return fail(ErrorCode::invalid_argument, "no network is given; see 'framelift train --help'");
  if (!o.network.empty() && !o.from.empty())
    return fail(ErrorCode::invalid_argument, "--from says which network it is; leave out '{}'", o.network);
  if (o.data.empty()) return fail(ErrorCode::invalid_argument, "no pictures are given; use --data FOLDER");
  if (o.teacher.empty() && (o.data.size() > 1 || o.val.size() > 1))
    return fail(ErrorCode::invalid_argument, "--data and --val take one folder of pairs; only --teacher takes several");
  if (o.scale_jitter[0] > o.scale_jitter[1])
    return fail(ErrorCode::invalid_argument, "--scale-jitter {},{}: the smallest factor comes first", o.scale_jitter[0],
                o.scale_jitter[1]);
  ChosenNetwork chosen;
  if (o.from.empty()) {
    FL_TRY(chosen, choose_network(o.network, o.hyper));
  } else {
    if (!o.hyper.empty())
      return fail(ErrorCode::invalid_argument, "--from says what size the network is; leave out --{}",
                  o.hyper.begin()->first);
    FL_TRY(o.first, open_model(o.from));
    if (o.first.from_file.build)
      return fail(ErrorCode::unsupported, "model {} is part of its file and cannot be trained", o.from);
    o.network = o.first.architecture->name;
    chosen = {o.first.architecture, o.first.hyper};
    job.from = &o.first;
  }
  if (!o.teacher.empty()) {
    FL_TRY(o.taught_by, open_model(o.teacher));
    job.teacher = &o.taught_by;
  }
  // What the weights must say of themselves.
  if (const auto scale = chosen.hyper.find("scale_hdr_milli"); scale != chosen.hyper.end())
    scale->second = static_cast<int>(std::lround(1000 * o.scale_hdr));
  job.architecture = chosen.architecture;
  job.hyper = std::move(chosen.hyper);
  const bool linear = is_linear(job.architecture->contract(job.hyper).output_color);
  FL_TRY(t.validation.loss.kind, parse_loss(o.loss == "auto" ? (linear ? "hybrid" : "l1") : o.loss));
  FL_TRY(t.validation.metric_mode, parse_metric_mode(o.metrics_mode));
  FL_TRY(t.learner.precision, parse_precision(o.amp));
  t.schedule.cosine = o.schedule == "cosine";
  t.batches.scale_jitter_low = o.scale_jitter[0];
  t.batches.scale_jitter_high = o.scale_jitter[1];
  t.batches.seed = t.seed;
  t.scale_hdr = linear ? o.scale_hdr : 1;
  if (t.validation.loss.kind == LossKind::pu21 && !linear)
    return fail(ErrorCode::invalid_argument, "--loss pu21 is for linear light; {} makes none", o.network);
  t.validation.white_nits = linear ? hdr_reference_white_nits * o.scale_hdr : 0;
  t.validation.loss.white_nits = t.validation.white_nits;
  job.options = t;
  job.root = o.out;
  job.program = fmt::format("framelift {} ({})", FRAMELIFT_VERSION, git_commit);
  job.cancel = &interruption();
  if (!o.resume.empty()) {
    FL_TRY(job.resume, find_resume_point(o.out, o.resume));
  }
  return {};
}

// The network of the job with integer layers, calibrated on middles of the first pictures.
Status quantize_first(TrainCommand& o, TrainingJob& job) {
  constexpr size_t pictures = 16;
  if (!job.from) {
    o.first.name = o.network;
    o.first.architecture = job.architecture;
    o.first.hyper = job.hyper;
    o.first.contract = job.architecture->contract(job.hyper);
    FL_TRY(const Graph graph, o.first.build(1, o.options.batches.tile, o.options.batches.tile));
    FL_TRY(o.first.parameters, initial_parameters(graph, o.options.seed));
    job.from = &o.first;
  }
  const int tile = o.options.batches.tile;
  std::vector<SampleInputs> samples;
  for (const size_t i :
       std::span(job.data.training_indices).first(std::min(pictures, job.data.training_indices.size()))) {
    FL_TRY(Sample sample, job.data.training->load(i));
    sample.target = {};
    samples.emplace_back();
    samples.back().emplace_back(DType::f32, Shape{1, 3, tile, tile});
    cut_tile(sample, {.scale = 1, .x = 0.5, .y = 0.5}, tile, samples.back()[0].as<float>(), nullptr);
    if (!sample.frame_vector.empty()) samples.back().push_back(std::move(sample.frame_vector));
  }
  FL_TRY(const Graph graph, build_for(o.first, samples.front()));
  FL_TRY(Backend * engine, find_backend("auto", graph, {}));
  PostTrainingOptions options;
  if (o.qat == "mixed") options.choose = choose_mixed;
  options.cancel = &interruption();
  FL_TRY(QuantizedNetwork quantized, quantize_network(o.first, samples, *engine, options));
  o.first = std::move(quantized.network);
  return {};
}

Result<TrainingResult> run_training(TrainCommand& o) {
  keep_freed_memory();
  TrainingJob job;
  FL_CHECK(complete(o, job));
  PictureNeeds needs{job.from, job.teacher, o.frames, o.scale_hdr, o.options.batches.tile};
  FL_TRY(const auto training, open_training_pictures(o.data, needs));
  std::unique_ptr<Dataset> validation;
  if (!o.val.empty()) {
    needs.frames = std::max(o.frames / 10, 1);
    needs.minimum_side = 1;
    FL_TRY(validation, open_training_pictures(o.val, needs));
  }
  FL_TRY(job.data, split_data(*training, validation.get(), o.val_share, o.options.seed));
  if (!o.qat.empty()) FL_CHECK(quantize_first(o, job));
  TrainingProgressPrinter progress;
  if (!o.quiet) {
    job.on_start = [&](const std::filesystem::path& folder) {
      fmt::print(stderr, "{} on {} pictures, {} to validate, into {}\n", o.network, job.data.training_indices.size(),
                 job.data.validation_indices.size(), folder.string());
    };
    job.on_batch = [&](const BatchReport& r) { progress.batch(r); };
    job.on_epoch = [&](const EpochRecord& r) { progress.epoch(r, o.options.epochs); };
  }
  auto result = train(job);
  if (!o.quiet) progress.clear();
  return result;
}

int report(const TrainCommand& o, const TrainingResult& result) {
  const std::string folder = result.run_folder.string();
  if (result.end == TrainingEnd::cancelled || result.end == TrainingEnd::stop_file)
    fmt::print(stderr, "stopped; go on with --resume {}\n", folder);
  if (result.end == TrainingEnd::early_stop)
    fmt::print(stderr, "no better validation loss in {} epochs\n", o.options.patience);
  if (!o.quiet && std::isfinite(result.best_loss))
    fmt::print(stderr, "best: {}, validation loss {:.5g}{}: {}/model.safetensors\n",
               result.best_epoch > 0 ? fmt::format("epoch {}", result.best_epoch) : "as it was", result.best_loss,
               result.best_epoch > 0 ? "" : "; a lower --lr may help", folder);
  return result.end == TrainingEnd::cancelled ? 130 : 0;
}

}  // namespace

void add_train_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<TrainCommand>();
  CLI::App& c = *app.add_subcommand("train", "Train a network from pairs of pictures");
  std::string names;
  for (const TrainableNetwork& network : trainable_networks())
    names += (names.empty() ? "" : ", ") + std::string(network.name);
  c.add_option("network", o->network, "One of " + names);
  c.add_option("--from", o->from,
               "Begin with this model instead; one made by framelift quantize goes on with integers, whose scales are "
               "learnt too");
  c.add_option("--qat", o->qat,
               "Layers compute with integers from the first step on: full or mixed, as framelift quantize has them")
      ->check(CLI::IsMember({"full", "mixed"}));
  c.add_option("--teacher", o->teacher,
               "Learn to make the pictures that this model makes of --data, which then needs no targets");
  add_data_options(c, *o);
  add_network_options(c, *o);
  add_optimiser_options(c, *o);
  add_run_options(c, *o);
  c.footer(
      "Ctrl-C, or a file STOP_TRAINING in the folder of runs, saves and ends; --resume latest goes on as if nothing "
      "had\n"
      "happened. docs/training.md tells more.\n"
      "Examples:\n"
      "  framelift train ldr2hdr --data pairs/ --epochs 200 --tile 512 --patience 20\n"
      "  framelift train srvgg --features 32 --convs 8 --scale 2 --data pairs/ --val others/ --schedule cosine\n"
      "  framelift train --from general-x4v3 --qat full --teacher general-x4v3 --data a.mp4 b.mp4 --lr 2e-5 --epochs "
      "5\n"
      "  framelift train srvgg --config train.toml --resume latest");
  c.callback([o, &run] {
    run = [o] {
      const auto result = run_training(*o);
      return result ? report(*o, *result) : report_failure(result.error());
    };
  });
}

}  // namespace framelift
