#include "compress/compress_video.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "backend/torch/torch_engine.h"
#include "codec/fnv_reader.h"
#include "codec/fnv_writer.h"
#include "color/resolve.h"
#include "compress/frame_groups.h"
#include "encode/output_file.h"
#include "encode/sink.h"
#include "network/hinerv/config_text.h"
#include "synthesis/fnv_video.h"
#include "synthesis/ycbcr_planes.h"
#include "train/run/run_folder.h"
#include "train/run/run_lock.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

constexpr int largest_edge = 65535;  // of .fnv

class Compressor {
 public:
  explicit Compressor(const CompressJob& job)
      : job_(job),
        folder_(work_folder(job.output)),
        file_(folder_ / "video.fnv"),
        settings_file_(folder_ / "settings.txt") {}

  Result<CompressReport> run();
  // After a failure: a folder in which there is nothing to resume from goes.
  void leave_no_trace();

 private:
  Status open_input();
  Status open_work_folder();
  Status read_last_group();
  void learn_from(std::span<const StoredTensor> stored);
  Result<FnvHeader> header_of(const FrameGroup& first) const;
  Result<HinervPlan> plan_of(const FrameGroup& group) const;
  std::string settings() const;
  fs::path checkpoint(int group) const { return folder_ / fmt::format("group_{:04}.safetensors", group); }
  Result<bool> compress_group(FnvWriter& writer, int number, const FrameGroup& group);
  Status add_other_streams(FnvWriter& writer, int64_t end_pts);
  Result<CompressReport> finish(FnvWriter& writer);

  const CompressJob& job_;
  fs::path folder_, file_, settings_file_;
  RunLock lock_;
  bool resumed_ = false, begun_ = false;  // begun: the work folder is this run's own
  std::optional<FnvWriter> writer_;
  std::unique_ptr<Source> source_;
  // Of the group before, as the file has them: for a warm start, and so that all groups share one description.
  Parameters before_;
  std::optional<TensorBits> bits_;
  ColorInfo color_;
  std::optional<PictureReader> reader_;
};

Status Compressor::open_input() {
  SourceOptions options = job_.source;
  options.apply_rotation = true;
  FL_TRY(source_, open_source(options));
  const VideoInfo& info = source_->info();
  if (info.format.is_float())
    return fail(ErrorCode::unsupported, "{}: has floating-point pictures; .fnv holds 8 to 16 bits", options.path);
  if (std::max(info.width, info.height) > largest_edge)
    return fail(ErrorCode::unsupported, "{}: .fnv holds pictures of at most {} pixels a side", options.path,
                largest_edge);
  if (job_.paints == HinervOutput::ycbcr_420 && !is_ycbcr_420(info.format))
    return fail(ErrorCode::invalid_argument, "{}: has {} pictures, which are not 4:2:0; leave out --planes",
                options.path, to_string(info.format));
  color_ = resolve_color(info.color, info.width, info.height, info.format.family == ColorFamily::rgb);
  FL_TRY(FrameToTensor to_tensor, FrameToTensor::create(info.format, color_));
  reader_.emplace(std::move(to_tensor), std::nullopt, true);
  return {};
}

// What the weights depend on, so that work is never continued with something else.
std::string Compressor::settings() const {
  const VideoInfo& info = source_->info();
  const TrainingRecipe& r = job_.recipe;
  const SizeChoice& s = job_.size;
  return fmt::format(
      "input {} {}x{} {} start {} duration {} frames {}\nsize {} bpp {}\ngroup {}\n"
      "epochs {} {} {}\nprune {} bits {} {} noise {}\nrate {} batch {}\nprecision {}\nseed {} warm start {} planes "
      "{}\n",
      fs::path(job_.source.path).filename().string(), info.width, info.height, to_string(info.format),
      job_.source.start_seconds, job_.source.duration_seconds, job_.source.max_frames, s.name.empty() ? "auto" : s.name,
      s.bits_per_pixel, job_.group_frames, r.epochs, r.prune_epochs, r.quantise_epochs, r.prune, r.bits,
      r.allocate_bits, r.noise, r.learning_rate, r.batch, to_string(r.learner.precision), r.seed, job_.warm_start,
      static_cast<int>(job_.paints));
}

