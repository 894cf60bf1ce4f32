#include <thread>

#include "pipeline/river.h"

namespace framelift {

Result<JobReport> process_video(const VideoJob& job) {
  SourceOptions source_options = job.source;
  source_options.apply_rotation = !can_carry_display_matrix(job.sink.path, job.sink.format);
  FL_TRY(const auto source, open_source(source_options));
  FL_TRY(const JobPlan plan, plan_job(job, source->info()));
  FL_TRY(const auto sink, job.make_sink(plan.sink));

  FL_TRY(InputPictures pictures, InputPictures::create(plan, source->info()));
  FL_TRY(const PictureReader reader, plan_reader(job, plan, source->info()));
  FL_TRY(PictureWriter writer, plan_writer(job, plan, source->info(), *sink));
  FL_TRY(TiledNetwork network, compile_tiled(job, plan, writer.to_frame.margin()));
  FL_CHECK(network.warm_up(job.warm_up, job.cancel));

  River river(job, plan, *source, pictures, reader, network, writer, *sink);
  {
    // The network runs between preprocess, which starts it, and postprocess, which waits for it, on the engine's own
    // threads. The stages end in this order as the source runs dry; the encoder drains in finish().
    std::jthread decode([&] { river.run("decode", &River::decode, river.decode_meter); });
    std::jthread preprocess([&] { river.run("preprocess", &River::preprocess, river.preprocess_meter); });
    std::jthread postprocess([&] { river.run("postprocess", &River::postprocess, river.postprocess_meter); });
    std::jthread encode([&] { river.run("encode", &River::encode, river.encode_meter); });
  }
  FL_CHECK(river.status());
  if (job.source.max_frames > 0 || river.cancelled()) sink->cut_short();
  if (plan.sink.hdr_follows) sink->set_hdr_metadata(river.hdr_metadata());
  FL_CHECK(sink->finish());
  return river.report();
}

}  // namespace framelift
