#include "network/hinerv/hinerv.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace framelift {
namespace {

// Inputs. How much each frame of a grid counts, [batch, frames of the grid]: one input per length of a grid.
constexpr std::string_view time_prefix = "time.";
// Runs of patches: which rows and columns of the base grid a patch reads, ones and zeros (zero beyond the frame),
// [batch, 1, patch rows, grid rows] and [batch, 1, grid columns, patch columns].
constexpr std::string_view rows_input = "rows", columns_input = "columns";
// 1 inside of the frame, 0 beyond: after the stem, and per stage [batch, 1, rows, columns].
constexpr std::string_view stem_mask = "mask.stem", mask_prefix = "mask.";

// Between the borders of a frame, bilinear weights of what lies inside sum up to at least a quarter.
constexpr float least_inside = 0.25f;

class Builder {
 public:
  Builder(const HinervConfig& config, const HinervRun& run)
      : config_(config), run_(run), padding_(hinerv_padding(config)) {}

  Result<Graph> build() {
    ValueId x = stem(base());
    for (int i = 0; i < static_cast<int>(config_.stages.size()); ++i) x = stage(x, i);
    const ValueId weight =
        b_.reshape(b_.parameter("decoder.head.linear.weight", {3, channels(x)}), {3, channels(x), 1, 1});
    x = b_.add_node(Conv2d{}, {x, weight, b_.parameter("decoder.head.linear.bias", {3})}, "decoder.head");
    x = b_.sigmoid(x);
    if (config_.output == HinervOutput::ycbcr_420) {
      const ValueId chroma = b_.average_pool(b_.slice(x, 1, 1, 3), 2, 2, 0);
      x = b_.concat({b_.slice(x, 1, 0, 1), b_.resize(chroma, ResizeMode::nearest, 2)});
    }
    b_.output(x, "image");
    return std::move(b_).finish();
  }

 private:
  int64_t channels(ValueId x) const { return b_.shape(x)[1]; }

  // A stack of grids at the run's moments: [batch, rows, columns, channels of all levels].
  ValueId at_time(const std::string& name, const std::vector<HinervGrid>& grids, int64_t rows, int64_t columns,
                  bool rows_are_pixels) {
    std::vector<ValueId> levels;
    for (size_t level = 0; level < grids.size(); ++level) {
      const int64_t frames = grids[level].frames, depth = grids[level].channels;
      // Stored as two axes: pixels of all frames and channels, or frames and channels of all pixels.
      const Shape stored =
          rows_are_pixels ? Shape{frames * rows * columns, depth} : Shape{frames, rows * columns * depth};
      const ValueId grid = b_.parameter(fmt::format("{}.grids.{}.weight", name, level), stored);
      const ValueId moments = b_.matmul(time(frames), b_.reshape(grid, {frames, rows * columns * depth}));
      levels.push_back(b_.reshape(moments, {run_.batch, rows, columns, depth}));
    }
    return b_.concat(std::move(levels), 3);
  }

  ValueId time(int64_t frames) {
    for (const auto& [length, id] : times_)
      if (length == frames) return id;
    times_.emplace_back(frames, b_.input(fmt::format("{}{}", time_prefix, frames), {run_.batch, frames}));
    return times_.back().second;
  }

  ValueId base() {
    const int64_t height = config_.base_height(), width = config_.base_width();
    const ValueId x = b_.permute(at_time("encoding", hinerv_base_grids(config_), height, width, true), {0, 3, 1, 2});
    if (run_.whole()) return x;
    const int64_t patch_rows = run_.patch_height / config_.stride() + 2 * padding_.stem;
    const int64_t patch_columns = run_.patch_width / config_.stride() + 2 * padding_.stem;
    const ValueId rows = b_.input(std::string(rows_input), {run_.batch, 1, patch_rows, height});
    const ValueId columns = b_.input(std::string(columns_input), {run_.batch, 1, width, patch_columns});
    return b_.matmul(rows, b_.matmul(x, columns));
  }

  ValueId stem(ValueId x) {
    x = b_.conv2d_same(x, "decoder.stem.conv", config_.channels, config_.stem_kernel);
    if (run_.whole()) return x;
    x = b_.crop(x, Padding::same(padding_.stem - padding_.first));
    mask_ = mask_input(stem_mask, x);
    return b_.mul(x, mask_);
  }

  ValueId mask_input(std::string_view name, ValueId like) {
    const Shape& shape = b_.shape(like);
    return b_.input(std::string(name), {run_.batch, 1, shape[2], shape[3]});
  }