Status Compressor::open_work_folder() {
  FL_CHECK(OutputFile::check(job_.output, job_.source.path, job_.overwrite));
  std::error_code error;
  const bool there = fs::exists(folder_, error);
  if (there && !job_.resume && !job_.overwrite)
    return fail(ErrorCode::already_exists,
                "{}: an earlier compress was stopped; go on with --resume, or begin again with --overwrite",
                folder_.string());
  if (job_.resume && !there)
    return fail(ErrorCode::not_found, "{}: there is nothing to resume; leave out --resume", folder_.string());
  FL_CHECK(make_run_root(folder_));
  FL_TRY(lock_, RunLock::acquire(folder_));
  resumed_ = job_.resume;
  if (!resumed_) {
    begun_ = true;
    for (const fs::directory_entry& old : fs::directory_iterator(folder_, error))
      if (old.path().filename() != RunLock::file_name) fs::remove(old.path(), error);
    return write_text(settings_file_, settings());
  }
  std::ifstream stream(settings_file_);
  const std::string before{std::istreambuf_iterator<char>(stream), {}};
  if (before != settings())
    return fail(ErrorCode::invalid_argument,
                "{}: was begun with other options or another video (settings.txt there tells which); give the same, or "
                "begin again with --overwrite",
                folder_.string());
  return {};
}

Result<HinervPlan> Compressor::plan_of(const FrameGroup& group) const {
  const VideoInfo& info = source_->info();
  FL_TRY(HinervPlan plan, plan_hinerv(static_cast<int>(group.frames.size()), info.width, info.height, job_.size));
  plan.config.output = job_.paints;
  return plan;
}

Result<FnvHeader> Compressor::header_of(const FrameGroup& first) const {
  const VideoInfo& info = source_->info();
  FnvHeader header;
  header.width = info.width;
  header.height = info.height;
  FL_TRY(const HinervPlan plan, plan_of(first));
  header.coded_width = plan.config.width;
  header.coded_height = plan.config.height;
  header.format = info.format;
  header.format.alpha = false;
  header.color = color_;
  if (info.sample_aspect_ratio.num > 0) header.sample_aspect_ratio = info.sample_aspect_ratio;
  header.time_base = info.time_base;
  header.frame_rate = info.frame_rate;
  header.hdr = info.hdr;
  return header;
}

void Compressor::learn_from(std::span<const StoredTensor> stored) {
  before_ = stored_parameters(stored);
  bits_ = bits_of(stored, job_.recipe.bits);
}

Status Compressor::read_last_group() {
  FL_TRY(auto bytes, open_file_source(file_));
  FL_TRY(const FnvReader done, FnvReader::open(std::move(bytes)));
  if (done.groups().empty()) return {};
  FL_TRY(const FnvGroup last, done.read_group(done.groups().size() - 1));
  learn_from(last.tensors);
  return {};
}

// True when it is in the file, false when the job was cancelled.
Result<bool> Compressor::compress_group(FnvWriter& writer, int number, const FrameGroup& group) {
  GroupJob job;
  FL_TRY(job.plan, plan_of(group));
  if (job_.on_group) job_.on_group(number, job.plan);
  job.frames = group.frames;
  job.reader = &*reader_;
  job.range = color_.range;
  job.recipe = job_.recipe;
  if (job_.warm_start) job.start = &before_;
  job.bits = bits_;
  job.checkpoint = checkpoint(number);
  job.resume = resumed_;
  job.settings = settings() + fmt::format("group {}\n", number);
  job.cancel = job_.cancel;
  job.on_batch = job_.on_batch;
  job.on_evaluation = job_.on_evaluation;
  FL_TRY(const TrainedGroup trained, train_group(job));
  if (!trained.finished) return false;
  FnvGroup stored;
  stored.configuration = hinerv_texts(job.plan.config);
  stored.times = group.times;
  FL_TRY(stored.tensors, store_network(trained.parameters, trained.bits));
  FL_CHECK(writer.add_group(stored));
  learn_from(stored.tensors);
  std::error_code none;
  fs::remove(checkpoint(number), none);
  return true;
}

