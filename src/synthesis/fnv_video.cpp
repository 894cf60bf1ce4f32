#include "synthesis/fnv_video.h"

#include <algorithm>

#include "network/hinerv/config_text.h"
#include "network/hinerv/hinerv.h"

namespace framelift {
namespace {

Tensor to_halves(const Tensor& tensor) {
  Tensor halves(DType::f16, tensor.shape());
  std::ranges::transform(tensor.f32(), halves.as<uint16_t>(), float_to_half);
  return halves;
}

Tensor to_floats(const StoredTensor& stored) {
  if (const auto* quantized = std::get_if<QuantizedTensor>(&stored.content)) return dequantize(*quantized);
  return std::get<Tensor>(stored.content).to_f32();
}

Status check_parameters(const HinervConfig& config, const Parameters& parameters, const std::string& file) {
  FL_TRY(const Graph graph, build_hinerv(config, {}));
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    const auto found = parameters.find(value.name);
    if (found == parameters.end() || found->second.shape() != value.shape)
      return fail(ErrorCode::invalid_data, "{}: its network's tensor {} is missing or has another shape (damaged file)",
                  file, value.name);
  }
  return {};
}

}  // namespace

int TensorBits::operator()(std::string_view tensor) const {
  const auto found = of.find(tensor);
  return found == of.end() ? all : found->second;
}

TensorBits bits_of(std::span<const StoredTensor> tensors, int others) {
  TensorBits bits(others);
  for (const StoredTensor& stored : tensors)
    if (const auto* quantized = std::get_if<QuantizedTensor>(&stored.content)) bits.of[stored.name] = quantized->bits;
  return bits;
}

Result<std::vector<StoredTensor>> store_network(const Parameters& parameters, const TensorBits& bits) {
  std::vector<StoredTensor> stored;
  for (const auto& [name, tensor] : parameters) {
    if (tensor.shape().rank() < 2) {
      stored.push_back({name, to_halves(tensor)});
      continue;
    }
    auto quantized = quantize(tensor, bits(name), quantization_axis(tensor.shape()));
    if (!quantized) return fail(quantized.error().code, "{}: {}", name, quantized.error().message);
    stored.push_back({name, std::move(*quantized)});
  }
  return stored;
}

Parameters stored_parameters(std::span<const StoredTensor> tensors) {
  Parameters parameters;
  for (const StoredTensor& stored : tensors) parameters.emplace(stored.name, to_floats(stored));
  return parameters;
}

Result<HinervVideo> video_of_group(const FnvHeader& header, const FnvGroup& group, const std::string& file) {
  HinervVideo video;
  video.name = file;
  FL_TRY(video.config, parse_hinerv_texts(group.configuration, static_cast<int>(group.times.size()),
                                          header.coded_height, header.coded_width, file));
  video.parameters = stored_parameters(group.tensors);
  FL_CHECK(check_parameters(video.config, video.parameters, file));
  video.width = header.width;
  video.height = header.height;
  video.left = header.left;
  video.top = header.top;
  video.format = header.format;
  video.color = header.color;
  video.sample_aspect_ratio = header.sample_aspect_ratio;
  video.frame_rate = header.frame_rate;
  video.time_base = header.time_base;
  for (const FnvFrameTime& time : group.times) video.times.push_back(time.pts);
  return video;
}

}  // namespace framelift
