#include "network/onnx/onnx_contract.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace framelift {
namespace {

constexpr int largest_number = 1 << 16;

struct NamedColor {
  std::string_view name;
  TransferCharacteristic transfer;
  ColorPrimaries primaries;
};
constexpr NamedColor colors[] = {{"bt709", TransferCharacteristic::bt709, ColorPrimaries::bt709},
                                 {"srgb", TransferCharacteristic::srgb, ColorPrimaries::bt709},
                                 {"linear", TransferCharacteristic::linear, ColorPrimaries::bt709},
                                 {"pq", TransferCharacteristic::pq, ColorPrimaries::bt2020}};
constexpr std::pair<std::string_view, OutputKind> outputs[] = {
    {"picture", OutputKind::picture}, {"scores", OutputKind::scores}, {"probability", OutputKind::probability}};

class Reader {
 public:
  explicit Reader(std::string_view name) : name_(name) {}

  Result<OnnxContract> read(const toml::table& table) {
    for (const auto& [key, node] : table) FL_CHECK(read_key(std::string(key.str()), node));
    return std::move(contract_);
  }

 private:
  template <class... Args>
  tl::unexpected<Error> refuse(const toml::node& node, fmt::format_string<Args...> format, Args&&... args) const {
    return fail(ErrorCode::invalid_data, "{}: line {}: {}", name_, node.source().begin.line,
                fmt::format(format, std::forward<Args>(args)...));
  }

