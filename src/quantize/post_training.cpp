#include "quantize/post_training.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "quantize/op_runner.h"
#include "quantize/round_weights.h"
#include "train/data/random_stream.h"

namespace framelift {
namespace {

constexpr size_t values_for_range = size_t{1} << 16;  // of a layer's input, over all samples
constexpr int64_t positions_for_moments = 8192;       // of a layer's output, a sample
// Channels that see next to nothing are not blown up to the others' range without end.
constexpr float least_channel_share = 1e-3f;

// What each sample has at a place of the graph. Shared while both lanes hold the same.
using Values = std::vector<std::shared_ptr<const Tensor>>;

Values shared(std::vector<Tensor> tensors) {
  Values values;
  for (Tensor& tensor : tensors) values.push_back(std::make_shared<const Tensor>(std::move(tensor)));
  return values;
}
std::vector<const Tensor*> pointers(const Values& values) {
  std::vector<const Tensor*> raw;
  for (const auto& value : values) raw.push_back(value.get());
  return raw;
}

// f(channel, that channel's values) over a [N,C,...] tensor.
template <class F>
void for_each_channel(Tensor& tensor, F f) {
  const Shape& s = tensor.shape();
  const auto plane = static_cast<size_t>(tensor.elements() / (s[0] * s[1]));
  for (int64_t nc = 0; nc < s[0] * s[1]; ++nc)
    f(static_cast<size_t>(nc % s[1]), tensor.f32().subspan(static_cast<size_t>(nc) * plane, plane));
}

// Columns are what a convolution sees at some of its output's positions: [K, positions].
Tensor patches(const Conv2d& conv, const Tensor& x, const Shape& weight, const Shape& out, RandomStream& random) {
  const int64_t positions = std::min(positions_for_moments, out[2] * out[3]);
  Tensor columns(DType::f32, {weight[1] * weight[2] * weight[3], positions});
  std::vector<std::pair<int64_t, int64_t>> corners;
  for (int64_t i = 0; i < positions; ++i) {
    const auto at = static_cast<int64_t>(random.below(static_cast<uint64_t>(out[2] * out[3])));
    corners.emplace_back(at / out[3] * conv.stride[0] - conv.pad.top, at % out[3] * conv.stride[1] - conv.pad.left);
  }
  float* target = columns.f32().data();
  for (int64_t c = 0; c < weight[1]; ++c)
    for (int64_t ky = 0; ky < weight[2]; ++ky)
      for (int64_t kx = 0; kx < weight[3]; ++kx)
        for (const auto& [top, left] : corners) {
          const int64_t y = top + ky * conv.dilation[0], column = left + kx * conv.dilation[1];
          const bool inside = y >= 0 && y < x.shape()[2] && column >= 0 && column < x.shape()[3];
          *target++ = inside ? x.f32()[static_cast<size_t>((c * x.shape()[2] + y) * x.shape()[3] + column)] : 0;
        }
  return columns;
}

class Walk {
 public:
  Walk(const Network& network, Graph graph, std::span<const SampleInputs> samples, Backend& backend,
       const PostTrainingOptions& options)
      : options_(options), graph_(std::move(graph)), samples_(samples), runner_(backend, options.threads) {
    result_.network = network.clone();
    for (const auto& [name, tensor] : network.parameters) weights_.emplace(name, tensor.to_f32());
    readers_.resize(graph_.values.size());
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      for (const ValueId id : graph_.nodes[i].inputs) readers_[static_cast<size_t>(id)].push_back(i);
  }

  Result<QuantizedNetwork> run() {
    const auto layers = static_cast<size_t>(
        std::ranges::count_if(graph_.nodes, [&](const Node& node) { return mode_of(node) != LayerMode::floating; }));
    if (layers == 0)
      return fail(ErrorCode::unsupported, "model {} has no layer that is quantised in this mode", result_.network.name);
    exact_.resize(graph_.values.size());
    lossy_.resize(graph_.values.size());
    for (size_t k = 0; k < graph_.inputs.size(); ++k)
      for (const SampleInputs& sample : samples_)
        exact_[at(graph_.inputs[k])].push_back(std::make_shared<const Tensor>(sample[k].clone()));
    for (const ValueId id : graph_.inputs) lossy_[at(id)] = exact_[at(id)];

    size_t done = 0;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (options_.cancel && options_.cancel->requested()) return fail(ErrorCode::cancelled, "cancelled");
      const Node& node = graph_.nodes[i];
      if (mode_of(node) != LayerMode::floating) {
        FL_CHECK(quantize_layer(node, mode_of(node)));
        if (options_.on_layer) options_.on_layer(++done, layers);
      } else {
        const bool same =
            std::ranges::all_of(node.inputs, [&](ValueId id) { return exact_[at(id)] == lossy_[at(id)]; });
        FL_TRY(exact_[at(node.output)], evaluate(node, exact_));
        if (same) {
          lossy_[at(node.output)] = exact_[at(node.output)];
        } else {
          FL_TRY(lossy_[at(node.output)], evaluate(node, lossy_));
        }
      }
      forget_unread(node, i);
    }
    for (auto& [name, tensor] : weights_) result_.network.parameters.insert_or_assign(name, std::move(tensor));
    return std::move(result_);
  }

