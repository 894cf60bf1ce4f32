// ONNX files: those of PyTorch's exporters agree with PyTorch, our own come back as they went, and what is not
// understood is named.
#include <gtest/gtest.h>

#include "network/onnx/onnx_contract.h"
#include "tests/onnx/export_cases.h"
#include "weights/files_for_test.h"
#include "weights/onnx/lower_onnx.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

const fs::path folder = "tests/golden/onnx";

// The contract of float32 engines against PyTorch (docs/architecture.md): outputs are of unit size.
constexpr double f32_tolerance = 1e-5;

// ---- files of PyTorch's exporters (tools/make_onnx_goldens.py)

struct ExporterCase {
  const char* name;
  int scale, alignment;
  OutputKind output;
};

void PrintTo(const ExporterCase& c, std::ostream* out) { *out << c.name; }

class FromPyTorch : public testing::TestWithParam<ExporterCase> {};

TEST_P(FromPyTorch, EveryBackendAgreesAtEverySize) {
  const ExporterCase& c = GetParam();
  const auto network = load_network(folder / (std::string(c.name) + ".onnx"));
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ(network->contract.scale, c.scale);
  EXPECT_EQ(network->contract.alignment, c.alignment);
  EXPECT_EQ(network->contract.output, c.output);
  EXPECT_EQ(network->contract.fixed_width, 0) << "fixed sizes are the exporter's, not the graph's";
  const WeightFile golden = or_die(read_weights(folder / (std::string(c.name) + ".golden.safetensors")));
  int sizes = 0;
  for (const auto& [name, input] : golden.tensors) {
    if (!name.ends_with("/input")) continue;
    const Tensor& expected = *golden.find(name.substr(0, name.size() - 5) + "output");
    ++sizes;
    for (Backend* backend : exact_backends()) {
      CompileOptions options;
      options.precision = Precision::f32;
      const auto output = run_network(*network, input, *backend, options);
      ASSERT_TRUE(output) << backend->name() << ": " << output.error().message;
      ASSERT_EQ(output->shape(), expected.shape());
      EXPECT_LE(largest_difference(output->f32(), expected.f32()), f32_tolerance) << backend->name() << ", " << name;
    }
  }
  EXPECT_GE(sizes, 1);
}

INSTANTIATE_TEST_SUITE_P(Onnx, FromPyTorch,
                         testing::Values(ExporterCase{"compact_dynamic", 2, 1, OutputKind::picture},
                                         ExporterCase{"mask_fixed", 1, 2, OutputKind::probability},
                                         ExporterCase{"restore_dynamic", 1, 2, OutputKind::picture},
                                         ExporterCase{"external", 2, 1, OutputKind::picture}),
                         [](const auto& test) { return test.param.name; });

// ---- there and back

std::vector<OpCase> exported_ops() {
  std::vector<OpCase> cases = op_cases();
  // Quantised models are written but not read.
  std::erase_if(cases, [](const OpCase& c) { return !has_onnx_form(c) || c.name.starts_with("fake_quantize"); });
  return cases;
}

class OpRoundTrip : public testing::TestWithParam<OpCase> {};

TEST_P(OpRoundTrip, GivesTheSameNumbers) {
  const Exported exported = export_op(GetParam());
  const auto bytes = test::as_bytes(exported.bytes);
  const OnnxModel model = or_die(parse_onnx_model(bytes, "op.onnx"));
  GraphBuilder builder;
  std::map<std::string, ValueId> given;
  std::vector<Tensor> inputs;
  for (const OnnxInput& input : model.inputs) {
    const Tensor& tensor = exported.inputs.at(input.name);
    given[input.name] = builder.input(input.name, tensor.shape());
    inputs.push_back(tensor.clone());
  }
  const auto values = lower_onnx(model, builder, given, std::span(model.outputs).first(1));
  ASSERT_TRUE(values) << values.error().message;
  builder.output((*values)[0], "y");
  const Graph graph = or_die(std::move(builder).finish());
  Parameters parameters;
  for (const Value& value : graph.values)
    if (value.kind == ValueKind::parameter) parameters.emplace(value.name, model.tensors.at(value.name)->to_f32());
  const Tensor output = std::move(or_die(evaluate(graph, parameters, inputs))[0]);
  ASSERT_EQ(output.shape(), exported.output.shape());
  // The same ops in double; some are made of others, each of which rounds to float32.
  EXPECT_LE(largest_difference(output.f32(), exported.output.f32()), 2e-6);
}

INSTANTIATE_TEST_SUITE_P(Onnx, OpRoundTrip, testing::ValuesIn(exported_ops()),
                         [](const auto& test) { return test.param.name; });

class NetworkRoundTrip : public testing::TestWithParam<NetworkCase> {};

