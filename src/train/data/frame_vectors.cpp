#include "train/data/frame_vectors.h"

namespace framelift {
namespace {
constexpr size_t most_sizes = 8;  // each holds a picture and a compiled network
}

Result<Sample> WithFrameVectors::load(size_t i) const {
  FL_TRY(Sample sample, pictures_->load(i));
  const std::pair size(static_cast<int>(sample.input.shape()[2]), static_cast<int>(sample.input.shape()[3]));
  const std::lock_guard lock(mutex_);
  auto found = by_size_.find(size);
  if (found == by_size_.end()) {
    if (by_size_.size() == most_sizes) by_size_.clear();  // pictures of all sizes: none is likely to come again
    FL_TRY(FrameNetwork made,
           FrameNetwork::create(network_, backend_, {}, size.second, size.first, Reduction::bicubic, 0));
    found = by_size_.emplace(size, std::move(made)).first;
  }
  FL_CHECK(found->second.run(sample.input.view()));
  const TensorView vector = found->second.vector();
  sample.frame_vector = Tensor::from_f32(vector.shape, vector.f32());
  return sample;
}

}  // namespace framelift