  Result<int> integer(const std::string& key, const toml::node& node, int low) const {
    const auto number = node.value_exact<int64_t>();
    if (!number || *number < low || *number > largest_number)
      return refuse(node, "{} is a whole number from {} to {}", key, low, largest_number);
    return static_cast<int>(*number);
  }
  template <size_t n>
  Result<std::array<float, n>> numbers(const std::string& key, const toml::node& node) const {
    std::array<float, n> result{};
    const toml::array* list = node.as_array();
    for (size_t i = 0; i < n; ++i) {
      const auto number = list && list->size() == n ? (*list)[i].value<double>() : std::nullopt;
      if (!number || !std::isfinite(*number)) return refuse(node, "{} is a list of {} numbers", key, n);
      result[i] = static_cast<float>(*number);
    }
    return result;
  }
  template <class Choices>
  Result<size_t> choice(const std::string& key, const toml::node& node, const Choices& choices) const {
    const auto text = node.value_exact<std::string>();
    std::string names;
    for (size_t i = 0; i < std::size(choices); ++i) {
      const std::string_view name = std::get<0>(choices[i]);
      if (text && *text == name) return i;
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    return refuse(node, "{} is one of {}", key, names);
  }
  Result<ColorInfo> color(const std::string& key, const toml::node& node) const {
    std::vector<std::tuple<std::string_view>> names;
    for (const NamedColor& c : colors) names.emplace_back(c.name);
    FL_TRY(const size_t i, choice(key, node, names));
    return ColorInfo{MatrixCoefficients::rgb, colors[i].transfer, colors[i].primaries, ColorRange::full,
                     ChromaLocation::unspecified};
  }

  Status read_key(const std::string& key, const toml::node& node) {
    if (key == "scale") {
      FL_TRY(contract_.scale, integer(key, node, 1));
    } else if (key == "alignment") {
      FL_TRY(contract_.alignment, integer(key, node, 1));
    } else if (key == "blend_overlap") {
      FL_TRY(contract_.blend_overlap, integer(key, node, 0));
    } else if (key == "input_range" || key == "output_range") {
      FL_TRY(const auto range, numbers<2>(key, node));
      if (range[0] == range[1]) return refuse(node, "{} is what black and white are; they differ", key);
      // black + x * (white - black)
      const float deviation = 1 / (range[1] - range[0]), mean = -range[0] * deviation;
      if (key == "output_range") {
        contract_.output_range = range;
      } else {
        contract_.mean = {mean, mean, mean};
        contract_.deviation = {deviation, deviation, deviation};
      }
    } else if (key == "input_mean") {
      FL_TRY(contract_.mean, numbers<3>(key, node));
    } else if (key == "input_std") {
      FL_TRY(contract_.deviation, numbers<3>(key, node));
      if (std::ranges::count(contract_.deviation, 0.0f)) return refuse(node, "{} is above 0", key);
    } else if (key == "channel_order") {
      constexpr std::tuple<std::string_view> orders[] = {{"rgb"}, {"bgr"}};
      FL_TRY(const size_t order, choice(key, node, orders));
      contract_.bgr = order == 1;
    } else if (key == "input_color") {
      FL_TRY(contract_.input_color, color(key, node));
    } else if (key == "output_color") {
      FL_TRY(contract_.output_color, color(key, node));
    } else if (key == "output_gain") {
      const auto gain = node.value<double>();
      if (!gain || !(*gain > 0) || *gain > largest_number) return refuse(node, "{} is a number above 0", key);
      contract_.output_gain = static_cast<float>(*gain);
    } else if (key == "output") {
      FL_TRY(const size_t kind, choice(key, node, outputs));
      contract_.output = outputs[kind].second;
    } else if (key == "classes") {
      const toml::array* list = node.as_array();
      if (list == nullptr) return refuse(node, "{} is a list of names", key);
      for (const toml::node& label : *list) contract_.classes.push_back(label.value_or(std::string{}));
    } else if (key == "frame") {
      const toml::table* frame = node.as_table();
      if (frame == nullptr) return refuse(node, "{} is a table", key);
      return read_frame(*frame);
    } else {
      return refuse(node,
                    "there is no key {}; known are scale, alignment, input_range, input_mean, input_std, output_range, "
                    "channel_order, input_color, output_color, output_gain, output, classes, blend_overlap, frame",
                    key);
    }
    return {};
  }

  Status read_frame(const toml::table& frame) {
    FrameReduction reduction;
    for (const auto& [name, node] : frame) {
      const std::string key(name.str());
      if (key == "factor") {
        FL_TRY(reduction.factor, integer(key, node, 1));
      } else if (key == "edge") {
        FL_TRY(reduction.edge, integer(key, node, 1));
      } else if (key == "input") {
        contract_.frame_input = node.value_or(std::string{});
      } else if (key == "output") {
        contract_.frame_output = node.value_or(std::string{});
      } else {
        return refuse(node, "there is no key frame.{}; known are factor, edge, input, output", key);
      }
    }
    if ((reduction.factor > 0) == (reduction.edge > 0) || contract_.frame_input.empty() ||
        contract_.frame_output.empty())
      return refuse(frame, "frame names its input and its output, and either a factor or an edge");
    contract_.frame_reduction = reduction;
    return {};
  }

  std::string_view name_;
  OnnxContract contract_;
};

}  // namespace

Result<OnnxContract> parse_onnx_contract(std::string_view toml, std::string_view name) {
  try {
    return Reader(name).read(toml::parse(toml));
  } catch (const toml::parse_error& e) {
    return fail(ErrorCode::invalid_data, "{}: line {} is not TOML ({})", name, e.source().begin.line, e.description());
  }
}

std::string to_toml(const OnnxContract& contract) {
  toml::table table;
  const OnnxContract usual;
  const auto color_name = [](const ColorInfo& color) {
    const auto found = std::ranges::find_if(
        colors, [&](const NamedColor& c) { return c.transfer == color.transfer && c.primaries == color.primaries; });
    return std::string(found == std::end(colors) ? std::string_view() : found->name);
  };
  const auto list = [](const auto& numbers) {
    toml::array array;
    for (const float v : numbers) array.push_back(double{v});
    return array;
  };
  if (contract.scale) table.insert("scale", *contract.scale);
  if (contract.alignment) table.insert("alignment", *contract.alignment);
  if (contract.blend_overlap > 0) table.insert("blend_overlap", contract.blend_overlap);
  if (contract.mean != usual.mean) table.insert("input_mean", list(contract.mean));
  if (contract.deviation != usual.deviation) table.insert("input_std", list(contract.deviation));
  if (contract.output_range != usual.output_range) table.insert("output_range", list(contract.output_range));
  if (contract.bgr) table.insert("channel_order", "bgr");
  if (contract.input_color) table.insert("input_color", color_name(*contract.input_color));
  if (contract.output_color) table.insert("output_color", color_name(*contract.output_color));
  if (contract.output_gain != 1) table.insert("output_gain", double{contract.output_gain});
  if (contract.output)
    table.insert(
        "output",
        std::string(
            std::ranges::find(outputs, *contract.output, &std::pair<std::string_view, OutputKind>::second)->first));
  if (!contract.classes.empty()) {
    toml::array names;
    for (const std::string& name : contract.classes) names.push_back(name);
    table.insert("classes", std::move(names));
  }
  if (contract.frame_reduction) {
    toml::table frame;
    if (contract.frame_reduction->factor > 0) frame.insert("factor", contract.frame_reduction->factor);
    if (contract.frame_reduction->edge > 0) frame.insert("edge", contract.frame_reduction->edge);
    frame.insert("input", contract.frame_input);
    frame.insert("output", contract.frame_output);
    table.insert("frame", std::move(frame));
  }
  std::ostringstream text;
  text << table << '\n';
  return text.str();
}

}  // namespace framelift
