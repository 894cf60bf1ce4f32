// Training a network whose layers compute with integers: framelift train --from.
#include <gtest/gtest.h>

#include "quantize/gate.h"
#include "quantize/post_training.h"
#include "train/train_test_support.h"

namespace framelift {
namespace {

// The pictures of another data set with what a float network makes of them as targets.
class DistilledDataset final : public Dataset {
 public:
  DistilledDataset(const Dataset& pictures, const Network& teacher) : pictures_(pictures), teacher_(teacher) {}
  size_t size() const override { return pictures_.size(); }
  const std::string& name(size_t i) const override { return pictures_.name(i); }
  Result<Sample> load(size_t i) const override {
    FL_TRY(Sample sample, pictures_.load(i));
    std::vector<SampleInputs> inputs(1);
    inputs[0].push_back(sample.input.clone());
    FL_TRY(auto outputs, run_samples(teacher_, inputs, **find_backend("reference"), {}));
    sample.target = std::move(outputs[0]);
    return sample;
  }

 private:
  const Dataset& pictures_;
  const Network& teacher_;
};

Network float_network() {
  Network network;
  const ChosenNetwork chosen = choose_network("srvgg", {{"features", 4}, {"convs", 1}, {"scale", 1}}).value();
  network.name = "small";
  network.architecture = chosen.architecture;
  network.hyper = chosen.hyper;
  network.contract = chosen.architecture->contract(chosen.hyper);
  uint32_t state = 12345;
  const Graph graph = network.build(1, 16, 16).value();
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    Tensor tensor(DType::f32, value.shape);
    for (float& v : tensor.f32()) {
      state = state * 1664525 + 1013904223;
      v = (static_cast<float>(state >> 8) * 0x1p-24f - 0.5f) * 0.6f;
    }
    network.parameters.emplace(value.name, std::move(tensor));
  }
  return network;
}

std::vector<SampleInputs> inputs_of(const Dataset& dataset, size_t first, size_t last) {
  std::vector<SampleInputs> inputs;
  for (size_t i = first; i < last; ++i) {
    inputs.emplace_back();
    inputs.back().push_back(dataset.load(i).value().input);
  }
  return inputs;
}

TEST(QuantisationAwareTraining, MakesUpForABadCalibration) {
  SKIP_WITHOUT_TORCH();
  const test::TempFolder root;
  const Network floating = float_network();
  const test::SyntheticDataset pictures(10, 24, 24);
  const DistilledDataset pairs(pictures, floating);
  Backend& engine = **find_backend("reference");

  // Ranges that cut a fifth of all values off.
  PostTrainingOptions bad;
  bad.range = {RangeMethod::percentile, 0.8};
  bad.round_for_output = bad.correct_bias = false;
  const QuantizedNetwork start = quantize_network(floating, inputs_of(pictures, 0, 3), engine, bad).value();

  const test::SyntheticDataset unused(1, 16, 16);
  TrainingJob job = test::small_job(unused, root.path());
  job.architecture = floating.architecture;
  job.hyper = floating.hyper;
  job.from = &start.network;
  job.data = split_data(pairs, &pairs, 0, 1).value();
  job.data.training_indices = {0, 1, 2, 3, 4, 5, 6, 7};
  job.data.validation_indices = {8, 9};
  job.options.epochs = 60;
  job.options.batches.tile = 24;  // whole pictures: at the edges of tiles the teacher saw more
  job.options.schedule = {.learning_rate = 5e-3, .cosine = true};
  const auto result = train(job);
  ASSERT_WORKS(result);
  const auto trained = load_network(result->run_folder / "model.safetensors");
  ASSERT_WORKS(trained);

  // Still integers on the same grids, with scales of their own.
  EXPECT_EQ(trained->quantized_layers, start.network.quantized_layers);
  EXPECT_FALSE(trained->quantized_layers.empty());
  const std::string scale = input_scale_name("body.2.weight");
  EXPECT_NE(trained->parameters.at(scale).f32()[0], start.network.parameters.at(scale).f32()[0]);

  const auto unseen = inputs_of(pictures, 8, 10);
  const auto expected = run_samples(floating, unseen, engine, {}).value();
  const double before = output_psnr(start.network, unseen, expected, engine, {}).value();
  const double after = output_psnr(*trained, unseen, expected, engine, {}).value();
  EXPECT_GT(after, before + 6) << before << " dB before, " << after << " dB after";
}

}  // namespace
}  // namespace framelift
