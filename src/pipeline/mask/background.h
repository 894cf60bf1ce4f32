// What stands behind a composite: a picture, or a video that runs along and begins again when it ends.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "decode/source.h"
#include "postprocess/resize.h"
#include "preprocess/color_convert.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {

// One thread at a time.
class Background {
 public:
  // As large as covers `target`'s size, in its middle, in its colours. Errors: those of opening the file, invalid_data
  // (it holds no picture), unsupported.
  static Result<Background> open(const std::string& path, const PictureLayout& target);

  // Into `picture`, f32 [1,3,height,width], which keeps what the call before wrote: what is shown `seconds` after the
  // beginning, which never go back.
  Status show(double seconds, const TensorView& picture);

 private:
  explicit Background(FrameToTensor to_tensor) : to_tensor_(std::move(to_tensor)) {}
  Status decode_next();

  SourceOptions file_;
  std::unique_ptr<Source> source_;
  std::optional<Resizer> resizer_;
  Frame covering_;
  Region middle_;  // of covering_
  FrameToTensor to_tensor_;
  std::optional<ColorConverter> convert_;

  Frame next_;              // empty: the one picture has been shown
  double next_begin_ = 0;   // seconds
  double round_begin_ = 0;  // when the file began, this time
  int64_t first_pts_ = 0;   // of the file, and how many of its frames have come, this time
  int64_t frames_ = 0;
};

}  // namespace framelift
