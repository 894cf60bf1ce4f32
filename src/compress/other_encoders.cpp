#include "compress/other_encoders.h"

#include <utility>

#include "encode/sink.h"

namespace framelift {

const std::vector<OtherEncoder>& other_encoders() {
  static const std::vector<OtherEncoder> all{
      {"x264", "libx264", "veryslow", "h264", {{"tune", "psnr"}}, 48, 5},
      {"x265", "libx265", "veryslow", "hevc", {{"tune", "psnr"}, {"x265-params", "info=0"}}, 48, 5},
      {"svtav1", "libsvtav1", "2", "ivf", {}, 63, 7},
  };
  return all;
}

Result<const OtherEncoder*> find_other_encoder(std::string_view name) {
  std::string names;
  for (const OtherEncoder& encoder : other_encoders()) {
    if (encoder.name == name) return &encoder;
    names += (names.empty() ? "" : ", ") + std::string(encoder.name);
  }
  return fail(ErrorCode::invalid_argument, "no encoder '{}' to compare with; there are {}", name, names);
}

Status encode_with(const OtherEncoder& encoder, double crf, const SourceOptions& source_options,
                   const std::filesystem::path& file, const Cancellation* cancel) {
  SourceOptions options = source_options;
  options.apply_rotation = true;
  FL_TRY(const auto source, open_source(options));
  const VideoInfo& info = source->info();
  SinkOptions chosen;
  chosen.path = file.string();
  chosen.format = encoder.format;
  chosen.overwrite = true;
  chosen.encoder = encoder.library;
  chosen.preset = encoder.preset;
  chosen.crf = crf;
  chosen.encoder_options = encoder.options;
  FL_TRY(const auto sink, open_sink(for_frames_of(info, std::move(chosen))));
  if (sink->format() != info.format)
    return fail(ErrorCode::unsupported, "{}: has {} pictures, {} would make {} of them", options.path,
                to_string(info.format), encoder.name, to_string(sink->format()));
  for (;;) {
    if (cancel && cancel->requested()) return fail(ErrorCode::cancelled, "cancelled");
    FL_TRY(Frame frame, source->next());
    if (frame.empty()) return sink->finish();
    FL_CHECK(sink->write(std::move(frame)));
  }
}

}  // namespace framelift
