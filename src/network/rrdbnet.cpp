#include "network/rrdbnet.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "network/ncnn_layers.h"
#include "network/tensor_names.h"

namespace framelift {

namespace {

constexpr const char* name = "rrdbnet";
constexpr int dense_blocks = 3;  // per RRDB
constexpr int dense_convs = 5;   // per dense block
constexpr float slope = 0.2f;    // of every LeakyReLU
constexpr float residual_scale = 0.2f;

ValueId dense_block(GraphBuilder& b, ValueId x, const std::string& prefix, int features, int growth) {
  std::vector<ValueId> parts = {x};
  for (int k = 1; k < dense_convs; ++k) {
    const ValueId joined = parts.size() == 1 ? x : b.concat(parts);
    parts.push_back(b.leaky_relu(b.conv2d_same(joined, fmt::format("{}.conv{}", prefix, k), growth), slope));
  }
  const ValueId out = b.conv2d_same(b.concat(parts), fmt::format("{}.conv{}", prefix, dense_convs), features);
  return b.add(b.scale(out, residual_scale), x);
}

Result<Graph> build(const HyperParameters& hyper, int batch, int height, int width) {
  const int features = hyper.at("features"), growth = hyper.at("growth");
  GraphBuilder b;
  ValueId x = b.input("image", {batch, 3, height, width});
  if (hyper.at("unshuffle") > 1) x = b.pixel_unshuffle(x, hyper.at("unshuffle"));
  const ValueId first = b.conv2d_same(x, "conv_first", features);
  x = first;
  for (int block = 0; block < hyper.at("blocks"); ++block) {
    ValueId inner = x;
    for (int r = 1; r <= dense_blocks; ++r)
      inner = dense_block(b, inner, fmt::format("body.{}.rdb{}", block, r), features, growth);
    x = b.add(b.scale(inner, residual_scale), x);
  }
  x = b.add(first, b.conv2d_same(x, "conv_body", features));
  for (int i = 1; i <= hyper.at("upsamples"); ++i) {
    x = b.resize(x, ResizeMode::nearest, 2);
    x = b.leaky_relu(b.conv2d_same(x, fmt::format("conv_up{}", i), features), slope);
  }
  x = b.leaky_relu(b.conv2d_same(x, "conv_hr", features), slope);
  b.output(b.conv2d_same(x, "conv_last", 3), "image");
  return std::move(b).finish();
}

NetworkContract contract(const HyperParameters& hyper) {
  NetworkContract result;
  result.scale = hyper.at("scale");
  result.alignment = hyper.at("unshuffle");
  return result;
}

// "B.rdbR.convK.weight" in its three spellings -> "body.B.rdbR.convK.weight", or empty.
std::string rename_dense(std::string_view rest, std::string_view block_word, std::string_view conv_suffix) {
  const auto block = take_number(rest);
  if (!block || !take_prefix(rest, ".") || !take_prefix(rest, block_word)) return {};
  const auto dense = take_number(rest);
  if (!dense || !take_prefix(rest, ".conv")) return {};
  const auto conv = take_number(rest);
  if (!conv || !take_prefix(rest, conv_suffix)) return {};
  return fmt::format("body.{}.rdb{}.conv{}{}", *block, *dense, *conv, rest);
}

// BasicSR before 1.0: RRDB_trunk.B.RDBR.convK, trunk_conv, upconvN, HRconv, conv_first, conv_last.
std::string rename_trunk_style(std::string_view key) {
  if (take_prefix(key, "RRDB_trunk.")) return rename_dense(key, "RDB", "");
  if (take_prefix(key, "trunk_conv.")) return fmt::format("conv_body.{}", key);
  if (take_prefix(key, "upconv")) return fmt::format("conv_up{}", key);
  if (take_prefix(key, "HRconv.")) return fmt::format("conv_hr.{}", key);
  return std::string(key);
}

// The first ESRGAN release: model.0 | model.1.sub.B.RDBR.convK.0 | model.1.sub.N | model.3, model.6, ... (one per
// doubling) | two more for hr and last. `tail` holds the indices behind model.1, in order.
std::string rename_sequential_style(std::string_view key, const std::vector<int>& tail) {
  take_prefix(key, "model.");
  std::string_view rest = key;
  if (take_prefix(rest, "1.sub.")) {
    std::string dense = rename_dense(rest, "RDB", ".0");
    if (!dense.empty()) return dense;
    return take_number(rest) && take_prefix(rest, ".") ? fmt::format("conv_body.{}", rest) : std::string{};
  }
  const auto index = take_number(rest);
  if (!index || !take_prefix(rest, ".")) return {};
  if (*index == 0) return fmt::format("conv_first.{}", rest);
  const size_t position = static_cast<size_t>(std::ranges::find(tail, *index) - tail.begin());
  if (position == tail.size()) return {};
  if (position + 1 == tail.size()) return fmt::format("conv_last.{}", rest);
  if (position + 2 == tail.size()) return fmt::format("conv_hr.{}", rest);
  return fmt::format("conv_up{}.{}", position + 1, rest);
}

std::vector<RenamedTensor> rename(const WeightFile& file) {
  bool sequential = false;
  std::set<int> tail;
  for (const auto& [key, tensor] : file.tensors) {
    std::string_view rest = without_module_prefix(key);
    if (!take_prefix(rest, "model.")) continue;
    sequential = sequential || rest.starts_with("1.sub.");
    if (const auto index = take_number(rest); index && *index > 1) tail.insert(*index);
  }
  const std::vector<int> ordered_tail(tail.begin(), tail.end());
  std::vector<RenamedTensor> renamed;
  for (const auto& [key, tensor] : file.tensors) {
    const std::string_view plain = without_module_prefix(key);
    renamed.push_back(
        {sequential ? rename_sequential_style(plain, ordered_tail) : rename_trunk_style(plain), key, &tensor});
  }
  return renamed;
}

// What fixes the hyper-parameters, wherever a file keeps it.
struct Landmarks {
  const Tensor* first = nullptr;  // conv_first.weight
  const Tensor* dense = nullptr;  // body.0.rdb1.conv1.weight
  const Tensor* last = nullptr;   // conv_last.weight
  int64_t blocks = 0, upsamples = 0;
};

Landmarks find_in_state_dict(const WeightFile& file) {
  const std::vector<RenamedTensor> tensors = rename(file);
  Landmarks found{find_tensor(tensors, "conv_first.weight"), find_tensor(tensors, "body.0.rdb1.conv1.weight"),
                  find_tensor(tensors, "conv_last.weight"), 0, 0};
  for (const RenamedTensor& tensor : tensors) {
    std::string_view rest = tensor.name;
    if (take_prefix(rest, "body.")) {
      if (const auto block = take_number(rest)) found.blocks = std::max<int64_t>(found.blocks, int64_t{*block} + 1);
    } else if (take_prefix(rest, "conv_up")) {
      if (const auto up = take_number(rest)) found.upsamples = std::max<int64_t>(found.upsamples, *up);
    }
  }
  return found;
}

// In layer order: first, 15 per block, body, one per doubling, hr, last. Where the blocks end shows in the first
// dense convolution's shape; how often the picture is doubled, in the enlarging layers.
Landmarks find_in_layers(const WeightFile& file) {
  std::vector<const Tensor*> weights;
  for (const auto& [key, tensor] : file.tensors) {
    if (key.ends_with(".slope")) return {};
    if (key.ends_with(".weight")) weights.push_back(&tensor);
  }
  Landmarks found;
  for (const NcnnLayer& layer : ncnn_layers(file)) found.upsamples += layer.type == "Interp";
  const int64_t per_block = dense_blocks * dense_convs;
  const int64_t in_blocks = static_cast<int64_t>(weights.size()) - 4 - found.upsamples;
  if (in_blocks < per_block || in_blocks % per_block != 0) return {};
  found.first = weights[0];
  found.dense = weights[1];
  found.last = weights.back();
  found.blocks = in_blocks / per_block;
  return found;
}

Result<HyperParameters> detect(const WeightFile& file) {
  const Landmarks found = file.format == WeightFormat::ncnn ? find_in_layers(file) : find_in_state_dict(file);
  if (found.first == nullptr || found.dense == nullptr || found.first->shape().rank() != 4 ||
      found.dense->shape().rank() != 4)
    return not_this_architecture(file, name);
  if (file.format == WeightFormat::ncnn) FL_CHECK(check_plain_sr_layers(file, "0.2"));
  if (found.last == nullptr || found.last->shape().rank() != 4)
    return fail(ErrorCode::invalid_data, "{}: tensor conv_last.weight is missing; the file is not complete",
                file.path.string());
  const int64_t features = found.first->shape()[0], inputs = found.first->shape()[1];
  const int64_t growth = found.dense->shape()[0];
  FL_CHECK(check_hyper(file, "blocks", found.blocks, 1, 256));
  FL_CHECK(check_hyper(file, "features", features, 1, 1024));
  FL_CHECK(check_hyper(file, "growth channels", growth, 1, 1024));
  FL_CHECK(check_hyper(file, "doublings", found.upsamples, 0, 4));
  FL_CHECK(check_hyper(file, "output channels", found.last->shape()[0], 3, 3));
  const int unshuffle = inputs == 3 ? 1 : inputs == 12 ? 2 : inputs == 48 ? 4 : 0;
  const int enlarged = 1 << found.upsamples;
  if (unshuffle == 0 || enlarged < unshuffle)
    return fail(ErrorCode::unsupported,
                "{}: the network takes {} channels and doubles {} times; known are RGB (3) and RGB unshuffled by 2 "
                "(12) or 4 (48)",
                file.path.string(), inputs, found.upsamples);
  return HyperParameters{{"blocks", static_cast<int>(found.blocks)},
                         {"features", static_cast<int>(features)},
                         {"growth", static_cast<int>(growth)},
                         {"upsamples", static_cast<int>(found.upsamples)},
                         {"unshuffle", unshuffle},
                         {"scale", enlarged / unshuffle}};
}

Result<Parameters> parameters(const WeightFile& file, const HyperParameters& hyper) {
  const int size = 8 * hyper.at("unshuffle");
  FL_TRY(auto graph, build(hyper, 1, size, size));
  if (file.format == WeightFormat::ncnn) {
    FL_TRY(auto tensors, name_by_order(file, graph));
    return bind_tensors(file, tensors, graph);
  }
  return bind_tensors(file, rename(file), graph);
}

}  // namespace

const Architecture rrdbnet = {
    name, "ESRGAN's and Real-ESRGAN's large network: dense residual blocks, slow", detect, parameters, contract, build};

}  // namespace framelift
