#include "weights/ncnn.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "base/parse_number.h"
#include "weights/tensor_size.h"

namespace framelift {

namespace {

constexpr std::string_view param_magic = "7767517";
constexpr int max_layers = 100'000;
constexpr int64_t max_weight_elements = int64_t{1} << 31;

// How a convolution's weights are stored: the first word of its data.
constexpr uint32_t flag_f32 = 0;
constexpr uint32_t flag_f16 = 0x01306B47;

// Layers without weights: what networks are glued together with.
constexpr std::array<std::string_view, 35> plain_layers = {
    "AbsVal",  "BinaryOp", "CELU",    "Clip",         "Concat",    "Crop",  "Dropout", "ELU",    "Eltwise",
    "Exp",     "Flatten",  "GELU",    "HardSigmoid",  "HardSwish", "Input", "Interp",  "Log",    "Mish",
    "Noop",    "Padding",  "Permute", "PixelShuffle", "Pooling",   "Power", "ReLU",    "Reorg",  "Reshape",
    "Sigmoid", "Slice",    "Softmax", "Split",        "Squeeze",   "Swish", "TanH",    "UnaryOp"};

struct Layer {
  std::string_view type, name, attributes;
  std::map<int, std::string_view> values;
  int line = 0;
};

std::string printable(std::string_view text) {
  std::string shown;
  for (char c : text.substr(0, 80)) shown += c >= 0x20 && c < 0x7f ? c : '?';
  return shown;
}

std::string_view next_token(std::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(" \t\r"), line.size());
  const size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
  const std::string_view token = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return token;
}

// "Type name inputs outputs blobs... id=value..."
Result<Layer> parse_layer(std::string_view text, int line, std::string_view file) {
  Layer layer;
  layer.line = line;
  layer.type = next_token(text);
  layer.name = next_token(text);
  const auto inputs = parse_number<int64_t>(next_token(text));
  const auto outputs = parse_number<int64_t>(next_token(text));
  if (!inputs || !outputs || *inputs < 0 || *outputs < 0 || *inputs > max_layers || *outputs > max_layers)
    return fail(ErrorCode::invalid_data, "{}: line {} is no ncnn layer", file, line);
  for (int64_t i = 0; i < *inputs + *outputs; ++i) {
    if (next_token(text).empty())
      return fail(ErrorCode::invalid_data, "{}: line {} names fewer blobs than it claims", file, line);
  }
  const size_t begin = std::min(text.find_first_not_of(" \t\r"), text.size());
  const size_t end = text.find_last_not_of(" \t\r");
  layer.attributes = end == std::string_view::npos ? std::string_view{} : text.substr(begin, end + 1 - begin);
  for (std::string_view token = next_token(text); !token.empty(); token = next_token(text)) {
    const size_t equals = token.find('=');
    const auto id = parse_number<int64_t>(token.substr(0, std::min(equals, token.size())));
    if (equals == std::string_view::npos || !id || *id < -30000 || *id > 30000)
      return fail(ErrorCode::invalid_data, "{}: line {} has a malformed attribute {}", file, line, printable(token));
    layer.values[static_cast<int>(*id)] = token.substr(equals + 1);
  }
  return layer;
}

class NcnnReader {
 public:
  NcnnReader(std::span<const std::byte> param, std::string_view param_name, std::span<const std::byte> bin,
             std::string_view bin_name)
      : param_(param, param_name), bin_(bin, bin_name) {}

  Result<WeightFile> run();

 private:
  Status read_layer(const Layer& layer);
  Status read_convolution(const Layer& layer, bool grouped);
  Status read_prelu(const Layer& layer);
  Result<int64_t> attribute(const Layer& layer, int id, int64_t fallback) const;
  Status add_tensor(std::string name, DType dtype, std::initializer_list<int64_t> dims);
  // The rest of the .param, line by line; the last line may lack its newline.
  std::optional<std::string_view> next_line();

