#include "pipeline/mask/frame_mask.h"

#include "pipeline/mask/eyes.h"

namespace framelift {
namespace {

// Both eyes begin with a sample of their own in every plane.
Status check_split(EyeLayout layout, const PictureLayout& frames, const std::string& name) {
  const bool beside = layout == EyeLayout::side_by_side;
  const int shift = beside ? frames.format.chroma_shift_x : frames.format.chroma_shift_y;
  const int size = beside ? frames.width : frames.height, multiple = 2 << shift;
  if (layout == EyeLayout::one || size % multiple == 0) return {};
  return fail(ErrorCode::unsupported, "{}: is {}x{} in {}; two pictures {} need a multiple of {}", name, frames.width,
              frames.height, to_string(frames.format), beside ? "side by side" : "one above the other", multiple);
}

template <class Layout>
Layout eye_of(Layout frames, const Region& eye) {
  frames.width = eye.width;
  frames.height = eye.height;
  return frames;
}

}  // namespace

Result<FrameMask> FrameMask::create(const MaskOptions& options, const NetworkContract& contract, const Region& kept,
                                    const MaskSource& source, const MaskTarget& target) {
  FL_CHECK(check_split(options.eyes, source, source.name));
  FL_CHECK(check_split(options.eyes, target, target.name));
  FrameMask mask;
  mask.from_ = eye_regions(options.eyes, source.width, source.height);
  mask.to_ = eye_regions(options.eyes, target.width, target.height);
  for (size_t i = 0; i < mask.from_.size(); ++i) {
    FL_TRY(auto painter,
           MaskPainter::create(options, contract, kept, eye_of(source, mask.from_[i]), eye_of(target, mask.to_[i])));
    mask.painters_.push_back(std::move(painter));
  }
  return mask;
}

void FrameMask::take(const TensorView& output, const MaskStep& step) {
  for (size_t i = 0; i < painters_.size(); ++i) {
    if (step.run)
      painters_[i].take(output.item(static_cast<int64_t>(i)), step.cut);
    else
      painters_[i].take_unseen();
  }
}

Status FrameMask::paint(const Frame& source, Frame& picture) {
  for (size_t i = 0; i < painters_.size(); ++i) {
    Frame part = part_of(picture, to_[i]);
    FL_CHECK(painters_[i].paint(part_of(source, from_[i]), part));
  }
  return {};
}

}  // namespace framelift
