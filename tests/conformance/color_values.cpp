// Prints src/color's HDR curves and matrices over dense grids, "name input... = output...", for color_curves.py.
#include <fmt/format.h>

#include <cmath>

#include "color/matrix.h"
#include "color/pq.h"
#include "color/primaries.h"
#include "color/transfer.h"

namespace framelift {
namespace {

constexpr int steps = 4096;

void print_matrix(const char* name, const Matrix3& matrix) {
  fmt::print("{} =", name);
  for (const auto& row : matrix.m)
    for (const double x : row) fmt::print(" {}", x);
  fmt::print("\n");
}

void print_curves() {
  for (int i = 0; i <= steps; ++i) {
    const double x = static_cast<double>(i) / steps;
    // Eight decades, up to the peak.
    const double nits = pq_peak_nits * std::pow(10, 8 * (x - 1));
    fmt::print("pq_eotf {} = {}\n", x, pq_eotf(x));
    fmt::print("pq_inverse_eotf {} = {}\n", nits, pq_inverse_eotf(nits));
    fmt::print("hlg_oetf {} = {}\n", x, hlg_oetf(x));
    fmt::print("hlg_inverse_oetf {} = {}\n", x, hlg_inverse_oetf(x));
  }
}

// HLG signal -> light of a display, cd/m2.
void print_hlg_displays() {
  for (const double peak : {400.0, 1000.0, 2000.0}) {
    const double gamma = hlg_system_gamma(peak);
    for (int r = 0; r <= 8; ++r)
      for (int g = 0; g <= 8; ++g)
        for (int b = 0; b <= 8; ++b) {
          double light[3] = {hlg_inverse_oetf(r / 8.0), hlg_inverse_oetf(g / 8.0), hlg_inverse_oetf(b / 8.0)};
          hlg_ootf(light, gamma);
          fmt::print("hlg_eotf {} {} {} {} = {} {} {}\n", peak, r / 8.0, g / 8.0, b / 8.0, peak * light[0],
                     peak * light[1], peak * light[2]);
        }
  }
}

}  // namespace
}  // namespace framelift

int main() {
  using namespace framelift;
  print_curves();
  print_hlg_displays();
  print_matrix("ycbcr_from_rgb_bt2020", ycbcr_from_rgb(MatrixCoefficients::bt2020_ncl));
  print_matrix("rgb_from_ycbcr_bt2020", rgb_from_ycbcr(MatrixCoefficients::bt2020_ncl));
  print_matrix("rgb_to_xyz_bt2020", rgb_to_xyz(ColorPrimaries::bt2020));
  print_matrix("rgb_bt709_to_bt2020", rgb_to_rgb(ColorPrimaries::bt709, ColorPrimaries::bt2020));
  print_matrix("rgb_display_p3_to_bt2020", rgb_to_rgb(ColorPrimaries::display_p3, ColorPrimaries::bt2020));
}