Result<CompressReport> Compressor::run() {
  FL_CHECK(open_input());
  FL_CHECK(open_work_folder());
  const VideoInfo& info = source_->info();
  const double start = job_.source.start_seconds;
  const int64_t start_pts = start > 0 ? start_in_time_base(info.origin_us, start, info.time_base) : 0;
  FrameGroups groups(*source_, *reader_, job_.group_frames, start_pts, job_.cancel);
  int64_t seen = 0, end_pts = 0;
  int number = 0;
  for (;; ++number) {
    FL_TRY(const FrameGroup group, groups.next());
    if (group.frames.empty()) break;
    if (!writer_) {
      if (resumed_ && fs::exists(file_)) {
        FL_CHECK(read_last_group());
        FL_TRY(writer_, FnvWriter::resume(file_.string()));
      } else {
        FL_TRY(const FnvHeader header, header_of(group));
        FL_TRY(writer_, FnvWriter::create(file_.string(), header));
      }
    }
    seen += static_cast<int64_t>(group.frames.size());
    end_pts = group.times.back().pts + group.times.back().duration;
    if (seen <= static_cast<int64_t>(writer_->frame_count())) continue;  // done before
    FL_TRY(const bool done, compress_group(*writer_, number, group));
    if (!done) {
      CompressReport report;
      report.cancelled = true;
      return report;
    }
  }
  if (!writer_) return fail(ErrorCode::invalid_data, "{}: has no frames", job_.source.path);
  FL_CHECK(add_other_streams(*writer_, end_pts));
  return finish(*writer_);
}

void Compressor::leave_no_trace() {
  std::error_code error;
  if (!begun_ || fs::exists(checkpoint(0), error) || (writer_ && writer_->frame_count() > 0)) return;
  lock_ = {};
  fs::remove_all(folder_, error);
}

// At the very end: what --frames takes of a video is known by then, and no training is lost when this fails.
Status Compressor::add_other_streams(FnvWriter& writer, int64_t end_pts) {
  if (!job_.copy_streams) return {};
  const VideoInfo& info = source_->info();
  SinkOptions options;
  options.path = (folder_ / "streams.mkv").string();
  options.copy_streams_from = info.other_streams;
  options.start_seconds = job_.source.start_seconds;
  options.duration_seconds = job_.source.duration_seconds;
  std::optional<int64_t> end;
  if (job_.source.max_frames > 0) end = end_pts;
  FL_TRY(const bool any, save_other_streams(for_frames_of(info, options), end));
  if (!any) return {};
  FL_TRY(const auto bytes, open_file_source(options.path));
  return writer.add_auxiliary(std::string(fnv_streams_kind), *bytes);
}

Result<CompressReport> Compressor::finish(FnvWriter& writer) {
  FL_CHECK(writer.finish());
  FL_TRY(auto bytes, open_file_source(file_));
  FL_TRY(const FnvReader made, FnvReader::open(std::move(bytes)));
  CompressReport report;
  report.groups = static_cast<int64_t>(made.groups().size());
  report.frames = static_cast<int64_t>(made.frame_count());
  report.bytes = made.file_bytes();
  report.bits_per_pixel = 8 * static_cast<double>(made.video_bytes()) / static_cast<double>(report.frames) /
                          made.header().width / made.header().height;
  std::error_code error;
  fs::rename(file_, job_.output, error);
  if (error) return fail(ErrorCode::io, "{}: cannot be written ({})", job_.output, error.message());
  lock_ = {};
  fs::remove_all(folder_, error);
  return report;
}

}  // namespace

std::string work_folder(const std::string& output) { return output + ".work"; }

Result<CompressReport> compress_video(const CompressJob& job) {
  FL_CHECK(torch_engine());
  Compressor compressor(job);
  auto report = compressor.run();
  if (!report) compressor.leave_no_trace();
  return report;
}

}  // namespace framelift
