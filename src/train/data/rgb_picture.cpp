#include "train/data/rgb_picture.h"

#include <cmath>

#include "color/primaries.h"
#include "color/resolve.h"
#include "color/tone_map.h"
#include "color/transfer.h"
#include "decode/source.h"
#include "encode/sink.h"
#include "frame/frame.h"
#include "postprocess/tensor_to_frame.h"
#include "preprocess/frame_to_tensor.h"

namespace framelift {
namespace {

constexpr auto reference_white_nits = static_cast<float>(hdr_reference_white_nits);
constexpr float hlg_display_nits = 1000;

template <class T>
Result<T> naming(const std::string& path, Result<T> result) {
  if (result) return result;
  return fail(result.error().code, "{}: {}", path, result.error().message);
}

}  // namespace

Result<RgbPicture> read_rgb_picture(const std::string& path) {
  SourceOptions options;
  options.path = path;
  options.max_frames = 1;
  options.deinterlace = Deinterlace::off;
  options.apply_rotation = true;
  options.threads = 1;  // pictures are read side by side already
  FL_TRY(const auto source, open_source(options));
  FL_TRY(const Frame frame, source->next());
  if (frame.empty()) return fail(ErrorCode::invalid_data, "{}: holds no picture", path);
  RgbPicture picture;
  picture.color = resolve_color(frame.color, frame.width, frame.height, frame.format.family == ColorFamily::rgb);
  FL_TRY(const auto to_tensor, naming(path, FrameToTensor::create(frame.format, picture.color)));
  picture.rgb = Tensor(DType::f32, {1, 3, frame.height, frame.width});
  to_tensor.run(frame, {0, 0, frame.width, frame.height}, picture.rgb.view());
  return picture;
}

void to_linear_light(RgbPicture& picture) {
  const TransferCharacteristic transfer = picture.color.transfer;
  const bool same = same_primaries(picture.color.primaries, ColorPrimaries::bt709);
  if (transfer == TransferCharacteristic::linear && same) return;
  const Matrix3 matrix = rgb_to_rgb(picture.color.primaries, ColorPrimaries::bt709);
  const double gamma = hlg_system_gamma(hlg_display_nits);
  const int64_t plane = picture.rgb.elements() / 3;
  float* const values = picture.rgb.as<float>();
  for (int64_t i = 0; i < plane; ++i) {
    float rgb[3];
    for (int c = 0; c < 3; ++c) rgb[c] = eotf(transfer, values[c * plane + i]);
    if (transfer == TransferCharacteristic::hlg) hlg_ootf(rgb, gamma);
    float white = 1;
    if (transfer == TransferCharacteristic::pq) white = reference_white_nits / static_cast<float>(pq_peak_nits);
    if (transfer == TransferCharacteristic::hlg) white = reference_white_nits / hlg_display_nits;
    Vector3 light{{rgb[0] / white, rgb[1] / white, rgb[2] / white}};
    if (!same) light = multiply(matrix, light);
    for (int c = 0; c < 3; ++c) values[c * plane + i] = static_cast<float>(light.v[c]);
  }
  picture.color.transfer = TransferCharacteristic::linear;
  picture.color.primaries = ColorPrimaries::bt709;
}

void replace_non_finite(const TensorView& values) {
  for (float& v : values.f32())
    if (!std::isfinite(v)) v = v > 0 ? 10.0f : 0.0f;
}

Status write_rgb_picture(const std::string& path, const TensorView& rgb, const PictureEncoding& encoding) {
  SinkOptions options;
  options.path = path;
  options.overwrite = encoding.overwrite;
  options.height = static_cast<int>(rgb.shape[2]);
  options.width = static_cast<int>(rgb.shape[3]);
  options.source_format = encoding.format;
  options.color = encoding.color;
  options.still = true;
  options.pixel_format = encoding.pixel_format;
  options.encoder_options = encoding.encoder_options;
  options.threads = 1;  // the same bytes on every machine
  FL_TRY(const auto sink, open_sink(options));
  FL_TRY(const auto to_frame, naming(path, TensorToFrame::create(sink->format(), sink->color(), false)));
  FL_TRY(Frame frame, FramePool(options.width, options.height, sink->format(), 1).acquire());
  const Region all{0, 0, options.width, options.height};
  to_frame.run(rgb, all, all, frame);
  frame.color = sink->color();
  frame.pts = 0;
  FL_CHECK(sink->write(std::move(frame)));
  return sink->finish();
}

}  // namespace framelift
