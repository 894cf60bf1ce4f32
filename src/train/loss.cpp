#include "train/loss.h"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "color/pu21.h"
#include "graph/passes.h"

namespace framelift {
namespace {

constexpr std::array all_kinds{LossKind::l1, LossKind::hybrid, LossKind::ms_ssim, LossKind::pu21};

ValueId mean_absolute_difference(GraphBuilder& b, ValueId x, ValueId y) { return b.mean(b.abs(b.sub(x, y))); }

ValueId at_least_zero(GraphBuilder& b, ValueId x) { return b.clamp(x, 0, std::numeric_limits<float>::infinity()); }

ValueId weighted_sum(GraphBuilder& b, double weight, ValueId x, ValueId y) {
  return b.add(b.scale(x, static_cast<float>(weight)), b.scale(y, static_cast<float>(1 - weight)));
}

// Each channel filtered with a Gaussian of sum 1, where the window lies inside the picture: columns, then rows.
class GaussianWindow {
 public:
  GaussianWindow(GraphBuilder& b, int64_t channels, int window) : b_(b), channels_(channels) {
    constexpr double sigma = 1.5;
    std::vector<double> weights;
    double sum = 0;
    for (int i = 0; i < window; ++i) {
      const int middle = window / 2;
      const double x = i - middle;
      sum += weights.emplace_back(std::exp(-x * x / (2 * sigma * sigma)));
    }
    std::vector<float> all;
    for (int64_t c = 0; c < channels; ++c)
      for (const double w : weights) all.push_back(static_cast<float>(w / sum));
    column_ = b.constant(Tensor::from_f32({channels, 1, window, 1}, all));
    row_ = b.constant(Tensor::from_f32({channels, 1, 1, window}, all));
  }
  ValueId operator()(ValueId x) const {
    Conv2d each_channel;
    each_channel.groups = static_cast<int>(channels_);
    return b_.add_node(each_channel, {b_.add_node(each_channel, {x, column_}), row_});
  }

