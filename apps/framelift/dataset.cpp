#include "apps/framelift/commands.h"
#include "apps/framelift/shared/progress.h"
#include "base/log.h"
#include "train/data/make_dataset.h"
#include "train/data/paired_folders.h"
#include "train/data/split.h"

namespace framelift {
namespace {

struct MakeCommand {
  DatasetDraw draw;
  DatasetJob job;
  std::string recipe;
  bool quiet = false;
};

Status make(MakeCommand& o) {
  if (o.recipe.empty() && o.draw.from.empty())
    return fail(ErrorCode::invalid_argument, "nothing to make pairs from; give --from HDR-PICTURES or --recipe FILE");
  ProgressPrinter progress;
  const auto begin = Clock::now();
  o.job.cancel = &interruption();
  if (!o.quiet)
    o.job.on_pair = [&](size_t done, size_t total) {
      Progress p{static_cast<int64_t>(done), static_cast<int64_t>(total)};
      p.fps = static_cast<double>(done) / seconds_between(begin, Clock::now());
      p.seconds_left = static_cast<double>(total - done) / p.fps;
      progress(p);
    };
  Result<MadeDataset> made;
  if (o.recipe.empty()) {
    made = make_dataset(o.draw, o.job);
  } else {
    FL_TRY(const DatasetRecipe recipe, read_recipe(o.recipe));
    made = remake_dataset(recipe, o.draw.from, o.job);
  }
  progress.finish();
  if (!made) return fail(std::move(made.error()));
  for (const std::string& picture : made->left_out) log::warn("left out: {}", picture);
  fmt::print("{} pairs from {} pictures in {}\n", made->pairs, made->pictures, o.job.out.string());
  return {};
}

void add_make(CLI::App& dataset, Run& run) {
  auto o = std::make_shared<MakeCommand>();
  CLI::App& c = *dataset.add_subcommand("make", "Training pairs for 8-bit pictures to linear HDR, from HDR pictures");
  c.add_option("out", o->job.out, "Folder for ldr/, hdr/ and recipe.json")->required();
  c.add_option("--from", o->draw.from, "HDR picture, or folder of them: EXR, PQ, ...");
  auto* recipe = c.add_option("--recipe", o->recipe, "Make the set of this recipe.json again, bit for bit");
  c.add_option("--count", o->draw.count, "Pairs")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str()
      ->excludes(recipe);
  c.add_option("--size", o->draw.size, "Side of the pictures in pixels")
      ->check(CLI::Range(16, 16384))
      ->capture_default_str()
      ->excludes(recipe);
  c.add_option("--seed", o->draw.seed, "Of all random choices")->capture_default_str()->excludes(recipe);
  auto* panorama = c.add_flag_callback(
      "--panorama", [o] { o->draw.projection = Projection::panorama; },
      "Take pictures for lat-long panoramas; else those twice as wide as high are");
  c.add_flag_callback(
       "--flat", [o] { o->draw.projection = Projection::flat; }, "Take no picture for a panorama")
      ->excludes(panorama);
  CameraRanges& ranges = o->draw.ranges;
  const auto share = [&](const char* name, double& value, const char* help) {
    c.add_option(name, value, help)->check(CLI::Range(0.0, 1.0))->capture_default_str()->excludes(recipe);
  };
  share("--clipped-low", ranges.clipped_low, "Smallest share of pixels above white");
  share("--clipped-high", ranges.clipped_high, "Largest share of pixels above white");
  share("--camera-share", ranges.camera_share, "Share of pairs with a camera's curve instead of that of sRGB");
  share("--noise-share", ranges.noise_share, "Share of pairs with sensor noise");
  share("--jpeg-share", ranges.jpeg_share, "Share of pairs whose input is a JPEG file");
  c.add_option("--white-balance", ranges.white_balance_stops, "Largest cast of red and blue, in stops")
      ->check(CLI::Range(0.0, 4.0))
      ->capture_default_str()
      ->excludes(recipe);
  c.add_flag("--overwrite", o->job.overwrite, "Replace the data set that is there");
  c.add_flag("-q,--quiet", o->quiet, "No progress");
  c.footer(
      "Examples:\n"
      "  framelift dataset make pairs --from panoramas/ --count 400 --size 512\n"
      "  framelift dataset make again --recipe pairs/recipe.json");
  c.callback([o, &run] {
    run = [o] {
      const Status status = make(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

struct CheckCommand {
  std::string folder, input, target, kind;
  PairRules rules;
  double validation_share = 0.2;
  uint64_t seed = 42;
};

Result<PairFolders> folders_of(const CheckCommand& o) {
  if (o.input.empty()) return find_pair_folders(o.folder);
  PairFolders folders{o.input, o.target, PairKind::ldr_to_hdr};
  if (o.kind == "sdr-hdr") folders.kind = PairKind::sdr_to_hdr;
  if (o.kind == "lr-hr") folders.kind = PairKind::super_resolution;
  return folders;
}

Status check(const CheckCommand& o) {
  if (o.folder.empty() == o.input.empty())
    return fail(ErrorCode::invalid_argument, "give either a folder, or --input and --target");
  FL_TRY(const PairFolders folders, folders_of(o));
  FL_TRY(const auto data, PairedFolders::open(folders, o.rules));
  for (const LeftOut& one : data->left_out()) fmt::print("left out: {:<14} {}\n", to_string(one.problem), one.detail);
  fmt::print("pairs            {:>8}  {} and {}, same name, shorter side at least {}\n", data->size(),
             folders.input.string(), folders.target.string(), o.rules.minimum_side);
  for (const PairProblem problem : pair_problems)
    fmt::print("{:<16} {:>8}\n", to_string(problem), data->count(problem));
  const DatasetSplit split = split_dataset(*data, o.validation_share, o.seed);
  fmt::print("training         {:>8}\nvalidation       {:>8}  by name, seed {}\n", split.training.size(),
             split.validation.size(), o.seed);
  return {};
}

void add_check(CLI::App& dataset, Run& run) {
  auto o = std::make_shared<CheckCommand>();
  CLI::App& c = *dataset.add_subcommand("check", "What training would take of a data set, and what it would leave out");
  c.add_option("folder", o->folder, "Holds ldr/ and hdr/, sdr/ and hdr/, or lr/ and hr/");
  auto* input = c.add_option("--input", o->input, "Any folder of inputs instead");
  auto* target = c.add_option("--target", o->target, "Its folder of targets")->needs(input);
  input->needs(target);
  c.add_option("--kind", o->kind, "What these two are")
      ->check(CLI::IsMember({"ldr-hdr", "sdr-hdr", "lr-hr"}))
      ->default_str("ldr-hdr")
      ->needs(input);
  c.add_option("--minimum-side", o->rules.minimum_side, "Leave out targets with a shorter side, in pixels")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  c.add_flag("--decode", o->rules.decode_all, "Read every picture whole, to find damaged ones");
  c.add_option("--validation-share", o->validation_share, "Share of the pairs that validate")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  c.add_option("--seed", o->seed, "Of the split")->capture_default_str();
  c.footer("Example:\n  framelift dataset check pairs --minimum-side 512");
  c.callback([o, &run] {
    run = [o] {
      const Status status = check(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace

void add_dataset_command(CLI::App& app, Run& run) {
  CLI::App& dataset = *app.add_subcommand("dataset", "Make and check the pictures that networks are trained with");
  dataset.require_subcommand(1);
  add_make(dataset, run);
  add_check(dataset, run);
}

}  // namespace framelift
