#include "train/validation.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "pipeline/tiler.h"

namespace framelift {
namespace {

// Index i of a row of n pixels continued on both sides by reflection without repeating the edge.
int reflected(int i, int n) {
  if (n == 1) return 0;
  const int period = 2 * (n - 1);
  const int place = ((i % period) + period) % period;
  return place < n ? place : period - place;
}

// A region of a picture [1,3,H,W], which may reach beyond it, as element n of a batch [N,3,h,w].
void cut(const Tensor& picture, const Region& region, Tensor& batch, int n) {
  const auto height = static_cast<int>(picture.shape()[2]), width = static_cast<int>(picture.shape()[3]);
  float* dst = batch.as<float>() + int64_t{n} * 3 * region.height * region.width;
  for (int64_t c = 0; c < 3; ++c)
    for (int y = 0; y < region.height; ++y) {
      const float* row = picture.as<float>() + (c * height + reflected(region.y + y, height)) * width;
      for (int x = 0; x < region.width; ++x) *dst++ = row[reflected(region.x + x, width)];
    }
}

// What a tile contributes, from element n of the network's output.
void paste(const Tensor& batch, int n, const Tile& tile, Tensor& picture) {
  const int64_t height = picture.shape()[2], width = picture.shape()[3];
  const Region &from = tile.covered, &part = tile.written;
  for (int64_t c = 0; c < 3; ++c)
    for (int y = part.y; y < part.bottom(); ++y) {
      const int64_t src = ((n * 3 + c) * from.height + (y - from.y)) * from.width + (part.x - from.x);
      std::memcpy(picture.as<float>() + (c * height + y) * width + part.x, batch.as<float>() + src,
                  static_cast<size_t>(part.width) * sizeof(float));
    }
}

// [1, C] to [n, C]; nothing stays nothing.
Tensor repeated(const Tensor& vector, int64_t n) {
  if (vector.empty()) return {};
  Tensor all(DType::f32, {n, vector.elements()});
  for (int64_t i = 0; i < n; ++i) std::ranges::copy(vector.f32(), all.as<float>() + i * vector.elements());
  return all;
}

}  // namespace

Result<const Graph*> Validator::network_graph(int batch, int height, int width) {
  const auto found = graphs_.find({batch, height, width});
  if (found != graphs_.end()) return &found->second;
  FL_TRY(Graph graph, build_(batch, height, width));
  return &graphs_.emplace(std::tuple(batch, height, width), std::move(graph)).first->second;
}

Result<Tensor> Validator::evaluate(Learner& learner, std::span<const TensorView> inputs) {
  const Shape& shape = inputs[0].shape;
  FL_TRY(const Graph* graph,
         network_graph(static_cast<int>(shape[0]), static_cast<int>(shape[2]), static_cast<int>(shape[3])));
  FL_TRY(std::vector<Tensor> outputs, learner.evaluate(*graph, inputs));
  return std::move(outputs.front());
}

Result<Tensor> Validator::predict(Learner& learner, const Sample& sample) {
  const Tensor& input = sample.input;
  TileRequest request;
  request.height = static_cast<int>(input.shape()[2]);
  request.width = static_cast<int>(input.shape()[3]);
  request.scale = contract_.scale;
  request.alignment = contract_.alignment;
  const int sample_edge = 16 * contract_.alignment;
  FL_TRY(const Graph* small, network_graph(1, sample_edge, sample_edge));
  request.halo = receptive_field(*small, contract_.alignment);
  const Halo& halo = request.halo;
  const int least = std::max(halo.before_x + halo.after_x, halo.before_y + halo.after_y) + 4 * contract_.alignment;
  if (!halo.global) request.max_tile_edge = std::max(options_.tile, least);
  FL_TRY(const TilePlan plan, plan_tiles(request));

  Tensor output(DType::f32, {1, 3, int64_t{request.height} * request.scale, int64_t{request.width} * request.scale});
  for (size_t first = 0; first < plan.tiles.size();) {
    const size_t count = std::min(plan.tiles.size() - first, static_cast<size_t>(options_.batch));
    Tensor batch(DType::f32, {static_cast<int64_t>(count), 3, plan.tile_height, plan.tile_width});
    for (size_t i = 0; i < count; ++i) cut(input, plan.tiles[first + i].input, batch, static_cast<int>(i));
    std::vector<TensorView> inputs{batch.view()};
    Tensor vectors = repeated(sample.frame_vector, static_cast<int64_t>(count));
    if (!vectors.empty()) inputs.push_back(vectors.view());
    FL_TRY(const Tensor made, evaluate(learner, inputs));
    for (size_t i = 0; i < count; ++i) paste(made, static_cast<int>(i), plan.tiles[first + i], output);
    first += count;
  }
  return output;
}

Result<double> Validator::loss_of(Learner& learner, Tensor& prediction, Tensor& target) {
  FL_TRY(const Graph graph, loss_graph(target.shape(), options_.loss));
  const TensorView inputs[] = {prediction.view(), target.view()};
  FL_TRY(const std::vector<Tensor> outputs, learner.evaluate(graph, inputs));
  return static_cast<double>(outputs.front().f32()[0]);
}

Result<ValidationResult> Validator::run(Learner& learner, const Dataset& dataset, std::span<const size_t> indices,
                                        const Cancellation* cancel, const OnPicture& on_picture) {
  ValidationResult result;
  const auto group = static_cast<size_t>(options_.batch);
  for (size_t place = 0; place < indices.size(); ++place) {
    if (cancel && cancel->requested()) return fail(ErrorCode::cancelled, "cancelled");
    FL_TRY(Sample sample, dataset.load(indices[place]));
    FL_TRY(Tensor prediction, predict(learner, sample));
    if (prediction.shape() != sample.target.shape())
      return fail(ErrorCode::invalid_argument, "{}: the target has shape {}, the network gives {}", sample.name,
                  to_string(sample.target.shape()), to_string(prediction.shape()));
    FL_TRY(const double loss, loss_of(learner, prediction, sample.target));
    result.loss += loss / static_cast<double>(indices.size());
    if (place % group == 0 && place / group < static_cast<size_t>(options_.metric_batches)) {
      const PictureMetrics metrics = measure_pictures(prediction, sample.target, options_.metric_mode);
      result.psnr += metrics.psnr;
      result.ssim += metrics.ssim;
      result.pu21_psnr += options_.white_nits > 0 ? pu21_psnr(prediction, sample.target, options_.white_nits)
                                                  : std::numeric_limits<double>::quiet_NaN();
      ++result.measured_pictures;
    }
    if (on_picture) FL_CHECK(on_picture(place, sample, prediction));
  }
  result.psnr /= result.measured_pictures;  // NaN when there are none
  result.ssim /= result.measured_pictures;
  result.pu21_psnr /= result.measured_pictures;
  return result;
}

}  // namespace framelift
