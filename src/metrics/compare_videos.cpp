#include "metrics/compare_videos.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "base/log.h"
#include "color/pu21.h"
#include "color/resolve.h"
#include "color/transfer.h"
#include "metrics/hdr_difference.h"
#include "metrics/mean_luminance.h"
#include "metrics/psnr.h"
#include "metrics/scene_cut.h"
#include "metrics/ssim.h"
#include "preprocess/color_convert.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {
namespace {

constexpr ColorInfo pq_bt2020{MatrixCoefficients::rgb, TransferCharacteristic::pq, ColorPrimaries::bt2020,
                              ColorRange::full, ChromaLocation::unspecified};

template <class T>
Result<T> naming(const std::string& path, Result<T> result) {
  if (result) return result;
  return fail(result.error().code, "{}: {}", path, result.error().message);
}

template <class Tag>
void share(Tag& a, Tag& b) {
  if (a == Tag::unspecified) a = b;
  if (b == Tag::unspecified) b = a;
}

// Two files of one dynamic range tell each other what they leave unsaid: a copy that lost its tags is still a copy.
void share_tags(ColorInfo& a, ColorInfo& b, bool same_kind_of_planes) {
  if (is_hdr(a.transfer) != is_hdr(b.transfer)) return;
  share(a.transfer, b.transfer);
  share(a.primaries, b.primaries);
  if (!same_kind_of_planes) return;
  share(a.matrix, b.matrix);
  share(a.range, b.range);
  share(a.chroma_location, b.chroma_location);
}

// One of the two, as RGB.
struct Side {
  std::unique_ptr<Source> source;
  ColorInfo color;  // nothing unspecified
  std::optional<FrameToTensor> to_tensor;
  Tensor rgb;  // [1,3,H,W]
  Frame frame;

  Status read() {
    FL_TRY(frame, source->next());
    if (!frame.empty()) to_tensor->run(frame, all(), rgb.view());
    return {};
  }
  Region all() const { return {0, 0, source->info().width, source->info().height}; }
  // NaN when the frame has none.
  double seconds() const {
    if (!frame.pts) return std::numeric_limits<double>::quiet_NaN();
    return static_cast<double>(*frame.pts) * source->info().time_base.value();
  }
};

Result<Side> open_side(SourceOptions options) {
  options.apply_rotation = true;
  Side side;
  FL_TRY(side.source, open_source(options));
  side.color = side.source->info().color;
  return side;
}

Status prepare(Side& side, const std::string& path) {
  const VideoInfo& info = side.source->info();
  side.color = resolve_color(side.color, info.width, info.height, info.format.family == ColorFamily::rgb);
  FL_TRY(side.to_tensor, naming(path, FrameToTensor::create(info.format, side.color)));
  side.rgb = Tensor(DType::f32, {1, 3, info.height, info.width});
  return {};
}

const char* range_name(const ColorInfo& color) {
  if (!is_hdr(color.transfer)) return "SDR";
  return color.transfer == TransferCharacteristic::pq ? "HDR (PQ)" : "HDR (HLG)";
}

// Why the pictures of the two cannot be compared; no error when they can.
Status comparable(const CompareJob& job, const Side& a, const Side& b) {
  const VideoInfo &in = a.source->info(), &out = b.source->info();
  if (is_hdr(a.color.transfer) != is_hdr(b.color.transfer))
    return fail(ErrorCode::unsupported,
                "{}: is {}, but {} is {}; give two of one kind, or --flicker, which compares across them", job.b.path,
                range_name(b.color), job.a.path, range_name(a.color));
  if (in.width != out.width || in.height != out.height)
    return fail(ErrorCode::invalid_argument,
                "{}: is {}x{}, but {} is {}x{}; scale one of them first, or give --flicker alone", job.b.path,
                out.width, out.height, job.a.path, in.width, in.height);
  return {};
}

class QualityMeter {
 public:
  static Result<QualityMeter> create(const CompareJob& job, const Side& a, const Side& b) {
    QualityMeter meter;
    const ColorInfo& matrix = a.color.matrix == MatrixCoefficients::rgb ? b.color : a.color;
    meter.weights_ =
        luma_weights(matrix.matrix == MatrixCoefficients::rgb && a.color.primaries == ColorPrimaries::bt2020
                         ? MatrixCoefficients::bt2020_ncl
                         : matrix.matrix);
    const int64_t height = a.rgb.shape()[2], width = a.rgb.shape()[3];
    meter.luma_a_ = Tensor(DType::f32, {1, 1, height, width});
    meter.luma_b_ = Tensor(DType::f32, {1, 1, height, width});
    if (height >= Ssim::window && width >= Ssim::window) meter.ssim_.emplace();
    FL_TRY(meter.b_to_a_, naming(job.b.path, ColorConverter::create(b.color, a.color)));
    if (is_hdr(a.color.transfer)) {
      meter.hdr_.emplace();
      FL_TRY(meter.a_to_pq_, naming(job.a.path, ColorConverter::create(a.color, pq_bt2020)));
      FL_TRY(meter.b_to_pq_, naming(job.b.path, ColorConverter::create(b.color, pq_bt2020)));
      if (meter.a_to_pq_) meter.pq_a_ = Tensor(DType::f32, a.rgb.shape());
      if (meter.b_to_pq_) meter.pq_b_ = Tensor(DType::f32, b.rgb.shape());
    }
    return meter;
  }

