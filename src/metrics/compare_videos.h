// Two videos, pictures or sequences compared frame by frame: `framelift compare`.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/cancellation.h"
#include "base/result.h"
#include "decode/source.h"
#include "metrics/flicker.h"

namespace framelift {

struct QualityMetric {
  enum class Mean : uint8_t {
    arithmetic,
    of_errors,  // of decibels: those of the mean squared error, so that one perfect frame does not make all perfect
  };
  const char* name;   // "psnr_rgb", for files
  const char* title;  // "PSNR of R'G'B'", for people
  const char* unit;   // "dB"; empty for none
  bool higher_is_better;
  Mean mean;
  bool hdr_only;
};

//   psnr_rgb     metrics/psnr.h, over R, G and B in the pictures' own transfer curve, peak 1, not clamped
//   psnr_y       the same over luma
//   ssim         metrics/ssim.h, over luma; needs 11x11 pixels
//   delta_e_itp  metrics/hdr_difference.h, mean over the pixels
//   pu21_psnr    metrics/hdr_difference.h, over R, G and B of light
inline constexpr std::array<QualityMetric, 5> quality_metrics{{
    {"psnr_rgb", "PSNR RGB", "dB", true, QualityMetric::Mean::of_errors, false},
    {"psnr_y", "PSNR luma", "dB", true, QualityMetric::Mean::of_errors, false},
    {"ssim", "SSIM luma", "", true, QualityMetric::Mean::arithmetic, false},
    {"delta_e_itp", "Delta E ITP", "", false, QualityMetric::Mean::arithmetic, true},
    {"pu21_psnr", "PU21-PSNR", "dB", true, QualityMetric::Mean::of_errors, true},
}};

struct FrameQuality {
  double time_seconds = 0;  // of A's frame; NaN when A has no times
  // By the order of quality_metrics; NaN for what does not apply. PSNR of equal frames is infinite.
  std::array<double, quality_metrics.size()> values{};
};

struct CompareJob {
  // Of both, --start and the like are the caller's: nothing is aligned. A is the reference.
  SourceOptions a, b;
  bool flicker = false;         // the flicker of B relative to A as well
  bool quality_needed = false;  // fail rather than measure flicker alone
  const Cancellation* cancel = nullptr;
  std::function<void(int64_t frames, int64_t total)> on_frame;  // total: A's, 0 when unknown
};

struct VideoComparison {
  int64_t frames = 0;  // compared: as many as the shorter one has
  bool a_is_longer = false, b_is_longer = false;
  std::vector<FrameQuality> quality;  // one a frame; empty when only flicker could be compared
  FlickerScore flicker;
};

// Frame n of A with frame n of B, in A's colours. What one of two SDR or two HDR files leaves unsaid about its colours
// counts as what the other says; where transfer or primaries differ, B is converted. HLG is shown on a display of 1000
// cd/m2. Alpha is not compared. Videos are turned upright first.
// For flicker alone the two may differ in size and in dynamic range; `quality` is then empty.
// Errors: not_found, invalid_data, unsupported (as open_source; SDR with HDR, colours without an implementation),
// invalid_argument (sizes differ, one of them has no frame), cancelled.
Result<VideoComparison> compare_videos(const CompareJob& job);

// Mean of one metric (index into quality_metrics) over the frames, and the frame where it is worst.
struct QualitySummary {
  double mean = 0, worst = 0;
  size_t worst_frame = 0;  // counted from 0
};
QualitySummary summarise(std::span<const FrameQuality> frames, size_t metric);

}  // namespace framelift
