#include "metrics/hdr_difference.h"

#include "color/ictcp.h"
#include "color/pu21.h"

namespace framelift {
namespace {

constexpr int code_steps = 1 << 14;
// Below 2^-40 cd/m2 PQ's code is less than 2e-6, a five-hundredth of a 10-bit step.
constexpr int darkest_octave = -40, brightest_octave = 14;

}  // namespace

HdrDifference::HdrDifference()
    : nits_(code_steps, pq_eotf<double>),
      pu21_(code_steps, [](double code) { return pu21_encode(pq_eotf(code)); }),
      pq_(darkest_octave, brightest_octave, [](float nits) { return pq_inverse_eotf(static_cast<double>(nits)); }) {}

double HdrDifference::mean_delta_e_itp(const TensorView& a, const TensorView& b) const {
  const auto pixels = static_cast<size_t>(a.shape[2] * a.shape[3]);
  const auto to_ictcp = [&](const float* rgb) {
    Vector3 lms = multiply(bt2020_to_lms, Vector3{{nits_(rgb[0]), nits_(rgb[pixels]), nits_(rgb[2 * pixels])}});
    for (double& x : lms.v) x = pq_(x);
    return multiply(pq_lms_to_ictcp, lms);
  };
  double sum = 0;
  for (size_t i = 0; i < pixels; ++i) sum += delta_e_itp(to_ictcp(a.as<float>() + i), to_ictcp(b.as<float>() + i));
  return sum / static_cast<double>(pixels);
}

double HdrDifference::pu21_squared_error(const TensorView& a, const TensorView& b) const {
  const auto x = a.f32(), y = b.f32();
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double difference = pu21_(x[i]) - pu21_(y[i]);
    sum += difference * difference;
  }
  return sum / static_cast<double>(x.size());
}

}  // namespace framelift
