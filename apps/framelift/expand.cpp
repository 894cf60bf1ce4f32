#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/picture_folder.h"
#include "apps/framelift/shared/video_command.h"
#include "base/log.h"
#include "decode/picture_files.h"
#include "encode/output_file.h"
#include "pipeline/pictures/keep_light.h"
#include "pipeline/pictures/tone_map_pictures.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

// The format of what is written: the widest pixels that pictures have.
constexpr const char* picture_extension = ".exr";

struct ExpandCommand {
  VideoCommand video;
  std::vector<std::string> inputs;
  std::string out;
  std::optional<float> scale_hdr;
  bool preview = false;
};

struct Work {
  std::string input, output;
};

// "shot.%06d" for a video called shot; the numbering of a sequence; "frame.%06d" for names that are none.
std::string sequence_name(const std::string& input) {
  const std::string stem = fs::path(input).stem().string();
  if (input == "-" || input.starts_with("test:") || stem.find_first_of("*?[{") != std::string::npos)
    return "frame.%06d";
  return stem.find('%') == std::string::npos ? stem + ".%06d" : stem;
}

bool is_folder(const std::string& out) { return out.ends_with('/') || fs::is_directory(out); }

// What a single input becomes under a file's name.
Result<Work> into_file(const SourceOptions& options, const std::string& input, const std::string& out) {
  SourceOptions source = options;
  source.path = input;
  FL_TRY(const auto opened, open_source(source));
  if (!opened->info().still && is_picture_name(out) && !number_pattern(fs::path(out).filename().string()))
    return fail(ErrorCode::invalid_argument,
                "--out {}: {} has many pictures; give a folder, a video's name, or a number as in out/%06d{}", out,
                input, picture_extension);
  return Work{input, out};
}

// Every job, with its output's name. Errors: an input that cannot be opened, two inputs for one name.
Result<std::vector<Work>> plan_work(const ExpandCommand& o) {
  const fs::path out = o.out;
  const bool into_folder = is_folder(o.out) || (out.extension().empty() && o.out != "null:" && o.out != "-");
  if (!into_folder) {
    if (o.inputs.size() > 1)
      return fail(ErrorCode::invalid_argument, "--out {}: is one file for {} inputs; give a folder", o.out,
                  o.inputs.size());
    FL_TRY(Work work, into_file(o.video.job.source, o.inputs[0], o.out));
    return std::vector{std::move(work)};
  }
  std::vector<Work> all;
  for (const std::string& input : o.inputs) {
    if (fs::is_directory(input)) {
      FL_TRY(const auto pictures, pictures_of(input, coded_pictures));
      for (const fs::path& picture : pictures)
        all.push_back({picture.string(), (out / picture.stem()).string() + picture_extension});
      continue;
    }
    SourceOptions options = o.video.job.source;
    options.path = input;
    bool still = false;
    if (input != "-") {  // a pipe cannot be opened twice
      FL_TRY(const auto source, open_source(options));
      still = source->info().still;
    }
    const std::string name = still ? fs::path(input).stem().string() : sequence_name(input);
    all.push_back({input, (out / name).string() + picture_extension});
  }
  std::map<std::string, std::string> taken;
  for (const Work& work : all)
    if (const auto [other, added] = taken.emplace(work.output, work.input); !added)
      return fail(ErrorCode::invalid_argument, "{} and {} would both become {}; give one of them another --out",
                  other->second, work.input, work.output);
  return all;
}

// The files of an output: itself, or `count` numbered ones.
std::vector<fs::path> files_of(const fs::path& output, int64_t count) {
  const auto pattern = number_pattern(output.filename().string());
  if (!pattern) return {output};
  std::vector<fs::path> files;
  for (int i = 1; i <= count; ++i) files.push_back(output.parent_path() / pattern->name(i));
  return files;
}

std::string preview_name(fs::path picture) { return picture.replace_extension(".preview.png").string(); }

// What can be known of previews before there is anything to show. Their folders are there.
Status check_previews(const std::vector<Work>& all, bool overwrite) {
  for (const Work& work : all) {
    if (lower_extension(work.output) != "exr")
      return fail(ErrorCode::invalid_argument, "--preview shows OpenEXR pictures, which {} is not", work.output);
    const std::string preview = preview_name(files_of(work.output, 1)[0]);
    for (const Work& other : all) FL_CHECK(OutputFile::check(preview, other.input, overwrite));
  }
  return {};
}

// Of every picture that was written.
Status write_previews(const VideoJob& job, int64_t frames) {
  for (const fs::path& picture : files_of(job.sink.path, frames)) {
    ToneMapJob preview;
    preview.source.path = picture.string();
    preview.sink.path = preview_name(picture);
    preview.sink.overwrite = job.sink.overwrite;
    preview.cancel = job.cancel;
    FL_CHECK(tone_map_pictures(preview));
  }
  return {};
}

