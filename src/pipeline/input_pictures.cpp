#include "pipeline/input_pictures.h"

#include <cstring>
#include <functional>

#include "pipeline/mask/eyes.h"

namespace framelift {
namespace {

// The picture between the columns that are at its other side.
void wrap(const Frame& picture, int columns, const Frame& wrapped) {
  for (int p = 0; p < picture.format.plane_count(); ++p) {
    const PlaneView &from = picture.planes[static_cast<size_t>(p)], &to = wrapped.planes[static_cast<size_t>(p)];
    const auto bytes = static_cast<size_t>(picture.format.bytes_per_sample());
    const size_t beside = static_cast<size_t>(picture.format.plane_width(p, columns)) * bytes;
    const size_t width = static_cast<size_t>(from.width) * bytes;
    for (int y = 0; y < from.height; ++y) {
      const auto* src = from.row<std::byte>(y);
      auto* dst = to.row<std::byte>(y);
      std::memcpy(dst, src + width - beside, beside);
      std::memcpy(dst + beside, src, width);
      std::memcpy(dst + beside + width, src, beside);
    }
  }
}

Result<Frame> new_frame(const PictureLayout& layout) {
  FL_TRY(Frame frame, FramePool(layout.width, layout.height, layout.format, 1).acquire());
  frame.color = layout.color;
  return frame;
}

}  // namespace

Result<InputPictures> InputPictures::create(const JobPlan& plan, const VideoInfo& input) {
  InputPictures pictures;
  pictures.eyes_ = eye_regions(plan.eyes, input.width, input.height);
  pictures.wrap_ = plan.wrap;
  const Region& eye = pictures.eyes_[0];
  const PictureLayout wrapped{input.format, eye.width + 2 * plan.wrap, eye.height, plan.input_color};
  const PictureLayout seen = picture_layout(plan, input);
  if (plan.resize_input) {
    FL_TRY(pictures.resizer_, Resizer::create(wrapped, seen, false, plan.input_filter));
    if (plan.wrap > 0) {
      FL_TRY(pictures.wrapped_, new_frame(wrapped));
    }
  }
  for (size_t i = 0; i < pictures.eyes_.size(); ++i) {
    Frame picture;
    if (plan.resize_input || plan.wrap > 0) {
      FL_TRY(picture, new_frame(seen));
    }
    pictures.pictures_.push_back(std::move(picture));
  }
  return pictures;
}

Result<std::span<const Frame>> InputPictures::run(const Frame& source) {
  for (size_t i = 0; i < eyes_.size(); ++i) {
    Frame eye = part_of(source, eyes_[i]);
    Frame& picture = pictures_[i];
    if (wrap_ > 0) wrap(eye, wrap_, resizer_ ? wrapped_ : picture);
    if (resizer_) {
      FL_CHECK(resizer_->run(wrap_ > 0 ? wrapped_ : eye, picture));
    } else if (wrap_ == 0) {
      picture = std::move(eye);
    }
  }
  return std::span<const Frame>(pictures_);
}

Status InputPictures::read(const Frame& source, const PictureReader& reader, const Region& region,
                           const TensorView& input) {
  const int width = pictures_[0].width, height = pictures_[0].height;
  for (size_t i = 0; i < eyes_.size(); ++i) {
    const Frame eye = part_of(source, eyes_[i]);
    if (wrap_ > 0) wrap(eye, wrap_, wrapped_);
    const TensorView dst = input.item(static_cast<int64_t>(i));
    const int64_t plane = int64_t{region.width} * region.height;
    const auto take = [&](int x, int y, const Frame& part) {
      reader.run_row(part,
                     {dst.as<float>() + int64_t{y - region.y} * region.width + (x - region.x), region.width, plane});
    };
    FL_CHECK(resizer_->run_rows(wrap_ > 0 ? wrapped_ : eye, std::cref(take)));  // by reference: nothing is allocated
    reader.complete(width, height, region, dst);
  }
  return {};
}

}  // namespace framelift