  ByteReader param_;
  ByteReader bin_;
  int line_ = 0;
  WeightFile file_;
};

std::optional<std::string_view> NcnnReader::next_line() {
  if (param_.remaining() == 0) return std::nullopt;
  ++line_;
  if (auto line = param_.take_line()) return *line;
  auto rest = param_.take_text(param_.remaining());
  return rest ? std::optional(*rest) : std::nullopt;
}

Result<int64_t> NcnnReader::attribute(const Layer& layer, int id, int64_t fallback) const {
  const auto found = layer.values.find(id);
  if (found == layer.values.end()) return fallback;
  const auto number = parse_number<int64_t>(found->second);
  if (!number || *number < -max_weight_elements || *number > max_weight_elements)
    return fail(ErrorCode::invalid_data, "{}: line {}: attribute {} is {}, a number is expected", param_.name(),
                layer.line, id, printable(found->second));
  return *number;
}

Status NcnnReader::add_tensor(std::string name, DType dtype, std::initializer_list<int64_t> dims) {
  const auto bytes = checked_tensor_bytes({dims.begin(), dims.size()}, dtype);
  if (!bytes) return fail(ErrorCode::invalid_data, "{}: {} has an impossible size", param_.name(), name);
  auto data = bin_.take(*bytes);
  if (!data)
    return fail(ErrorCode::invalid_data, "{}: truncated, {} needs {} bytes at offset {} but {} are left", bin_.name(),
                name, *bytes, bin_.position(), bin_.remaining());
  Tensor tensor(dtype, Shape(dims));
  std::memcpy(tensor.data(), data->data(), data->size());
  file_.tensors.emplace_back(std::move(name), std::move(tensor));
  return {};
}

Status NcnnReader::read_convolution(const Layer& layer, bool grouped) {
  FL_TRY(auto outputs, attribute(layer, 0, 0));
  FL_TRY(auto kernel_w, attribute(layer, 1, 0));
  FL_TRY(auto kernel_h, attribute(layer, 11, kernel_w));
  FL_TRY(auto has_bias, attribute(layer, 5, 0));
  FL_TRY(auto weights, attribute(layer, 6, 0));
  FL_TRY(auto int8_scales, attribute(layer, 8, 0));
  FL_TRY(auto dynamic, attribute(layer, 19, 0));
  FL_TRY(auto groups, attribute(layer, 7, 1));
  if (int8_scales != 0 || dynamic != 0)
    return fail(ErrorCode::unsupported, "{}: layer {} has {} weights, which are not supported; use the float model",
                param_.name(), printable(layer.name), dynamic != 0 ? "dynamic" : "int8");
  const bool plausible = outputs > 0 && outputs <= 65536 && kernel_w > 0 && kernel_w <= 1024 && kernel_h > 0 &&
                         kernel_h <= 1024 && weights > 0 && groups > 0 && (grouped || groups == 1) &&
                         weights % (outputs * kernel_w * kernel_h) == 0;
  if (!plausible)
    return fail(ErrorCode::invalid_data, "{}: line {}: {} weights do not fit {} outputs of {}x{}", param_.name(),
                layer.line, weights, outputs, kernel_w, kernel_h);
  const int64_t inputs = weights / (outputs * kernel_w * kernel_h);
  const std::string name(layer.name);

  FL_TRY(auto flag, bin_.read<uint32_t>());
  if (flag != flag_f32 && flag != flag_f16)
    return fail(ErrorCode::unsupported,
                "{}: layer {} stores its weights as 0x{:08x}, which is not supported; use a float model (or the .bin "
                "belongs to another .param)",
                bin_.name(), printable(name), flag);
  const DType dtype = flag == flag_f16 ? DType::f16 : DType::f32;
  FL_CHECK(add_tensor(name + ".weight", dtype, {outputs, inputs, kernel_h, kernel_w}));
  if (dtype == DType::f16 && weights % 2 != 0) FL_CHECK(bin_.seek(bin_.position() + 2));
  if (has_bias != 0) FL_CHECK(add_tensor(name + ".bias", DType::f32, {outputs}));
  return {};
}

Status NcnnReader::read_prelu(const Layer& layer) {
  FL_TRY(auto slopes, attribute(layer, 0, 0));
  if (slopes <= 0 || slopes > 65536)
    return fail(ErrorCode::invalid_data, "{}: line {}: PReLU with {} slopes", param_.name(), layer.line, slopes);
  return add_tensor(std::string(layer.name) + ".slope", DType::f32, {slopes});
}

Status NcnnReader::read_layer(const Layer& layer) {
  if (layer.type == "Convolution") return read_convolution(layer, false);
  if (layer.type == "ConvolutionDepthWise") return read_convolution(layer, true);
  if (layer.type == "PReLU") return read_prelu(layer);
  if (std::ranges::find(plain_layers, layer.type) != plain_layers.end()) return {};
  return fail(ErrorCode::unsupported,
              "{}: line {}: layers of type {} are not supported; use a PyTorch or safetensors file of this network",
              param_.name(), layer.line, printable(layer.type));
}

Result<WeightFile> NcnnReader::run() {
  auto line = next_line();
  if (!line || next_token(*line) != param_magic)
    return fail(ErrorCode::invalid_data, "{}: does not begin with {}; this is no ncnn graph", param_.name(),
                param_magic);
  line = next_line();
  const auto layers = line ? parse_number<int64_t>(next_token(*line)) : std::nullopt;
  if (!layers || *layers < 1 || *layers > max_layers)
    return fail(ErrorCode::invalid_data, "{}: line 2 does not state a plausible number of layers", param_.name());
  file_.path = bin_.name();
  file_.format = WeightFormat::ncnn;
  std::set<std::string_view> names;
  for (int64_t count = 0; count < *layers;) {
    line = next_line();
    if (!line)
      return fail(ErrorCode::invalid_data, "{}: truncated, {} of {} layers are there", param_.name(), count, *layers);
    if (line->find_first_not_of(" \t\r") == std::string_view::npos) continue;
    FL_TRY(auto layer, parse_layer(*line, line_, param_.name()));
    if (!names.insert(layer.name).second)
      return fail(ErrorCode::invalid_data, "{}: line {}: a second layer is named {}", param_.name(), line_,
                  printable(layer.name));
    FL_CHECK(read_layer(layer));
    std::string& text = file_.metadata["layer." + std::string(layer.name)];
    text = layer.type;
    if (!layer.attributes.empty()) text.append(" ").append(layer.attributes);
    ++count;
  }
  if (bin_.remaining() != 0)
    return fail(ErrorCode::invalid_data, "{}: {} bytes are left over; the .bin belongs to another .param", bin_.name(),
                bin_.remaining());
  return std::move(file_);
}

}  // namespace

Result<WeightFile> parse_ncnn(std::span<const std::byte> param, std::string_view param_name,
                              std::span<const std::byte> bin, std::string_view bin_name) {
  return NcnnReader(param, param_name, bin, bin_name).run();
}

}  // namespace framelift