  ValueId stage(ValueId x, int index) {
    const HinervStage& stage = config_.stages[static_cast<size_t>(index)];
    const HinervPadding::Stage& padding = padding_.stages[static_cast<size_t>(index)];
    const std::string name = fmt::format("decoder.blocks.{}", index);
    if (config_.upsample_norm) x = b_.layer_norm(x);
    x = b_.resize(x, ResizeMode::bilinear, stage.scale);
    if (run_.whole()) {
      x = b_.add(x, local_encoding(x, name, index, 0));
    } else {
      // The frame's edge pixels reach outwards without end. A patch has zeros there instead, so that what is left of
      // the interpolation's weights inside of the frame is brought back to one.
      const int before = index == 0 ? padding_.first : padding_.stages[static_cast<size_t>(index) - 1].narrow;
      const Padding surplus = Padding::same(before * stage.scale - padding.wide);
      const ValueId inside =
          b_.clamp(b_.crop(b_.resize(mask_, ResizeMode::bilinear, stage.scale), surplus), least_inside, 1);
      x = b_.div(b_.crop(x, surplus), inside);
      mask_ = mask_input(fmt::format("{}{}", mask_prefix, index), x);
      x = b_.mul(b_.add(x, local_encoding(x, name, index, padding.wide)), mask_);
    }
    const HinervChannels channels = hinerv_channels(config_, index);
    for (int block = 0; block < stage.depth; ++block)
      x = this->block(x, fmt::format("{}.{}", name, block + 2), stage.kernel, channels);
    if (run_.whole() || padding.wide == padding.narrow) return x;
    const Padding used_up = Padding::same(padding.wide - padding.narrow);
    mask_ = b_.crop(mask_, used_up);
    return b_.crop(x, used_up);
  }

  // What a stage's grids add to each pixel: by its place in the enlarged pixel, [batch, channels, rows, columns] of x.
  // The first pixel of x lies `padding` pixels before an enlarged pixel's first.
  ValueId local_encoding(ValueId x, const std::string& name, int index, int padding) {
    const int scale = config_.stages[static_cast<size_t>(index)].scale;
    const ValueId grids = at_time(name + ".1.enc", hinerv_stage_grids(config_, index), scale, scale, false);
    const ValueId table = b_.permute(b_.linear(grids, name + ".1.enc.linear", channels(x)), {0, 3, 1, 2});
    const auto rows = static_cast<int>(b_.shape(x)[2]), columns = static_cast<int>(b_.shape(x)[3]);
    const int skipped = (scale - padding % scale) % scale;
    const auto repeats = [&](int pixels) { return (skipped + pixels + scale - 1) / scale; };
    const ValueId repeated = b_.repeat(table, repeats(rows), repeats(columns));
    const Padding surplus{skipped, skipped, repeats(rows) * scale - skipped - rows,
                          repeats(columns) * scale - skipped - columns};
    return surplus == Padding{} ? repeated : b_.crop(repeated, surplus);
  }

  // ConvNeXt (Liu et al., 2022) without its biases and affine normalisation.
  ValueId block(ValueId x, const std::string& name, int kernel, const HinervChannels& sizes) {
    const int64_t in = channels(x);
    Conv2d depthwise;
    depthwise.groups = static_cast<int>(in);
    depthwise.pad = Padding::same(kernel / 2);
    ValueId y = b_.conv2d(x, name + ".dconv", in, kernel, depthwise, false);
    y = pixelwise(b_.layer_norm(y), name + ".fc1", sizes.inner);
    y = pixelwise(b_.gelu(y), name + ".fc2", sizes.out);
    if (!run_.whole()) y = b_.mul(y, mask_);
    return in == sizes.out ? b_.add(x, y) : y;
  }

  // A linear layer over the channels of each pixel; its weight has two axes.
  ValueId pixelwise(ValueId x, const std::string& name, int64_t out) {
    const int64_t in = channels(x);
    const ValueId weight = b_.reshape(b_.parameter(name + ".weight", {out, in}), {out, in, 1, 1});
    return b_.add_node(Conv2d{}, {x, weight}, name);
  }

