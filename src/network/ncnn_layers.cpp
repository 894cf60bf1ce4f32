#include "network/ncnn_layers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/parse_number.h"

namespace framelift {

namespace {

// Numbers in .param files come as 4, 4.0 or 4.000000e+00.
bool same_number(std::string_view text, double expected) {
  const auto value = parse_number<double>(text);
  return value && std::abs(*value - expected) < 1e-6;
}

std::optional<std::string> odd_convolution(const NcnnLayer& layer, std::string_view fused_slope) {
  if (layer.attribute(1, "0") != "3" || layer.attribute(11, "3") != "3") return "is not 3x3";
  if (layer.attribute(2, "1") != "1" || layer.attribute(12, "1") != "1") return "is dilated";
  if (layer.attribute(3, "1") != "1" || layer.attribute(13, "1") != "1") return "has a stride";
  if (layer.attribute(4, "0") != "1" || layer.attribute(14, "1") != "1" || layer.attribute(18, "0") != "0")
    return "is not padded with one row of zeros";
  if (layer.attribute(5, "0") != "1") return "has no bias";
  const std::string_view activation = layer.attribute(9, "0");
  if (activation == "0") return std::nullopt;
  double slope = 0;
  std::from_chars(fused_slope.data(), fused_slope.data() + fused_slope.size(), slope);
  const std::string_view parameters = layer.attribute(-23310, "");
  if (activation != "2" || fused_slope.empty() || !parameters.starts_with("1,") ||
      !same_number(parameters.substr(2), slope))
    return "has another activation";
  return std::nullopt;
}

}  // namespace

std::string_view NcnnLayer::attribute(int id, std::string_view fallback) const {
  const auto found = attributes.find(id);
  return found == attributes.end() ? fallback : found->second;
}

std::vector<NcnnLayer> ncnn_layers(const WeightFile& file) {
  constexpr std::string_view prefix = "layer.";
  std::vector<NcnnLayer> layers;
  for (const auto& [key, text] : file.metadata) {
    if (!key.starts_with(prefix)) continue;
    NcnnLayer layer;
    layer.name = std::string_view(key).substr(prefix.size());
    std::string_view rest = text;
    layer.type = rest.substr(0, rest.find(' '));
    rest.remove_prefix(layer.type.size());
    while (!rest.empty()) {
      const size_t begin = rest.find_first_not_of(" \t");
      if (begin == std::string_view::npos) break;
      std::string_view token = rest.substr(begin, rest.find_first_of(" \t", begin) - begin);
      rest.remove_prefix(begin + token.size());
      const size_t equals = token.find('=');
      int id = 0;
      if (equals == std::string_view::npos) continue;
      if (std::from_chars(token.data(), token.data() + equals, id).ec == std::errc{})
        layer.attributes[id] = token.substr(equals + 1);
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

Status check_plain_sr_layers(const WeightFile& file, std::string_view fused_slope) {
  constexpr std::array<std::string_view, 8> glue = {"Input",    "Split", "Concat", "Eltwise",
                                                    "BinaryOp", "Noop",  "PReLU",  "PixelShuffle"};
  const auto refuse = [&](const NcnnLayer& layer, std::string_view why) {
    return fail(ErrorCode::unsupported, "{}: layer {} ({}) {}; this variant of the network is not supported",
                file.path.string(), layer.name, layer.type, why);
  };
  for (const NcnnLayer& layer : ncnn_layers(file)) {
    if (layer.type == "Convolution") {
      if (auto why = odd_convolution(layer, fused_slope)) return refuse(layer, *why);
    } else if (layer.type == "Interp") {
      if (layer.attribute(0, "0") != "1")
        return refuse(layer, "resizes the result with a filter (use the plain x4 file and --scale)");
    } else if (std::ranges::find(glue, layer.type) == glue.end()) {
      return refuse(layer, "does not occur in it");
    }
  }
  return {};
}

}  // namespace framelift
