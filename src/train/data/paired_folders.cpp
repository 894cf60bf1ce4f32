#include "train/data/paired_folders.h"

#include <algorithm>
#include <map>
#include <optional>

#include "color/transfer.h"
#include "decode/picture_files.h"
#include "decode/picture_size.h"
#include "train/data/rgb_picture.h"
#include "train/data/tile.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

// Pictures by their path below the folder, without extension.
using NamedPictures = std::map<std::string, std::vector<fs::path>>;

Result<NamedPictures> pictures_in(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return fail(ErrorCode::not_found, "{}: no such folder of pictures", folder.string());
  NamedPictures found;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    const bool hidden = path.filename().string().starts_with('.');
    std::error_code ignored;
    if (entry->is_directory(ignored) && hidden) entry.disable_recursion_pending();
    if (hidden || !entry->is_regular_file(ignored) || !is_picture_name(path)) continue;
    found[path.lexically_relative(folder).replace_extension().generic_string()].push_back(path);
  }
  if (error) return fail(ErrorCode::io, "{}: cannot be read ({})", folder.string(), error.message());
  for (auto& [name, paths] : found) std::ranges::sort(paths);
  return found;
}

struct KnownFolders {
  const char *input, *target;
  PairKind kind;
};
constexpr KnownFolders known_folders[] = {{"ldr", "hdr", PairKind::ldr_to_hdr},
                                          {"sdr", "hdr", PairKind::sdr_to_hdr},
                                          {"lr", "hr", PairKind::super_resolution}};

// Why two sizes cannot be a pair.
std::optional<PairProblem> problem_of(PictureSize input, PictureSize target, PairKind kind, int minimum_side) {
  const int scale = kind == PairKind::super_resolution ? target.width / input.width : 1;
  if (scale < 1 || target.width != scale * input.width || target.height != scale * input.height)
    return PairProblem::size_mismatch;
  if (std::min(target.width, target.height) < minimum_side) return PairProblem::too_small;
  return std::nullopt;
}

Result<PictureSize> decoded_size(const fs::path& path) {
  FL_TRY(const RgbPicture picture, read_rgb_picture(path.string()));
  return PictureSize{static_cast<int>(picture.rgb.shape()[3]), static_cast<int>(picture.rgb.shape()[2])};
}

}  // namespace

const char* to_string(PairProblem problem) {
  switch (problem) {
    case PairProblem::unpaired: return "unpaired";
    case PairProblem::ambiguous: return "ambiguous";
    case PairProblem::size_mismatch: return "size mismatch";
    case PairProblem::too_small: return "too small";
    case PairProblem::unreadable: return "unreadable";
  }
  return "?";
}

Result<PairFolders> find_pair_folders(const fs::path& folder) {
  std::error_code ignored;
  std::optional<PairFolders> found;
  for (const KnownFolders& known : known_folders) {
    if (!fs::is_directory(folder / known.input, ignored) || !fs::is_directory(folder / known.target, ignored)) continue;
    if (found)
      return fail(ErrorCode::invalid_argument, "{}: holds {}/ and {}/, which would both do; name the two folders",
                  folder.string(), found->input.filename().string(), known.input);
    found = PairFolders{folder / known.input, folder / known.target, known.kind};
  }
  if (found) return *found;
  return fail(ErrorCode::not_found, "{}: has no folders ldr/ and hdr/, sdr/ and hdr/, or lr/ and hr/", folder.string());
}

Result<std::unique_ptr<PairedFolders>> PairedFolders::open(const PairFolders& folders, const PairRules& rules) {
  std::unique_ptr<PairedFolders> data(new PairedFolders(folders, rules));
  FL_CHECK(data->find_pairs());
  if (!data->pairs_.empty()) return data;
  std::string why;
  for (const PairProblem problem : pair_problems)
    if (const size_t n = data->count(problem))
      why += fmt::format("{}{} {}", why.empty() ? "" : ", ", n, to_string(problem));
  if (why.empty()) why = "the folders hold no pictures";
  if (data->count(PairProblem::too_small)) why += fmt::format(" (shorter side below {} pixels)", rules.minimum_side);
  return fail(ErrorCode::invalid_data, "{} and {}: no training pair: {}", folders.input.string(),
              folders.target.string(), why);
}

