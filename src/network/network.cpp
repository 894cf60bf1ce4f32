#include "network/network.h"

#include <algorithm>
#include <new>
#include <string_view>

#include "graph/passes.h"
#include "network/hinerv/weights.h"
#include "weights/quantized_file.h"

namespace framelift {

namespace {

constexpr std::string_view own_prefix = "framelift.";

std::string architecture_names() {
  std::string names;
  for (const Architecture* architecture : architectures()) {
    if (!names.empty()) names += ", ";
    names += architecture->name;
  }
  return names;
}

struct Detected {
  const Architecture* architecture = nullptr;
  HyperParameters hyper;
};

Result<Detected> detect(const WeightFile& file) {
  for (const Architecture* architecture : architectures()) {
    auto hyper = architecture->detect(file);
    if (hyper) return Detected{architecture, std::move(*hyper)};
    if (hyper.error().code != ErrorCode::not_found) return fail(std::move(hyper.error()));
  }
  if (is_hinerv(file))
    return fail(ErrorCode::unsupported, "{}: holds a video (HiNeRV), no network for others; use framelift decompress",
                file.path.string());
  return fail(ErrorCode::unsupported, "{}: holds no network framelift knows ({}); its first tensor is {}",
              file.path.string(), architecture_names(), file.tensors.empty() ? "missing" : file.tensors[0].first);
}

// A file of our own says what it is; that must agree with what its tensors show.
Status check_own_metadata(const WeightFile& file, const Detected& detected) {
  const auto format = file.metadata.find("framelift.format");
  if (file.format != WeightFormat::safetensors || format == file.metadata.end()) return {};
  if (format->second != "1")
    return fail(ErrorCode::unsupported, "{}: was written by a newer framelift (format {}); update framelift",
                file.path.string(), format->second);
  const auto architecture = file.metadata.find("framelift.architecture");
  if (architecture != file.metadata.end() && architecture->second != detected.architecture->name)
    return fail(ErrorCode::invalid_data, "{}: says it is {}, but its tensors are {}'s; import it again",
                file.path.string(), architecture->second, detected.architecture->name);
  return {};
}

Result<Network> checked_network(const WeightFile& file);

// A network of float weights, and what its file says of grids on top.
Result<Network> checked_quantized_network(const WeightFile& file) {
  FL_TRY(QuantizedFile parts, split_quantized(file));
  FL_TRY(Network network, checked_network(parts.file));
  for (const auto& [weight, layer] : parts.layers)
    if (!network.parameters.contains(weight))
      return fail(ErrorCode::unsupported, "{}: tensor {} is quantised, but is no weight of {}", file.path.string(),
                  weight, network.architecture->name);
  network.parameters.merge(parts.scales);
  network.quantized_layers = std::move(parts.layers);
  return network;
}

Result<Network> checked_network(const WeightFile& file) {
  if (is_quantized(file)) return checked_quantized_network(file);
  FL_TRY(auto detected, detect(file));
  FL_CHECK(check_own_metadata(file, detected));
  Network network;
  network.architecture = detected.architecture;
  if (detected.architecture->open) {
    FL_TRY(network.from_file, detected.architecture->open(file, detected.hyper));
    network.contract = std::move(network.from_file.contract);
    network.parameters = std::move(network.from_file.parameters);
  } else {
    network.contract = detected.architecture->contract(detected.hyper);
    FL_TRY(network.parameters, detected.architecture->parameters(file, detected.hyper));
  }
  network.hyper = std::move(detected.hyper);
  for (const auto& [key, value] : file.metadata) {
    if (key.starts_with(own_prefix)) network.metadata[key.substr(own_prefix.size())] = value;
  }
  const auto name = network.metadata.find("name");
  network.name = name != network.metadata.end() ? name->second : file.path.stem().string();
  return network;
}

}  // namespace

NetworkContract sdr_to_hdr_contract() {
  NetworkContract contract;
  contract.input_color = ColorInfo{MatrixCoefficients::rgb, TransferCharacteristic::bt709, ColorPrimaries::bt709,
                                   ColorRange::full, ChromaLocation::unspecified};
  contract.output_color = ColorInfo{MatrixCoefficients::rgb, TransferCharacteristic::pq, ColorPrimaries::bt2020,
                                    ColorRange::full, ChromaLocation::unspecified};
  return contract;
}

NetworkContract sdr_to_linear_contract(TransferCharacteristic transfer) {
  NetworkContract contract;
  contract.output_color = ColorInfo{MatrixCoefficients::rgb, TransferCharacteristic::linear, ColorPrimaries::bt709,
                                    ColorRange::full, ChromaLocation::unspecified};
  contract.input_color = contract.output_color;
  contract.input_color->transfer = transfer;
  return contract;
}

NetworkContract segmentation_contract(int planes) {
  NetworkContract contract;
  contract.input_color = ColorInfo{MatrixCoefficients::rgb, TransferCharacteristic::bt709, ColorPrimaries::bt709,
                                   ColorRange::full, ChromaLocation::unspecified};
  contract.output = planes == 1 ? OutputKind::probability : OutputKind::scores;
  contract.classes = class_labels(std::max(planes, 2));
  return contract;
}

Result<Graph> Network::build(int batch, int height, int width) const {
  if (contract.fixed_width > 0 && (height != contract.fixed_height || width != contract.fixed_width))
    return fail(ErrorCode::invalid_argument, "model {} takes pictures of {}x{} pixels, not of {}x{}", name,
                contract.fixed_width, contract.fixed_height, width, height);
  FL_TRY(Graph graph,
         from_file.build ? from_file.build(batch, height, width) : architecture->build(hyper, batch, height, width));
  return quantize(std::move(graph), quantized_layers);
}

Result<Graph> Network::build_frame_graph(int batch, int height, int width) const {
  FL_TRY(Graph graph, from_file.build_frame_graph ? from_file.build_frame_graph(batch, height, width)
                                                  : architecture->build_frame_graph(hyper, batch, height, width));
  return quantize(std::move(graph), quantized_layers);
}

Result<Graph> Network::build_sample(int alignments) const {
  if (contract.fixed_width > 0) return build(1, contract.fixed_height, contract.fixed_width);
  int edge = alignments * contract.alignment;
  // Networks that nobody here knows may have layers that tiny pictures vanish in.
  constexpr int usual_edge = 64;
  if (from_file.build) edge *= (usual_edge + edge - 1) / edge;
  return build(1, edge, edge);
}

Result<Backend*> find_backend(std::string_view name, const Network& network, const CompileOptions& options) {
  FL_TRY(const Graph sample, network.build_sample(16));
  return find_backend(name, sample, options);
}

int64_t Network::parameter_count() const {
  int64_t count = 0;
  for (const auto& [key, tensor] : parameters) count += tensor.elements();
  return count;
}

Network Network::clone() const {
  Network copy;
  copy.name = name;
  copy.architecture = architecture;
  copy.hyper = hyper;
  copy.contract = contract;
  for (const auto& [key, tensor] : parameters) copy.parameters.emplace(key, tensor.clone());
  copy.quantized_layers = quantized_layers;
  copy.metadata = metadata;
  copy.from_file.contract = from_file.contract;
  copy.from_file.build = from_file.build;
  copy.from_file.build_frame_graph = from_file.build_frame_graph;
  copy.from_file.summary = from_file.summary;
  return copy;
}

Result<Network> make_network(const WeightFile& file) {
  try {
    return checked_network(file);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "{}: does not fit into memory", file.path.string());
  }
}