 private:
  GraphBuilder& b_;
  int64_t channels_;
  ValueId column_ = no_value, row_ = no_value;
};

// Means over the picture of the contrast-structure term and of the whole SSIM, [N,C,1,1] each.
struct Similarity {
  ValueId contrast, whole;
};

Similarity similarity(GraphBuilder& b, const GaussianWindow& window, ValueId x, ValueId y) {
  constexpr float c1 = 0.01f * 0.01f, c2 = 0.03f * 0.03f;
  const ValueId mu_x = window(x), mu_y = window(y);
  const ValueId mu_xx = b.mul(mu_x, mu_x), mu_yy = b.mul(mu_y, mu_y), mu_xy = b.mul(mu_x, mu_y);
  const ValueId variance_x = b.sub(window(b.mul(x, x)), mu_xx), variance_y = b.sub(window(b.mul(y, y)), mu_yy);
  const ValueId covariance = b.sub(window(b.mul(x, y)), mu_xy);
  const ValueId contrast = b.div(b.offset(b.scale(covariance, 2), c2), b.offset(b.add(variance_x, variance_y), c2));
  const ValueId luminance = b.div(b.offset(b.scale(mu_xy, 2), c1), b.offset(b.add(mu_xx, mu_yy), c1));
  return {b.global_average_pool(contrast), b.global_average_pool(b.mul(luminance, contrast))};
}

// PU21 values over their peak.
ValueId pu21_encoded(GraphBuilder& b, ValueId light, double white_nits) {
  constexpr auto& p = pu21_coefficients;
  const auto f = [](double x) { return static_cast<float>(x); };
  const ValueId nits = b.clamp(b.scale(light, f(white_nits)), f(pu21_min_nits), f(pu21_max_nits));
  const ValueId y = b.pow(nits, f(p[3]));
  const ValueId ratio = b.div(b.offset(b.scale(y, f(p[1])), f(p[0])), b.offset(b.scale(y, f(p[2])), 1));
  return b.scale(b.offset(b.pow(ratio, f(p[4])), f(-p[5])), f(p[6] / pu21_peak));
}

Status check_size(const LossOptions& options, const Shape& shape) {
  if (options.kind != LossKind::ms_ssim) return {};
  const int64_t smallest = int64_t{16} * options.window;
  if (shape[2] < smallest || shape[3] < smallest)
    return fail(ErrorCode::invalid_argument,
                "MS-SSIM with a window of {} needs pictures of {}x{} pixels, not {}x{}; use larger tiles or window 5",
                options.window, smallest, smallest, shape[3], shape[2]);
  return {};
}

}  // namespace

const char* to_string(LossKind kind) {
  switch (kind) {
    case LossKind::l1: return "l1";
    case LossKind::hybrid: return "hybrid";
    case LossKind::ms_ssim: return "ms-ssim";
    case LossKind::pu21: return "pu21";
  }
  return "?";
}

Result<LossKind> parse_loss(std::string_view text) {
  for (const LossKind kind : all_kinds)
    if (text == to_string(kind)) return kind;
  return fail(ErrorCode::invalid_argument, "loss '{}' is unknown; choose l1, hybrid, ms-ssim or pu21", text);
}

ValueId add_ms_ssim(GraphBuilder& b, ValueId x, ValueId y, int window) {
  constexpr std::array<float, 5> exponents{0.0448f, 0.2856f, 0.3001f, 0.2363f, 0.1333f};
  // Powers below 1 are infinitely steep at 0, where gradients would become NaN.
  constexpr float smallest = 1e-4f;
  const GaussianWindow gaussian(b, b.shape(x)[1], window);
  ValueId product = no_value;
  for (size_t i = 0; i < exponents.size(); ++i) {
    const bool last = i + 1 == exponents.size();
    const Similarity s = similarity(b, gaussian, x, y);
    const ValueId term =
        b.pow(b.clamp(last ? s.whole : s.contrast, smallest, std::numeric_limits<float>::infinity()), exponents[i]);
    product = product == no_value ? term : b.mul(product, term);
    if (last) break;
    x = b.average_pool(x, 2, 2, 0);
    y = b.average_pool(y, 2, 2, 0);
  }
  return b.mean(product);
}

ValueId add_loss(GraphBuilder& b, const LossOptions& options, ValueId prediction, ValueId target) {
  switch (options.kind) {
    case LossKind::l1: break;
    case LossKind::hybrid: {
      const ValueId p = at_least_zero(b, prediction), t = at_least_zero(b, target);
      const auto logarithm = [&](ValueId x) { return b.log1p(b.offset(x, 1e-6f)); };
      return weighted_sum(b, options.alpha, mean_absolute_difference(b, p, t),
                          mean_absolute_difference(b, logarithm(p), logarithm(t)));
    }
    case LossKind::ms_ssim: {
      const ValueId similar = add_ms_ssim(b, prediction, target, options.window);
      return weighted_sum(b, options.alpha, b.offset(b.scale(similar, -1), 1),
                          mean_absolute_difference(b, prediction, target));
    }
    case LossKind::pu21:
      return mean_absolute_difference(b, pu21_encoded(b, prediction, options.white_nits),
                                      pu21_encoded(b, target, options.white_nits));
  }
  return mean_absolute_difference(b, prediction, target);
}

Result<Graph> with_loss(const Graph& network, const LossOptions& options) {
  const Shape shape = network.value(network.outputs[0]).shape;
  FL_CHECK(check_size(options, shape));
  GraphBuilder b;
  const std::vector<ValueId> ids = append(b, network);
  const ValueId prediction = ids[static_cast<size_t>(network.outputs[0])];
  const ValueId target = b.input("target", shape);
  // Times one: a float, even when the last layer has run in less, whose variances would vanish.
  b.output(add_loss(b, options, b.scale(prediction, 1), target), "loss");
  b.output(prediction, "prediction");
  return std::move(b).finish();
}

Result<Graph> loss_graph(const Shape& shape, const LossOptions& options) {
  FL_CHECK(check_size(options, shape));
  GraphBuilder b;
  const ValueId prediction = b.input("prediction", shape);
  b.output(add_loss(b, options, prediction, b.input("target", shape)), "loss");
  return std::move(b).finish();
}

}  // namespace framelift
