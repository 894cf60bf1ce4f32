#include <array>
#include <system_error>
#include <thread>

#include "base/available_memory.h"
#include "base/log.h"
#include "graph/analysis.h"
#include "pipeline/river.h"

namespace framelift {
namespace {

struct Attempt {
  int64_t tile_pixels = 0;  // of the tiles it ran with; 0: it did not come so far
  int64_t frames = 0;       // written
};

// Everything that a job has before its first frame.
struct ReadyJob {
  std::unique_ptr<Source> source;
  JobPlan plan;
  std::unique_ptr<Sink> sink;
  InputPictures pictures;
  PictureReader reader;
  PictureWriter writer;
  TiledNetwork network;
};

// With the size that the network takes, where it takes only one and the job names none: masks are enlarged again, while
// pictures are reduced only when the user says so.
VideoJob with_fixed_size(VideoJob job) {
  const NetworkContract& contract = job.network->contract;
  if (contract.fixed_width > 0 && contract.output != OutputKind::picture && job.input_width == 0) {
    job.input_width = contract.fixed_width;
    job.input_height = contract.fixed_height;
  }
  return job;
}

// With tiles of at most `max_tile_pixels` (0: no such limit).
Result<ReadyJob> make_ready(const VideoJob& job, int64_t max_tile_pixels) {
  SourceOptions source_options = job.source;
  source_options.apply_rotation = !can_carry_display_matrix(job.sink.path, job.sink.format);
  FL_TRY(auto source, job.make_source(source_options));
  FL_TRY(JobPlan plan, plan_job(job, source->info()));
  FL_TRY(auto sink, job.make_sink(plan.sink));
  FL_TRY(InputPictures pictures, InputPictures::create(plan, source->info()));
  FL_TRY(PictureReader reader, plan_reader(job, plan, source->info()));
  FL_TRY(PictureWriter writer, plan_writer(job, plan, source->info(), *sink));
  FL_TRY(TiledNetwork network, compile_tiled(job, plan, writer.to_frame.margin(), max_tile_pixels));
  return ReadyJob{std::move(source), std::move(plan),   std::move(sink),   std::move(pictures),
                  std::move(reader), std::move(writer), std::move(network)};
}

Result<JobReport> run_once(const VideoJob& job, int64_t max_tile_pixels, Attempt& attempt) {
  FL_TRY(ReadyJob ready, make_ready(job, max_tile_pixels));
  auto& [source, plan, sink, pictures, reader, writer, network] = ready;
  attempt.tile_pixels = int64_t{network.tiles.tile_width} * network.tiles.tile_height;
  FL_CHECK(network.warm_up(job.warm_up, job.cancel));

  River river(job, plan, *source, pictures, reader, network, writer, *sink);
  {
    // The network runs between preprocess, which starts it, and postprocess, which waits for it, on the engine's own
    // threads. The stages end in this order as the source runs dry; the encoder drains in finish().
    std::array<std::jthread, 4> threads;
    try {
      threads[0] = std::jthread([&] { river.run("decode", &River::decode, river.decode_meter); });
      threads[1] = std::jthread([&] { river.run("preprocess", &River::preprocess, river.preprocess_meter); });
      threads[2] = std::jthread([&] { river.run("postprocess", &River::postprocess, river.postprocess_meter); });
      threads[3] = std::jthread([&] { river.run("encode", &River::encode, river.encode_meter); });
    } catch (const std::system_error& e) {
      river.stop({ErrorCode::out_of_memory, fmt::format("no further thread ({}); try --memory", e.code().message())});
    }
  }
  attempt.frames = river.frames();
  FL_CHECK(river.status());
  if (job.source.max_frames > 0 || river.cancelled()) sink->cut_short();
  if (plan.sink.hdr_follows) sink->set_hdr_metadata(river.hdr_metadata());
  {
    StageTimer timer(river.encode_meter, StageTime::finishing);
    FL_CHECK(sink->finish());
  }
  return river.report();
}

// Neither end is a stream that has moved on. Files appear under their name only when they are complete.
bool can_begin_again(const VideoJob& job, const Attempt& attempt) {
  if (job.source.path == "-") return false;
  return attempt.frames == 0 || (!job.sink.path.empty() && job.sink.path != "-");
}

}  // namespace

Result<std::string> describe_job(const VideoJob& given) {
  const VideoJob job = with_fixed_size(given);
  FL_TRY(const ReadyJob ready, make_ready(job, 0));
  const VideoInfo& info = ready.source->info();
  const TilePlan& tiles = ready.network.tiles;
  const int batch = ready.network.batch;
  const int64_t pictures = ready.network.executable->inputs().front().shape[0];  // both eyes' of the batch
  FL_TRY(const Graph graph, job.network->build(static_cast<int>(pictures), tiles.tile_height, tiles.tile_width));
  const GraphCost cost = graph_cost(graph);
  const auto requests = static_cast<int64_t>(ready.network.requests.size());
  const auto mib = [](int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  const int64_t frames = job.prefetch + requests * batch + 1;
  const int64_t network = requests * request_bytes(graph, ready.network.executable->precision());
  std::string text = fmt::format("input    {} {}x{} {}, {:.3f} fps, {} frames\n", info.codec, info.width, info.height,
                                 to_string(info.format), info.frame_rate.value(),
                                 info.frame_count > 0 ? std::to_string(info.frame_count) : "an unknown number of");
  if (ready.plan.picture.width != info.width || ready.plan.picture.height != info.height)
    text += fmt::format("reduced  to {}x{} before the network\n", ready.plan.picture.width, ready.plan.picture.height);
  text += fmt::format("network  {} in {} on {}: {} parameters, {:.1f} GFLOP a frame, {} streams\n", job.network->name,
                      to_string(ready.network.executable->precision()), job.backend->name(), cost.parameter_count,
                      static_cast<double>(cost.flops) * 1e-9 * static_cast<double>(tiles.tiles.size()) / batch,
                      ready.network.executable->streams());
  if (!ready.network.tuning.empty()) text += fmt::format("tuned    {}\n", ready.network.tuning);
  text += fmt::format("tiles    {} of {}x{}{}, {} in one run\n", tiles.tiles.size(), tiles.tile_width,
                      tiles.tile_height, tiles.blend ? ", blended" : "", batch);
  text += fmt::format("output   {} {}x{}\n", ready.sink->describe(), ready.plan.output_width, ready.plan.output_height);
  text += fmt::format(
      "memory   network {:.0f} MiB (weights {:.0f}, {} runs of {:.0f}), decoded frames {:.0f}, made frames {:.0f}; "
      "{:.0f} MiB are free; decoder and encoder come on top\n",
      mib(cost.parameter_bytes + network), mib(cost.parameter_bytes), requests, mib(network / requests),
      mib(frames * static_cast<int64_t>(frame_bytes(info.format, info.width, info.height))),
      mib((4 + ready.sink->frames_held()) *
          static_cast<int64_t>(frame_bytes(ready.sink->format(), ready.plan.output_width, ready.plan.output_height))),
      mib(available_memory()));
  return text;
}

Result<JobReport> process_video(const VideoJob& given) {
  const VideoJob job = with_fixed_size(given);
  constexpr int64_t smallest_tile = 64 * 64;
  for (int64_t max_tile_pixels = 0;;) {
    Attempt attempt;
    auto report = run_once(job, max_tile_pixels, attempt);
    if (report || report.error().code != ErrorCode::out_of_memory || attempt.tile_pixels <= smallest_tile ||
        !can_begin_again(job, attempt))
      return report;
    max_tile_pixels = attempt.tile_pixels / 2;
    log::warn("{}: {}; beginning again with tiles of half the size", job.source.path, report.error().message);
  }
}

}  // namespace framelift