Result<Network> load_network(const std::filesystem::path& path) {
  FL_TRY(auto file, read_weights(path));
  return make_network(file);
}

Result<Network> interpolate(const Network& a, const Network& b, float strength) {
  if (a.architecture != b.architecture || a.hyper != b.hyper || a.from_file.build || b.from_file.build)
    return fail(ErrorCode::invalid_argument, "{} and {} are different networks and cannot be mixed", a.name, b.name);
  if (!a.quantized_layers.empty() || !b.quantized_layers.empty())
    return fail(ErrorCode::invalid_argument, "{} and {} are mixed as float models, not quantised", a.name, b.name);
  if (!(strength >= 0 && strength <= 1))
    return fail(ErrorCode::invalid_argument, "a mixing strength of {} is outside of 0 to 1", strength);
  Network mixed;
  mixed.name = fmt::format("{} x {} + {} x {}", a.name, strength, b.name, 1 - strength);
  mixed.architecture = a.architecture;
  mixed.hyper = a.hyper;
  mixed.contract = a.contract;
  mixed.metadata = a.metadata;
  for (const auto& [key, tensor] : a.parameters) {
    const std::span<const float> other = b.parameters.at(key).f32();
    Tensor sum = tensor.clone();
    std::ranges::transform(sum.f32(), other, sum.f32().begin(),
                           [&](float x, float y) { return strength * x + (1 - strength) * y; });
    mixed.parameters.emplace(key, std::move(sum));
  }
  return mixed;
}

}  // namespace framelift
