// Views into panoramas.
#pragma once

#include "frame/tensor.h"

namespace framelift {

// Where a camera in the middle of the panorama looks.
struct PanoramaView {
  double yaw_degrees = 0;             // to the right of the panorama's middle
  double pitch_degrees = 0;           // up, -90..90
  double field_of_view_degrees = 60;  // across the picture's side, above 0 and below 180
};

// Whether a picture looks like a lat-long panorama of the whole sphere: twice as wide as high.
constexpr bool has_panorama_shape(int64_t width, int64_t height) { return width == 2 * height && height >= 2; }

// A square perspective picture f32 [1, 3, side, side] from an equirectangular one f32 [1, 3, H, W]: longitude from
// -180 degrees at the left edge to 180 at the right, latitude from 90 at the top to -90. Bilinear, around the left and
// right edges, poles repeated; where pixels of the view are larger than the panorama's, it averages as many samples as
// that takes (up to 4 by 4).
Tensor view_panorama(const Tensor& panorama, const PanoramaView& view, int side);

}  // namespace framelift