  const HinervConfig& config_;
  const HinervRun& run_;
  HinervPadding padding_;
  GraphBuilder b_;
  std::vector<std::pair<int64_t, ValueId>> times_;
  ValueId mask_ = no_value;  // of the current value; runs of patches only
};

// How much each of a grid's frames counts at a moment of the video: bilinear, pixel centres at half, ends repeated.
void fill_time(const HinervConfig& config, std::span<const HinervPlace> places, const TensorView& input) {
  const int64_t length = input.shape[1];
  float* weight = input.as<float>();
  for (const HinervPlace& place : places) {
    const double at = (place.frame + 0.5) * static_cast<double>(length) / config.frames - 0.5;
    const double position = std::clamp(at, 0.0, static_cast<double>(length - 1));
    for (int64_t i = 0; i < length; ++i)
      *weight++ = static_cast<float>(std::max(1 - std::abs(position - static_cast<double>(i)), 0.0));
  }
}

// Ones where pixel `first + i` of a patch is pixel j of the grid: i down and j across, or the other way round.
void fill_selection(int64_t first, int64_t patch, int64_t grid, bool patch_is_down, float* to) {
  std::fill_n(to, patch * grid, 0.0f);
  for (int64_t i = 0; i < patch; ++i) {
    const int64_t j = first + i;
    if (j >= 0 && j < grid) to[patch_is_down ? i * grid + j : j * patch + i] = 1;
  }
}

// 1 where a pixel of a picture that starts at (top, left) lies in a frame of that size.
void fill_mask(int64_t top, int64_t left, int64_t height, int64_t width, const Shape& shape, float* to) {
  for (int64_t y = top; y < top + shape[2]; ++y)
    for (int64_t x = left; x < left + shape[3]; ++x) *to++ = y >= 0 && y < height && x >= 0 && x < width ? 1.0f : 0.0f;
}

}  // namespace

Result<Graph> build_hinerv(const HinervConfig& config, const HinervRun& run) {
  FL_CHECK(check_hinerv(config));
  const int stride = config.stride();
  const bool patch_fits = run.patch_height > 0 && run.patch_width > 0 && run.patch_height % stride == 0 &&
                          run.patch_width % stride == 0 && run.patch_height <= 1 << 17 && run.patch_width <= 1 << 17;
  if (!patch_fits && (run.patch_height != 0 || run.patch_width != 0))
    return fail(ErrorCode::invalid_argument, "HiNeRV: a patch of {}x{} is no multiple of {}, the product of the scales",
                run.patch_width, run.patch_height, stride);
  if (run.batch < 1) return fail(ErrorCode::invalid_argument, "HiNeRV: a batch has at least one frame");
  return Builder(config, run).build();
}

void fill_hinerv_input(const HinervConfig& config, const HinervRun& run, std::span<const HinervPlace> places,
                       std::string_view name, const TensorView& input) {
  if (name.starts_with(time_prefix)) return fill_time(config, places, input);
  const HinervPadding padding = hinerv_padding(config);
  const Shape& shape = input.shape;
  const int64_t elements = shape.elements() / shape[0];
  // Of the stage whose pixels the mask covers: pixels per pixel of the base grid, and pixels before the patch.
  int scale = 1, before = padding.first;
  if (name != stem_mask && name.starts_with(mask_prefix)) {
    size_t stage = 0;
    std::from_chars(name.data() + mask_prefix.size(), name.data() + name.size(), stage);
    for (size_t i = 0; i <= stage; ++i) scale *= config.stages[i].scale;
    before = padding.stages[stage].wide;
  }
  for (size_t n = 0; n < places.size(); ++n) {
    float* to = input.as<float>() + static_cast<int64_t>(n) * elements;
    const int64_t top = int64_t{places[n].row} * run.patch_height / config.stride();
    const int64_t left = int64_t{places[n].column} * run.patch_width / config.stride();
    if (name == rows_input)
      fill_selection(top - padding.stem, shape[2], shape[3], true, to);
    else if (name == columns_input)
      fill_selection(left - padding.stem, shape[3], shape[2], false, to);
    else
      fill_mask(top * scale - before, left * scale - before, int64_t{config.base_height()} * scale,
                int64_t{config.base_width()} * scale, shape, to);
  }
}

std::vector<Tensor> hinerv_inputs(const Graph& graph, const HinervConfig& config, const HinervRun& run,
                                  std::span<const HinervPlace> places) {
  std::vector<Tensor> inputs;
  for (ValueId id : graph.inputs) {
    inputs.emplace_back(DType::f32, graph.value(id).shape);
    fill_hinerv_input(config, run, places, graph.value(id).name, inputs.back().view());
  }
  return inputs;
}

}  // namespace framelift