 private:
  static size_t at(ValueId id) { return static_cast<size_t>(id); }
  const std::string& name_of(ValueId id) const { return graph_.value(id).name; }
  bool is_parameter(ValueId id) const { return graph_.value(id).kind == ValueKind::parameter; }

  LayerMode mode_of(const Node& node) const {
    if (!std::holds_alternative<Conv2d>(node.op) || !is_parameter(node.inputs[1])) return LayerMode::floating;
    return options_.choose(name_of(node.inputs[1]), graph_.value(node.inputs[1]).shape);
  }

  // Parameters and constants are the same for every sample.
  const Tensor* fixed(ValueId id) const {
    const Value& value = graph_.value(id);
    if (value.kind == ValueKind::parameter) return &weights_.at(value.name);
    return value.kind == ValueKind::constant ? value.constant.get() : nullptr;
  }

  Result<Values> evaluate(const Node& node, const std::vector<Values>& lane) const {
    const bool layer = std::holds_alternative<Conv2d>(node.op) || std::holds_alternative<ConvTranspose2d>(node.op);
    if (layer && fixed(node.inputs[1]) != nullptr) return run_layer(node, pointers(lane[at(node.inputs[0])]));
    std::vector<Tensor> results;
    for (size_t s = 0; s < samples_.size(); ++s) {
      std::vector<const Tensor*> inputs;
      for (const ValueId id : node.inputs) inputs.push_back(fixed(id) ? fixed(id) : lane[at(id)][s].get());
      results.push_back(runner_.evaluate(node.op, inputs));
    }
    return shared(std::move(results));
  }
  Result<Values> run_layer(const Node& node, const std::vector<const Tensor*>& x) const {
    std::vector<const Tensor*> further;
    for (size_t k = 1; k < node.inputs.size(); ++k) further.push_back(fixed(node.inputs[k]));
    FL_TRY(auto results, runner_.run(node.op, x, further));
    return shared(std::move(results));
  }

  void forget_unread(const Node& node, size_t i) {
    for (const ValueId id : node.inputs)
      if (readers_[at(id)].back() == i) {
        exact_[at(id)].clear();
        lossy_[at(id)].clear();
      }
  }

  Status quantize_layer(const Node& node, LayerMode mode) {
    const auto& conv = std::get<Conv2d>(node.op);
    const std::string& name = name_of(node.inputs[1]);
    LayerQuantization layer;
    FL_TRY(Values exact, run_layer(node, pointers(exact_[at(node.inputs[0])])));
    if (options_.equalise && mode == LayerMode::integer) equalise(node, exact);
    Tensor& weight = weights_.at(name);

    Values x = lossy_[at(node.inputs[0])];
    if (mode == LayerMode::integer) {
      FL_TRY(const InputGrid chosen, choose_grid(x, name));
      layer.input = chosen.grid;
      const Tensor scale = Tensor::filled({1}, chosen.scale);
      std::vector<Tensor> on_grid;
      for (const auto& picture : x) on_grid.push_back(runner_.evaluate(chosen.grid, std::array{picture.get(), &scale}));
      x = shared(std::move(on_grid));
      result_.network.parameters.insert_or_assign(input_scale_name(name), scale.clone());
    }
    RoundedWeights rounded;
    if (options_.round_for_output && conv.groups == 1) {
      FL_TRY(const Tensor moments, moments_of(conv, x, weight.shape(), graph_.value(node.output).shape));
      rounded = framelift::round_for_output(weight, moments);
    } else {
      rounded = round_to_nearest(weight);
    }
    result_.floating.emplace(name, std::move(weight));
    weight = std::move(rounded.weight);
    result_.network.parameters.insert_or_assign(weight_scale_name(name), std::move(rounded.scale));
    result_.network.quantized_layers.emplace(name, layer);

    const bool has_bias = node.inputs.size() > 2 && is_parameter(node.inputs[2]);
    if (has_bias) {
      Tensor& bias = weights_.at(name_of(node.inputs[2]));
      result_.floating.emplace(name_of(node.inputs[2]), bias.clone());
      if (options_.correct_bias) {
        FL_TRY(Values first, run_layer(node, pointers(x)));
        correct_bias(bias, exact, first);
      }
    }
    FL_TRY(lossy_[at(node.output)], run_layer(node, pointers(x)));
    exact_[at(node.output)] = std::move(exact);
    return {};
  }

