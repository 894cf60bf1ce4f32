#include "compress/evaluate_video.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include "codec/fnv_reader.h"
#include "color/resolve.h"
#include "compress/quality.h"
#include "metrics/psnr.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/picture_reader.h"
#include "synthesis/fnv_source.h"

namespace framelift {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

ColorInfo resolved(const VideoInfo& info) {
  return resolve_color(info.color, info.width, info.height, info.format.family == ColorFamily::rgb);
}

Result<PictureReader> reader_of(const VideoInfo& info) {
  FL_TRY(FrameToTensor to_tensor, FrameToTensor::create(info.format, resolved(info)));
  return PictureReader(std::move(to_tensor), std::nullopt, true);
}

class Evaluator {
 public:
  explicit Evaluator(const EvaluateJob& job) : job_(job) {}

  Result<VideoEvaluation> run() {
    FL_CHECK(prepare());
    VideoEvaluation evaluation;
    std::error_code none_such;
    evaluation.bytes = evaluation.video_bytes = std::filesystem::file_size(job_.path, none_such);
    if (is_registered_kind(job_.path)) {
      FL_TRY(auto bytes, open_file_source(job_.path));
      FL_TRY(const FnvReader fnv, FnvReader::open(std::move(bytes)));
      evaluation.video_bytes = fnv.video_bytes();
    }
    evaluation.width = a_->info().width;
    evaluation.height = a_->info().height;
    for (;;) {
      if (job_.cancel && job_.cancel->requested()) return fail(ErrorCode::cancelled, "cancelled");
      FL_TRY(const Frame a, a_->next());
      FL_TRY(const Frame b, b_->next());
      if (a.empty() != b.empty())
        return fail(ErrorCode::invalid_argument, "{}: goes on after the {} frames of {}; give what it was made from",
                    a.empty() ? job_.path : job_.reference.path, evaluation.frames.size(),
                    a.empty() ? job_.reference.path : job_.path);
      if (a.empty()) break;
      FL_TRY(const FrameEvaluation frame, measure(a, b));
      evaluation.frames.push_back(frame);
      if (job_.on_frame) job_.on_frame(static_cast<int64_t>(evaluation.frames.size()), a_->info().frame_count);
    }
    if (evaluation.frames.empty()) return fail(ErrorCode::invalid_argument, "{}: has no frames", job_.reference.path);
    return evaluation;
  }

 private:
  Status prepare() {
    SourceOptions options = job_.reference;
    options.apply_rotation = true;
    FL_TRY(a_, open_source(options));
    if (is_registered_kind(job_.path)) {
      FnvSourceOptions fnv;
      fnv.path = job_.path;
      fnv.format = PixelFormat{ColorFamily::rgb, 32, 0, 0, false};
      FL_TRY(b_, open_fnv_source(fnv));
    } else {
      SourceOptions other;
      other.path = job_.path;
      other.apply_rotation = true;
      FL_TRY(b_, open_source(other));
    }
    const VideoInfo& a = a_->info();
    const VideoInfo& b = b_->info();
    if (a.width != b.width || a.height != b.height)
      return fail(ErrorCode::invalid_argument, "{}: has {}x{} pixels, {} has {}x{}", job_.path, b.width, b.height,
                  job_.reference.path, a.width, a.height);
    FL_TRY(read_a_, reader_of(a));
    FL_TRY(read_b_, reader_of(b));
    FL_TRY(ms_ssim_, MsSsimMeter::create(a.height, a.width));
    picture_a_ = Tensor(DType::f32, {1, 3, a.height, a.width});
    picture_b_ = Tensor(DType::f32, {1, 3, a.height, a.width});
    if (a.format.family != ColorFamily::yuv) return {};
    PixelFormat format = a.format;
    format.alpha = false;
    FL_TRY(to_frame_, TensorToFrame::create(format, resolved(a), false));
    FramePool pool(a.width, a.height, format, 1);
    FL_TRY(rendered_, pool.acquire());
    return {};
  }

