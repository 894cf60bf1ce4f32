#include "network/onnx/onnx_network.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "graph/analysis.h"
#include "graph/passes.h"
#include "network/onnx/onnx_contract.h"
#include "network/tensor_names.h"
#include "weights/file_bytes.h"
#include "weights/onnx/lower_onnx.h"

namespace framelift {
namespace {

constexpr int largest_edge = 1 << 14;
// A size that most networks take, and what is tried to find the sizes that this one takes.
constexpr int usual_edge = 256;
constexpr std::array alignments{1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 48, 56, 64, 96, 128, 256};

std::string join(const std::vector<int64_t>& dims) {
  std::string text;
  for (const int64_t dim : dims)
    text += (text.empty() ? "" : "x") + (dim < 0 ? std::string("?") : fmt::format("{}", dim));
  return text;
}

// The model between the pictures of the pipeline: its graph for one size.
class OnnxBuilder {
 public:
  OnnxBuilder(std::shared_ptr<const OnnxModel> model, OnnxContract contract)
      : model_(std::move(model)), contract_(std::move(contract)) {}

  // Which input is the picture, and in which order its axes are.
  Status choose_input() {
    const size_t expected = contract_.frame_reduction ? 2 : 1;
    if (model_->inputs.size() != expected)
      return refuse("has {} inputs; networks of one picture can be run", model_->inputs.size());
    const auto found = std::ranges::find_if(
        model_->inputs, [&](const OnnxInput& input) { return input.name != contract_.frame_input; });
    if (found == model_->inputs.end() || model_->outputs.empty()) return refuse("has no picture to begin or end with");
    input_ = &*found;
    const auto& dims = input_->dims;
    if (input_->dtype != DType::f32 && input_->dtype != DType::f16)
      return refuse("takes {}; export the network with a float input", to_string(input_->dtype));
    if (dims.size() != 4) return refuse("takes {}; pictures are [N,3,H,W]", join(dims));
    channels_last_ = dims[3] == 3 && dims[1] != 3;
    if (!channels_last_ && dims[1] != 3 && dims[1] != -1)
      return refuse("takes {} channels ({}); pictures have 3", dims[1], join(dims));
    return {};
  }

  // 0: any.
  int stated_height() const { return stated(channels_last_ ? 1 : 2); }
  int stated_width() const { return stated(channels_last_ ? 2 : 3); }
  const OnnxContract& contract() const { return contract_; }
  const OnnxModel& model() const { return *model_; }

  Result<Graph> build(int batch, int height, int width) const {
    GraphBuilder b;
    const ValueId image = b.input("image", {batch, 3, height, width});
    std::map<std::string, ValueId> given{{input_->name, adapted_input(b, image)}};
    if (contract_.frame_reduction) {
      FL_TRY(const Graph frame, build_frame_graph(batch, usual_edge, usual_edge));
      given[contract_.frame_output] = b.input(contract_.frame_output, frame.value(frame.outputs[0]).shape);
    }
    FL_TRY(const auto results, lower_onnx(*model_, b, given, std::span(model_->outputs).first(1)));
    return finished(std::move(b), results[0]);
  }

  Result<Graph> build_frame_graph(int batch, int height, int width) const {
    GraphBuilder b;
    const ValueId picture = b.input("picture", {batch, 3, height, width});
    const std::map<std::string, ValueId> given{{contract_.frame_input, adapted_input(b, picture)}};
    FL_TRY(const auto results, lower_onnx(*model_, b, given, std::span(&contract_.frame_output, 1)));
    b.output(results[0], contract_.frame_output);
    FL_TRY(Graph graph, named(std::move(b).finish()));
    merge_permutations(graph);
    return without_dead(std::move(graph));
  }

 private:
  template <class... Args>
  tl::unexpected<Error> refuse(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(ErrorCode::unsupported, "{}: {}", model_->file, fmt::format(format, std::forward<Args>(args)...));
  }

  int stated(size_t axis) const {
    const int64_t size = input_->dims[axis];
    return size > 0 && size <= largest_edge ? static_cast<int>(size) : 0;
  }

  static ValueId reversed(GraphBuilder& b, ValueId x) {
    return b.concat({b.slice(x, 1, 2, 3), b.slice(x, 1, 1, 2), b.slice(x, 1, 0, 1)});
  }

