#include <array>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "pipeline/river.h"

namespace framelift {
namespace {

struct Attempt {
  int64_t tile_pixels = 0;  // of the tiles it ran with; 0: it did not come so far
  int64_t frames = 0;       // written
};

// The job with tiles of at most `max_tile_pixels` (0: no such limit).
Result<JobReport> run_once(const VideoJob& job, int64_t max_tile_pixels, Attempt& attempt) {
  SourceOptions source_options = job.source;
  source_options.apply_rotation = !can_carry_display_matrix(job.sink.path, job.sink.format);
  FL_TRY(const auto source, open_source(source_options));
  FL_TRY(const JobPlan plan, plan_job(job, source->info()));
  FL_TRY(const auto sink, job.make_sink(plan.sink));

  FL_TRY(auto resizer, plan_input_resizer(plan, source->info()));
  FL_TRY(const PictureReader reader, plan_reader(job, plan, source->info()));
  FL_TRY(PictureWriter writer, plan_writer(job, plan, source->info(), *sink));
  FL_TRY(TiledNetwork network, compile_tiled(job, plan, writer.to_frame.margin(), max_tile_pixels));
  attempt.tile_pixels = int64_t{network.tiles.tile_width} * network.tiles.tile_height;
  FL_CHECK(network.warm_up(job.warm_up, job.cancel));

  River river(job, plan, *source, resizer ? &*resizer : nullptr, reader, network, writer, *sink);
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

Result<JobReport> process_video(const VideoJob& job) {
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
