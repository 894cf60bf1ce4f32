// framelift compress: a video into networks that paint it.
#include <unistd.h>

#include <cstdio>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/progress.h"
#include "apps/framelift/shared/training_memory.h"
#include "codec/quantized_tensor.h"
#include "compress/compress_video.h"
#include "compress/evaluate_video.h"
#include "network/hinerv/config.h"

namespace framelift {
namespace {

// The authors' settings: 37, 75 and 150 epochs are their short ones, 300 what they publish most figures of.
const std::map<std::string, int> efforts{{"fast", 37}, {"normal", 150}, {"best", 300}};

struct CompressCommand {
  CompressJob job;
  std::string effort = "normal", size = "auto", precision = "f32", frame_rate;
  int epochs = 0, bits = default_weight_bits, batch = 0, evaluate_every = 0, threads = 0;
  double bits_per_pixel = 0.05, prune = 0.15;
  uint64_t seed = 42;
  std::string device = "auto";
  bool quiet = false, allocate_bits = true;
};

// One line redrawn on a terminal; elsewhere a line per evaluation.
class CompressPrinter {
 public:
  void group(int number, const HinervPlan& plan) {
    clear();
    const HinervConfig& c = plan.config;
    fmt::print(
        stderr, "group {}: {} frame{} in {} weights, {} channels, patches of {}x{}{}\n", number + 1, c.frames,
        c.frames == 1 ? "" : "s", count_hinerv_parameters(c), c.channels, plan.patch_width, plan.patch_height,
        std::min(plan.patch_width, plan.patch_height) < 80 ? ": too small for MS-SSIM, trained with L1 alone" : "");
  }
  void batch(const GroupProgress& p) {
    last_ = p;
    if (!terminal_) return;
    const double share = (p.epoch - 1 + static_cast<double>(p.batch) / static_cast<double>(p.batches)) / p.epochs;
    fmt::print(stderr, "\r\033[K{} {} epoch {}/{}  loss {:.5f}{}  {} left", progress_bar(share), to_string(p.stage),
               p.epoch, p.epochs, p.mean_loss, known_, clock_text(p.seconds_left));
    std::fflush(stderr);
  }
  void evaluation(const GroupEvaluation& e) {
    known_ = fmt::format("  {:.2f} dB at {:.4f} bpp", e.psnr, e.bits_per_pixel);
    clear();
    fmt::print(stderr, "epoch {}/{} ({}): PSNR {:.2f} dB, {:.4f} bits per pixel, {} left\n", e.epoch, e.epochs,
               to_string(e.stage), e.psnr, e.bits_per_pixel, clock_text(last_.seconds_left));
    std::fflush(stderr);
  }
  void clear() const {
    if (terminal_) fmt::print(stderr, "\r\033[K");
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  GroupProgress last_;
  std::string known_;
};

Status complete(CompressCommand& o) {
  CompressJob& job = o.job;
  TrainingRecipe& r = job.recipe;
  r = recipe_of(o.epochs > 0 ? o.epochs : efforts.at(o.effort));
  r.prune = o.prune;
  if (o.prune == 0) r.prune_epochs = 0;
  r.bits = o.bits;
  r.allocate_bits = o.allocate_bits;
  r.batch = o.batch;
  r.seed = o.seed;
  if (o.evaluate_every > 0) r.evaluate_every = o.evaluate_every;
  FL_TRY(r.learner.precision, parse_precision(o.precision));
  r.learner.device = o.device;
  r.learner.threads = o.threads;
  if (o.size != "auto") {
    job.size.name = o.size;
    FL_CHECK(find_published_hinerv(o.size));
  }
  job.size.bits_per_pixel = o.bits_per_pixel;
  job.size.bits = o.bits;
  job.size.prune = o.prune;
  job.cancel = &interruption();
  return {};
}

// What the file is worth, of the file itself.
Status report(const CompressCommand& o, const CompressReport& made) {
  if (o.quiet) return {};
  fmt::print(stderr, "{}: {} frames in {} group{}, {} bytes, {:.4f} bits per pixel\n", o.job.output, made.frames,
             made.groups, made.groups == 1 ? "" : "s", made.bytes, made.bits_per_pixel);
  if (o.job.source.path == "-") return {};  // gone
  EvaluateJob job;
  job.reference = o.job.source;
  job.path = o.job.output;
  job.cancel = &interruption();
  FL_TRY(const VideoEvaluation found, evaluate_video(job));
  fmt::print(stderr, "  {}\n", summary_text(found));
  return {};
}

Result<int> run_compress(CompressCommand& o) {
  keep_freed_memory();
  FL_CHECK(complete(o));
  CompressPrinter printer;
  if (!o.quiet) {
    o.job.on_group = [&](int number, const HinervPlan& plan) { printer.group(number, plan); };
    o.job.on_batch = [&](const GroupProgress& p) { printer.batch(p); };
    o.job.on_evaluation = [&](const GroupEvaluation& e) { printer.evaluation(e); };
  }
  const auto made = compress_video(o.job);
  if (!o.quiet) printer.clear();
  if (!made) return fail(made.error());
  if (made->cancelled) {
    fmt::print(stderr, "stopped; go on with --resume\n");
    return 130;
  }
  FL_CHECK(report(o, *made));
  return 0;
}

void add_network_options(CLI::App& c, CompressCommand& o) {
  const char* group = "Network";
  c.add_option("--size", o.size, "auto, or a published configuration: bunny-xxs, uvg-s, ...")
      ->capture_default_str()
      ->group(group);
  c.add_option("--bpp", o.bits_per_pixel, "With --size auto: about so many bits per pixel and frame")
      ->check(CLI::Range(1e-4, 24.0))
      ->capture_default_str()
      ->group(group);
  c.add_option("--bits", o.bits, "Of a weight in the file, on average over the layers")
      ->check(CLI::Range(min_quantized_bits, max_quantized_bits))
      ->capture_default_str()
      ->group(group);
  c.add_flag("!--uniform-bits", o.allocate_bits, "As many bits for every layer, not more where rounding shows")
      ->group(group);
  c.add_flag_callback(
       "--planes", [&o] { o.job.paints = HinervOutput::ycbcr_420; },
       "Train on the planes of 4:2:0 video as they are, and paint them, instead of R'G'B'")
      ->group(group);
  c.add_option("--prune", o.prune, "Share of the weights that become nothing; 0: no pruning")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str()
      ->group(group);
  c.add_option("--group", o.job.group_frames,
               "Frames a network, at most; one ends at a scene cut once it has half as many")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str()
      ->group(group);
}

void add_training_options(CLI::App& c, CompressCommand& o) {
  const char* group = "Training";
  c.add_option("--effort", o.effort,
               "fast, normal or best: 37, 150 or 300 epochs, and a fifth and a tenth as many for "
               "pruning and rounding")
      ->check(CLI::IsMember(efforts))
      ->capture_default_str()
      ->group(group);
  c.add_option("--epochs", o.epochs, "Instead of --effort")->check(CLI::Range(1, 1000000))->group(group);
  c.add_option("--batch", o.batch, "Patches an update; 0: as many as make a frame")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str()
      ->group(group);
  c.add_option("--evaluate-every", o.evaluate_every, "Epochs between two measurements; 0: ten in all")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str()
      ->group(group);
  c.add_option("--precision", o.precision, "Of the layers: f32, bf16, or f16 (NVIDIA GPUs)")
      ->check(CLI::IsMember({"f32", "bf16", "f16"}))
      ->capture_default_str()
      ->group(group);
  c.add_option("--device", o.device, "auto, cpu, cuda, cuda:1")->capture_default_str()->group(group);
  c.add_option("--threads", o.threads, "CPU threads; 0 takes all")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(group);
  c.add_flag("!--no-warm-start", o.job.warm_start,
             "Begin every group's training at random, not with the network of the one before")
      ->group(group);
  c.add_option("--seed", o.seed, "Of the first weights and everything random")->capture_default_str()->group(group);
}

}  // namespace

void add_compress_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<CompressCommand>();
  CLI::App& c = *app.add_subcommand("compress", "A video into a network that paints it (HiNeRV), as an .fnv file");
  CompressJob& job = o->job;
  c.add_option("input", job.source.path, "Video, picture, folder, 'dir/%04d.png', or - for stdin")->required();
  c.add_option("output", job.output, "The .fnv file")->required();
  c.add_option("--start", job.source.start_seconds, "Seconds to skip")->check(CLI::Range(0.0, 1e9));
  c.add_option("--duration", job.source.duration_seconds, "Seconds to take")->check(CLI::Range(0.0, 1e9));
  c.add_option("--frames", job.source.max_frames, "Frames to take")->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  c.add_flag("!--no-copy", job.copy_streams, "Leave out audio, subtitles, chapters and metadata");
  c.add_flag("--overwrite", job.overwrite, "Replace an existing output, and what an earlier run left");
  c.add_flag("--resume", job.resume, "Go on where an earlier run was stopped");
  c.add_flag("-q,--quiet", o->quiet, "No progress and no summary");
  add_network_options(c, *o);
  add_training_options(c, *o);
  c.footer(
      "Training takes minutes for small pictures and hours for large ones; a GPU helps. Ctrl-C saves, --resume goes "
      "on\n"
      "as if nothing had happened. Every verb that reads video reads .fnv. docs/hinerv.md tells more.\n"
      "Examples:\n"
      "  framelift compress in.mp4 out.fnv --bpp 0.03\n"
      "  framelift compress in.mp4 out.fnv --size bunny-xs --effort best --device cuda\n"
      "  framelift compress in.mp4 out.fnv --resume\n"
      "  framelift decompress out.fnv back.mkv");
  c.callback([o, &run] {
    run = [o] {
      const Result<int> code = run_compress(*o);
      return code ? *code : report_failure(code.error());
    };
  });
}

}  // namespace framelift
