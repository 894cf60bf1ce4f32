#include "pipeline/size_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace framelift {
namespace {

// `size` times `factor`, within `limit` (0: none).
int resized(int size, double factor, int limit, bool still) {
  int result = std::max(static_cast<int>(std::lround(size * factor)), 1);
  if (!still && result > 1) result += result % 2;
  if (limit == 0 || result <= limit) return result;
  return still ? limit : std::max(limit - limit % 2, 1);
}

// The largest factor, at most 1, with which a picture fits the limits (0: none).
double fitting_factor(double width, double height, int max_width, int max_height) {
  double factor = 1;
  if (max_width > 0) factor = std::min(factor, max_width / width);
  if (max_height > 0) factor = std::min(factor, max_height / height);
  return factor;
}

// Where a picture of the source's shape lies in the network's fixed input, as large as possible.
Region letterboxed(const VideoJob& job, const VideoInfo& source) {
  const double factor = std::min(static_cast<double>(job.input_width) / source.width,
                                 static_cast<double>(job.input_height) / source.height);
  const auto side = [&](int size, int whole) {
    if (factor == 1) return size;
    // The side that touches both borders is exact, whatever the rounding.
    return std::lround(size * factor) >= whole ? whole : resized(size, factor, whole, source.still);
  };
  const int width = side(source.width, job.input_width), height = side(source.height, job.input_height);
  // Even, so that chroma samples belong to the picture or to the bars.
  return {(job.input_width - width) / 4 * 2, (job.input_height - height) / 4 * 2, width, height};
}

Status check_edges(const VideoJob& job, int width, int height, int scale) {
  if (width <= max_picture_edge / scale && height <= max_picture_edge / scale) return {};
  return fail(ErrorCode::unsupported, "{}: {}x{} times {} is beyond the {} pixels a side that framelift writes",
              job.source.path, width, height, scale, max_picture_edge);
}

}  // namespace

Result<SizePlan> plan_sizes(const VideoJob& job, const VideoInfo& source, int scale) {
  SizePlan plan;
  if (job.input_width > 0) {
    plan.input_width = job.input_width;
    plan.input_height = job.input_height;
    plan.picture =
        job.fit == Fit::letterbox ? letterboxed(job, source) : Region{0, 0, job.input_width, job.input_height};
  } else {
    const double factor = fitting_factor(source.width, source.height, job.max_input_width, job.max_input_height);
    plan.input_width = factor < 1 ? resized(source.width, factor, job.max_input_width, source.still) : source.width;
    plan.input_height = factor < 1 ? resized(source.height, factor, job.max_input_height, source.still) : source.height;
    plan.picture = {0, 0, plan.input_width, plan.input_height};
  }
  plan.resize_input = plan.picture.width != source.width || plan.picture.height != source.height;
  FL_CHECK(check_edges(job, plan.input_width, plan.input_height, scale));

  plan.kept = job.keep_bars ? Region{0, 0, plan.input_width, plan.input_height} : plan.picture;
  for (int* edge : {&plan.kept.x, &plan.kept.y, &plan.kept.width, &plan.kept.height}) *edge *= scale;

  // From the kept part to the output.
  double factor_x = 1, factor_y = 1;
  if (job.scale > 0) {
    factor_x = job.scale * source.width / (static_cast<double>(plan.picture.width) * scale);
    factor_y = job.scale * source.height / (static_cast<double>(plan.picture.height) * scale);
  }
  const double fitting =
      fitting_factor(plan.kept.width * factor_x, plan.kept.height * factor_y, job.max_width, job.max_height);
  factor_x *= fitting;
  factor_y *= fitting;
  plan.resize = factor_x != 1 || factor_y != 1;
  plan.output_width = plan.resize ? resized(plan.kept.width, factor_x, job.max_width, source.still) : plan.kept.width;
  plan.output_height =
      plan.resize ? resized(plan.kept.height, factor_y, job.max_height, source.still) : plan.kept.height;
  if (plan.output_width > max_picture_edge || plan.output_height > max_picture_edge)
    return fail(ErrorCode::invalid_argument,
                "--scale {} makes {}x{}, beyond the {} pixels a side that framelift writes", job.scale,
                plan.output_width, plan.output_height, max_picture_edge);

  if (job.input_width > 0 && job.fit == Fit::stretch && job.scale <= 0) {
    const int64_t num = int64_t{source.width} * plan.input_height, den = int64_t{source.height} * plan.input_width;
    const int64_t common = std::gcd(num, den);
    plan.aspect_change = {num / common, den / common};
  }
  return plan;
}

Rational stretched_aspect(Rational sample_aspect_ratio, Rational change) {
  if (change.num == change.den) return sample_aspect_ratio;
  if (sample_aspect_ratio.num <= 0) sample_aspect_ratio = {1, 1};
  int64_t num = sample_aspect_ratio.num * change.num, den = sample_aspect_ratio.den * change.den;
  const int64_t common = std::gcd(num, den);
  num /= common;
  den /= common;
  // Bitstreams have 16 bits for each (H.264 and HEVC, table E.1, Extended_SAR).
  constexpr int64_t largest = 65535;
  const int64_t divisor = (std::max(num, den) + largest - 1) / largest;
  if (divisor > 1) {
    num = std::max<int64_t>((num + divisor / 2) / divisor, 1);
    den = std::max<int64_t>((den + divisor / 2) / divisor, 1);
  }
  return {num, den};
}

}  // namespace framelift
