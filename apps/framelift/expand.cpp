#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/picture_folder.h"
#include "apps/framelift/shared/video_command.h"

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
  const std::string file = fs::path(out).filename().string();
  if (!opened->info().still && file.find('%') == std::string::npos && out != "null:" && out != "-")
    return fail(ErrorCode::invalid_argument,
                "--out {}: {} has many pictures; give a folder, or a name with a number such as out/%06d{}", out, input,
                picture_extension);
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

Status expand(ExpandCommand& o) {
  VideoJob& job = o.video.job;
  if (o.scale_hdr && !(*o.scale_hdr >= 1e-3f && *o.scale_hdr <= 1e6f))
    return fail(ErrorCode::invalid_argument, "--scale-hdr {} is not a number from 0.001 to 1000000", *o.scale_hdr);
  FL_TRY(Network network, prepare(o.video));
  if (o.scale_hdr) network.contract.output_gain = *o.scale_hdr;
  job.network = &network;
  job.copy_streams = false;
  FL_TRY(const std::vector<Work> all, plan_work(o));
  for (const Work& work : all) {
    std::error_code error;
    const fs::path folder = fs::path(work.output).parent_path();
    if (!folder.empty()) fs::create_directories(folder, error);
    if (error) return fail(ErrorCode::io, "{}: cannot be made ({})", folder.string(), error.message());
  }
  size_t failed = 0;
  for (const Work& work : all) {
    if (interruption().requested()) return fail(ErrorCode::cancelled, "cancelled");
    job.source.path = work.input;
    job.sink.path = work.output;
    auto report = run_job(job, o.video.quiet);
    if (report && report->cancelled) return fail(ErrorCode::cancelled, "cancelled; what was written is complete");
    if (report) continue;
    if (all.size() == 1 || report.error().code == ErrorCode::cancelled) return fail(std::move(report.error()));
    report_failure(report.error());
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
       "a file")
      ->required();
  c.add_option(
      "--scale-hdr", o->scale_hdr,
      "What 1 of the network's output becomes, in units of SDR white; default what the model was trained with, "
      "usually 4");
  video.add_processing_to(c);
  video.add_encoder_to(c);
  video.add_source_to(c);
  c.add_option("--stabilise", video.job.stabilise,
               "Of video: how steady what the network sees of the whole frame is kept, 0 to 0.99; starts anew at cuts")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  c.add_flag("--overwrite", video.job.sink.overwrite, "Replace existing outputs");
  c.add_flag("-q,--quiet", video.quiet, "No progress and no summary");
  c.footer(
      "Examples:\n"
      "  framelift expand photo.jpg --out photo.exr --model expandnet.pth\n"
      "  framelift expand photos/ more/*.jpg --out expanded/\n"
      "  framelift expand shot.mp4 --out frames/ --tile 1024 --overlap 128");
  c.callback([o, &run] {
    run = [o] {
      const Status status = expand(*o);
      return status ? 0 : report_failure(status.error());
    };
  });
}

}  // namespace framelift
