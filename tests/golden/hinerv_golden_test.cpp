// HiNeRV against independent PyTorch code: synthetic networks, and the tiny one that the authors' program trained.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "backend/torch/torch_engine.h"
#include "base/temporary_folder.h"
#include "codec/fnv_writer.h"
#include "network/hinerv/config_text.h"
#include "network/hinerv/hinerv.h"
#include "network/hinerv/weights.h"
#include "synthesis/fnv_video.h"
#include "tests/formula_weights.h"
#include "tests/support.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double f32_tolerance = 1e-5;  // the contract, as in golden_test.cpp
// Patches do the same sums in another order, and divide by weights of the interpolation that are 1 but for rounding.
constexpr double patch_tolerance = 1e-6;

HinervConfig parse_config(const json& c) {
  HinervConfig config;
  config.frames = c.at("frames");
  config.height = c.at("height");
  config.width = c.at("width");
  config.channels = c.at("channels");
  for (size_t i = 0; i < c.at("scales").size(); ++i)
    config.stages.push_back({c.at("scales")[i], c.at("depths")[i], c.at("exps")[i], c.at("kernels")[i]});
  config.stem_kernel = c.at("stem_kernel");
  config.base_frames = c.at("base_frames");
  config.base_channels = c.at("base_channels");
  config.base_levels = c.at("base_levels");
  config.grid_channels = c.at("grid_channels");
  config.grid_levels = c.at("grid_levels");
  config.upsample_norm = c.at("upsample_norm");
  return config;
}

Result<Tensor> paint(Backend& backend, const HinervConfig& config, const Parameters& parameters,
                     std::span<const HinervPlace> places, int patch) {
  const HinervRun run{static_cast<int>(places.size()), patch, patch};
  FL_TRY(const Graph graph, build_hinerv(config, run));
  const std::vector<Tensor> inputs = hinerv_inputs(graph, config, run, places);
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  CompileOptions options;
  options.precision = Precision::f32;
  return run_graph(backend, graph, parameters, pointers, options);
}

class HinervGolden : public testing::TestWithParam<json> {};

TEST_P(HinervGolden, EveryBackend) {
  const json& c = GetParam();
  const HinervConfig config = parse_config(c.at("config"));
  const auto golden = read_weights(fs::path("tests/golden") / c.at("golden").get<std::string>());
  ASSERT_TRUE(golden) << golden.error().message;
  const auto graph = build_hinerv(config, {});
  ASSERT_TRUE(graph) << graph.error().message;
  Parameters parameters;
  add_formula_weights(*graph, parameters);
  int64_t learnt = 0;
  for (const auto& [name, tensor] : parameters) learnt += tensor.elements();
  EXPECT_EQ(learnt, c.at("parameters").get<int64_t>());

  std::vector<HinervPlace> frames, patches;
  for (int frame : c.at("frames")) frames.push_back({frame, 0, 0});
  for (const json& place : c.at("places")) patches.push_back({place[0], place[1], place[2]});
  const int size = c.at("patch");
  for (Backend* backend : exact_backends()) {
    const auto whole = paint(*backend, config, parameters, frames, 0);
    ASSERT_TRUE(whole) << backend->name() << ": " << whole.error().message;
    EXPECT_EQ(whole->shape(), golden->find("frames")->shape());
    EXPECT_LE(largest_difference(whole->f32(), golden->find("frames")->f32()), f32_tolerance) << backend->name();

    const auto parts = paint(*backend, config, parameters, patches, size);
    ASSERT_TRUE(parts) << backend->name() << ": " << parts.error().message;
    EXPECT_EQ(parts->shape(), golden->find("patches")->shape());
    EXPECT_LE(largest_difference(parts->f32(), golden->find("patches")->f32()), f32_tolerance) << backend->name();
  }
}

std::vector<json> cases() {
  std::ifstream file("tests/golden/manifest.json");
  return json::parse(file).at("hinerv").get<std::vector<json>>();
}
INSTANTIATE_TEST_SUITE_P(Synthetic, HinervGolden, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.at("case").template get<std::string>(); });

// Every patch of a frame, one of them in the middle and some across its lower and right border, on every backend.
TEST(HinervPatches, AgreeWithTheWholeFrame) {
  HinervConfig config = parse_config(cases()[0].at("config"));
  config.height = 36;
  config.width = 54;
  constexpr int frame = 2, size = 24;
  Parameters parameters;
  add_formula_weights(build_hinerv(config, {}).value(), parameters);
  std::vector<HinervPlace> places;
  for (int row = 0; row * size < config.height; ++row)
    for (int column = 0; column * size < config.width; ++column) places.push_back({frame, row, column});
  ASSERT_EQ(places.size(), 6u);
  const HinervPlace whole_place[] = {{frame, 0, 0}};
  for (Backend* backend : exact_backends()) {
    const auto whole = paint(*backend, config, parameters, whole_place, 0);
    const auto patches = paint(*backend, config, parameters, places, size);
    ASSERT_TRUE(whole && patches);
    double worst = 0;
    for (size_t i = 0; i < places.size(); ++i)
      for (int channel = 0; channel < 3; ++channel)
        for (int y = 0; y < size; ++y)
          for (int x = 0; x < size; ++x) {
            const int frame_y = places[i].row * size + y, frame_x = places[i].column * size + x;
            if (frame_y >= config.height || frame_x >= config.width) continue;
            const size_t here = ((i * 3 + static_cast<size_t>(channel)) * size + static_cast<size_t>(y)) * size +
                                static_cast<size_t>(x);
            const auto there =
                static_cast<size_t>((int64_t{channel} * config.height + frame_y) * config.width + frame_x);
            worst = std::max(worst, std::abs(double{patches->f32()[here]} - double{whole->f32()[there]}));
          }
    EXPECT_LE(worst, patch_tolerance) << backend->name();
  }
}

