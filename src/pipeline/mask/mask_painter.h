// From what a segmentation network made of a picture to the picture that a job writes.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "frame/frame.h"
#include "network/network.h"
#include "pipeline/mask/background.h"
#include "pipeline/mask/mask_options.h"
#include "postprocess/mask/box_filter.h"
#include "postprocess/mask/guided_upsampler.h"
#include "postprocess/mask/probabilities.h"
#include "postprocess/mask/probability_smoother.h"
#include "postprocess/resize.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/color_convert.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {

// What the sink is asked for, given the source's format and colours: changes both where masks want others.
void plan_mask_format(const MaskOptions& options, PixelFormat& format, ColorInfo& color);

// The classes that are selected, one flag each. Errors: not_found (the message lists the network's classes).
Result<std::vector<bool>> selected_classes(const MaskOptions& options, const std::vector<ClassLabel>& classes);

// Pictures as they are decoded, how their time counts, and their name for messages.
struct MaskSource : PictureLayout {
  Rational time_base, frame_rate;
  std::string name;
};

// What is written.
struct MaskTarget : PictureLayout {
  std::string name;
};

// Of one eye's pictures, in their order. One thread at a time.
class MaskPainter {
 public:
  // `kept`: the part of the network's output that is the source's picture. `target`: of any size. Errors: also
  // unsupported (the target cannot hold an alpha plane or exact numbers), those of opening the background.
  static Result<MaskPainter> create(const MaskOptions& options, const NetworkContract& contract, const Region& kept,
                                    const MaskSource& source, const MaskTarget& target);

  // What the network made of the next picture, and whether a new scene begins with it.
  void take(const TensorView& output, bool cut) { to_probabilities(output, kind_, kept_, smoother_.add(cut)); }
  // The next picture, which the network has not seen.
  void take_unseen() { smoother_.add_unseen(); }
  // Whether the earliest picture that is not painted can be: the smoothing may look ahead. `ended`: no more will come.
  bool ready(bool ended) const { return smoother_.ready(ended); }
  // The earliest picture: `source` as decoded, `picture` to be written.
  Status paint(const Frame& source, Frame& picture);

 private:
  MaskPainter(const MaskOptions& options, const NetworkContract& contract, const Region& kept,
              const PictureLayout& target, FrameToTensor to_tensor, TensorToFrame to_frame);
  double time_of(const Frame& source);
  Guide guide_from(const Frame& picture);
  void find_matte();
  void find_winners();
  void paint_numbers();
  void paint_colors();
  void compose();
  int blur_radius() const;
  void blur_background();
  void write_matte(const PlaneView& plane, const PixelFormat& format) const;
  std::span<float> channel(Tensor& rgb, size_t c) const { return rgb.f32().subspan(c * matte_size(), matte_size()); }
  size_t matte_size() const { return static_cast<size_t>(width_) * static_cast<size_t>(height_); }

  MaskOptions options_;
  OutputKind kind_;
  std::vector<ClassLabel> classes_;
  std::vector<bool> selected_;
  Region kept_;
  int width_, height_;  // of what is written
  FrameToTensor to_tensor_;
  TensorToFrame to_frame_;
  std::optional<ColorConverter> convert_;  // from the source's colours to the target's
  std::optional<Resizer> resizer_;
  Frame resized_;
  bool premultiply_ = false;
  bool plain_mask_ = false;  // nothing but a mask is written, in gray that holds it as it is

  ProbabilitySmoother smoother_;
  RegionCleaner cleaner_;
  GuidedUpsampler upsampler_;
  Tensor probabilities_;              // [1,C,kept.height,kept.width]
  Tensor rgb_;                        // the frame, [1,3,H,W]; of masks, the part that guides them
  Tensor matte_;                      // [1,1,H,W]
  Tensor background_;                 // [1,3,H,W], of composites
  std::optional<Background> behind_;  // a file's
  Rational time_base_, frame_rate_;   // of the source's frames
  int64_t first_pts_ = 0, painted_ = 0;
  std::vector<float> plane_;            // of the network's size
  std::vector<uint8_t> labels_, best_;  // most probable classes at the network's size, and at the picture's
  std::vector<float> best_probability_;
  std::vector<int64_t> seen_;             // how many pixels each class has
  std::vector<const ClassLabel*> shown_;  // in the legend
  std::optional<BoxFilter> box_;          // for the blur
  std::vector<float> weight_;             // of each pixel in it
};

}  // namespace framelift
