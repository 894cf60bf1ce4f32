// framelift decompress: a video out of a network that was trained to paint it.
#include "apps/framelift/commands.h"
#include "apps/framelift/shared/progress.h"
#include "apps/framelift/shared/video_command.h"
#include "codec/fnv_reader.h"
#include "network/hinerv/hinerv.h"
#include "network/hinerv/video.h"
#include "synthesis/fnv_source.h"
#include "synthesis/hinerv_source.h"

namespace framelift {
namespace {

struct DecompressCommand {
  VideoCommand video;  // of which this verb has the engine, the encoder and a few others
  std::string upsample_norm;
  int64_t first_frame = 0;
};

SinkOptions sink_for(const DecompressCommand& o, const VideoInfo& video) {
  SinkOptions sink = for_frames_of(video, o.video.job.sink);
  sink.input_path = o.video.job.source.path;
  if (o.video.job.copy_streams) sink.copy_streams_from = video.other_streams;
  return sink;
}

// All frames of the source into the sink, until a signal. How many.
Result<int64_t> write_frames(Source& source, Sink& sink, bool quiet) {
  ProgressPrinter printer;
  const auto begin = Clock::now();
  Progress progress;
  progress.total_frames = source.info().frame_count;
  FL_TRY(progress.frames, copy_frames(source, sink, &interruption(), [&](int64_t frames) {
           progress.frames = frames;
           progress.fps = static_cast<double>(progress.frames) / seconds_between(begin, Clock::now());
           progress.seconds_left = static_cast<double>(progress.total_frames - progress.frames) / progress.fps;
           if (!quiet) printer(progress);
         }));
  printer.finish();
  if (progress.frames == 0) return fail(ErrorCode::cancelled, "cancelled");
  if (interruption().requested()) sink.cut_short();
  FL_CHECK(sink.finish());
  if (!quiet)
    fmt::print(stderr, "{} frame{}, {:.2f} fps{}\n", progress.frames, progress.frames == 1 ? "" : "s", progress.fps,
               interruption().requested() ? "; stopped early, what was written is complete and playable" : "");
  return progress.frames;
}

// From the beginning of the video to one of its frames.
Result<double> seconds_before(const FnvReader& file, int64_t frame) {
  FL_TRY(const size_t group, file.group_of_frame(static_cast<uint64_t>(frame)));
  FL_TRY(const auto times, file.read_times(group));
  const int64_t pts = times[static_cast<size_t>(frame) - file.first_frame(group)].pts;
  return static_cast<double>(pts - file.groups().front().first_pts) * file.header().time_base.value();
}

// .fnv says everything itself.
Result<int> decompress_fnv(DecompressCommand& o) {
  const VideoJob& job = o.video.job;
  if (!o.video.raw_size.empty() || !o.upsample_norm.empty() || !o.video.frame_rate.empty())
    return fail(ErrorCode::invalid_argument,
                "{}: says itself what it holds; leave out --size, --upsample-norm and "
                "--frame-rate",
                job.source.path);
  FL_TRY(auto bytes, open_file_source(job.source.path));
  FL_TRY(const FnvReader file, FnvReader::open(std::move(bytes)));
  if (file.frame_count() == 0) return fail(ErrorCode::invalid_data, "{}: holds no whole group of frames", file.name());
  SinkOptions chosen = sink_for(o, video_info(file));
  FL_TRY(chosen.start_seconds, seconds_before(file, o.first_frame));
  FL_TRY(const auto sink, open_sink(chosen));
  FnvSourceOptions wanted;
  wanted.path = job.source.path;
  wanted.format = sink->format();
  wanted.color = sink->color();
  wanted.first_frame = o.first_frame;
  wanted.frames = job.source.max_frames;
  wanted.backend = o.video.engine.backend;
  wanted.compile = job.compile;
  FL_TRY(const auto source, open_fnv_source(wanted));
  if (wanted.frames > 0) sink->cut_short();
  FL_CHECK(write_frames(*source, *sink, o.video.quiet));
  return interruption().requested() ? 130 : 0;
}

Result<int> run_decompress(DecompressCommand& o) {
  FL_CHECK(complete(o.video));
  if (is_registered_kind(o.video.job.source.path)) return decompress_fnv(o);
  const VideoJob& job = o.video.job;
  HinervUnseen unseen{job.source.raw_height, job.source.raw_width, {}};
  if (!o.upsample_norm.empty()) unseen.upsample_norm = o.upsample_norm == "layer";
  FL_TRY(const HinervVideo video, read_hinerv_video(job.source.path, unseen, job.source.raw_frame_rate));
  FL_TRY(const Graph graph, build_hinerv(video.config, {}));
  FL_TRY(Backend* const backend, find_backend(o.video.engine.backend, graph, job.compile));
  FL_TRY(const auto sink, open_sink(sink_for(o, video_info(video))));
  HinervSourceOptions wanted;
  wanted.format = sink->format();
  wanted.color = sink->color();
  wanted.frames_held = sink->frames_held() + 1;
  wanted.first_frame = o.first_frame;
  wanted.frames = job.source.max_frames;
  FL_TRY(const auto source, create_hinerv_source(video, *backend, job.compile, wanted));
  FL_CHECK(write_frames(*source, *sink, o.video.quiet));
  return interruption().requested() ? 130 : 0;
}

}  // namespace

void add_decompress_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<DecompressCommand>();
  CLI::App& c = *app.add_subcommand("decompress", "A video out of a network that holds it (HiNeRV)");
  VideoJob& job = o->video.job;
  o->video.engine.precision = "f32";
  c.add_option("input", job.source.path, ".fnv, or HiNeRV's own files: Q6.zip, or a checkpoint (.pth, .safetensors)")
      ->required();
  c.add_option("output", job.sink.path, "Video, picture, 'dir/%04d.png', - for stdout, null: or md5:FILE")->required();
  o->video.engine.add_engine_to(c);
  o->video.add_encoder_to(c);
  c.add_option("--size", o->video.raw_size,
               "WIDTHxHEIGHT of the video; only published configurations are known without");
  c.add_option("--upsample-norm", o->upsample_norm,
               "layer or none: what the network does before it enlarges; default as published, else layer")
      ->check(CLI::IsMember({"layer", "none"}));
  c.add_option("--frame-rate", o->video.frame_rate, "Of the video, e.g. 25 or 30000/1001; default 25");
  c.add_option("--first-frame", o->first_frame, "Counted from 0; any costs the same")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  c.add_option("--frames", job.source.max_frames, "How many; default to the end")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  c.add_flag("!--no-copy", job.copy_streams, "Leave out the audio, subtitles, chapters and metadata of .fnv");
  c.add_flag("--overwrite", job.sink.overwrite, "Replace an existing output");
  c.add_flag("-q,--quiet", o->video.quiet, "No progress and no summary");
  c.footer(
      "Examples:\n"
      "  framelift decompress out.fnv back.mkv\n"
      "  framelift decompress Q6.zip out.mkv --size 1280x720 --frame-rate 25\n"
      "  framelift decompress checkpoint.pth 'frames/%04d.png' --size 180x120\n"
      "  framelift decompress Q8.zip frame100.png --first-frame 100 --frames 1");
  c.callback([o, &run] {
    run = [o] {
      const Result<int> code = run_decompress(*o);
      return code ? *code : report_failure(code.error());
    };
  });
}

}  // namespace framelift