TEST_P(NetworkRoundTrip, GivesTheSameNetwork) {
  const Exported exported = export_case(GetParam());
  test::TempFolder temp;
  const fs::path path = temp / "exported.onnx";
  test::write_file(path, exported.bytes);
  const auto network = load_network(path);
  ASSERT_TRUE(network) << network.error().message;
  const Network original = GetParam().make();
  const NetworkContract &a = original.contract, &b = network->contract;
  EXPECT_EQ(network->name, original.name);
  EXPECT_EQ(b.scale, a.scale);
  EXPECT_EQ(b.alignment, a.alignment);
  EXPECT_EQ(b.output, a.output);
  EXPECT_EQ(b.input_color, a.input_color);
  EXPECT_EQ(b.output_color, a.output_color);
  EXPECT_EQ(b.output_gain, a.output_gain);
  EXPECT_EQ(b.blend_overlap, a.blend_overlap);
  EXPECT_EQ(b.classes.size(), a.classes.size());
  EXPECT_EQ(b.frame_reduction.has_value(), a.frame_reduction.has_value());
  EXPECT_LE(largest_difference(run_reference(*network, exported.inputs).f32(), exported.output.f32()), 2e-6);
}

TEST(NetworkRoundTrip, CoversEveryArchitecture) {
  for (const Architecture* architecture : architectures())
    EXPECT_TRUE(std::ranges::count(network_cases(), architecture, &NetworkCase::architecture)) << architecture->name;
}

INSTANTIATE_TEST_SUITE_P(Onnx, NetworkRoundTrip, testing::ValuesIn(network_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(OnnxExport, SaysWhatItCannot) {
  const Network formula = or_die([]() -> Result<Network> {
    Network network;
    network.architecture = built_in_networks()[0].architecture;
    network.hyper = built_in_networks()[0].hyper;
    network.contract = network.architecture->contract(network.hyper);
    return network;
  }());
  EXPECT_FAILS_WITH(export_onnx(formula, 0, 0), "inverse_tone_map is a formula");
  const auto named = [](const char* name) {
    return std::ranges::find(network_cases(), name, &NetworkCase::name)->make();
  };
  EXPECT_FAILS_WITH(export_onnx(named("expandnet"), 0, 0), "give --size");
  EXPECT_FAILS_WITH(export_onnx(named("le"), 12, 16), "multiples of 8");
}

// ---- contracts

Result<Network> with_contract(const char* toml, const char* model = "compact_dynamic.onnx") {
  test::TempFolder temp;
  fs::copy_file(folder / model, temp / "my.onnx");
  test::write_file(temp / "my.toml", toml);
  return load_network(temp / "my.onnx");
}

TEST(OnnxContract, StatedBesideTheFile) {
  const auto network = with_contract(
      "input_range = [-1, 1]\noutput_range = [0, 255]\nchannel_order = \"bgr\"\nalignment = 4\n"
      "input_color = \"srgb\"\noutput_color = \"linear\"\noutput_gain = 4\nblend_overlap = 32\nscale = 2\n");
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ(network->contract.alignment, 4);
  EXPECT_EQ(network->contract.blend_overlap, 32);
  EXPECT_EQ(network->contract.output_gain, 4);
  EXPECT_TRUE(is_linear(network->contract.output_color));
  // The same network fed by hand: 2x - 1 of the reversed planes, and its output a 255th.
  const Network plain = or_die(load_network(folder / "compact_dynamic.onnx"));
  const Tensor picture = random_tensor({1, 3, 8, 12}, 3);
  const auto reversed = [](const Tensor& x, float gain, float shift) {
    Tensor y(DType::f32, x.shape());
    const auto plane = static_cast<size_t>(x.elements() / 3);
    for (size_t i = 0; i < y.f32().size(); ++i)
      y.f32()[i] = gain * x.f32()[(2 - i / plane) * plane + i % plane] + shift;
    return y;
  };
  const auto run = [](const Network& n, const Tensor& x) {
    std::map<std::string, Tensor> inputs;
    inputs.emplace("image", x.clone());
    return run_reference(n, inputs);
  };
  const Tensor expected = reversed(run(plain, reversed(picture, 2, -1)), 1 / 255.0f, 0);
  EXPECT_LE(largest_difference(run(*network, picture).f32(), expected.f32()), 1e-6);
}

TEST(OnnxContract, MistakesAreNamedWithTheirLine) {
  EXPECT_FAILS_WITH(with_contract("scale = 3\n"), "2 times the size, not the 3 times");
  EXPECT_FAILS_WITH(with_contract("\nscales = 2\n"), "my.toml: line 2: there is no key scales");
  EXPECT_FAILS_WITH(with_contract("input_range = [0]\n"), "a list of 2 numbers");
  EXPECT_FAILS_WITH(with_contract("input_range = [1, 1]\n"), "they differ");
  EXPECT_FAILS_WITH(with_contract("channel_order = \"gbr\"\n"), "one of rgb, bgr");
  EXPECT_FAILS_WITH(with_contract("alignment = 0\n"), "from 1 to");
  EXPECT_FAILS_WITH(with_contract("input_std = [1, 0, 1]\n"), "above 0");
  EXPECT_FAILS_WITH(with_contract("output = \"scores\"\nclasses = [\"a\"]\n", "restore_dynamic.onnx"),
                    "3 classes, but 1 names");
  EXPECT_FAILS_WITH(with_contract("scale = \n"), "my.toml: line 1 is not TOML");
  EXPECT_FAILS_WITH(with_contract("[frame]\nedge = 4\n"), "names its input and its output");
}

TEST(OnnxContract, IsTheSameAfterWriting) {
  OnnxContract contract;
  contract.scale = 2;
  contract.mean = {0.5f, 0.25f, 0.125f};
  contract.output_range = {0, 255};
  contract.bgr = true;
  contract.output = OutputKind::scores;
  contract.classes = {"sky", "a \"quoted\" one"};
  contract.frame_reduction = FrameReduction{.factor = 4};
  contract.frame_input = "picture";
  contract.frame_output = "condition";
  const OnnxContract read = or_die(parse_onnx_contract(to_toml(contract), "x"));
  EXPECT_EQ(to_toml(read), to_toml(contract));
  EXPECT_EQ(read.classes, contract.classes);
  EXPECT_EQ(read.mean, contract.mean);
  EXPECT_EQ(read.frame_output, "condition");
}

// ---- bad files

TEST(OnnxFile, WhatIsNotUnderstoodIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"unknown_op", "node /blocks.0/Attention (Attention): framelift has no such operator"},
      {"other_domain", "node of y (com.example::Conv): framelift has no such operator"},
      {"old_opset", "uses operator set 9"},
      {"huge_tensor", "dimensions that make no size"},
      {"wrong_length", "lies in 8 bytes instead of 324"},
      {"absurd_padding", "a padding of 4611686018427387904 is beyond"},
      {"no_input", "its input nowhere is not computed before it"},
      {"integers_out", "turns the picture into integers"},
      {"two_inputs", "has 2 inputs"},
      {"gray", "takes 1 channels"}};
  for (const auto& [name, message] : cases) {
    const fs::path file = fs::path("tests/fuzz/corpus/onnx") / name;
    test::TempFolder temp;
    fs::copy_file(file, temp / "my.onnx");
    const auto network = load_network(temp / "my.onnx");
    ASSERT_FALSE(network) << name;
    EXPECT_NE(network.error().message.find(message), std::string::npos) << network.error().message;
    EXPECT_NE(network.error().message.find("my.onnx: "), std::string::npos) << network.error().message;
  }
}

