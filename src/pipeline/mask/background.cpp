#include "pipeline/mask/background.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "color/resolve.h"

namespace framelift {

Result<Background> Background::open(const std::string& path, const PictureLayout& target) {
  SourceOptions file;
  file.path = path;
  file.apply_rotation = true;
  FL_TRY(auto source, open_source(file));
  const VideoInfo& info = source->info();
  const PictureLayout given{info.format, info.width, info.height,
                            resolve_color(info.color, info.width, info.height, info.format.family == ColorFamily::rgb)};
  const double factor = std::max(double(target.width) / given.width, double(target.height) / given.height);
  const PictureLayout covering{full_detail(given.format), static_cast<int>(std::ceil(given.width * factor)),
                               static_cast<int>(std::ceil(given.height * factor)), given.color};
  FL_TRY(auto to_tensor, FrameToTensor::create(covering.format, covering.color));
  Background background(std::move(to_tensor));
  FL_TRY(background.resizer_, Resizer::create(given, covering, false));
  FL_TRY(background.covering_, FramePool(covering.width, covering.height, covering.format, 1).acquire());
  background.middle_ = {(covering.width - target.width) / 2, (covering.height - target.height) / 2, target.width,
                        target.height};
  if (given.color.transfer != target.color.transfer || given.color.primaries != target.color.primaries) {
    FL_TRY(background.convert_, ColorConverter::create(given.color, target.color));
  }
  background.file_ = std::move(file);
  background.source_ = std::move(source);
  FL_CHECK(background.decode_next());
  if (background.next_.empty()) return fail(ErrorCode::invalid_data, "{}: holds no picture", path);
  return background;
}

// The frame after next_, and when it begins; after the last the first again.
Status Background::decode_next() {
  const Rational rate = source_->info().frame_rate;
  const double usual = rate.num > 0 ? 1 / rate.value() : 0.04;  // seconds a frame
  const bool still = source_->info().still;
  FL_TRY(next_, source_->next());
  if (next_.empty() && frames_ > 0 && !still) {
    FL_TRY(source_, open_source(file_));
    FL_TRY(next_, source_->next());
    round_begin_ = next_begin_ + usual;
    frames_ = 0;
  }
  if (next_.empty()) return {};
  if (frames_ == 0) first_pts_ = next_.pts.value_or(0);
  const double since = next_.pts ? static_cast<double>(*next_.pts - first_pts_) * source_->info().time_base.value()
                                 : static_cast<double>(frames_) * usual;
  next_begin_ = round_begin_ + since;
  ++frames_;
  return {};
}

Status Background::show(double seconds, const TensorView& picture) {
  Frame shown;
  while (!next_.empty() && next_begin_ <= seconds + 1e-6) {  // times are rounded to their bases
    shown = std::move(next_);
    FL_CHECK(decode_next());
  }
  if (shown.empty()) return {};
  FL_CHECK(resizer_->run(shown, covering_));
  to_tensor_.run(covering_, middle_, picture);
  if (convert_) convert_->run(picture);
  return {};
}

}  // namespace framelift
