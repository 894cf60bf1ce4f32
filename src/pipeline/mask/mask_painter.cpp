#include "pipeline/mask/mask_painter.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/edit_distance.h"
#include "base/parse_number.h"
#include "postprocess/dither.h"
#include "postprocess/mask/legend.h"
#include "postprocess/tensor_to_frame_kernels.h"

namespace framelift {
namespace {

constexpr uint8_t not_selected = 255;  // as PASCAL VOC and Cityscapes mark pixels without a class
constexpr ColorInfo plain_video{MatrixCoefficients::bt709, TransferCharacteristic::bt709, ColorPrimaries::bt709,
                                ColorRange::limited, ChromaLocation::left};

bool shows_picture(MaskOutput output) {
  return output == MaskOutput::alpha || output == MaskOutput::composite || output == MaskOutput::overlay;
}

bool matte_is_enough(MaskOutput output) {
  return output == MaskOutput::mask || output == MaskOutput::alpha || output == MaskOutput::composite;
}

int find_class(const std::string& wanted, const std::vector<ClassLabel>& classes) {
  const auto named = std::ranges::find(classes, wanted, &ClassLabel::name);
  if (named != classes.end()) return static_cast<int>(named - classes.begin());
  const int number = parse_number<int>(wanted).value_or(-1);
  return number < static_cast<int>(classes.size()) ? std::max(number, -1) : -1;
}

Status check_target(MaskOutput output, const PictureLayout& target, const std::string& name) {
  const PixelFormat& format = target.format;
  if (output == MaskOutput::alpha && !format.alpha)
    return fail(ErrorCode::unsupported,
                "{}: has no alpha ({}); write .mov (prores_ks), .mkv (ffv1), .webm (libvpx-vp9), .png or .exr", name,
                to_string(format));
  const bool exact = format.bits == 8 && target.color.range == ColorRange::full;
  if (output == MaskOutput::classes && !exact)
    return fail(ErrorCode::unsupported,
                "{}: cannot hold the classes' numbers ({}); write .png or .mkv with --encoder ffv1", name,
                to_string(format));
  return {};
}

void multiply(std::span<float> values, std::span<const float> factors) {
  for (size_t i = 0; i < values.size(); ++i) values[i] *= factors[i];
}

int whole_pixels(const Region& region) { return region.width * region.height; }

}  // namespace

void plan_mask_format(const MaskOptions& options, PixelFormat& format, ColorInfo& color) {
  switch (options.output) {
    case MaskOutput::mask:
    case MaskOutput::classes:
      format = {ColorFamily::gray, 8, 0, 0, false};
      color = plain_video;
      color.range = ColorRange::full;
      break;
    case MaskOutput::colors:
      format = {ColorFamily::rgb, 8, 0, 0, false};
      color = plain_video;
      break;
    case MaskOutput::alpha:
    case MaskOutput::composite:
    case MaskOutput::overlay:
      format.alpha = options.output == MaskOutput::alpha;
      if (format.family == ColorFamily::gray && !format.alpha) format.family = ColorFamily::rgb;
  }
}

Result<std::vector<bool>> selected_classes(const MaskOptions& options, const std::vector<ClassLabel>& classes) {
  std::vector<bool> selected(classes.size(), false);
  for (const std::string& wanted : options.classes) {
    const int found = find_class(wanted, classes);
    if (found < 0) {
      std::vector<std::string> names;
      for (const ClassLabel& label : classes) names.push_back(label.name);
      return fail(ErrorCode::not_found, "the model has no class \"{}\", did you mean {}? It has {}", wanted,
                  nearest_name(wanted, names), fmt::join(names, ", "));
    }
    selected[static_cast<size_t>(found)] = true;
  }
  if (!options.classes.empty()) return selected;
  const int person = matte_is_enough(options.output) ? find_class("person", classes) : -1;
  for (size_t i = 0; i < classes.size(); ++i)
    selected[i] = person >= 0 ? i == static_cast<size_t>(person)
                              : options.output == MaskOutput::classes || classes[i].name != "background";
  return selected;
}

MaskPainter::MaskPainter(const MaskOptions& options, const NetworkContract& contract, const Region& kept,
                         const PictureLayout& target, FrameToTensor to_tensor, TensorToFrame to_frame)
    : options_(options),
      kind_(contract.output),
      classes_(contract.classes),
      kept_(kept),
      width_(target.width),
      height_(target.height),
      to_tensor_(std::move(to_tensor)),
      to_frame_(std::move(to_frame)),
      premultiply_(options.output == MaskOutput::alpha && target.format.is_float()),
      plain_mask_(options.output == MaskOutput::mask && target.format.family == ColorFamily::gray &&
                  !target.format.alpha && target.color.range == ColorRange::full),
      smoother_({1, static_cast<int64_t>(contract.classes.size()), kept.height, kept.width}, options.smooth,
                options.lookahead),
      cleaner_(static_cast<int>(options.min_region / 100 * static_cast<float>(whole_pixels(kept)))),
      upsampler_(kept.height, kept.width, target.height, target.width, options.refine_radius, options.refine_epsilon),
      probabilities_(DType::f32, {1, static_cast<int64_t>(contract.classes.size()), kept.height, kept.width}),
      rgb_(DType::f32, {1, 3, plain_mask_ ? upsampler_.guide_rows() : target.height, target.width}),
      matte_(DType::f32, {1, 1, target.height, target.width}),
      plane_(static_cast<size_t>(whole_pixels(kept))) {}

Result<MaskPainter> MaskPainter::create(const MaskOptions& options, const NetworkContract& contract, const Region& kept,
                                        const MaskSource& source, const MaskTarget& target) {
  FL_CHECK(check_target(options.output, target, target.name));
  FL_TRY(auto selected, selected_classes(options, contract.classes));
  PictureLayout read = source;
  const bool resize = source.width != target.width || source.height != target.height;
  if (resize) read = {full_detail(source.format), target.width, target.height, source.color};
  FL_TRY(auto to_tensor, FrameToTensor::create(read.format, read.color));
  FL_TRY(auto to_frame, TensorToFrame::create(target.format, target.color, false));
  MaskPainter mask(options, contract, kept, target, std::move(to_tensor), std::move(to_frame));
  mask.selected_ = std::move(selected);
  if (resize) {
    FL_TRY(mask.resizer_, Resizer::create(source, read, false));
    FramePool pool(read.width, read.height, read.format, 1);
    FL_TRY(mask.resized_, pool.acquire());
  }
  const ColorInfo& made = shows_picture(options.output) ? source.color : plain_video;
  const bool data = options.output == MaskOutput::mask || options.output == MaskOutput::classes;
  if (!data && made.transfer != target.color.transfer) {
    FL_TRY(mask.convert_, ColorConverter::create(made, target.color));
  }
  if (options.output == MaskOutput::composite) {
    mask.background_ = Tensor(DType::f32, {1, 3, target.height, target.width});
    if (!options.background_picture.empty()) {
      FL_TRY(mask.behind_,
             Background::open(options.background_picture, {read.format, target.width, target.height, source.color}));
      mask.time_base_ = source.time_base;
      mask.frame_rate_ = source.frame_rate;
    } else if (options.background_blur > 0) {
      mask.box_.emplace(target.height, target.width, mask.blur_radius());
      mask.weight_.resize(mask.matte_size());
    } else {
      for (size_t c = 0; c < 3; ++c)
        std::ranges::fill(mask.channel(mask.background_, c), static_cast<float>(options.background_color[c]) / 255);
    }
  }
  return mask;
}

Status MaskPainter::paint(const Frame& source, Frame& picture) {
  const Region whole{0, 0, width_, height_};
  if (resizer_) FL_CHECK(resizer_->run(source, resized_));
  const Frame& shown = resizer_ ? resized_ : source;
  smoother_.take(probabilities_.view());
  cleaner_.run(probabilities_.view());
  if (plain_mask_) {
    upsampler_.set_guide(guide_from(shown));
    find_matte();
    write_matte(picture.planes[0], picture.format);
    return {};
  }
  to_tensor_.run(shown, whole, rgb_.view());
  upsampler_.set_guide(whole_guide(rgb_.view()));
  matte_is_enough(options_.output) ? find_matte() : find_winners();

  if (behind_) FL_CHECK(behind_->show(time_of(source), background_.view()));
  switch (options_.output) {
    case MaskOutput::mask:
      for (size_t c = 0; c < 3; ++c) std::ranges::copy(matte_.f32(), channel(rgb_, c).begin());
      break;
    case MaskOutput::classes: paint_numbers(); break;
    case MaskOutput::colors: std::ranges::fill(rgb_.f32(), 0.0f); [[fallthrough]];
    case MaskOutput::overlay: paint_colors(); break;
    case MaskOutput::composite: compose(); break;
    case MaskOutput::alpha: break;
  }
  if (convert_) convert_->run(rgb_.view());
  for (size_t c = 0; premultiply_ && c < 3; ++c) multiply(channel(rgb_, c), matte_.f32());
  to_frame_.run(rgb_.view(), whole, whole, picture);
  if (options_.output == MaskOutput::alpha)
    write_matte(picture.planes[static_cast<size_t>(picture.format.plane_count() - 1)], picture.format);
  return {};
}

// Only where masks ask for it.
Guide MaskPainter::guide_from(const Frame& picture) {
  return [this, &picture](const Region& part) {
    const TensorView rows{DType::f32, {1, 3, part.height, part.width}, rgb_.data()};
    to_tensor_.run(picture, part, rows);
    const int64_t size = int64_t{part.height} * part.width;
    return GuidePart{{rows.as<float>(), rows.as<float>() + size, rows.as<float>() + 2 * size}, part.width};
  };
}

// How much each pixel belongs to the selected classes.
void MaskPainter::find_matte() {
  if (options_.hard) {
    most_probable(probabilities_.view(), labels_);
    std::ranges::transform(labels_, plane_.begin(), [&](uint8_t label) { return selected_[label] ? 1.0f : 0.0f; });
  } else {
    std::ranges::fill(plane_, 0.0f);
    for (size_t c = 0; c < selected_.size(); ++c)
      for (size_t i = 0; selected_[c] && i < plane_.size(); ++i)
        plane_[i] += probabilities_.f32()[c * plane_.size() + i];
  }
  upsampler_.run(plane_.data(), {options_.hard, options_.contrast}, matte_.view());
}

// Each pixel's class, at the picture's size.
void MaskPainter::find_winners() {
  const size_t pixels = matte_.f32().size(), small = plane_.size();
  best_.assign(pixels, 0);
  best_probability_.assign(pixels, -1);
  // The largest of C probabilities is 1 / C at least: classes that reach it nowhere win nowhere.
  const float least = 0.999f / static_cast<float>(selected_.size());
  for (size_t c = 0; c < selected_.size(); ++c) {
    const std::span<const float> plane = std::as_const(probabilities_).f32().subspan(c * small, small);
    if (*std::ranges::max_element(plane) < least) continue;
    upsampler_.run(plane.data(), {}, matte_.view());
    for (size_t i = 0; i < pixels; ++i) {
      if (matte_.f32()[i] <= best_probability_[i]) continue;
      best_probability_[i] = matte_.f32()[i];
      best_[i] = static_cast<uint8_t>(c);
    }
  }
}

void MaskPainter::paint_numbers() {
  const size_t pixels = best_.size();
  for (size_t i = 0; i < pixels; ++i) {
    const float code = static_cast<float>(selected_[best_[i]] ? best_[i] : not_selected) / 255;
    for (size_t c = 0; c < 3; ++c) rgb_.f32()[c * pixels + i] = code;
  }
}

// Over what rgb_ holds; a legend beside overlays.
void MaskPainter::paint_colors() {
  const bool overlay = options_.output == MaskOutput::overlay;
  const float opacity = overlay ? options_.opacity : 1;
  const size_t pixels = best_.size();
  seen_.assign(classes_.size(), 0);
  for (size_t i = 0; i < pixels; ++i) {
    const uint8_t label = best_[i];
    if (!selected_[label]) continue;
    ++seen_[label];
    for (size_t c = 0; c < 3; ++c) {
      float& v = rgb_.f32()[c * pixels + i];
      v += (static_cast<float>(classes_[label].color[c]) / 255 - v) * opacity;
    }
  }
  if (!overlay || !options_.legend) return;
  shown_.clear();
  for (size_t c = 0; c < classes_.size(); ++c)
    if (static_cast<float>(seen_[c]) * 100 > options_.min_region * static_cast<float>(pixels))
      shown_.push_back(&classes_[c]);
  draw_legend(rgb_.view(), shown_);
}

// In seconds after the first picture.
double MaskPainter::time_of(const Frame& source) {
  if (painted_ == 0) first_pts_ = source.pts.value_or(0);
  const double index = static_cast<double>(painted_++);
  if (source.pts) return static_cast<double>(*source.pts - first_pts_) * time_base_.value();
  return frame_rate_.num > 0 ? index / frame_rate_.value() : 0;
}

void MaskPainter::compose() {
  if (box_) blur_background();
  const std::span<const float> matte = std::as_const(matte_).f32();
  for (size_t c = 0; c < 3; ++c) {
    const std::span<float> front = channel(rgb_, c);
    const std::span<const float> behind = channel(background_, c);
    for (size_t i = 0; i < matte.size(); ++i) front[i] = behind[i] + (front[i] - behind[i]) * matte[i];
  }
}

// Three boxes in a row come near a Gaussian of variance r * (r + 1).
int MaskPainter::blur_radius() const {
  const float deviation = options_.background_blur / 100 * static_cast<float>(height_);
  return std::max(static_cast<int>(std::lround(std::sqrt(deviation * deviation + 0.25f) - 0.5f)), 1);
}

// What is behind, blurred without what stands before it: both the picture and its weight, 1 - matte, are blurred, so
// that no halo of the foreground spreads.
void MaskPainter::blur_background() {
  constexpr float little = 1e-3f;  // keeps the quotient defined where there is no background far and wide
  const auto blur = [&](std::span<float> plane) {
    for (int i = 0; i < 3; ++i) box_->run(plane.data(), plane.data(), blur_radius());
  };
  std::ranges::transform(matte_.f32(), weight_.begin(), [](float matte) { return 1 - matte + little; });
  for (size_t c = 0; c < 3; ++c) {
    std::ranges::copy(channel(rgb_, c), channel(background_, c).begin());
    multiply(channel(background_, c), weight_);
    blur(channel(background_, c));
  }
  blur(weight_);
  for (size_t c = 0; c < 3; ++c) {
    const std::span<float> plane = channel(background_, c);
    for (size_t i = 0; i < plane.size(); ++i) plane[i] /= weight_[i];
  }
}

// The matte as codes of full range.
void MaskPainter::write_matte(const PlaneView& plane, const PixelFormat& format) const {
  static const BiasTable nothing_added({0, 0, 0}, false);
  const float full = static_cast<float>((1 << std::min<int>(format.bits, 16)) - 1);
  const float* from = matte_.as<float>();
  for (int y = 0; y < height_; ++y, from += width_) {
    if (format.is_float())
      std::copy_n(from, width_, plane.row<float>(y));
    else
      signal_row_to_code(from, full, static_cast<size_t>(width_),
                         {plane.row<std::byte>(y), nothing_added.row(0, 0, 0), full});
  }
}

}  // namespace framelift
