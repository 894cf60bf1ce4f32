#include "quantize/gate.h"

#include <algorithm>
#include <cmath>

#include "metrics/flicker.h"
#include "metrics/hdr_difference.h"
#include "metrics/psnr.h"
#include "metrics/ssim.h"
#include "quantize/op_runner.h"

namespace framelift {
namespace {

Tensor clamped(const Tensor& tensor) {
  Tensor copy = tensor.clone();
  for (float& v : copy.f32()) v = std::clamp(v, 0.0f, 1.0f);
  return copy;
}

Tensor luma_of(Tensor& rgb, bool wide) {
  Tensor luma(DType::f32, {1, 1, rgb.shape()[2], rgb.shape()[3]});
  const auto matrix = wide ? MatrixCoefficients::bt2020_ncl : MatrixCoefficients::bt709;
  luma_plane(rgb.view(), luma_weights(matrix), luma.view());
  return luma;
}

double mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

}  // namespace

namespace {

std::vector<std::vector<const Tensor*>> pointers(std::span<const SampleInputs> samples) {
  std::vector<std::vector<const Tensor*>> sets(samples.size());
  for (size_t i = 0; i < samples.size(); ++i)
    for (const Tensor& tensor : samples[i]) sets[i].push_back(&tensor);
  return sets;
}

}  // namespace

Result<std::vector<Tensor>> run_samples(const Network& network, std::span<const SampleInputs> samples, Backend& backend,
                                        const CompileOptions& compile) {
  FL_TRY(const Graph graph, build_for(network, samples[0]));
  std::vector<Tensor> outputs;
  FL_CHECK(
      run_graph(graph, network.parameters, pointers(samples), backend, compile, [&](size_t, InferRequest& request) {
        const TensorView output = request.output(0);
        outputs.push_back(Tensor::from_f32(output.shape, output.f32()));
      }));
  return outputs;
}

Result<std::vector<NarrowLayer>> narrow_layers(const Network& quantized, std::span<const SampleInputs> samples,
                                               Backend& backend, const CompileOptions& compile) {
  constexpr double worth_saying = 0.01;
  Network uncut = quantized.clone();
  uncut.quantized_layers.clear();
  FL_TRY(Graph graph, build_for(uncut, samples[0]));
  std::vector<NarrowLayer> layers;
  std::vector<int> ports;  // of the graph: outputs from 0, inputs from -1 downwards
  for (const QuantizableLayer& layer : quantizable_layers(graph)) {
    const auto found = quantized.quantized_layers.find(layer.weight);
    if (found == quantized.quantized_layers.end() || !found->second.input) continue;
    const float scale = quantized.parameters.at(input_scale_name(layer.weight)).f32()[0];
    const auto input = std::ranges::find(graph.inputs, layer.input),
               output = std::ranges::find(graph.outputs, layer.input);
    if (input != graph.inputs.end()) {
      ports.push_back(-1 - static_cast<int>(input - graph.inputs.begin()));
    } else {
      ports.push_back(static_cast<int>(output - graph.outputs.begin()));
      if (output == graph.outputs.end()) graph.outputs.push_back(layer.input);
    }
    layers.push_back({layer.weight, 0, static_cast<float>(found->second.input->low) * scale,
                      static_cast<float>(found->second.input->high) * scale, INFINITY, -INFINITY});
  }
  const auto count = static_cast<double>(samples.size());
  FL_CHECK(
      run_graph(graph, uncut.parameters, pointers(samples), backend, compile, [&](size_t set, InferRequest& request) {
        const SampleInputs& inputs = samples[set];
        for (size_t k = 0; k < layers.size(); ++k) {
          NarrowLayer& layer = layers[k];
          const auto values = ports[k] < 0 ? inputs[static_cast<size_t>(-1 - ports[k])].f32()
                                           : std::span<const float>(request.output(ports[k]).f32());
          const float half_step = (layer.high - layer.low) / 510;
          const auto beyond = std::ranges::count_if(
              values, [&](float v) { return v < layer.low - half_step || v > layer.high + half_step; });
          layer.beyond += static_cast<double>(beyond) / static_cast<double>(values.size()) / count;
          const auto [low, high] = std::ranges::minmax(values);
          layer.seen_low = std::min(layer.seen_low, low);
          layer.seen_high = std::max(layer.seen_high, high);
        }
      }));
  std::erase_if(layers, [](const NarrowLayer& layer) { return layer.beyond <= worth_saying; });
  std::ranges::stable_sort(layers, std::greater<>(), &NarrowLayer::beyond);
  return layers;
}

Result<double> output_psnr(const Network& quantized, std::span<const SampleInputs> samples,
                           std::span<const Tensor> expected, Backend& backend, const CompileOptions& compile) {
  FL_TRY(const auto outputs, run_samples(quantized, samples, backend, compile));
  double error = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Tensor a = clamped(outputs[i]), b = clamped(expected[i]);
    error += mean_squared_error(a.view(), b.view()) / static_cast<double>(outputs.size());
  }
  return psnr(error);
}