  // By the order of quality_metrics. Leaves b in a's colours.
  std::array<double, quality_metrics.size()> measure(Tensor& a, Tensor& b) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    std::array<double, quality_metrics.size()> values{none, none, none, none, none};
    if (hdr_) {
      const TensorView x = converted(a_to_pq_, a, pq_a_), y = converted(b_to_pq_, b, pq_b_);
      values[3] = hdr_->mean_delta_e_itp(x, y);
      values[4] = psnr(hdr_->pu21_squared_error(x, y), pu21_peak);
    }
    if (b_to_a_) b_to_a_->run(b.view());
    values[0] = psnr(mean_squared_error(a.view(), b.view()));
    luma_plane(a.view(), weights_, luma_a_.view());
    luma_plane(b.view(), weights_, luma_b_.view());
    values[1] = psnr(mean_squared_error(luma_a_.view(), luma_b_.view()));
    if (ssim_) values[2] = ssim_->run(luma_a_.view(), luma_b_.view());
    return values;
  }

 private:
  // The picture itself when there is nothing to convert.
  static TensorView converted(const std::optional<ColorConverter>& convert, Tensor& picture, Tensor& copy) {
    if (!convert) return picture.view();
    std::memcpy(copy.data(), picture.data(), picture.bytes());
    convert->run(copy.view());
    return copy.view();
  }

  LumaWeights weights_;
  Tensor luma_a_, luma_b_;
  std::optional<Ssim> ssim_;
  std::optional<ColorConverter> b_to_a_;
  std::optional<HdrDifference> hdr_;
  std::optional<ColorConverter> a_to_pq_, b_to_pq_;
  Tensor pq_a_, pq_b_;
};

}  // namespace

Result<VideoComparison> compare_videos(const CompareJob& job) {
  FL_TRY(Side a, open_side(job.a));
  FL_TRY(Side b, open_side(job.b));
  share_tags(a.color, b.color, a.source->info().format.family == b.source->info().format.family);
  FL_CHECK(prepare(a, job.a.path));
  FL_CHECK(prepare(b, job.b.path));

  std::optional<QualityMeter> quality;
  if (const Status status = comparable(job, a, b); status) {
    FL_TRY(quality, QualityMeter::create(job, a, b));
  } else if (!job.flicker || job.quality_needed) {
    return fail(status.error());
  }
  FlickerMeter flicker;
  MeanLuminance light_a(a.color), light_b(b.color);
  SceneCutDetector cuts;

  VideoComparison result;
  for (;;) {
    if (job.cancel && job.cancel->requested()) return fail(ErrorCode::cancelled, "cancelled; nothing was written");
    FL_CHECK(a.read());
    FL_CHECK(b.read());
    if (a.frame.empty() || b.frame.empty()) break;
    if (job.flicker) {
      light_a.add(a.rgb.view(), a.all(), a.all());
      light_b.add(b.rgb.view(), b.all(), b.all());
      flicker.add(light_a.end_frame(), light_b.end_frame(), cuts.is_cut(a.rgb.view()));
    }
    if (quality) result.quality.push_back({a.seconds(), quality->measure(a.rgb, b.rgb)});
    ++result.frames;
    if (job.on_frame) job.on_frame(result.frames, a.source->info().frame_count);
  }
  if (result.frames == 0)
    return fail(ErrorCode::invalid_argument, "{}: has no frame to compare; is --start beyond its end?",
                a.frame.empty() ? job.a.path : job.b.path);
  result.a_is_longer = !a.frame.empty();
  result.b_is_longer = !b.frame.empty();
  result.flicker = flicker.score();
  for (const auto& [side, path] : {std::pair{&a, &job.a.path}, {&b, &job.b.path}})
    if (const int64_t damaged = side->source->counters().damaged_packets; damaged > 0)
      log::warn("{}: {} damaged packets were skipped, so frames may not belong together", *path, damaged);
  return result;
}

QualitySummary summarise(std::span<const FrameQuality> frames, size_t metric) {
  const QualityMetric& m = quality_metrics[metric];
  QualitySummary summary;
  double sum = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    const double value = frames[i].values[metric];
    sum += m.mean == QualityMetric::Mean::of_errors ? std::pow(10, -value / 10) : value;
    if (i == 0 || (m.higher_is_better ? value < summary.worst : value > summary.worst)) {
      summary.worst = value;
      summary.worst_frame = i;
    }
  }
  summary.mean = sum / static_cast<double>(frames.size());
  if (m.mean == QualityMetric::Mean::of_errors) summary.mean = psnr(summary.mean);
  return summary;
}

}  // namespace framelift