// What training needs: patches that the torch engine differentiates by every parameter.
TEST(HinervPatches, EveryParameterHasAGradient) {
  const auto engine = torch_engine();
  if (!engine) GTEST_SKIP() << engine.error().message;
  const HinervConfig config = parse_config(cases()[0].at("config"));
  const HinervRun run{2, 12, 12};
  const auto graph = build_hinerv(config, run);
  ASSERT_TRUE(graph) << graph.error().message;
  Parameters parameters;
  add_formula_weights(*graph, parameters);
  const HinervPlace places[] = {{1, 0, 1}, {5, 1, 0}};
  std::vector<Tensor> inputs = hinerv_inputs(*graph, config, run, places);
  std::vector<TensorView> views;
  for (Tensor& input : inputs) views.push_back(input.view());
  const auto result = (*engine)->gradients(*graph, parameters, views);
  ASSERT_TRUE(result) << result.error().message;
  for (const auto& [name, tensor] : parameters) {
    const std::vector<double>& gradient = result->gradients.at(name);
    EXPECT_TRUE(std::ranges::any_of(gradient, [](double g) { return g != 0; })) << name;
    EXPECT_TRUE(std::ranges::all_of(gradient, [](double g) { return std::isfinite(g); })) << name;
  }
}

// ---- the tiny network

const fs::path tiny_folder = "golden/hinerv_tiny";

HinervConfig tiny_config(const WeightFile& file) {
  const auto config = detect_hinerv(file, {120, 180, {}});
  if (!config) throw std::runtime_error(config.error().message);
  return *config;
}

void expect_tiny_frames(const WeightFile& file, const Tensor& expected, double tolerance) {
  const HinervConfig config = tiny_config(file);
  const auto parameters = hinerv_parameters(file, config);
  ASSERT_TRUE(parameters) << parameters.error().message;
  const HinervPlace places[] = {{0, 0, 0}, {5, 0, 0}};
  for (Backend* backend : exact_backends()) {
    const auto frames = paint(*backend, config, *parameters, places, 0);
    ASSERT_TRUE(frames) << backend->name() << ": " << frames.error().message;
    const double difference = largest_difference(frames->f32(), expected.f32());
    EXPECT_LE(difference, tolerance) << backend->name();
    std::printf("%-9s f32   max difference %.2e\n", backend->name(), difference);
  }
}

TEST(HinervTiny, CheckpointOfTheAuthorsProgram) {
  FL_SHARED_OR_SKIP(assets);
  const auto file = read_weights(assets / tiny_folder / "checkpoint_state_dict.pth");
  ASSERT_TRUE(file) << file.error().message;
  const HinervConfig config = tiny_config(*file);
  EXPECT_EQ(config.frames, 8);
  EXPECT_EQ(config.channels, 32);
  EXPECT_EQ(config.base_frames, 4);
  EXPECT_EQ(config.base_channels, 2);
  EXPECT_EQ(config.base_levels, 2);
  EXPECT_EQ(config.grid_channels, 4);
  EXPECT_EQ(config.grid_levels, 3);
  EXPECT_EQ(config.stages, (std::vector<HinervStage>{{5, 3, 4, 3}, {3, 3, 4, 3}, {2, 3, 4, 3}, {2, 1, 1, 3}}));
  const auto goldens = read_weights(assets / tiny_folder / "golden.safetensors");
  ASSERT_TRUE(goldens) << goldens.error().message;
  expect_tiny_frames(*file, *goldens->find("float.frame_mode.out.frames_0_5"), f32_tolerance);
}

TEST(HinervTiny, CompressedFilesOfTheAuthorsProgram) {
  FL_SHARED_OR_SKIP(assets);
  const auto goldens = read_weights(assets / tiny_folder / "golden.safetensors");
  ASSERT_TRUE(goldens) << goldens.error().message;
  for (const char* level : {"Q6", "Q8"}) {
    const auto file = read_weights(assets / tiny_folder / fmt::format("{}.zip", level));
    ASSERT_TRUE(file) << file.error().message;
    expect_tiny_frames(*file, *goldens->find(fmt::format("{}.decoded.frame_mode.out.frames_0_5", level)), 2e-5);
  }
  // No frames are known of Q7; the network stands between the two.
  const auto q7 = read_weights(assets / tiny_folder / "Q7.zip");
  ASSERT_TRUE(q7) << q7.error().message;
  EXPECT_TRUE(hinerv_parameters(*q7, tiny_config(*q7)));
}

