// Training a network whose layers compute with integers: framelift train --from.
#include <gtest/gtest.h>

#include "quantize/gate.h"
#include "quantize/post_training.h"
#include "train/data/frame_vectors.h"
#include "train/train_test_support.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

// With random weights.
Network float_network(const char* name, const HyperParameters& hyper) {
  Network network;
  const ChosenNetwork chosen = choose_network(name, hyper).value();
  network.name = "small";
  network.architecture = chosen.architecture;
  network.hyper = chosen.hyper;
  network.contract = chosen.architecture->contract(chosen.hyper);
  uint32_t state = 12345;
  std::vector<Graph> graphs{network.build(1, 16, 16).value()};
  if (network.contract.frame_reduction) graphs.push_back(network.build_frame_graph(1, 16, 16).value());
  for (const Graph& graph : graphs)
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
    Sample sample = dataset.load(i).value();
    inputs.emplace_back();
    inputs.back().push_back(std::move(sample.input));
    if (!sample.frame_vector.empty()) inputs.back().push_back(std::move(sample.frame_vector));
  }
  return inputs;
}

// Integer layers that cut a fifth of all values off.
QuantizedNetwork badly_calibrated(const Network& floating, const Dataset& pictures, Backend& engine) {
  PostTrainingOptions bad;
  bad.range = {RangeMethod::percentile, 0.8};
  bad.round_for_output = bad.correct_bias = false;
  return quantize_network(floating, inputs_of(pictures, 0, 3), engine, bad).value();
}

// Trains on the first eight pictures of ten; their own targets are not what the teacher makes of them.
TrainingJob taught(const Network& teacher, const Network& from, const Dataset& pictures, const fs::path& root) {
  const test::SyntheticDataset unused(1, 16, 16);
  TrainingJob job = test::small_job(unused, root);
  job.architecture = teacher.architecture;
  job.hyper = teacher.hyper;
  job.from = &from;
  job.teacher = &teacher;
  job.data = split_data(pictures, &pictures, 0, 1).value();
  job.data.training_indices = {0, 1, 2, 3, 4, 5, 6, 7};
  job.data.validation_indices = {8, 9};
  job.options.epochs = 60;
  job.options.schedule = {.learning_rate = 5e-3, .cosine = true};
  return job;
}

// On pictures that training has not seen.
void expect_closer(const Network& trained, const Network& start, const Network& teacher, const Dataset& pictures,
                   Backend& engine) {
  const auto unseen = inputs_of(pictures, 8, 10);
  const auto expected = run_samples(teacher, unseen, engine, {}).value();
  const double before = output_psnr(start, unseen, expected, engine, {}).value();
  const double after = output_psnr(trained, unseen, expected, engine, {}).value();
  EXPECT_GT(after, before + 6) << before << " dB before, " << after << " dB after";
}

TEST(QuantisationAwareTraining, MakesUpForABadCalibration) {
  SKIP_WITHOUT_TORCH();
  const test::TempFolder root;
  const Network floating = float_network("srvgg", {{"features", 4}, {"convs", 1}, {"scale", 1}});
  const test::SyntheticDataset pictures(10, 24, 24);
  Backend& engine = **find_backend("reference");
  const QuantizedNetwork start = badly_calibrated(floating, pictures, engine);
  const TrainingJob job = taught(floating, start.network, pictures, root.path());
  const auto result = train(job);
  ASSERT_WORKS(result);
  const auto trained = load_network(result->run_folder / "model.safetensors");
  ASSERT_WORKS(trained);

  // Still integers on the same grids, with scales of their own.
  EXPECT_EQ(trained->quantized_layers, start.network.quantized_layers);
  EXPECT_FALSE(trained->quantized_layers.empty());
  const std::string scale = input_scale_name("body.2.weight");
  EXPECT_NE(trained->parameters.at(scale).f32()[0], start.network.parameters.at(scale).f32()[0]);

  expect_closer(*trained, start.network, floating, pictures, engine);
}

TEST(QuantisationAwareTraining, KeepsTheStartWhereNothingIsBetter) {
  SKIP_WITHOUT_TORCH();
  const test::TempFolder root;
  const Network floating = float_network("srvgg", {{"features", 4}, {"convs", 1}, {"scale", 1}});
  const test::SyntheticDataset pictures(10, 24, 24);
  Backend& engine = **find_backend("reference");
  const QuantizedNetwork start = quantize_network(floating, inputs_of(pictures, 0, 3), engine, {}).value();
  TrainingJob job = taught(floating, start.network, pictures, root.path());
  job.options.epochs = 2;
  job.options.schedule.learning_rate = 0.3;  // far too high
  std::vector<double> losses;
  job.on_epoch = [&](const EpochRecord& r) { losses.push_back(r.validation_loss); };
  const auto result = train(job);
  ASSERT_WORKS(result);
  ASSERT_EQ(losses.size(), 3u);
  EXPECT_GT(losses[1], losses[0]);
  EXPECT_GT(losses[2], losses[0]);
  EXPECT_EQ(result->best_epoch, 0);
  EXPECT_EQ(result->best_loss, losses[0]);
  const auto kept = load_network(result->run_folder / "model.safetensors");
  ASSERT_WORKS(kept);
  const auto unseen = inputs_of(pictures, 8, 10);
  const auto before = run_samples(start.network, unseen, engine, {}).value();
  const auto after = run_samples(*kept, unseen, engine, {}).value();
  for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(std::ranges::equal(after[i].f32(), before[i].f32()));
}

// The frame graph keeps its weights, and what it says of each picture reaches teacher and pupil.
TEST(QuantisationAwareTraining, OfANetworkThatSeesTheWholeFrame) {
  SKIP_WITHOUT_TORCH();
  const test::TempFolder root;
  const Network floating = float_network("agcm", {});
  Backend& engine = **find_backend("reference");
  const WithFrameVectors pictures(std::make_unique<test::SyntheticDataset>(10, 24, 32), floating, engine);
  const QuantizedNetwork start = badly_calibrated(floating, pictures, engine);
  TrainingJob job = taught(floating, start.network, pictures, root.path());
  job.options.epochs = 20;
  job.options.schedule.learning_rate = 1e-3;
  double first = 0, last = 0;
  job.on_epoch = [&](const EpochRecord& r) { (r.epoch == 1 ? first : last) = r.validation_loss; };
  const auto result = train(job);
  ASSERT_WORKS(result);
  EXPECT_LT(last, first / 2);
  const auto trained = load_network(result->run_folder / "model.safetensors");
  ASSERT_WORKS(trained);
  const Graph frame_graph = floating.build_frame_graph(1, 16, 16).value();
  int kept = 0;
  for (const Value& value : frame_graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    EXPECT_TRUE(std::ranges::equal(trained->parameters.at(value.name).f32(), floating.parameters.at(value.name).f32()))
        << value.name;
    ++kept;
  }
  EXPECT_GT(kept, 0);

  expect_closer(*trained, start.network, floating, pictures, engine);
}

TEST(Teaching, IsRefusedWhereThePicturesDiffer) {
  SKIP_WITHOUT_TORCH();
  const test::TempFolder root;
  const Network teacher = float_network("srvgg", {{"features", 4}, {"convs", 1}, {"scale", 2}});
  const test::SyntheticDataset pictures(2, 16, 16);
  TrainingJob job = test::small_job(pictures, root.path());
  job.teacher = &teacher;
  EXPECT_FAILS_WITH(train(job), "--teacher small makes other pictures");
}

}  // namespace
}  // namespace framelift