  Result<InputGrid> choose_grid(const Values& x, const std::string& name) {
    const auto each = static_cast<size_t>(x[0]->elements());
    const size_t wanted = std::min(values_for_range, each * x.size());
    RandomStream random{options_.seed, key_of(name), 1};
    std::vector<float> seen(wanted);
    for (float& v : seen) v = x[random.below(x.size())]->f32()[random.below(each)];
    // Extremes are what ranges are about: they are seen for certain.
    for (const auto& picture : x) {
      const auto [low, high] = std::ranges::minmax(picture->f32());
      if (!std::isfinite(low) || !std::isfinite(high) ||
          !std::ranges::all_of(picture->f32(), [](float v) { return std::isfinite(v); }))
        return fail(ErrorCode::invalid_data,
                    "what layer {} reads is not all numbers (NaN or infinity); the model or a sample is damaged", name);
      seen.push_back(low);
      seen.push_back(high);
    }
    return choose_input_grid(seen, options_.range);
  }

  Result<Tensor> moments_of(const Conv2d& conv, const Values& x, const Shape& weight, const Shape& out) const {
    RandomStream random{options_.seed, key_of("moments")};
    Tensor sum;
    double positions = 0;
    for (const auto& picture : x) {
      const Tensor columns = patches(conv, *picture, weight, out, random);
      FL_TRY(Tensor product, runner_.product(columns, columns));
      if (!sum.empty()) std::ranges::transform(product.f32(), sum.f32(), product.f32().begin(), std::plus<>());
      sum = std::move(product);
      positions += static_cast<double>(columns.shape()[1]);
    }
    for (float& v : sum.f32()) v = static_cast<float>(v / positions);
    return sum;
  }

  static void correct_bias(Tensor& bias, const Values& exact, const Values& lossy) {
    std::vector<double> sums(bias.f32().size());
    double count = 0;
    for (size_t s = 0; s < exact.size(); ++s) {
      Tensor difference = exact[s]->clone();
      std::ranges::transform(difference.f32(), lossy[s]->f32(), difference.f32().begin(), std::minus<>());
      for_each_channel(difference, [&](size_t c, std::span<const float> plane) {
        for (const float v : plane) sums[c] += v;
      });
      count += static_cast<double>(difference.elements()) / static_cast<double>(sums.size());
    }
    for (size_t c = 0; c < sums.size(); ++c) bias.f32()[c] += static_cast<float>(sums[c] / count);
  }

  // ---- equalising

  struct Readers {
    const Node* activation = nullptr;  // null: none in between
    std::vector<const Node*> layers;
  };
  // Where a layer's output goes through nothing but an activation that keeps factors (f(s x) = s f(x) for s > 0) into
  // layers with weights.
  std::optional<Readers> scalable_readers(const Node& node) const {
    if (node.inputs.size() > 2 && !is_parameter(node.inputs[2])) return {};
    Readers found;
    ValueId value = node.output;
    if (const auto& first = readers_[at(value)]; first.size() == 1) {
      const Node& reader = graph_.nodes[first[0]];
      const bool keeps_factors = std::holds_alternative<Relu>(reader.op) ||
                                 std::holds_alternative<LeakyRelu>(reader.op) ||
                                 std::holds_alternative<PRelu>(reader.op);
      if (keeps_factors && reader.inputs[0] == value) {
        found.activation = &reader;
        value = reader.output;
      }
    }
    for (const ValueId middle : {node.output, value})
      if (std::ranges::count(graph_.outputs, middle)) return {};
    for (const size_t i : readers_[at(value)]) {
      const Node& reader = graph_.nodes[i];
      const auto* conv = std::get_if<Conv2d>(&reader.op);
      if (conv == nullptr || conv->groups != 1 || reader.inputs[0] != value || !is_parameter(reader.inputs[1]))
        return {};
      found.layers.push_back(&reader);
    }
    if (found.layers.empty()) return {};
    return found;
  }