  ValueId adapted_input(GraphBuilder& b, ValueId x) const {
    const auto per_channel = [&](const std::array<float, 3>& v) { return b.constant(Tensor::from_f32({3, 1, 1}, v)); };
    if (contract_.bgr) x = reversed(b, x);
    if (contract_.mean != std::array<float, 3>{}) x = b.sub(x, per_channel(contract_.mean));
    if (contract_.deviation != std::array<float, 3>{1, 1, 1}) x = b.div(x, per_channel(contract_.deviation));
    return channels_last_ ? b.permute(x, {0, 2, 3, 1}) : x;
  }

  Result<Graph> finished(GraphBuilder b, ValueId y) const {
    if (channels_last_ && b.shape(y).rank() == 4) y = b.permute(y, {0, 3, 1, 2});
    const auto number = [&](float v) { return b.constant(Tensor::filled({1}, v)); };
    const auto [black, white] = contract_.output_range;
    if (black != 0) y = b.sub(y, number(black));
    if (white - black != 1) y = b.div(y, number(white - black));
    if (contract_.bgr && b.shape(y).rank() == 4 && b.shape(y)[1] == 3) y = reversed(b, y);
    // Nothing happened: outputs are results of nodes.
    if (b.shape(y).rank() == 4)
      b.output(y, "image");
    else
      return refuse("makes {}, no picture", to_string(b.shape(y)));
    FL_TRY(Graph graph, named(std::move(b).finish()));
    if (graph.value(graph.outputs[0]).kind != ValueKind::result) return refuse("computes nothing");
    merge_permutations(graph);
    end_before_softmax(graph);
    return without_dead(std::move(graph));
  }

  Result<Graph> named(Result<Graph> graph) const {
    if (!graph) return fail(graph.error().code, "{}: {}", model_->file, graph.error().message);
    return graph;
  }

  // Masks are made of scores; probabilities are computed from them later.
  static void end_before_softmax(Graph& graph) {
    for (const Node& node : graph.nodes) {
      const auto* softmax = std::get_if<Softmax>(&node.op);
      if (softmax == nullptr || node.output != graph.outputs[0] || softmax->axis != 1) continue;
      graph.value(node.inputs[0]).name = graph.value(node.output).name;
      graph.outputs[0] = node.inputs[0];
      return;
    }
  }