Status PairedFolders::find_pairs() {
  FL_TRY(NamedPictures inputs, pictures_in(folders_.input));
  FL_TRY(NamedPictures targets, pictures_in(folders_.target));
  for (const auto& [name, paths] : targets)
    if (!inputs.contains(name))
      left_out_.push_back({name, PairProblem::unpaired,
                           fmt::format("{}: has no partner in {}", paths[0].string(), folders_.input.string())});
  for (const auto& [name, paths] : inputs) {
    const auto partner = targets.find(name);
    if (partner == targets.end()) {
      left_out_.push_back({name, PairProblem::unpaired,
                           fmt::format("{}: has no partner in {}", paths[0].string(), folders_.target.string())});
      continue;
    }
    const auto& several = paths.size() > 1 ? paths : partner->second;
    if (several.size() > 1) {
      left_out_.push_back(
          {name, PairProblem::ambiguous,
           fmt::format("{}: {} has the same name; remove one of them", several[0].string(), several[1].string())});
      continue;
    }
    const Pair pair{name, paths[0], partner->second[0]};
    PairProblem problem{};
    if (const Status status = check_sizes(pair, problem); status)
      pairs_.push_back(pair);
    else
      left_out_.push_back({name, problem, status.error().message});
  }
  std::ranges::sort(left_out_, {}, &LeftOut::name);
  return {};
}

Status PairedFolders::check_sizes(const Pair& pair, PairProblem& problem) const {
  problem = PairProblem::unreadable;
  auto input = read_picture_size(pair.input.string()), target = read_picture_size(pair.target.string());
  // What the heads leave open (a picture that asks to be turned, a size that is not said) is settled by decoding.
  if (rules_.decode_all || !input || !target ||
      problem_of(*input, *target, folders_.kind, rules_.minimum_side) == PairProblem::size_mismatch) {
    input = decoded_size(pair.input);
    target = decoded_size(pair.target);
  }
  if (!input) return fail(input.error());
  if (!target) return fail(target.error());
  const auto found = problem_of(*input, *target, folders_.kind, rules_.minimum_side);
  if (!found) return {};
  problem = *found;
  if (problem == PairProblem::too_small)
    return fail(ErrorCode::invalid_data, "{}: {}x{} is below {} pixels", pair.target.string(), target->width,
                target->height, rules_.minimum_side);
  return fail(ErrorCode::invalid_data, "{}: {}x{} does not fit {} of {}x{}", pair.target.string(), target->width,
              target->height, pair.input.string(), input->width, input->height);
}

Result<Sample> PairedFolders::read(const Pair& pair) const {
  FL_TRY(RgbPicture input, read_rgb_picture(pair.input.string()));
  FL_TRY(RgbPicture target, read_rgb_picture(pair.target.string()));
  replace_non_finite(input.rgb.view());
  replace_non_finite(target.rgb.view());
  if (folders_.kind == PairKind::ldr_to_hdr) {
    for (float& v : input.rgb.f32()) v = srgb_eotf(v);
    to_linear_light(target);
    for (float& v : target.rgb.f32()) v = static_cast<float>(v / rules_.scale_hdr);
  }
  return Sample{pair.name, std::move(input.rgb), std::move(target.rgb)};
}

Result<Sample> PairedFolders::load(size_t i) const {
  FL_TRY(Sample sample, read(pairs_[i]));
  FL_TRY(const int scale, target_scale(sample));
  if (scale != 1 && folders_.kind != PairKind::super_resolution)
    return fail(ErrorCode::invalid_data, "{}: is no longer as large as {}; `framelift dataset check` looks again",
                pairs_[i].target.string(), pairs_[i].input.string());
  return sample;
}

size_t PairedFolders::count(PairProblem problem) const {
  return static_cast<size_t>(std::ranges::count(left_out_, problem, &LeftOut::problem));
}

}  // namespace framelift
