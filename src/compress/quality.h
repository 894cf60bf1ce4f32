// How near a decoded picture is to the one it was made from.
#pragma once

#include <memory>
#include <optional>

#include "backend/backend.h"
#include "base/result.h"
#include "frame/frame.h"
#include "frame/tensor.h"

namespace framelift {

// Of R'G'B' with peak 1, as the authors of HiNeRV define it for each frame: 10 log10(1 / (mse + 1e-9)), at most 90 dB.
double frame_psnr(double mse);

// The upper left part of a picture [1,C,H,W].
Tensor upper_left(const Tensor& picture, int height, int width);

// The same of one plane of two frames of one format, as a share of 2^bits - 1.
double plane_psnr(const Frame& a, const Frame& b, int plane);

// MS-SSIM (train/loss.h) of R'G'B' pictures of one size, with a window of 11, or of 5 for pictures below 176 pixels.
class MsSsimMeter {
 public:
  // Nothing: the pictures are too small, below 80 pixels.
  static Result<std::optional<MsSsimMeter>> create(int height, int width);
  // Both f32 [1,3,height,width], clamped to 0..1.
  Result<double> run(const TensorView& a, const TensorView& b);

 private:
  std::unique_ptr<Executable> executable_;
  std::unique_ptr<InferRequest> request_;
};

}  // namespace framelift
