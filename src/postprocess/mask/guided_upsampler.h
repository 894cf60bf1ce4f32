// A small plane brought to a picture's size along the picture's edges.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "frame/region.h"
#include "frame/tensor.h"
#include "postprocess/mask/box_filter.h"
#include "postprocess/mask/mask_kernels.h"

namespace framelift {

// A part of a picture: rows of R, G and B from 0 to 1, `stride` floats apart. Values outside, and NaN, count as the
// nearest.
struct GuidePart {
  const float* rgb[3] = {};
  int64_t stride = 0;
};
// A part of the guide, valid until the next call.
using Guide = std::function<GuidePart(const Region&)>;
// Of a picture in memory, f32 [1,3,H,W].
Guide whole_guide(const TensorView& picture);

// The fast guided filter with a colour guide (He, Sun, Tang, TPAMI 2013; He, Sun: arXiv 1505.00996): over every window
// the plane is fitted as a . guide + b at the small size; a and b are interpolated, and meet the guide at full size.
// Where a and b leave no doubt that the matte is 0 or 1, whatever the guide, the guide is not asked for.
// One thread at a time; allocates nothing after its construction.
class GuidedUpsampler {
 public:
  // From height x width to target_height x target_width. `radius` of the windows in pixels of the small size; 0: no
  // guide, bilinear interpolation. `epsilon`: variance of the guide, of 0 to 1, below which it counts as flat.
  GuidedUpsampler(int height, int width, int target_height, int target_width, int radius, float epsilon);

  // The picture of target_height x target_width for the run() calls that follow.
  void set_guide(Guide guide);
  // The most rows of a part that it is asked for.
  int guide_rows() const { return guide_rows_; }
  // `plane`: height x width, 0 to 1; `target`: f32 target_height x target_width.
  void run(const float* plane, const MatteEdges& edges, const TensorView& target);

 private:
  void shrink_guide();
  void fit(const float* plane);
  void find_sure(const MatteEdges& edges);
  void paint_rows(const Region& rows, int upper, int lower, const MatteEdges& edges, const TensorView& target);
  void paint_part(const Region& part, int upper, int lower, const MatteEdges& edges, float* target);

  // Between which two samples, and how far from the first, output samples lie: half-pixel centres, edge clamp.
  struct Axis {
    std::vector<int32_t> low, high;
    std::vector<float> weight;
    Axis(int from, int to);
  };

  int height_, width_, target_height_, target_width_, radius_, guide_rows_;
  size_t pixels_;  // of the small size
  float epsilon_;
  Guide guide_;
  BoxFilter box_;
  Axis rows_, columns_;
  std::vector<std::pair<int, int>> row_cells_, column_cells_;  // the pixels that each small one covers: [begin, end)
  // Of the target, for each small column and the end: the first that lies at it or after.
  std::vector<int> column_begin_;
  // Planes of the small size: R, G, B and their products RR, RG, RB, GG, GB, BB; their means over windows, and then the
  // inverse of their covariance + epsilon in place of the products; a (R, G, B) and b.
  std::vector<float> guide_small_, statistics_, fit_;
  std::vector<uint8_t> sure_;         // of each small pixel: 1, that the matte is 0; 2, that it is 1; 0: neither
  std::vector<float> sums_;           // of the guide, down the rows that one small row covers
  std::vector<float> upper_, lower_;  // parts of two rows of fit_ at the target's width, plane by plane
};

}  // namespace framelift
