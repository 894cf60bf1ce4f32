// What a network wants to know of the whole frame: computed once per frame, kept steady over time, fed to every tile.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "frame/frame.h"
#include "metrics/scene_cut.h"
#include "network/network.h"
#include "preprocess/picture_reader.h"
#include "preprocess/reduce.h"

namespace framelift {

// Exponential smoothing of a vector per frame, which starts anew at scene cuts:
//   s(t) = strength * s(t-1) + (1 - strength) * v(t).
class Stabiliser {
 public:
  // strength 0: no smoothing. The time constant is -1 / ln(strength) frames (0.9: about ten frames).
  explicit Stabiliser(float strength) : strength_(strength) {}

  // Smooths `values` in place. `picture` is the reduced frame [1,3,H,W] they were computed from.
  void smooth(const TensorView& picture, std::span<float> values);

 private:
  float strength_;
  SceneCutDetector cuts_;
  std::vector<float> state_;
};

class FrameNetwork {
 public:
  // For frames of width x height pixels. `method`: where the network's contract leaves it open.
  static Result<FrameNetwork> create(const Network& network, Backend& backend, const CompileOptions& options, int width,
                                     int height, Reduction method, float stabilise);

  // Reduces the frame and runs the network's frame graph; the result is in vector() until the next call.
  Status run(const PictureReader& reader, const Frame& frame);
  // The same of a picture [1,3,height,width] in the network's colours.
  Status run(const TensorView& whole);
  TensorView vector() { return request_->output(0); }
  bool from_cache() const { return executable_->from_cache(); }

 private:
  FrameNetwork(Reducer reducer, float stabilise) : reducer_(std::move(reducer)), stabiliser_(stabilise) {}

  Reducer reducer_;
  Stabiliser stabiliser_;
  Tensor whole_;  // the frame at full size
  std::unique_ptr<Executable> executable_;
  std::unique_ptr<InferRequest> request_;
};

}  // namespace framelift