Result<GateReport> measure_quantized(const Network& floating, const Network& quantized, const SamplePictures& samples,
                                     Backend& backend, const CompileOptions& compile) {
  CompileOptions exact = compile;
  exact.precision = Precision::f32;
  FL_TRY(const auto expected, run_samples(floating, samples.inputs, backend, exact));
  FL_TRY(const auto outputs, run_samples(quantized, samples.inputs, backend, compile));

  const std::optional<ColorInfo>& color = floating.contract.output_color;
  const bool is_pq = color && color->transfer == TransferCharacteristic::pq;
  const bool wide = color && color->primaries == ColorPrimaries::bt2020;
  GateReport report;
  report.pictures = static_cast<int>(outputs.size());
  report.worst_psnr = INFINITY;
  const auto count = static_cast<double>(outputs.size());
  double error = 0, error_y = 0, truth_before = 0, truth_after = 0, delta_e = 0;
  Ssim ssim;
  const HdrDifference hdr;
  FlickerMeter flicker;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Tensor a = clamped(expected[i]), b = clamped(outputs[i]);
    const double own = mean_squared_error(a.view(), b.view());
    error += own / count;
    if (psnr(own) < report.worst_psnr) {
      report.worst_psnr = psnr(own);
      report.worst = samples.names[i];
    }
    const size_t plane = a.f32().size() / 3;
    for (size_t c = 0; c < 3; ++c)
      report.color_shift[c] +=
          1023 / count * (mean_of(b.f32().subspan(c * plane, plane)) - mean_of(a.f32().subspan(c * plane, plane)));
    Tensor luma_a = luma_of(a, wide), luma_b = luma_of(b, wide);
    error_y += mean_squared_error(luma_a.view(), luma_b.view()) / count;
    if (std::min(a.shape()[2], a.shape()[3]) >= Ssim::window)
      report.ssim += ssim.run(luma_a.view(), luma_b.view()) / count;
    if (is_pq) delta_e += hdr.mean_delta_e_itp(a.view(), b.view()) / count;
    if (i < samples.truth.size()) {
      Tensor truth = samples.truth[i].clone();
      truth_before += mean_squared_error(truth.view(), a.view()) / count;
      truth_after += mean_squared_error(truth.view(), b.view()) / count;
    }
    // Signals as if they were light in hundreds of cd/m2: a steady curve between both cancels in their ratio.
    flicker.add(100 * mean_of(luma_a.f32()), 100 * mean_of(luma_b.f32()), i == 0);
  }
  report.psnr = psnr(error);
  report.psnr_y = psnr(error_y);
  if (is_pq) report.delta_e_itp = delta_e;
  if (!samples.truth.empty()) report.truth_loss = psnr(truth_before) - psnr(truth_after);
  if (const FlickerScore score = flicker.score(); score.frames > 0) report.added_flicker = score.added;
  return report;
}

GateBounds usual_bounds(const Network& network) {
  const auto& color = network.contract.output_color;
  if (color && (color->transfer == TransferCharacteristic::pq || color->transfer == TransferCharacteristic::hlg))
    return {.psnr = 45, .truth_loss = {}, .color_shift = 0.5};
  return {.psnr = 42, .truth_loss = 0.2, .color_shift = {}};
}

std::vector<std::string> out_of_bounds(const GateReport& report, const GateBounds& bounds) {
  std::vector<std::string> found;
  if (!(report.psnr >= bounds.psnr))
    found.push_back(
        fmt::format("{:.2f} dB of the float network, at least {:.2f} are needed", report.psnr, bounds.psnr));
  if (bounds.truth_loss && report.truth_loss && !(*report.truth_loss <= *bounds.truth_loss))
    found.push_back(fmt::format("{:.2f} dB lost against the true pictures, at most {:.2f} may be", *report.truth_loss,
                                *bounds.truth_loss));
  if (bounds.color_shift)
    for (size_t c = 0; c < 3; ++c)
      if (!(std::abs(report.color_shift[c]) <= *bounds.color_shift))
        found.push_back(fmt::format("{} shifted by {:.2f} code values of 10 bits, at most {:.2f} may be",
                                    std::array{"red", "green", "blue"}[c], report.color_shift[c], *bounds.color_shift));
  return found;
}

}  // namespace framelift
