#include "postprocess/frame_confidence.h"

#include <algorithm>
#include <utility>

#include "postprocess/confidence.h"

namespace framelift {
namespace {

constexpr int rows_at_once = 32;

TensorView first_rows(Tensor& tensor, int rows) {
  TensorView view = tensor.view();
  view.shape.set_dim(2, rows);
  return view;
}

}  // namespace

FrameConfidence::FrameConfidence(PictureReader reader, int width)
    : reader_(std::move(reader)),
      before_(DType::f32, {1, 3, rows_at_once, width}),
      after_(DType::f32, {1, 3, rows_at_once, width}),
      confidence_(DType::f32, {1, 1, rows_at_once, width}) {}

Result<FrameConfidence> FrameConfidence::create(const PictureLayout& source, const ColorInfo& meant,
                                                const PictureLayout& picture) {
  if (picture.format != PixelFormat{ColorFamily::rgb, 32, 0, 0, true} ||
      picture.color.transfer != TransferCharacteristic::linear)
    return fail(ErrorCode::unsupported, "no picture of linear light with a plane for the confidence");
  PictureLayout read = source;
  const bool resize = source.width != picture.width || source.height != picture.height;
  if (resize) read = {full_detail(source.format), picture.width, picture.height, source.color};
  FL_TRY(auto to_tensor, FrameToTensor::create(read.format, read.color));
  FL_TRY(auto convert, ColorConverter::create(meant, picture.color));
  FrameConfidence confidence(PictureReader(std::move(to_tensor), std::move(convert), true), picture.width);
  if (resize) {
    FL_TRY(confidence.resizer_, Resizer::create(source, read, false));
    FramePool pool(read.width, read.height, read.format, 1);
    FL_TRY(confidence.resized_, pool.acquire());
  }
  return confidence;
}

Status FrameConfidence::run(const Frame& source, const Frame& picture) {
  if (resizer_) FL_CHECK(resizer_->run(source, resized_));
  for (int y = 0; y < picture.height; y += rows_at_once)
    fill_rows(resizer_ ? resized_ : source, picture, {0, y, picture.width, std::min(rows_at_once, picture.height - y)});
  return {};
}

void FrameConfidence::fill_rows(const Frame& source, const Frame& picture, const Region& rows) {
  const TensorView before = first_rows(before_, rows.height), after = first_rows(after_, rows.height);
  const TensorView confidence = first_rows(confidence_, rows.height);
  reader_.run(source, rows, before);
  float* to = after.as<float>();
  for (size_t plane = 0; plane < 3; ++plane)
    for (int y = rows.y; y < rows.bottom(); ++y, to += rows.width)
      std::copy_n(picture.planes[plane].row<float>(y), rows.width, to);
  expansion_confidence(before, after, confidence);
  const float* from = confidence.as<float>();
  for (int y = rows.y; y < rows.bottom(); ++y, from += rows.width)
    std::copy_n(from, rows.width, picture.planes[3].row<float>(y));
}

}  // namespace framelift