void expect_decoded(const WeightFile& file, const WeightFile& expected) {
  for (const auto& [name, tensor] : file.tensors) {
    const Tensor* other = expected.find(name);
    ASSERT_TRUE(other) << name;
    EXPECT_EQ(tensor.shape(), other->shape()) << name;
    EXPECT_TRUE(std::ranges::equal(tensor.f32(), other->f32())) << name;
  }
}

TEST(HinervTiny, CompressedWeightsDecodeExactly) {
  FL_SHARED_OR_SKIP(assets);
  const auto file = read_weights(assets / tiny_folder / "Q6.zip");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->format, WeightFormat::hinerv);
  const auto expected = read_weights(assets / tiny_folder / "Q6_decoded_weights.safetensors");
  ASSERT_TRUE(expected) << expected.error().message;
  EXPECT_EQ(file->tensors.size(), expected->tensors.size());
  expect_decoded(*file, *expected);
}

// As many bits as the authors' file has, whole files with everything in them. Integers differ from theirs where
// rounding the scale to a half before dividing, not after, puts a weight on the other side of a step: a scale moves by
// 2^-11 at most, the largest quotient, 2^(bits - 1), by so much of a step, and that is the share of such weights that
// crosses.
TEST(HinervTiny, OwnFileIsSmallerThanTheAuthors) {
  FL_SHARED_OR_SKIP(assets);
  const auto checkpoint = read_weights(assets / tiny_folder / "checkpoint_state_dict.pth");
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const HinervConfig config = tiny_config(*checkpoint);
  const auto trained = hinerv_parameters(*checkpoint, config);
  ASSERT_TRUE(trained) << trained.error().message;
  const TemporaryFolder folder = TemporaryFolder::create().value();
  for (int bits : {6, 7, 8}) {
    const fs::path theirs = assets / tiny_folder / fmt::format("Q{}.zip", bits);
    const auto archive = read_weights(theirs);
    ASSERT_TRUE(archive) << archive.error().message;
    const auto decoded = hinerv_parameters(*archive, config);
    ASSERT_TRUE(decoded) << decoded.error().message;

    FnvGroup group{hinerv_texts(config), {}, store_network(*trained, bits).value()};
    for (int frame = 0; frame < config.frames; ++frame) group.times.push_back({frame, 1});
    int64_t weights = 0, others = 0;
    for (const StoredTensor& stored : group.tensors) {
      const auto* quantized = std::get_if<QuantizedTensor>(&stored.content);
      if (!quantized) continue;
      const Tensor ours = dequantize(*quantized);
      const std::span<const float> other = decoded->at(stored.name).f32();
      const float step = 0.5f * half_to_float(std::ranges::min(quantized->scales));
      for (size_t i = 0; i < other.size(); ++i) others += std::abs(ours.f32()[i] - other[i]) > step;
      weights += std::ssize(other);
    }
    EXPECT_LE(others, weights >> (12 - bits)) << bits;

    FnvHeader header;
    header.width = header.coded_width = config.width;
    header.height = header.coded_height = config.height;
    header.format = parse_pixel_format("yuv420p").value();
    const std::string own = folder.path() / "own.fnv";
    auto writer = FnvWriter::create(own, header);
    ASSERT_TRUE(writer) << writer.error().message;
    ASSERT_TRUE(writer->add_group(group) && writer->finish());
    EXPECT_LE(fs::file_size(own), fs::file_size(theirs) * 9 / 10);
    std::printf("Q%d: %ju bytes, the authors' file %ju; %jd of %jd weights differ\n", bits, fs::file_size(own),
                fs::file_size(theirs), others, weights);
  }
}

TEST(HinervArchive, DecodesWhatIndependentCodeWrote) {
  const auto file = read_weights("tests/golden/hinerv.weights.zip");
  ASSERT_TRUE(file) << file.error().message;
  const auto expected = read_weights("tests/golden/hinerv_archive.golden.safetensors");
  ASSERT_TRUE(expected) << expected.error().message;
  EXPECT_EQ(file->tensors.size() + 1, expected->tensors.size());
  expect_decoded(*file, *expected);

  const HinervConfig config = parse_config(cases()[0].at("config"));
  const auto detected = detect_hinerv(*file, {config.height, config.width, {}});
  ASSERT_TRUE(detected) << detected.error().message;
  EXPECT_EQ(*detected, config);
  const auto parameters = hinerv_parameters(*file, *detected);
  ASSERT_TRUE(parameters) << parameters.error().message;
  const HinervPlace places[] = {{0, 0, 0}, {5, 0, 0}};
  const auto frames = paint(**find_backend("reference"), config, *parameters, places, 0);
  ASSERT_TRUE(frames) << frames.error().message;
  EXPECT_LE(largest_difference(frames->f32(), expected->find("frames")->f32()), f32_tolerance);
}

}  // namespace
}  // namespace framelift
