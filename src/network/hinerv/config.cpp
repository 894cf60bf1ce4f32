#include "network/hinerv/config.h"

#include <algorithm>
#include <cmath>

namespace framelift {
namespace {

// Half the frames and twice the channels from level to level.
std::vector<HinervGrid> pyramid(int frames, int channels, int levels) {
  std::vector<HinervGrid> grids;
  for (int level = 0; level < levels; ++level) grids.push_back({std::max(frames >> level, 1), channels << level});
  return grids;
}

int halved(int value, int times) { return std::max(value >> times, 1); }

// To the nearest integer, halves to the even one, as the authors' padding is rounded.
int round_to_even(int numerator, int denominator) {
  return static_cast<int>(std::nearbyint(static_cast<double>(numerator) / denominator));
}

Status expect(std::string_view what, double value, double low, double high) {
  if (value >= low && value <= high) return {};
  return fail(ErrorCode::invalid_argument, "HiNeRV: {} is {}, supported are {} to {}", what, value, low, high);
}

}  // namespace

int HinervConfig::stride() const {
  int product = 1;
  for (const HinervStage& stage : stages) product *= stage.scale;
  return product;
}

std::vector<HinervGrid> hinerv_base_grids(const HinervConfig& config) {
  return pyramid(config.base_frames > 0 ? config.base_frames : config.frames, config.base_channels, config.base_levels);
}

std::vector<HinervGrid> hinerv_stage_grids(const HinervConfig& config, int stage) {
  return pyramid(config.frames, halved(config.grid_channels, stage), config.grid_levels);
}

HinervChannels hinerv_channels(const HinervConfig& config, int stage) {
  const auto of_stage = [&config](int i) {
    return std::max(halved(config.channels, i), std::min(config.channels, config.least_channels));
  };
  HinervChannels result;
  result.in = of_stage(std::max(stage - 1, 0));
  result.out = of_stage(stage);
  // The margin is for expansions that were worked out from a number of channels.
  result.inner = std::max(
      static_cast<int>(std::floor(result.out * config.stages[static_cast<size_t>(stage)].expansion + 1e-6)), 1);
  return result;
}

HinervPadding hinerv_padding(const HinervConfig& config) {
  HinervPadding padding;
  padding.stages.resize(config.stages.size());
  int needed = 0;
  for (size_t i = config.stages.size(); i-- > 0;) {
    const HinervStage& stage = config.stages[i];
    padding.stages[i] = {needed + stage.depth * (stage.kernel / 2), needed};
    needed = round_to_even(padding.stages[i].wide, stage.scale) + (stage.scale > 1);
  }
  padding.first = needed;
  padding.stem = needed + config.stem_kernel / 2;
  return padding;
}

Status check_hinerv(const HinervConfig& c) {
  constexpr double most = 16384;
  FL_CHECK(expect("the number of frames", c.frames, 1, 1 << 20));
  FL_CHECK(expect("the number of stages", static_cast<double>(c.stages.size()), 1, 8));
  for (const HinervStage& stage : c.stages) {
    FL_CHECK(expect("a scale", stage.scale, 1, 16));
    FL_CHECK(expect("a depth", stage.depth, 1, 64));
    FL_CHECK(expect("an expansion", stage.expansion, 0.01, 64));
    FL_CHECK(expect("a kernel", stage.kernel, 1, 15));
  }
  FL_CHECK(expect("the stem's kernel", c.stem_kernel, 1, 15));
  const bool odd = std::ranges::all_of(c.stages, [](const HinervStage& s) { return s.kernel % 2 == 1; });
  if (!odd || c.stem_kernel % 2 == 0) return fail(ErrorCode::invalid_argument, "HiNeRV: kernels have odd sizes");
  FL_CHECK(expect("the number of channels", c.channels, 1, most));
  FL_CHECK(expect("the least number of channels", c.least_channels, 1, most));
  FL_CHECK(expect("the number of the base grid's frames", c.base_frames, 0, 1 << 20));
  FL_CHECK(expect("the number of the base grid's channels", c.base_channels, 1, most));
  FL_CHECK(expect("the number of the base grid's levels", c.base_levels, 1, 8));
  FL_CHECK(expect("the number of the grids' channels", c.grid_channels, 1, most));
  FL_CHECK(expect("the number of the grids' levels", c.grid_levels, 1, 8));
  FL_CHECK(expect("the stride", c.stride(), 1, 4096));
  FL_CHECK(expect("the height", c.height, 1, 1 << 17));
  FL_CHECK(expect("the width", c.width, 1, 1 << 17));
  if (c.height % c.stride() != 0 || c.width % c.stride() != 0)
    return fail(ErrorCode::invalid_argument,
                "HiNeRV: {}x{} is no multiple of {}, the product of the scales; crop or pad the video to one", c.width,
                c.height, c.stride());
  if (c.output == HinervOutput::ycbcr_420 && (c.height % 2 != 0 || c.width % 2 != 0))
    return fail(ErrorCode::invalid_argument, "HiNeRV: 4:2:0 planes of {}x{} are impossible; both have to be even",
                c.width, c.height);
  return {};
}

namespace {

// What the configurations share; the rest as in the authors' cfgs/models.
HinervConfig configuration(int frames, int width, int height, std::vector<int> scales, std::vector<int> depths,
                           int channels, int base_frames, int base_channels, int grid_channels) {
  HinervConfig config;
  config.frames = frames;
  config.height = height;
  config.width = width;
  config.channels = channels;
  config.base_frames = base_frames;
  config.base_channels = base_channels;
  config.grid_channels = grid_channels;
  for (size_t i = 0; i < scales.size(); ++i)
    config.stages.push_back({scales[i], depths[i], i + 1 < scales.size() ? 4.0 : 1.0, 3});
  return config;
}

HinervConfig without_norm(HinervConfig config) {
  config.upsample_norm = false;
  return config;
}

// UVG: 600 frames of 1920x1080.
HinervConfig uvg(int depth, int channels, int base_channels, int grid_channels) {
  return configuration(600, 1920, 1080, {5, 3, 2, 2}, {depth, depth, depth, 1}, channels, 150, base_channels,
                       grid_channels);
}
HinervConfig uvg_a(int channels, int base_channels, int grid_channels) {
  return configuration(600, 1920, 1080, {5, 4, 3, 2}, {3, 3, 3, 1}, channels, 0, base_channels, grid_channels);
}
HinervConfig uvg_b(int channels, int base_channels, int grid_channels) {
  return without_norm(
      configuration(600, 1920, 1080, {5, 4, 3, 2}, {2, 1, 1, 1}, channels, 0, base_channels, grid_channels));
}
// MCL-JCV: 120 frames of 1920x1080.
HinervConfig mcl(int channels, int base_channels, int grid_channels) {
  return configuration(120, 1920, 1080, {5, 3, 2, 2}, {3, 3, 3, 1}, channels, 40, base_channels, grid_channels);
}
// Big Buck Bunny: 132 frames of 1280x720.
HinervConfig bunny(int channels, int base_channels, int grid_channels) {
  return configuration(132, 1280, 720, {5, 2, 2, 2}, {3, 3, 3, 1}, channels, 40, base_channels, grid_channels);
}
HinervConfig bunny_a(int channels, int base_channels, int grid_channels) {
  return configuration(132, 1280, 720, {5, 4, 2, 2}, {3, 3, 3, 1}, channels, 0, base_channels, grid_channels);
}
HinervConfig bunny_b(int channels, int base_channels, int grid_channels) {
  return without_norm(
      configuration(132, 1280, 720, {5, 4, 2, 2}, {2, 1, 1, 1}, channels, 0, base_channels, grid_channels));
}

}  // namespace

const std::vector<PublishedHinerv>& published_hinerv() {
  static const std::vector<PublishedHinerv> all{
      {"uvg-s", uvg(3, 280, 2, 4)},        {"uvg-m", uvg(3, 400, 4, 8)},        {"uvg-l", uvg(3, 560, 8, 16)},
      {"uvg-xl", uvg(4, 688, 16, 32)},     {"uvg-xxl", uvg(5, 864, 32, 64)},    {"uvg-a-s", uvg_a(280, 2, 4)},
      {"uvg-a-m", uvg_a(400, 4, 8)},       {"uvg-a-l", uvg_a(560, 8, 16)},      {"uvg-b-s", uvg_b(320, 5, 4)},
      {"uvg-b-m", uvg_b(448, 10, 8)},      {"uvg-b-l", uvg_b(640, 20, 16)},     {"mcl-xxs", mcl(136, 2, 4)},
      {"mcl-xs", mcl(196, 4, 8)},          {"mcl-s", mcl(280, 8, 16)},          {"mcl-m", mcl(400, 16, 32)},
      {"mcl-l", mcl(560, 32, 64)},         {"bunny-xxs", bunny(136, 2, 4)},     {"bunny-xs", bunny(196, 4, 8)},
      {"bunny-s", bunny(280, 8, 16)},      {"bunny-a-xxs", bunny_a(136, 2, 4)}, {"bunny-a-xs", bunny_a(196, 4, 8)},
      {"bunny-a-s", bunny_a(280, 8, 16)},  {"bunny-b-xxs", bunny_b(160, 5, 4)}, {"bunny-b-xs", bunny_b(224, 10, 8)},
      {"bunny-b-s", bunny_b(320, 20, 16)},
  };
  return all;
}

Result<HinervConfig> find_published_hinerv(std::string_view name) {
  std::string names;
  for (const PublishedHinerv& published : published_hinerv()) {
    if (published.name == name) return published.config;
    names += (names.empty() ? "" : ", ") + published.name;
  }
  return fail(ErrorCode::not_found, "no HiNeRV configuration '{}'; there are {}", name, names);
}

}  // namespace framelift
