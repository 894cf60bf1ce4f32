#include "pipeline/job_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "base/available_memory.h"
#include "base/log.h"
#include "color/resolve.h"
#include "color/tone_map.h"
#include "color/transfer.h"
#include "decode/picture_files.h"
#include "graph/analysis.h"
#include "pipeline/mask/eyes.h"
#include "pipeline/tuning/tuner.h"

namespace framelift {
namespace {

constexpr int spare_requests = 2;
constexpr int usual_requests = 2 + spare_requests;  // of two streams
constexpr int most_batched = 8;                     // that are searched for the fastest batch

// Largest tile area whose requests fit the budget, by the cost per pixel of a sample tile.
Result<int64_t> affordable_pixels(const VideoJob& job, int64_t budget, int requests) {
  const int edge = std::max(64, job.network->contract.alignment * 8);
  FL_TRY(const Graph sample, job.network->build(1, edge, edge));
  const int64_t per_pixel = request_bytes(sample, job.compile.precision) / (int64_t{edge} * edge) + 1;
  return std::max<int64_t>(budget / (per_pixel * requests), 1);
}

// Whether what is written can be light itself: pictures, and what never becomes a file. Video holds codes.
bool takes_light(const SinkOptions& sink) { return is_picture_name(sink.path) || sink.path == "null:"; }

// RGB of the network in the form that the sink holds: linear light as RGB, or as PQ, and the rest as video.
ColorInfo written_color(ColorInfo rgb, const SinkOptions& sink) {
  if (is_linear(rgb)) {
    rgb.chroma_location = ChromaLocation::left;  // it has none, but tags are complete
    if (takes_light(sink)) return rgb;
    rgb.transfer = TransferCharacteristic::pq;
    rgb.primaries = ColorPrimaries::bt2020;
  }
  if (rgb.primaries == ColorPrimaries::bt2020) {
    rgb.matrix = MatrixCoefficients::bt2020_ncl;
    rgb.chroma_location = ChromaLocation::top_left;  // as UHD Blu-ray and ITU-T H-series Supplement 18 ask
  } else {
    rgb.matrix = MatrixCoefficients::bt709;
    rgb.chroma_location = ChromaLocation::left;
  }
  rgb.range = ColorRange::limited;
  return rgb;
}

Status expect_sdr(const std::string& path, const ColorInfo& color) {
  if (is_hdr(color.transfer))
    return fail(ErrorCode::unsupported, "{}: is HDR already ({}); --force processes it all the same", path,
                hdr_name(color.transfer));
  if (color.primaries == ColorPrimaries::bt2020)
    return fail(ErrorCode::unsupported,
                "{}: has wide-gamut BT.2020 colour, of which BT.709 keeps only a part; --force converts it", path);
  return {};
}

// What pictures of linear light hold beside it.
Status plan_light(const VideoJob& job, const VideoInfo& input, SinkOptions& sink) {
  sink.source_format = {ColorFamily::rgb, 32, 0, 0, input.format.alpha || job.confidence};
  sink.attributes.white_nits = hdr_reference_white_nits;
  if (!job.confidence) return {};
  if (job.keep_bars)
    return fail(ErrorCode::invalid_argument, "--confidence says nothing of bars; leave out --keep-bars");
  if (input.format.alpha) log::warn("{}: its alpha makes room for the confidence", job.source.path);
  sink.alpha_channel = "confidence";
  return {};
}

// Classes become masks, and only they do.
Status check_output_kind(const VideoJob& job) {
  const bool picture = job.network->contract.output == OutputKind::picture;
  if (picture == !job.mask) return {};
  return picture ? fail(ErrorCode::invalid_argument,
                        "model {} makes pictures, no masks; use it with framelift upscale or hdr", job.network->name)
                 : fail(ErrorCode::invalid_argument, "model {} makes masks, no pictures; use it with framelift segment",
                        job.network->name);
}

// The sizes, of one eye where there are two.
Status plan_pictures(const VideoJob& job, const VideoInfo& input, int scale, JobPlan& plan) {
  plan.eyes = job.mask ? job.mask->eyes : EyeLayout::one;
  const Region first = eye_regions(plan.eyes, input.width, input.height)[0];
  VideoInfo eye = input;
  eye.width = std::max(first.width, 1);
  eye.height = std::max(first.height, 1);
  FL_TRY(static_cast<SizePlan&>(plan), plan_sizes(job, eye, scale));
  if (plan.eyes == EyeLayout::one) return {};
  if (job.mask->wrap) {
    // A sixteenth of what the network sees, and even for the sake of chroma.
    const int seen = plan.picture.width, beside = std::max(seen / 16, 1);
    plan.wrap = std::min(static_cast<int>(int64_t{eye.width} * beside / std::max(seen - 2 * beside, 1)), eye.width);
    plan.wrap -= plan.wrap % 2;
    VideoInfo wrapped = eye;
    wrapped.width += 2 * plan.wrap;
    FL_TRY(const SizePlan whole, plan_sizes(job, wrapped, scale));
    plan.input_width = whole.input_width;
    plan.input_height = whole.input_height;
    plan.picture = whole.picture;
    plan.kept = whole.kept;
    plan.resize_input = whole.resize_input;
    const auto cut = static_cast<int>(std::lround(double(plan.wrap) * plan.kept.width / wrapped.width));
    plan.kept.x += cut;
    plan.kept.width -= 2 * cut;
  }
  (plan.eyes == EyeLayout::side_by_side ? plan.output_width : plan.output_height) *= 2;
  return {};
}

}  // namespace

int64_t request_bytes(const Graph& graph, Precision precision) {
  int64_t io = 0;
  for (ValueId id : graph.inputs) io += 4 * graph.value(id).shape.elements();
  for (ValueId id : graph.outputs) io += 4 * graph.value(id).shape.elements();
  const int64_t activations = plan_memory(graph).bytes;
  return io + (precision == Precision::bf16 || precision == Precision::f16 ? activations / 2 : activations);
}

Result<JobPlan> plan_job(const VideoJob& job, const VideoInfo& input) {
  JobPlan plan;
  plan.input_color = resolve_color(input.color, input.width, input.height, input.format.family == ColorFamily::rgb);
  const NetworkContract& contract = job.network->contract;
  FL_CHECK(check_output_kind(job));
  if (contract.output_color && !job.force) FL_CHECK(expect_sdr(job.source.path, plan.input_color));
  FL_CHECK(plan_pictures(job, input, contract.scale, plan));
  if (contract.fixed_width > 0 &&
      (plan.input_width != contract.fixed_width || plan.input_height != contract.fixed_height))
    return fail(ErrorCode::invalid_argument,
                "model {} takes pictures of {}x{} pixels only; reduce them to that with --input-size {}x{}",
                job.network->name, contract.fixed_width, contract.fixed_height, contract.fixed_width,
                contract.fixed_height);

  if (contract.output != OutputKind::picture) plan.input_filter = ResizeFilter::bilinear;
  plan.frames = input.frame_count > 0 ? input.frame_count : std::numeric_limits<int32_t>::max();
  if (job.source.max_frames > 0) plan.frames = std::min(plan.frames, job.source.max_frames);
  plan.sink = for_frames_of(input, job.sink);
  plan.sink.width = plan.output_width;
  plan.sink.height = plan.output_height;
  plan.sink.sample_aspect_ratio = stretched_aspect(input.sample_aspect_ratio, plan.aspect_change);
  plan.sink.start_seconds = job.source.start_seconds;
  plan.sink.duration_seconds = job.source.duration_seconds;
  if (job.mask) {
    plan_mask_format(*job.mask, plan.sink.source_format, plan.sink.color);
    if (!is_hdr(plan.sink.color.transfer)) plan.sink.hdr = {};
  }
  if (contract.output_color) {
    plan.sink.color = written_color(*contract.output_color, job.sink);
    plan.sink.attributes.chromaticities.reset();
    plan.sink.attributes.white_nits = 0;
    if (job.hlg) plan.sink.color.transfer = TransferCharacteristic::hlg;
    if (is_linear(plan.sink.color)) {
      FL_CHECK(plan_light(job, input, plan.sink));
    } else if (is_linear(contract.output_color)) {  // computed for every pixel, and meant for grading
      plan.sink.source_format = {ColorFamily::yuv, 12, 0, 0, false};
    } else {  // PQ in 8 bits shows bands
      plan.sink.source_format.bits = std::max<uint8_t>(plan.sink.source_format.bits, 10);
    }
    plan.sink.hdr = job.sink.hdr;
    const bool any_given = plan.sink.hdr.mastering_display || plan.sink.hdr.content_light;
    if (any_given && plan.sink.color.transfer != TransferCharacteristic::pq)
      return fail(ErrorCode::invalid_argument, "a mastering display and MaxCLL belong to PQ; leave them out with HLG");
    const bool given = plan.sink.hdr.mastering_display && plan.sink.hdr.content_light;
    plan.sink.hdr_follows = !given && plan.sink.color.transfer == TransferCharacteristic::pq;
  }
  plan.sink.input_path = job.source.path;
  if (job.copy_streams) plan.sink.copy_streams_from = input.other_streams;
  return plan;
}

PictureLayout picture_layout(const JobPlan& plan, const VideoInfo& input) {
  PictureLayout layout{input.format, plan.picture.width, plan.picture.height, plan.input_color};
  if (plan.resize_input) layout.format = full_detail(layout.format);
  return layout;
}

Result<PictureReader> plan_reader(const VideoJob& job, const JobPlan& plan, const VideoInfo& input) {
  return PictureReader::create(picture_layout(plan, input).format, input.color, plan.input_color,
                               job.network->contract.input_color, {plan.bars_left_right(), plan.bars_above_below()});
}

Result<PictureWriter> plan_writer(const VideoJob& job, const JobPlan& plan, const VideoInfo& input, const Sink& sink) {
  const PictureLayout source{input.format, input.width, input.height, plan.input_color};
  const PictureLayout target{sink.format(), plan.output_width, plan.output_height, sink.color()};
  const bool dither = target.format.bits < source.format.bits;

  PictureLayout direct = target;
  if (plan.resize && !job.mask) direct = {full_detail(target.format), plan.kept.width, plan.kept.height, target.color};
  FL_TRY(auto to_frame, TensorToFrame::create(direct.format, direct.color, dither && !plan.resize));
  PictureWriter writer{job.network->contract.output_gain,
                       std::nullopt,
                       std::move(to_frame),
                       direct.format,
                       std::nullopt,
                       std::nullopt,
                       std::nullopt,
                       std::nullopt,
                       std::nullopt};
  if (job.mask) {
    const MaskSource from{source, input.time_base, input.frame_rate, job.source.path};
    FL_TRY(writer.mask,
           FrameMask::create(*job.mask, job.network->contract, plan.kept, from, MaskTarget{target, job.sink.path}));
    return writer;
  }
  // The network's colours, or the source's where it leaves them as they are, to what the sink holds: HLG, linear light.
  const ColorInfo made = job.network->contract.output_color.value_or(plan.input_color);
  if (made.transfer != target.color.transfer) {
    FL_TRY(writer.convert, ColorConverter::create(made, target.color, job.peak_nits));
  }
  if (job.network->contract.output_color && target.color.transfer == TransferCharacteristic::pq) {
    FL_TRY(writer.light, LightMeter::create(target.format, target.color, target.width));
  }
  if (plan.resize) {
    FL_TRY(writer.resizer, Resizer::create(direct, target, dither));
  }
  if (job.confidence) {
    if (!target.format.is_float() || !target.format.alpha)
      return fail(ErrorCode::unsupported, "{}: has no channel for --confidence; write OpenEXR (.exr)", job.sink.path);
    const ColorInfo wanted = job.network->contract.input_color.value_or(plan.input_color);
    FL_TRY(writer.confidence, FrameConfidence::create(source, counted_as(input.color, wanted), target));
    return writer;
  }
  // With bars the whole output is opaque.
  if (source.format.alpha && target.format.alpha && !job.keep_bars) {
    FL_TRY(writer.alpha, PlaneResizer::create(source.width, source.height, source.format.bits, target.width,
                                              target.height, target.format.bits));
  }
  return writer;
}

Status TiledNetwork::warm_up(int runs, const Cancellation* cancel) {
  const auto at_once = std::min(static_cast<int>(requests.size()), executable->streams());
  for (int i = 0; i < at_once; ++i)
    for (int input = 0; input < static_cast<int>(executable->inputs().size()); ++input)
      std::ranges::fill(requests[static_cast<size_t>(i)]->input(input).f32(), 0.5f);
  for (int done = 0; done < runs && !(cancel && cancel->requested()); done += at_once) {
    const auto running = std::span(requests).first(static_cast<size_t>(std::min(at_once, runs - done)));
    for (const auto& request : running) FL_CHECK(request->start());
    for (const auto& request : running) FL_CHECK(request->wait());
  }
  return {};
}

namespace {

// Input pixels that tiles share and blend over; 0: they are exact.
int blended_pixels(const VideoJob& job, const Halo& halo) {
  if (job.overlap >= 0) return job.overlap;
  const int usual = job.network->contract.blend_overlap;
  const int exact = std::max(halo.before_x + halo.after_x, halo.before_y + halo.after_y);
  return usual < exact ? usual : 0;
}

// Tiles in the largest batch that is worth a look, of a job of so many. Memory counts in powers of two, so that what is
// free at the moment does not make another search. Where memory ran out it is one. Devices that make pictures of
// samples themselves take one at a time; a batch whose frames are not all run would run for those that are not.
Result<int> most_in_batch(const VideoJob& job, int height, int width, int pictures, int64_t budget, int64_t tiles) {
  if (job.batch > 0 || !job.backend->has_streams() || (job.mask && job.mask->every > 1)) return 1;
  FL_TRY(const Graph tile, job.network->build(pictures, height, width));
  const int64_t affordable = budget / (usual_requests * request_bytes(tile, job.compile.precision));
  return std::bit_floor(static_cast<unsigned>(std::clamp<int64_t>(std::min(affordable, tiles), 1, most_batched)));
}

}  // namespace

Result<TiledNetwork> compile_tiled(const VideoJob& job, const JobPlan& plan, int margin, int64_t max_tile_pixels) {
  const NetworkContract& contract = job.network->contract;
  FL_TRY(const Graph probe, job.network->build_sample(16));

  TileRequest request;
  request.width = plan.input_width;
  request.height = plan.input_height;
  request.scale = contract.scale;
  request.alignment = contract.alignment;
  request.halo = receptive_field(probe, contract.alignment);
  request.margin = margin;
  request.max_tile_edge = job.tile;
  request.blend = blended_pixels(job, request.halo);
  // Classes are told by what is around them, and regions are cleaned as a whole.
  request.halo.global |= contract.output != OutputKind::picture || contract.fixed_width > 0;
  if (request.halo.global && job.tile > 0)
    return fail(ErrorCode::unsupported, "{} sees the whole picture at once and cannot be tiled; leave out --tile",
                job.network->name);
  const int64_t budget = job.memory_bytes > 0 ? job.memory_bytes : available_memory() / 2;
  if (!request.halo.global) {
    FL_TRY(request.max_tile_pixels, affordable_pixels(job, budget, usual_requests * std::max(job.batch, 1)));
    if (max_tile_pixels > 0) request.max_tile_pixels = std::min(request.max_tile_pixels, max_tile_pixels);
  }

  const auto begin = Clock::now();
  std::optional<FrameNetwork> frame;
  if (contract.frame_reduction) {
    FL_TRY(frame, FrameNetwork::create(*job.network, *job.backend, job.compile, plan.picture.width, plan.picture.height,
                                       job.frame_reduction, job.stabilise));
  }

  for (;;) {
    TiledNetwork network;
    FL_TRY(network.tiles, plan_tiles(request));
    const int pictures = plan.eyes == EyeLayout::one ? 1 : 2;
    const int height = network.tiles.tile_height, width = network.tiles.tile_width;
    network.batch = std::max(job.batch, 1);
    CompileOptions compile = job.compile;
    if (job.tuning_file) {
      int most = 1;
      if (max_tile_pixels == 0) {
        const int64_t tiles = plan.frames * static_cast<int64_t>(network.tiles.tiles.size());
        FL_TRY(most, most_in_batch(job, height, width, pictures, budget, tiles));
      }
      FL_TRY(const Tuning tuning, tune({job.network, job.backend, compile, height, width, network.batch * pictures,
                                        std::max(most, network.batch) * pictures},
                                       *job.tuning_file));
      network.batch = tuning.best.batch / pictures;
      compile = with_setting(compile, tuning.best);
      network.tuning = tuning.reason;
    }
    FL_TRY(const Graph graph, job.network->build(network.batch * pictures, height, width));
    auto executable = job.backend->compile(graph, job.network->parameters, compile);
    Status status = executable ? Status{} : Status(fail(executable.error()));
    if (executable) {
      network.executable = std::move(*executable);
      for (int i = 0; status && i < network.executable->streams() + spare_requests; ++i) {
        auto r = network.executable->create_request();
        if (r)
          network.requests.push_back(std::move(*r));
        else
          status = fail(r.error());
      }
    }
    if (status) {
      crop_tiles(network.tiles, plan.picture, plan.kept);
      network.compile_seconds = seconds_between(begin, Clock::now());
      network.compile_cached = network.executable->from_cache() && (!frame || frame->from_cache());
      network.frame = std::move(frame);
      return network;
    }
    const int64_t pixels = int64_t{network.tiles.tile_width} * network.tiles.tile_height;
    if (status.error().code != ErrorCode::out_of_memory || pixels < 64 * 64) return fail(std::move(status.error()));
    log::warn("not enough memory for {}x{} tiles, trying half", network.tiles.tile_width, network.tiles.tile_height);
    request.max_tile_pixels = max_tile_pixels = pixels / 2;
  }
}

}  // namespace framelift