// A cut may end between two fields, which is a message, too; but never a network.
TEST(OnnxFile, NoPartOfAFileIsANetwork) {
  const std::string whole = test::read_file("tests/fuzz/corpus/onnx/small");
  test::TempFolder temp;
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    test::write_file(temp / "my.onnx", std::string_view(whole).substr(0, bytes));
    EXPECT_FALSE(load_network(temp / "my.onnx")) << bytes;
  }
  test::write_file(temp / "my.onnx", whole);
  EXPECT_TRUE(load_network(temp / "my.onnx"));
}

TEST(OnnxFile, TensorsOutsideOfTheFolderStayUnread) {
  test::TempFolder temp;
  const std::string original = test::read_file(folder / "external.onnx");
  const std::string name = "external.onnx.data";
  const auto with_location = [&](std::string location) {
    std::string changed = original;
    location.resize(name.size(), '/');  // of the same length, as the format's lengths want
    for (size_t at = changed.find(name); at != std::string::npos; at = changed.find(name, at + 1))
      changed.replace(at, name.size(), location);
    test::write_file(temp / "my.onnx", changed);
    return load_network(temp / "my.onnx");
  };
  EXPECT_FAILS_WITH(with_location("../../etc/passwd"), "outside of its own folder");
  EXPECT_FAILS_WITH(with_location("/etc/passwd"), "outside of its own folder");
  EXPECT_FAILS_WITH(with_location("missing.file.data1"), "no such file");
  test::write_file(temp / "short.data.of.file", "too short");
  EXPECT_FAILS_WITH(with_location("short.data.of.file"), "bytes of short.data.of.file");
  fs::create_directory_symlink("/etc", temp / "links");
  EXPECT_FAILS_WITH(with_location("links/passwd"), "outside of its own folder");
}

}  // namespace
}  // namespace framelift
