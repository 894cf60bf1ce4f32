#include "pipeline/pictures/keep_light.h"

#include <filesystem>

#include "decode/picture_files.h"
#include "encode/exr_sink.h"
#include "encode/output_file.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

Status copy_file(const std::string& from, const SinkOptions& sink) {
  FL_TRY(OutputFile file, OutputFile::create(sink.path, from, sink.overwrite));
  std::error_code error;
  fs::copy_file(from, file.temporary_path(), fs::copy_options::overwrite_existing, error);
  if (error) return fail(ErrorCode::io, "{}: cannot be written ({})", sink.path, error.message());
  return file.commit();
}

}  // namespace

bool is_light(const VideoInfo& info) {
  return info.format.is_float() && info.color.transfer == TransferCharacteristic::linear;
}

Result<int64_t> keep_light(const SourceOptions& source_options, const SinkOptions& given, const Cancellation* cancel) {
  FL_TRY(const auto source, open_source(source_options));
  const VideoInfo& info = source->info();
  if (!is_light(info)) return fail(ErrorCode::unsupported, "{}: is not linear light", source_options.path);
  if (!is_exr_output(given))
    return fail(ErrorCode::unsupported,
                "{}: is linear light already, which OpenEXR keeps; write .exr, or use framelift tonemap",
                source_options.path);
  if (info.still && info.codec == "exr" && !number_pattern(fs::path(given.path).filename().string())) {
    FL_CHECK(copy_file(source_options.path, given));
    return 1;
  }
  SinkOptions options = for_frames_of(info, given);
  options.encoder_options = {{"type", "float"}};
  options.input_path = source_options.path;
  FL_TRY(const auto sink, open_sink(options));
  FL_TRY(const int64_t frames, copy_frames(*source, *sink, cancel));
  if (frames == 0 && cancel && cancel->requested()) return fail(ErrorCode::cancelled, "cancelled");
  FL_CHECK(sink->finish());
  return frames;
}

}  // namespace framelift
