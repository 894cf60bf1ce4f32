#include "pipeline/frame_network.h"

#include <algorithm>
#include <cmath>

namespace framelift {
namespace {

// A scene cut changes the 16x9 thumbnail by more than this on average (of 1 = black to white). Camera moves and fades
// of ordinary footage stay below a third of it from one frame to the next.
constexpr float cut_threshold = 0.1f;
constexpr int thumbnail_width = 16, thumbnail_height = 9;

}  // namespace

bool Stabiliser::is_scene_cut(const TensorView& picture) {
  constexpr size_t cells = size_t{thumbnail_width} * thumbnail_height;
  const auto height = static_cast<int>(picture.shape[2]), width = static_cast<int>(picture.shape[3]);
  const bool first = thumbnail_.empty();
  thumbnail_.resize(cells);
  float difference = 0;
  for (int ty = 0; ty < thumbnail_height; ++ty)
    for (int tx = 0; tx < thumbnail_width; ++tx) {
      // Mean of the green plane over the cell: close enough to luma for telling scenes apart.
      const int y0 = ty * height / thumbnail_height, y1 = std::max((ty + 1) * height / thumbnail_height, y0 + 1);
      const int x0 = tx * width / thumbnail_width, x1 = std::max((tx + 1) * width / thumbnail_width, x0 + 1);
      float sum = 0;
      for (int y = y0; y < std::min(y1, height); ++y)
        for (int x = x0; x < std::min(x1, width); ++x) sum += picture.as<float>()[(height + y) * width + x];
      const float mean = sum / static_cast<float>((y1 - y0) * (x1 - x0));
      float& cell = thumbnail_[static_cast<size_t>(ty) * thumbnail_width + static_cast<size_t>(tx)];
      difference += std::abs(mean - cell);
      cell = mean;
    }
  return first || difference > cut_threshold * cells;
}

void Stabiliser::smooth(const TensorView& picture, std::span<float> values) {
  if (strength_ <= 0) return;
  if (is_scene_cut(picture)) {
    state_.assign(values.begin(), values.end());
    return;
  }
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = state_[i] = strength_ * state_[i] + (1 - strength_) * values[i];
}

Result<FrameNetwork> FrameNetwork::create(const Network& network, Backend& backend, const CompileOptions& options,
                                          int width, int height, Reduction method, float stabilise) {
  const int factor = network.contract.frame_reduction;
  FrameNetwork made(factor, method, stabilise);
  FL_TRY(const Graph graph,
         network.architecture->build_frame_graph(network.hyper, 1, reduced_size(height, factor, method),
                                                 reduced_size(width, factor, method)));
  CompileOptions one_at_a_time = options;
  one_at_a_time.latency = true;
  // Small, and it sets the tone of the whole frame: never in less than f32.
  one_at_a_time.precision = Precision::f32;
  FL_TRY(made.executable_, backend.compile(graph, network.parameters, one_at_a_time));
  FL_TRY(made.request_, made.executable_->create_request());
  made.whole_ = Tensor(DType::f32, {1, 3, height, width});
  return made;
}

Status FrameNetwork::run(const PictureReader& reader, const Frame& frame) {
  reader.run(frame, {0, 0, frame.width, frame.height}, whole_.view());
  const TensorView picture = request_->input(0);
  reduce(whole_.view(), factor_, method_, picture, scratch_);
  FL_CHECK(request_->start());
  FL_CHECK(request_->wait());
  stabiliser_.smooth(picture, vector().f32());
  return {};
}

}  // namespace framelift
