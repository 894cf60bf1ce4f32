#include "apps/framelift/shared/video_command.h"

#include <algorithm>
#include <filesystem>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/picture_folder.h"
#include "apps/framelift/shared/progress.h"
#include "apps/framelift/shared/text_file.h"
#include "base/log.h"
#include "profile/profile_page.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

Result<Rational> parse_rate(const std::string& text) {
  long num = 0, den = 1;
  char tail = 0;
  const int fields = std::sscanf(text.c_str(), "%ld/%ld%c", &num, &den, &tail);
  if (fields >= 1 && fields < 3 && num > 0 && den > 0 && text.find('.') == std::string::npos) return Rational{num, den};
  double value = 0;
  if (std::sscanf(text.c_str(), "%lf%c", &value, &tail) == 1 && value > 0 && value < 1e6)
    return Rational{static_cast<int64_t>(value * 1000 + 0.5), 1000};
  return fail(ErrorCode::invalid_argument, "'{}' is not a frame rate; write for example 25 or 30000/1001", text);
}

}  // namespace

Status complete(VideoCommand& o) {
  VideoJob& job = o.job;
  FL_TRY(job.compile, o.engine.compile_options());
  if (o.engine.mode == "auto") job.tuning_file = o.engine.tuning_file();
  if (!o.memory.empty()) {
    FL_TRY(job.memory_bytes, parse_bytes(o.memory));
  }
  if (o.crf >= 0) job.sink.crf = o.crf;
  for (const std::string& option : o.encoder_options) {
    const size_t equals = option.find('=');
    if (equals == 0 || equals == std::string::npos)
      return fail(ErrorCode::invalid_argument, "--encoder-option '{}' is not key=value", option);
    job.sink.encoder_options.emplace_back(option.substr(0, equals), option.substr(equals + 1));
  }
  job.source.deinterlace = o.deinterlace == "on"    ? Deinterlace::on
                           : o.deinterlace == "off" ? Deinterlace::off
                                                    : Deinterlace::automatic;
  if (!o.raw_size.empty()) {
    FL_TRY(const PictureSize size, parse_size("--size", o.raw_size));
    job.source.raw_width = size.width;
    job.source.raw_height = size.height;
  }
  if (!o.input_size.empty()) {
    FL_TRY(const PictureSize size, parse_size("--input-size", o.input_size));
    job.input_width = size.width;
    job.input_height = size.height;
  }
  job.fit = o.fit == "stretch" ? Fit::stretch : Fit::letterbox;
  if (!o.target_fps.empty()) {
    FL_TRY(const Rational rate, parse_rate(o.target_fps));
    job.target_fps = rate.value();
  }
  if (!o.mastering_display.empty()) {
    FL_TRY(job.sink.hdr.mastering_display, parse_mastering_display(o.mastering_display));
  }
  if (!o.max_cll.empty()) {
    FL_TRY(job.sink.hdr.content_light, parse_content_light(o.max_cll));
  }
  if (!o.frame_rate.empty()) {
    FL_TRY(job.source.raw_frame_rate, parse_rate(o.frame_rate));
    job.source.sequence_frame_rate = job.source.raw_frame_rate;
  }
  return {};
}

Result<Network> prepare(VideoCommand& o) {
  FL_CHECK(complete(o));
  o.job.cancel = &interruption();
  FL_TRY(Network network, o.engine.load());
  if (is_linear(network.contract.output_color) != o.linear_light)
    return fail(ErrorCode::invalid_argument, "model {} makes {}; {}", network.name,
                o.linear_light ? "no linear light" : "linear light",
                o.linear_light ? "framelift expand takes models of the networks gainmap, ldr2hdr and expandnet"
                               : "use it with framelift expand");
  if (!network.from_file.summary.empty() && !o.quiet) fmt::print(stderr, "{}\n", network.from_file.summary);
  // Networks that are made for a display of a certain peak take the job's.
  if (auto peak = network.hyper.find("peak_nits"); peak != network.hyper.end())
    peak->second = static_cast<int>(o.job.peak_nits);
  FL_TRY(o.job.backend, find_backend(o.engine.backend, network, o.job.compile));
  return network;
}

namespace {

void print_report(const VideoJob& job, const JobReport& r) {
  const auto mib = [](int64_t bytes) { return bytes / (1 << 20); };
  fmt::print(stderr, "{}: {} frame{} in {:.1f} s, {:.2f} fps, limited by {}; {} {} on {}, {} MiB peak{}\n",
             job.sink.path, r.frames, r.frames == 1 ? "" : "s", r.seconds, r.fps, r.bottleneck, r.model, r.precision,
             r.backend, mib(r.peak_resident_bytes),
             r.flicker_percent < 0 ? "" : fmt::format(", {:.2f} % flicker added", r.flicker_percent));
  if (!r.tuning.empty()) fmt::print(stderr, "{}: tuned to {}\n", job.sink.path, r.tuning);
  if (job.target_fps > 0)
    fmt::print(stderr, "{}: {} late frames, about {} drops at {:.2f} fps\n", job.sink.path, r.late_frames,
               r.estimated_drops, r.target_fps);
  if (r.max_cll_nits > 0)
    fmt::print(stderr, "{}: MaxCLL {:.0f}, MaxFALL {:.0f} cd/m2\n", job.sink.path, r.max_cll_nits, r.max_fall_nits);
  if (r.damaged_packets > 0) log::warn("{}: {} damaged packets were skipped", job.source.path, r.damaged_packets);
  if (r.cancelled) fmt::print(stderr, "{}: stopped early, what was written is complete and playable\n", job.sink.path);
}

}  // namespace

