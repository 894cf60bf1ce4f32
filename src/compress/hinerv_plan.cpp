#include "compress/hinerv_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "network/hinerv/hinerv.h"

namespace framelift {
namespace {

// The authors' scales, and for smaller pictures some with smaller products.
constexpr std::array<std::array<int, 4>, 7> all_scales{
    {{5, 3, 2, 2}, {5, 2, 2, 2}, {4, 2, 2, 2}, {3, 2, 2, 2}, {5, 2, 2, 1}, {2, 2, 2, 2}, {2, 2, 2, 1}}};

constexpr int smallest_patch = 80, largest_patch = 240;

// Sides up to this are not cut: an update takes a frame's worth of pixels anyway, and whole frames need none around
// them.
constexpr int largest_uncut = 640;

// With fewer, the last stages of small networks lose colours.
constexpr int least_channels = 8;

// What the authors have at 720p and 1080p. The base grid has as many of a network's weights at other sizes then.
constexpr int least_stride = 40, most_stride = 60;

// Frames of the finest base grid per frame of the video, as for Big Buck Bunny (40 of 132).
constexpr double base_frames_per_frame = 40.0 / 132;

int round_up(int value, int step) { return (value + step - 1) / step * step; }

struct Side {
  int patch = 0, coded = 0;
};

// The patch, a multiple of the stride, that needs the fewest pixels beyond the picture; the smallest of several.
Side cut_side(int pixels, int stride) {
  Side best{round_up(pixels, stride), round_up(pixels, stride)};
  if (pixels <= largest_uncut) return best;
  best = {};
  for (int patch = round_up(smallest_patch, stride); patch <= largest_patch; patch += stride)
    if (const int coded = round_up(pixels, patch); best.patch == 0 || coded < best.coded) best = {patch, coded};
  return best;
}

struct Layout {
  Side height, width;
  int stride = 0;
};

Layout lay_out(int width, int height, int stride) {
  return {cut_side(height, stride), cut_side(width, stride), stride};
}

int64_t area(const Layout& layout) { return int64_t{layout.height.coded} * layout.width.coded; }

// Fewest pixels beyond the picture, where every halving of the usual stride counts as an eighth more.
double cost(const Layout& layout) {
  const double stride = std::clamp(layout.stride, least_stride, most_stride);
  return static_cast<double>(area(layout)) * (1 + std::abs(std::log2(layout.stride / stride)) / 8);
}

void place(HinervPlan& plan, const Layout& layout) {
  plan.config.height = layout.height.coded;
  plan.config.width = layout.width.coded;
  plan.patch_height = layout.height.patch;
  plan.patch_width = layout.width.patch;
}

// Grids grow with the square of the channels, as they do among the published configurations.
void set_channels(HinervConfig& config, int channels) {
  const double factor = channels / 136.0;
  config.channels = channels;
  config.least_channels = least_channels;
  config.base_channels = std::max(static_cast<int>(std::lround(2 * factor * factor)), 1);
  config.grid_channels = 2 * config.base_channels;
}

Result<HinervPlan> plan_published(int frames, int width, int height, const std::string& name) {
  HinervPlan plan;
  FL_TRY(plan.config, find_published_hinerv(name));
  HinervConfig& c = plan.config;
  if (c.base_frames > 0)
    c.base_frames = std::max(static_cast<int>(std::lround(double{1} * frames * c.base_frames / c.frames)), 1);
  c.frames = frames;
  place(plan, lay_out(width, height, c.stride()));
  return plan;
}

HinervPlan plan_by_rate(int frames, int width, int height, const SizeChoice& choice) {
  HinervPlan plan;
  HinervConfig& c = plan.config;
  Layout best;
  for (const auto& scales : all_scales) {
    const Layout layout = lay_out(width, height, scales[0] * scales[1] * scales[2] * scales[3]);
    if (best.stride > 0 && cost(layout) >= cost(best)) continue;
    best = layout;
    c.stages.clear();
    for (const int scale : scales) c.stages.push_back({.scale = scale, .depth = 3, .expansion = 4, .kernel = 3});
    c.stages.back().depth = 1;
    c.stages.back().expansion = 1;
  }
  place(plan, best);
  c.frames = frames;
  c.base_frames = std::max(static_cast<int>(std::lround(frames * base_frames_per_frame)), 1);
  const double pixels = double{1} * width * height * frames;
  const double most = choice.bits_per_pixel * pixels / expected_bits_per_weight(choice.bits, choice.prune);
  int low = 1, high = 4096;  // the first fits or nothing does
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    set_channels(c, middle);
    (static_cast<double>(count_hinerv_parameters(c)) <= most ? low : high) = middle;
  }
  set_channels(c, low);
  return plan;
}

}  // namespace

int64_t count_hinerv_parameters(const HinervConfig& config) {
  const auto graph = build_hinerv(config, {});
  if (!graph) return std::numeric_limits<int64_t>::max();  // larger than anything that can be built
  int64_t count = 0;
  for (const Value& value : graph->values)
    if (value.kind == ValueKind::parameter) count += value.shape.elements();
  return count;
}

double expected_bits_per_weight(int bits, double prune) { return (1 - prune) * (bits - 0.5) + 0.6; }

Result<HinervPlan> plan_hinerv(int frames, int width, int height, const SizeChoice& choice) {
  FL_TRY(const HinervPlan plan, choice.name.empty() ? Result<HinervPlan>(plan_by_rate(frames, width, height, choice))
                                                    : plan_published(frames, width, height, choice.name));
  FL_CHECK(check_hinerv(plan.config));
  return plan;
}

}  // namespace framelift
