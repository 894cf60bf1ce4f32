#include "network/hinerv/weights.h"

#include <cmath>
#include <map>

#include "network/hinerv/hinerv.h"
#include "network/tensor_names.h"

namespace framelift {
namespace {

// PyTorch's name of a weight X.weight that is computed from another tensor.
constexpr std::string_view parametrised = ".parametrizations.weight.";

struct State {
  std::map<std::string, const Tensor*, std::less<>> weights;  // by the graph's names
  std::map<std::string, const Tensor*, std::less<>> masks;    // by the weight's name
  std::vector<RenamedTensor> renamed;                         // the weights
};

State read_state(const WeightFile& file) {
  State state;
  for (const auto& [key, tensor] : file.tensors) {
    const std::string_view plain = without_module_prefix(key);
    const size_t at = plain.find(parametrised);
    std::string name(plain);
    if (at != std::string_view::npos) {
      const std::string_view what = plain.substr(at + parametrised.size());
      name = std::string(plain.substr(0, at)) + ".weight";
      if (what.ends_with(".mask")) state.masks.emplace(name, &tensor);
      // Beside the weights: the bit width of a quantiser and the probability of its noise.
      if (what != "original") continue;
    }
    state.weights.emplace(name, &tensor);
    state.renamed.push_back({name, key, &tensor});
  }
  return state;
}

// The shape of a weight, if it has that many axes.
std::optional<Shape> shape_of(const State& state, const std::string& name, int rank) {
  const auto found = state.weights.find(name);
  if (found == state.weights.end() || found->second->shape().rank() != rank) return std::nullopt;
  for (int64_t size : found->second->shape().dims())
    if (size < 1 || size > 1 << 24) return std::nullopt;
  return found->second->shape();
}

// The grids X.grids.0.weight, X.grids.1.weight, ... that there are.
std::vector<Shape> grids_of(const State& state, const std::string& name) {
  std::vector<Shape> shapes;
  while (const auto shape = shape_of(state, fmt::format("{}.grids.{}.weight", name, shapes.size()), 2))
    shapes.push_back(*shape);
  return shapes;
}

// What the tensors of one stage say. `frames` and `grid_channels` of the configuration are set from the first stage.
std::optional<HinervStage> detect_stage(const State& state, int index, HinervConfig& config) {
  const std::string name = fmt::format("decoder.blocks.{}", index);
  const std::vector<Shape> grids = grids_of(state, name + ".1.enc");
  const auto linear = shape_of(state, name + ".1.enc.linear.weight", 2);
  const auto depthwise = shape_of(state, name + ".2.dconv.weight", 4);
  const auto expand = shape_of(state, name + ".2.fc1.weight", 2), reduce = shape_of(state, name + ".2.fc2.weight", 2);
  if (grids.empty() || !linear || !depthwise || !expand || !reduce) return std::nullopt;
  int64_t values = 0;  // of all levels at one moment: scale x scale times what enters the linear layer
  for (const Shape& grid : grids) values += grid[1];
  HinervStage stage;
  const int64_t cells = values / (*linear)[1];
  stage.scale = static_cast<int>(std::lround(std::sqrt(static_cast<double>(cells))));
  stage.kernel = static_cast<int>((*depthwise)[3]);
  stage.expansion = static_cast<double>((*expand)[0]) / static_cast<double>((*reduce)[0]);
  stage.depth = 1;
  while (shape_of(state, fmt::format("{}.{}.dconv.weight", name, stage.depth + 2), 4)) ++stage.depth;
  if (stage.scale < 1) return std::nullopt;
  if (index == 0) {
    config.frames = static_cast<int>(grids[0][0]);
    config.grid_levels = static_cast<int>(grids.size());
    config.grid_channels = static_cast<int>(grids[0][1] / (int64_t{stage.scale} * stage.scale));
  }
  return stage;
}

// Everything but the size and the frames of the base grid.
std::optional<HinervConfig> detect_shapes(const State& state) {
  const std::vector<Shape> base = grids_of(state, "encoding");
  const auto stem = shape_of(state, "decoder.stem.conv.weight", 4);
  if (base.empty() || !stem) return std::nullopt;
  HinervConfig config;
  config.channels = static_cast<int>((*stem)[0]);
  config.stem_kernel = static_cast<int>((*stem)[3]);
  config.base_channels = static_cast<int>(base[0][1]);
  config.base_levels = static_cast<int>(base.size());
  while (const auto stage = detect_stage(state, static_cast<int>(config.stages.size()), config))
    config.stages.push_back(*stage);
  if (config.stages.empty()) return std::nullopt;
  return config;
}

// Whether a published configuration, for as many frames as the file has, needs tensors of exactly the file's shapes.
bool has_shapes(const State& state, const HinervConfig& config) {
  const auto graph = build_hinerv(config, {});
  if (!graph) return false;
  size_t matching = 0;
  for (const Value& value : graph->values) {
    if (value.kind != ValueKind::parameter) continue;
    const auto found = state.weights.find(value.name);
    if (found == state.weights.end() || found->second->shape() != value.shape) return false;
    ++matching;
  }
  return matching == state.weights.size();
}

std::optional<HinervConfig> published_with_shapes(const State& state, const HinervConfig& detected) {
  for (const PublishedHinerv& published : published_hinerv()) {
    HinervConfig config = published.config;
    config.frames = detected.frames;
    if (config.channels == detected.channels && has_shapes(state, config)) return config;
  }
  return std::nullopt;
}

}  // namespace

bool is_hinerv(const WeightFile& file) { return detect_shapes(read_state(file)).has_value(); }

Result<HinervConfig> detect_hinerv(const WeightFile& file, const HinervUnseen& unseen) {
  const State state = read_state(file);
  const auto detected = detect_shapes(state);
  if (!detected) return not_this_architecture(file, "HiNeRV");
  HinervConfig config = *detected;
  const std::string path = file.path.string();
  if (unseen.width == 0) {
    const auto published = published_with_shapes(state, config);
    if (!published)
      return fail(ErrorCode::invalid_argument,
                  "{}: the size of its video cannot be seen from the file; give it with --size WIDTHxHEIGHT", path);
    config = *published;
  } else {
    config.width = unseen.width;
    config.height = unseen.height;
    if (const Status status = check_hinerv(config); !status)
      return fail(status.error().code, "{}: {}", path, status.error().message);
    const int64_t pixels = int64_t{config.base_height()} * config.base_width();
    const int64_t rows = grids_of(state, "encoding")[0][0];
    if (rows % pixels != 0 || rows / pixels > 1 << 20)
      return fail(ErrorCode::invalid_argument,
                  "{}: its base grid has {} pixels, which {}x{} does not fit; check --size", path, rows, config.width,
                  config.height);
    config.base_frames = static_cast<int>(rows / pixels);
    if (const auto published = published_with_shapes(state, config);
        published && published->width == config.width && published->height == config.height)
      config = *published;
  }
  if (unseen.upsample_norm) config.upsample_norm = *unseen.upsample_norm;
  if (const Status status = check_hinerv(config); !status)
    return fail(ErrorCode::unsupported, "{}: {}", path, status.error().message);
  return config;
}

Result<Parameters> hinerv_parameters(const WeightFile& file, const HinervConfig& config) {
  FL_TRY(const Graph graph, build_hinerv(config, {}));
  const State state = read_state(file);
  FL_TRY(Parameters parameters, bind_tensors(file, state.renamed, graph));
  for (const auto& [name, mask] : state.masks) {
    const auto found = parameters.find(name);
    if (found == parameters.end() || found->second.shape() != mask->shape())
      return fail(ErrorCode::invalid_data, "{}: the pruning mask of {} does not fit it", file.path.string(), name);
    const Tensor factors = mask->to_f32();
    for (size_t i = 0; i < factors.f32().size(); ++i) found->second.f32()[i] *= factors.f32()[i] != 0 ? 1.0f : 0.0f;
  }
  return parameters;
}

}  // namespace framelift