// The pictures of one input. Linear light stays what it is.
Result<int64_t> expand_one(VideoJob& job, bool quiet) {
  if (job.source.path != "-") {  // a pipe cannot be opened twice
    FL_TRY(const auto source, open_source(job.source));
    if (is_light(source->info())) {
      log::info("{}: is linear light already and stays as it is", job.source.path);
      return keep_light(job.source, job.sink, job.cancel);
    }
  }
  FL_TRY(const JobReport report, run_job(job, quiet));
  if (report.cancelled) return fail(ErrorCode::cancelled, "cancelled; what was written is complete");
  return report.frames;
}

Status expand(ExpandCommand& o) {
  VideoJob& job = o.video.job;
  if (o.scale_hdr && !(*o.scale_hdr >= 1e-3f && *o.scale_hdr <= 1e6f))
    return fail(ErrorCode::invalid_argument, "--scale-hdr {} is not a number from 0.001 to 1000000", *o.scale_hdr);
  FL_TRY(Network network, prepare(o.video));
  if (o.scale_hdr) network.contract.output_gain = *o.scale_hdr;
  job.network = &network;
  job.copy_streams = !is_picture_name(o.out);  // of one video into another
  job.sink.attributes.texts = {{"software", fmt::format("framelift {}", FRAMELIFT_VERSION)},
                               {"framelift.model", network.name},
                               {"framelift.scaleHdr", fmt::format("{}", network.contract.output_gain)}};
  FL_TRY(const std::vector<Work> all, plan_work(o));
  for (const Work& work : all) {
    std::error_code error;
    const fs::path folder = fs::path(work.output).parent_path();
    if (!folder.empty()) fs::create_directories(folder, error);
    if (error) return fail(ErrorCode::io, "{}: cannot be made ({})", folder.string(), error.message());
  }
  if (o.preview) FL_CHECK(check_previews(all, job.sink.overwrite));
  size_t failed = 0;
  for (const Work& work : all) {
    if (interruption().requested()) return fail(ErrorCode::cancelled, "cancelled");
    job.source.path = work.input;
    job.sink.path = work.output;
    const auto frames = expand_one(job, o.video.quiet);
    Status status = frames ? Status{} : Status(fail(frames.error()));
    if (status && o.preview) status = write_previews(job, *frames);
    if (status) continue;
    if (all.size() == 1 || status.error().code == ErrorCode::cancelled) return status;
    report_failure(status.error());
    ++failed;
  }
  if (failed > 0) return fail(ErrorCode::invalid_data, "{} of {} inputs failed", failed, all.size());
  return {};
}

}  // namespace

void add_expand_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<ExpandCommand>();
  CLI::App& c = *app.add_subcommand("expand", "Turn 8-bit pictures and video into linear HDR pictures");
  VideoCommand& video = o->video;
  video.engine.model = "expand-small";
  video.engine.precision = "f32";  // shadows of linear light need more than bfloat16's 8 bits
  video.linear_light = true;
  video.job.stabilise = 0.9f;
  c.add_option("inputs", o->inputs, "Pictures, folders of pictures, sequences ('dir/%04d.png') and videos")->required();
  c.add_option(
       "-o,--out", o->out,
       "Folder, where pictures keep their names and videos become NAME.000001.exr and so on; or, for one input, "
       "a file: a picture, or a video in PQ")
      ->required();
  c.add_option(
      "--scale-hdr", o->scale_hdr,
      "What 1 of the network's output becomes, in units of SDR white; default what the model was trained with, "
      "usually 4");
  video.add_processing_to(c);
  video.add_tiles_to(c);
  video.add_encoder_to(c);
  video.add_source_to(c);
  c.add_option("--stabilise", video.job.stabilise,
               "Of video: how steady what the network sees of the whole frame is kept, 0 to 0.99; starts anew at cuts")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  c.add_flag(
      "--confidence", video.job.confidence,
      "A channel of this name: how far each pixel can be trusted, from 0 for light that the network made up to 1");
  c.add_flag("--preview", o->preview, "A PNG beside each picture, NAME.preview.png, as framelift tonemap makes it");
  c.add_flag("--overwrite", video.job.sink.overwrite, "Replace existing outputs");
  c.add_flag("-q,--quiet", video.quiet, "No progress and no summary");
  c.footer(
      "Examples:\n"
      "  framelift expand photo.jpg --out photo.exr\n"
      "  framelift expand photos/ more/*.jpg --out expanded/\n"
      "  framelift expand shot.mp4 --out frames/ --tile 1024 --overlap 128\n"
      "  framelift expand shot.mp4 --out shot.mov --encoder prores_ks");
  c.callback([o, &run] {
    run = [o] {
      const Status status = expand(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