  Result<FrameEvaluation> measure(const Frame& a, const Frame& b) {
    const Region whole{0, 0, a.width, a.height};
    FrameEvaluation result;
    result.time_seconds = a.pts ? static_cast<double>(*a.pts) * a_->info().time_base.value() : none;
    read_a_->run(a, whole, picture_a_.view());
    read_b_->run(b, whole, picture_b_.view());
    result.psnr_rgb = frame_psnr(mean_squared_error(picture_a_.view(), picture_b_.view()));
    result.ms_ssim = none;
    if (ms_ssim_) {
      FL_TRY(result.ms_ssim, ms_ssim_->run(picture_a_.view(), picture_b_.view()));
    }
    result.psnr_yuv.fill(none);
    if (!to_frame_) return result;
    // Decoded frames of the reference's format as they are; what networks give is rounded as decompressing does it.
    const bool same = b.format == rendered_.format;
    if (!same) to_frame_->run(picture_b_.view(), whole, whole, rendered_);
    for (int plane = 0; plane < 3; ++plane)
      result.psnr_yuv[static_cast<size_t>(plane)] = plane_psnr(a, same ? b : rendered_, plane);
    return result;
  }

  const EvaluateJob& job_;
  std::unique_ptr<Source> a_, b_;
  std::optional<PictureReader> read_a_, read_b_;
  std::optional<MsSsimMeter> ms_ssim_;
  std::optional<TensorToFrame> to_frame_;
  Tensor picture_a_, picture_b_;
  Frame rendered_;
};

std::string optional_number(double value) { return std::isnan(value) ? "" : fmt::format("{:.6g}", value); }

}  // namespace

double VideoEvaluation::bits_per_pixel() const {
  return 8 * static_cast<double>(video_bytes) / (double{1} * width * height * static_cast<double>(frames.size()));
}

double mean_of(const VideoEvaluation& evaluation, const std::function<double(const FrameEvaluation&)>& figure) {
  double sum = 0;
  for (const FrameEvaluation& frame : evaluation.frames) sum += figure(frame);
  return sum / static_cast<double>(evaluation.frames.size());
}

Result<VideoEvaluation> evaluate_video(const EvaluateJob& job) { return Evaluator(job).run(); }

std::string summary_text(const VideoEvaluation& e) {
  const auto mean = [&](auto figure) { return mean_of(e, figure); };
  std::string text = fmt::format("PSNR {:.2f} dB", mean([](const FrameEvaluation& f) { return f.psnr_rgb; }));
  const double y = mean([](const FrameEvaluation& f) { return f.psnr_yuv[0]; });
  if (!std::isnan(y))
    text +=
        fmt::format(" (Y {:.2f}, U {:.2f}, V {:.2f})", y, mean([](const FrameEvaluation& f) { return f.psnr_yuv[1]; }),
                    mean([](const FrameEvaluation& f) { return f.psnr_yuv[2]; }));
  const double ms_ssim = mean([](const FrameEvaluation& f) { return f.ms_ssim; });
  if (!std::isnan(ms_ssim)) text += fmt::format(", MS-SSIM {:.4f}", ms_ssim);
  return text;
}

std::string frames_csv(const VideoEvaluation& evaluation) {
  std::string text = "frame,time,psnr_rgb,psnr_y,psnr_u,psnr_v,ms_ssim\n";
  for (size_t i = 0; i < evaluation.frames.size(); ++i) {
    const FrameEvaluation& f = evaluation.frames[i];
    text += fmt::format("{},{},{},{},{},{},{}\n", i, optional_number(f.time_seconds), optional_number(f.psnr_rgb),
                        optional_number(f.psnr_yuv[0]), optional_number(f.psnr_yuv[1]), optional_number(f.psnr_yuv[2]),
                        optional_number(f.ms_ssim));
  }
  return text;
}

}  // namespace framelift
