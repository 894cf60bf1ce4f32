// What a compressed video is worth: its bytes, and how near its frames are to the ones it was made from.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cancellation.h"
#include "base/result.h"
#include "decode/source.h"

namespace framelift {

struct EvaluateJob {
  SourceOptions reference;  // what was compressed
  std::string path;         // .fnv, or any video
  const Cancellation* cancel = nullptr;
  std::function<void(int64_t frames, int64_t total)> on_frame;  // total: 0 when unknown
};

struct FrameEvaluation {
  double time_seconds = 0;
  double psnr_rgb = 0;               // frame_psnr() of R'G'B', clamped to 0..1: of .fnv before anything is rounded
  std::array<double, 3> psnr_yuv{};  // plane_psnr() of the decoded frames in the reference's format; NaN for RGB
  double ms_ssim = 0;                // MsSsimMeter, of the same R'G'B'; NaN for small pictures
};

struct VideoEvaluation {
  uint64_t bytes = 0;        // of the file
  uint64_t video_bytes = 0;  // of .fnv without sound and other streams; of other files all of it
  int width = 0, height = 0;
  std::vector<FrameEvaluation> frames;

  double bits_per_pixel() const;
};

// The mean of one figure over all frames, as the authors of HiNeRV take it: of decibels, not of errors.
double mean_of(const VideoEvaluation& evaluation, const std::function<double(const FrameEvaluation&)>& figure);

// Frame n against frame n. Errors: those of open_source(); invalid_argument (sizes or numbers of frames differ, no
// frames), cancelled.
Result<VideoEvaluation> evaluate_video(const EvaluateJob& job);

// "PSNR 33.21 dB (Y 34.00, U 38.10, V 38.90), MS-SSIM 0.9712"
std::string summary_text(const VideoEvaluation& evaluation);
// frame,time,psnr_rgb,psnr_y,psnr_u,psnr_v,ms_ssim: one line a frame; what there is none of is empty.
std::string frames_csv(const VideoEvaluation& evaluation);

}  // namespace framelift