Result<JobReport> run_job(VideoJob& job, bool quiet) {
  ProgressPrinter progress;
  if (!quiet) job.on_progress = [&](const Progress& p) { progress(p); };
  if (job.timing_interval > 0) job.on_timing = [&](const IntervalReport& t) { progress(t); };
  auto report = process_video(job);
  progress.finish();
  job.on_progress = nullptr;
  job.on_timing = nullptr;
  if (report && !quiet) print_report(job, *report);
  return report;
}

namespace {

// Every picture of a folder, each into a file of the same name: a folder is not a video unless the output is one.
Status run_picture_batch(VideoJob& job, bool quiet) {
  const fs::path in = job.source.path, out = job.sink.path;
  job.copy_streams = false;
  return for_each_picture(in, out, coded_pictures, [&](const fs::path& picture) -> Status {
    job.source.path = picture.string();
    job.sink.path = (out / picture.stem()).string() + (picture.extension() == ".exr" ? ".exr" : ".png");
    FL_CHECK(run_job(job, quiet));
    return {};
  });
}

// The exit code: 0, or 130 for a job that Ctrl-C ended early (its output is playable all the same).
Result<int> run_all(VideoCommand& o) {
  const auto open_text = [&](const std::string& path) {
    return TextFile::open(path, {o.job.source.path}, o.job.sink.overwrite);
  };
  FL_TRY(TextFile stats, open_text(o.stats));
  FL_TRY(TextFile trace, open_text(o.trace));
  FL_TRY(TextFile page, open_text(o.profile_page));
  FL_TRY(const Network network, prepare(o));
  o.job.network = &network;
  std::optional<Profile> profile;
  if (!o.trace.empty() || !o.profile_page.empty()) {
    profile.emplace([backend = o.job.backend, device = o.job.compile.device] { return backend->device_bytes(device); });
    o.job.profile = &*profile;
    o.job.compile.profile = true;
  }
  if (is_picture_batch(o.job.source.path, o.job.sink.path)) {
    if (profile)
      return fail(ErrorCode::invalid_argument,
                  "--profile and --profile-report take one video or picture, not a folder");
    FL_CHECK(run_picture_batch(o.job, o.quiet));
    return 0;
  }
  if (!o.profile_page.empty()) {
    FL_TRY(profile->peak_flops, measure_peak_flops(*o.job.backend, o.job.compile));
  }
  if (o.plan) {
    FL_TRY(const std::string plan, describe_job(o.job));
    fmt::print("{}", plan);
    return 0;
  }
  FL_TRY(const JobReport report, run_job(o.job, o.quiet));
  FL_CHECK(stats.add(to_json(report) + '\n'));
  FL_CHECK(stats.commit());
  if (profile) {
    profile->memory.stop();
    FL_CHECK(trace.add(
        profile->trace.to_json({{"model", report.model}, {"input", report.input}, {"output", report.output}})));
    FL_CHECK(trace.commit());
    FL_CHECK(page.add(profile_page(report, *profile)));
    FL_CHECK(page.commit());
    if (!o.quiet) fmt::print(stderr, "{}\n", bottleneck_sentence(report));
  }
  return report.cancelled ? 130 : 0;
}

}  // namespace

