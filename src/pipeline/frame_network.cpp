#include "pipeline/frame_network.h"

namespace framelift {

void Stabiliser::smooth(const TensorView& picture, std::span<float> values) {
  if (strength_ <= 0) return;
  if (cuts_.is_cut(picture)) {
    state_.assign(values.begin(), values.end());
    return;
  }
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = state_[i] = strength_ * state_[i] + (1 - strength_) * values[i];
}

Result<FrameNetwork> FrameNetwork::create(const Network& network, Backend& backend, const CompileOptions& options,
                                          int width, int height, Reduction method, float stabilise) {
  const FrameReduction& wanted = *network.contract.frame_reduction;
  FrameNetwork made(wanted.edge > 0 ? Reducer::to_size(height, width, wanted.edge, wanted.edge, Reduction::bilinear)
                                    : Reducer::by_factor(height, width, wanted.factor, method),
                    stabilise);
  FL_TRY(const Graph graph, network.build_frame_graph(1, made.reducer_.target_height(), made.reducer_.target_width()));
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
  return run(whole_.view());
}

Status FrameNetwork::run(const TensorView& whole) {
  const TensorView picture = request_->input(0);
  reducer_.run(whole, picture);
  FL_CHECK(request_->start());
  FL_CHECK(request_->wait());
  stabiliser_.smooth(picture, vector().f32());
  return {};
}

}  // namespace framelift