  std::shared_ptr<const OnnxModel> model_;
  OnnxContract contract_;
  const OnnxInput* input_ = nullptr;
  bool channels_last_ = false;
};

int round_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

// How many pixels the graph makes of one, along each axis; 0 when that is no whole number, or not the same for both.
int scale_of(const Graph& graph) {
  const Shape &in = graph.value(graph.inputs[0]).shape, &out = graph.value(graph.outputs[0]).shape;
  const int64_t scale = out[2] / in[2];
  return out[2] == in[2] * scale && out[3] == in[3] * scale ? static_cast<int>(scale) : 0;
}

// Which sizes the network takes.
struct Sizes {
  int scale = 1, alignment = 1;
  bool fixed = false;  // only the file's own
  Graph sample;        // for one of them
};

bool takes_multiples(const OnnxBuilder& builder, int alignment, const Sizes& like) {
  constexpr int small_edge = 64;
  const int first = (small_edge + alignment - 1) / alignment;
  const int64_t planes = like.sample.value(like.sample.outputs[0]).shape[1];
  for (const auto& [rows, columns] : {std::pair{1, 2}, std::pair{2, 4}, std::pair{4, 3}}) {
    const auto graph = builder.build(1, (first + rows) * alignment, (first + columns) * alignment);
    if (!graph || scale_of(*graph) != like.scale || graph->value(graph->outputs[0]).shape[1] != planes) return false;
  }
  return true;
}

Result<Sizes> find_sizes(const OnnxBuilder& builder) {
  const OnnxContract& contract = builder.contract();
  const int usual = round_up(usual_edge, contract.alignment.value_or(1));
  const int height = builder.stated_height() > 0 ? builder.stated_height() : usual;
  const int width = builder.stated_width() > 0 ? builder.stated_width() : usual;
  Sizes sizes;
  FL_TRY(sizes.sample, builder.build(1, height, width));
  const Shape& out = sizes.sample.value(sizes.sample.outputs[0]).shape;
  sizes.scale = scale_of(sizes.sample);
  const std::string& file = builder.model().file;
  if (sizes.scale < 1)
    return fail(ErrorCode::unsupported, "{}: makes {} of a picture of {}x{}; a whole multiple of its size can be used",
                file, to_string(out), width, height);
  if (contract.scale && *contract.scale != sizes.scale)
    return fail(ErrorCode::invalid_data, "{}: makes {} times the size, not the {} times that is stated", file,
                sizes.scale, *contract.scale);
  const int step = pixel_step(sizes.sample);
  std::vector<int> tried(alignments.begin(), alignments.end());
  if (contract.alignment) tried = {*contract.alignment};
  for (const int alignment : tried) {
    if ((!contract.alignment && alignment % step != 0) || !takes_multiples(builder, alignment, sizes)) continue;
    sizes.alignment = alignment;
    return sizes;
  }
  if (builder.stated_height() == 0 || builder.stated_width() == 0)
    return fail(ErrorCode::unsupported,
                "{}: takes pictures of {}x{}, but not multiples of any number that was tried; state the alignment ({})",
                file, width, height, fmt::join(tried, ", "));
  sizes.fixed = true;
  return sizes;
}

// What the output is, where nobody says: by its planes, its size and its last layer.
Result<OutputKind> output_kind(const OnnxBuilder& builder, const Sizes& sizes) {
  const Graph& graph = sizes.sample;
  const int64_t planes = graph.value(graph.outputs[0]).shape[1];
  const std::string& file = builder.model().file;
  const auto stated = builder.contract().output;
  const bool ends_in_sigmoid = std::ranges::any_of(graph.nodes, [&](const Node& node) {
    return node.output == graph.outputs[0] && std::holds_alternative<Sigmoid>(node.op);
  });
  OutputKind kind = OutputKind::scores;
  if (planes == 3) kind = OutputKind::picture;
  if (planes == 1 && ends_in_sigmoid) kind = OutputKind::probability;
  kind = stated.value_or(kind);
  const bool fits = kind == OutputKind::picture       ? planes == 3
                    : kind == OutputKind::probability ? planes == 1 && sizes.scale == 1
                                                      : planes > 1 && planes <= max_classes && sizes.scale == 1;
  if (!fits)
    return fail(
        ErrorCode::unsupported,
        "{}: makes {} planes of {} times the picture's size; known are pictures of 3, scores of 2 to {} classes "
        "and one plane that ends in a sigmoid",
        file, planes, sizes.scale, max_classes);
  return kind;
}

Result<NetworkContract> contract_of(const OnnxBuilder& builder, const Sizes& sizes) {
  const OnnxContract& stated = builder.contract();
  FL_TRY(const OutputKind kind, output_kind(builder, sizes));
  const auto planes = static_cast<int>(sizes.sample.value(sizes.sample.outputs[0]).shape[1]);
  NetworkContract contract = kind == OutputKind::picture ? NetworkContract{} : segmentation_contract(planes);
  contract.output = kind;
  contract.scale = sizes.scale;
  contract.alignment = sizes.alignment;
  contract.blend_overlap = stated.blend_overlap;
  contract.frame_reduction = stated.frame_reduction;
  contract.output_gain = stated.output_gain;
  if (stated.input_color) contract.input_color = stated.input_color;
  if (stated.output_color) contract.output_color = stated.output_color;
  if (contract.output_color && !contract.input_color)
    return fail(ErrorCode::invalid_data, "{}: the contract states output_color; state input_color, too",
                builder.model().file);
  if (sizes.fixed) {
    contract.fixed_height = builder.stated_height();
    contract.fixed_width = builder.stated_width();
  }
  if (!stated.classes.empty()) {
    if (stated.classes.size() != contract.classes.size())
      return fail(ErrorCode::invalid_data, "{}: has {} classes, but {} names are stated", builder.model().file,
                  contract.classes.size(), stated.classes.size());
    for (size_t i = 0; i < stated.classes.size(); ++i) contract.classes[i].name = stated.classes[i];
  }
  return contract;
}

Result<Parameters> parameters_of(const WeightFile& file, std::initializer_list<const Graph*> graphs) {
  Graph all;
  std::vector<RenamedTensor> tensors;
  for (const Graph* graph : graphs)
    for (const Value& value : graph->values) {
      const bool known = std::ranges::count(all.values, value.name, &Value::name) > 0;
      if (value.kind != ValueKind::parameter || known) continue;
      all.values.push_back(value);
      tensors.push_back({value.name, value.name, file.onnx->tensors.at(value.name).get()});
    }
  return bind_tensors(file, tensors, all);
}

// The contract that is stated, and where.
struct Stated {
  OnnxContract contract;
  std::string where;  // empty: nowhere
};

Result<Stated> stated_contract(const WeightFile& file) {
  const auto beside = std::filesystem::path(file.path).replace_extension(".toml");
  std::error_code ignored;
  if (std::filesystem::exists(beside, ignored)) {
    FL_TRY(const auto bytes, read_file_bytes(beside));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    FL_TRY(auto contract, parse_onnx_contract(text, beside.string()));
    return Stated{std::move(contract), beside.filename().string()};
  }
  const auto own = file.metadata.find(onnx_contract_key);
  if (own == file.metadata.end()) return Stated{};
  FL_TRY(auto contract, parse_onnx_contract(own->second, file.path.string() + " (" + onnx_contract_key + ")"));
  return Stated{std::move(contract), "the file itself"};
}

std::string summary_of(const WeightFile& file, const NetworkContract& c, const Stated& stated) {
  const std::string sizes = c.fixed_width > 0 ? fmt::format("pictures of {}x{} only", c.fixed_width, c.fixed_height)
                            : c.alignment > 1 ? fmt::format("any size (multiples of {})", c.alignment)
                                              : "any size";
  const bool from_0_to_1 =
      stated.contract.mean == OnnxContract{}.mean && stated.contract.deviation == OnnxContract{}.deviation;
  const std::string output = c.output == OutputKind::picture ? fmt::format("a picture x{}", c.scale)
                             : c.output == OutputKind::probability
                                 ? "a probability"
                                 : fmt::format("scores of {} classes", c.classes.size());
  return fmt::format("{}: {}, {} {} in, {} out ({})", file.path.filename().string(), sizes,
                     stated.contract.bgr ? "BGR" : "RGB", from_0_to_1 ? "0 to 1" : "normalised", output,
                     stated.where.empty()
                         ? fmt::format("guessed; {} beside it can say otherwise", file.path.stem().string() + ".toml")
                         : "as " + stated.where + " says");
}

Result<HyperParameters> detect(const WeightFile& file) {
  if (!file.onnx) return not_this_architecture(file, "onnx");
  return HyperParameters{{"opset", static_cast<int>(std::min<int64_t>(file.onnx->opset, 1 << 20))},
                         {"nodes", static_cast<int>(file.onnx->nodes.size())}};
}

Result<FileNetwork> open(const WeightFile& file, const HyperParameters&) {
  FL_TRY(const Stated stated, stated_contract(file));
  const auto builder = std::make_shared<OnnxBuilder>(file.onnx, stated.contract);
  FL_CHECK(builder->choose_input());
  FL_TRY(const Sizes sizes, find_sizes(*builder));
  FileNetwork network;
  FL_TRY(network.contract, contract_of(*builder, sizes));
  Graph frame;
  if (stated.contract.frame_reduction) {
    FL_TRY(frame, builder->build_frame_graph(1, usual_edge, usual_edge));
    network.build_frame_graph = [builder](int batch, int height, int width) {
      return builder->build_frame_graph(batch, height, width);
    };
  }
  FL_TRY(network.parameters, parameters_of(file, {&sizes.sample, &frame}));
  network.build = [builder](int batch, int height, int width) { return builder->build(batch, height, width); };
  network.summary = summary_of(file, network.contract, stated);
  return network;
}

}  // namespace

Result<std::string> self_contained_onnx(const WeightFile& file, std::span<const std::byte> bytes) {
  FL_TRY(const Stated stated, stated_contract(file));
  std::map<std::string, std::string> metadata;
  if (!stated.where.empty()) metadata[onnx_contract_key] = to_toml(stated.contract);
  return embed_onnx(bytes, file.path.string(), metadata);
}

const Architecture onnx_network = {"onnx", "a network out of an ONNX file", detect, nullptr, nullptr, nullptr, nullptr,
                                   open};

}  // namespace framelift