void VideoCommand::add_processing_to(CLI::App& c) {
  engine.add_to(c);
  c.add_option("--scale", job.scale, "Output size / source size; default whatever the model makes of its input")
      ->check(CLI::Range(0.05, 64.0));
  c.add_option("--max-width", job.max_width, "Reduce the output to fit, keeping its shape")
      ->check(CLI::Range(1, max_picture_edge));
  c.add_option("--max-height", job.max_height, "Reduce the output to fit, keeping its shape")
      ->check(CLI::Range(1, max_picture_edge));
  auto* max_input_width =
      c.add_option("--max-input-width", job.max_input_width, "Reduce the picture before the network, keeping its shape")
          ->check(CLI::Range(1, max_picture_edge));
  auto* max_input_height =
      c.add_option("--max-input-height", job.max_input_height, "Reduce the picture before the network, as above")
          ->check(CLI::Range(1, max_picture_edge));
  auto* fixed_size = c.add_option("--input-size", input_size, "WIDTHxHEIGHT that the network always sees")
                         ->excludes(max_input_width, max_input_height);
  c.add_option("--fit", fit, "How the picture comes to --input-size: letterbox or stretch")
      ->check(CLI::IsMember({"letterbox", "stretch"}))
      ->needs(fixed_size)
      ->capture_default_str();
  c.add_flag("--keep-bars", job.keep_bars, "Leave the black bars of the letterbox in the output; default cut off")
      ->needs(fixed_size);
  c.add_option("--memory", memory, "Memory for the network, e.g. 2G; default half of what is free");
  c.add_option("--batch", job.batch, "Frames or tiles in one run of the network; default 1, or what --mode auto finds")
      ->check(CLI::Range(1, 256));
  c.add_option("--prefetch", job.prefetch, "Decoded frames kept waiting")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  c.add_option("--warm-up", job.warm_up, "Runs of the network on a gray picture before the first frame, not measured")
      ->check(CLI::Range(0, 100000));
  c.add_option("--timing-interval", job.timing_interval, "A line of timings after every so many frames")
      ->check(CLI::Range(1, 1 << 30));
  c.add_option("--target-fps", target_fps, "Rate that late frames are judged by; default the input's own");
}

void VideoCommand::add_tiles_to(CLI::App& c) {
  c.add_option("--tile", job.tile, "Longest side of a tile in input pixels; default as large as memory allows")
      ->check(CLI::Range(1, max_picture_edge));
  c.add_option(
       "--overlap", job.overlap,
       "Pixels that neighbouring tiles share and blend over; 0: as many as the network sees, so that the result is "
       "the same as without tiles; default whatever suits the model")
      ->check(CLI::Range(0, max_picture_edge));
}

void VideoCommand::add_encoder_to(CLI::App& c) {
  SinkOptions& sink = job.sink;
  c.add_option("--encoder", sink.encoder, "FFmpeg encoder, e.g. libx264, libx265, libsvtav1, prores_ks, ffv1");
  c.add_option("--crf", crf, "Encoder quality; lower is better")->check(CLI::Range(0.0, 255.0));
  c.add_option("--bitrate", sink.bitrate, "Instead of --crf, e.g. 8M");
  c.add_option("--preset", sink.preset, "Encoder preset, e.g. fast, slow");
  c.add_option("--pixel-format", sink.pixel_format, "FFmpeg pixel format of the output, e.g. yuv420p10le");
  c.add_option("--encoder-option", encoder_options, "Passed to the encoder as it is: key=value, repeatable");
  c.add_option("--format", sink.format, "FFmpeg name of the output's container; default by the file's name");
}

void VideoCommand::add_source_to(CLI::App& c) {
  SourceOptions& source = job.source;
  c.add_option("--input-format", source.format, "FFmpeg name of the input's format, e.g. rawvideo, yuv4mpegpipe");
  c.add_option("--size", raw_size, "WIDTHxHEIGHT of rawvideo input");
  c.add_option("--input-pixel-format", source.raw_pixel_format, "FFmpeg pixel format of rawvideo input");
  c.add_option("--frame-rate", frame_rate, "Of rawvideo input and image sequences, e.g. 25 or 30000/1001");
  c.add_option("--start", source.start_seconds, "Seconds to skip")->check(CLI::Range(0.0, 1e9));
  c.add_option("--duration", source.duration_seconds, "Seconds to process")->check(CLI::Range(0.0, 1e9));
  c.add_option("--frames", source.max_frames, "Frames to process")->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  c.add_option("--deinterlace", deinterlace, "auto, on or off")
      ->check(CLI::IsMember({"auto", "on", "off"}))
      ->capture_default_str();
}

void VideoCommand::add_to(CLI::App& c) {
  SinkOptions& sink = job.sink;
  c.add_option("input", job.source.path, "Video, picture, folder, 'dir/%04d.png', or - for stdin")->required();
  c.add_option("output", sink.path, "Video, picture, folder, 'dir/%04d.png', - for stdout, null: or md5:FILE")
      ->required();
  add_processing_to(c);
  add_encoder_to(c);
  add_source_to(c);
  c.add_flag("!--no-copy", job.copy_streams, "Leave out audio, subtitles, chapters and metadata");
  c.add_flag("--overwrite", sink.overwrite, "Replace an existing output");
  c.add_option("--stats", stats, "Write measurements as JSON to this file");
  c.add_flag("--plan", plan, "Print sizes, tiles and memory, and do nothing");
  c.add_option("--profile", trace, "Write a timeline of stages, operations and memory for ui.perfetto.dev, as JSON");
  c.add_option("--profile-report", profile_page, "Write a page about where time and memory went, as HTML");
  c.add_flag("-q,--quiet", quiet, "No progress and no summary");
}

int VideoCommand::run() {
  const Result<int> code = run_all(*this);
  return code ? *code : report_failure(code.error());
}

}  // namespace framelift