  // Halfway in the exponent: both the next layers' inputs and their weights get rounded.
  void equalise(const Node& node, Values& exact) {
    const auto readers = scalable_readers(node);
    if (!readers) return;
    std::vector<float> largest(static_cast<size_t>(exact[0]->shape()[1]));
    for (const auto& picture : exact) {
      std::vector<const Tensor*> inputs{picture.get()};
      if (readers->activation && readers->activation->inputs.size() > 1)
        inputs.push_back(fixed(readers->activation->inputs[1]));
      Tensor seen = readers->activation ? runner_.evaluate(readers->activation->op, inputs) : picture->clone();
      for_each_channel(seen, [&](size_t c, std::span<const float> plane) {
        for (const float v : plane) largest[c] = std::max(largest[c], std::abs(v));
      });
    }
    const float most = std::ranges::max(largest);
    if (!(most > 0) || !std::isfinite(most)) return;
    std::vector<float> factors;
    for (const float v : largest) factors.push_back(std::sqrt(std::max(v / most, least_channel_share)));

    const auto divide = [&](Tensor& tensor) {  // per entry of the first axis
      const size_t each = tensor.f32().size() / factors.size();
      for (size_t i = 0; i < tensor.f32().size(); ++i) tensor.f32()[i] /= factors[i / each];
    };
    divide(weights_.at(name_of(node.inputs[1])));
    if (node.inputs.size() > 2 && is_parameter(node.inputs[2])) divide(weights_.at(name_of(node.inputs[2])));
    for (const Node* reader : readers->layers)
      for_each_channel(weights_.at(name_of(reader->inputs[1])), [&](size_t c, std::span<float> kernel) {
        for (float& w : kernel) w *= factors[c];
      });
    std::vector<Tensor> scaled;
    for (const auto& picture : exact) {
      scaled.push_back(picture->clone());
      for_each_channel(scaled.back(), [&](size_t c, std::span<float> plane) {
        for (float& v : plane) v /= factors[c];
      });
    }
    exact = shared(std::move(scaled));
  }

  const PostTrainingOptions& options_;
  const Graph graph_;
  std::span<const SampleInputs> samples_;
  OpRunner runner_;
  Parameters weights_;  // as they become
  QuantizedNetwork result_;
  std::vector<std::vector<size_t>> readers_;  // nodes, per value
  std::vector<Values> exact_, lossy_;         // per value; those that are read no more are empty
};

}  // namespace

LayerMode choose_full(std::string_view, const Shape&) { return LayerMode::integer; }

LayerMode choose_mixed(std::string_view, const Shape& shape) {
  constexpr int64_t most_channels = 32;
  const bool small = shape[2] == 1 && shape[3] == 1 && std::max(shape[0], shape[1]) <= most_channels;
  return small ? LayerMode::integer : LayerMode::weight_only;
}

Result<Graph> build_for(const Network& network, const SampleInputs& sample) {
  const Shape& picture = sample.at(0).shape();
  return network.build(1, static_cast<int>(picture[2]), static_cast<int>(picture[3]));
}

Result<QuantizedNetwork> quantize_network(const Network& network, std::span<const SampleInputs> samples,
                                          Backend& backend, const PostTrainingOptions& options) {
  if (!network.quantized_layers.empty())
    return fail(ErrorCode::invalid_argument, "model {} is quantised already; begin with the float model", network.name);
  if (samples.empty()) return fail(ErrorCode::invalid_argument, "there is no picture to learn the ranges from");
  FL_TRY(Graph graph, build_for(network, samples[0]));
  return Walk(network, std::move(graph), samples, backend, options).run();
}

void restore_layer(QuantizedNetwork& quantized, const std::string& weight) {
  Network& network = quantized.network;
  network.quantized_layers.erase(weight);
  network.parameters.erase(weight_scale_name(weight));
  network.parameters.erase(input_scale_name(weight));
  const std::string bias = weight.substr(0, weight.rfind("weight")) + "bias";
  for (const std::string& name : {weight, bias})
    if (const auto before = quantized.floating.find(name); before != quantized.floating.end())
      network.parameters.insert_or_assign(name, before->second.clone());
}

}  // namespace framelift
