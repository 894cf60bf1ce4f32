// Test helpers: pictures made on the spot, small networks, and jobs over them.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "backend/torch/torch_engine.h"
#include "network/network.h"
#include "train/trainable.h"
#include "train/trainer.h"
#include "weights/files_for_test.h"

#define SKIP_WITHOUT_TORCH() \
  if (const auto engine = torch_engine(); !engine) GTEST_SKIP() << engine.error().message

namespace framelift::test {

// Smooth pictures, each with frequencies of its own; the target is a darker, tinted copy.
class SyntheticDataset : public Dataset {
 public:
  SyntheticDataset(size_t count, int height, int width, int scale = 1, float poison = 0)
      : height_(height), width_(width), scale_(scale), poison_(poison) {
    for (size_t i = 0; i < count; ++i) names_.push_back("picture" + std::to_string(i));
  }
  size_t size() const override { return names_.size(); }
  const std::string& name(size_t i) const override { return names_[i]; }
  Result<Sample> load(size_t i) const override {
    Sample sample{names_[i], Tensor(DType::f32, {1, 3, height_, width_}),
                  Tensor(DType::f32, {1, 3, height_ * scale_, width_ * scale_})};
    draw(sample.input, i, scale_, 1);
    draw(sample.target, i, 1, 0.7);
    sample.target.f32()[0] += poison_;
    return sample;
  }

 private:
  static void draw(Tensor& picture, size_t i, int step, double gain) {
    const int64_t height = picture.shape()[2], width = picture.shape()[3];
    float* dst = picture.as<float>();
    for (int c = 0; c < 3; ++c)
      for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x) {
          const double phase = 0.05 * static_cast<double>(step * (x * (static_cast<int64_t>(i) + 1) + 2 * y));
          *dst++ = static_cast<float>(gain * (0.5 + 0.4 * std::sin(phase + c)) * (c == 2 && gain < 1 ? 0.8 : 1));
        }
  }

  std::vector<std::string> names_;
  int height_, width_, scale_;
  float poison_;
};

// A job on small pictures with the smallest network of the compact kind, on one thread, into `root`.
inline TrainingJob small_job(const SyntheticDataset& dataset, const std::filesystem::path& root, int scale = 1) {
  TrainingJob job;
  const ChosenNetwork network = choose_network("srvgg", {{"features", 4}, {"convs", 1}, {"scale", scale}}).value();
  job.architecture = network.architecture;
  job.hyper = network.hyper;
  job.data = split_data(dataset, &dataset, 0, 1).value();
  job.root = root;
  TrainerOptions& o = job.options;
  o.epochs = 2;
  o.batches = {.batch = 2, .tile = 16, .scale_jitter_low = 1, .scale_jitter_high = 1, .workers = 1};
  o.learner.device = "cpu";
  o.learner.threads = 1;
  o.schedule.learning_rate = 1e-3;
  o.previews = 1;
  return job;
}

inline bool equal_bits(const Parameters& a, const Parameters& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, tensor] : a) {
    const auto found = b.find(name);
    if (found == b.end() || found->second.shape() != tensor.shape() ||
        std::memcmp(found->second.data(), tensor.data(), tensor.bytes()) != 0)
      return false;
  }
  return true;
}

}  // namespace framelift::test
