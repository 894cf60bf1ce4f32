// Which muxer and kind of target a path stands for.
#include "encode/media_sink.h"

#include <string_view>

#include "decode/ffmpeg/ffmpeg.h"
#include "encode/ffmpeg/encoder_choice.h"
#include "encode/ffmpeg/ffmpeg_sink.h"
#include "encode/output_file.h"

namespace framelift {
namespace {

// The name of the first numbered picture, empty when `path` has no number pattern.
std::string first_of_sequence(const std::string& path) {
  char name[4096];
  // image2 begins with 1.
  return av_get_frame_filename(name, sizeof name, path.c_str(), 1) == 0 ? name : "";
}

}  // namespace

bool can_carry_display_matrix(const std::string& path, const std::string& format) {
  const AVOutputFormat* muxer = find_muxer(path, format);
  if (!muxer) return false;
  const std::string_view name = muxer->name;
  return name == "mp4" || name == "mov" || name == "ipod" || name == "3gp" || name == "ismv";
}

Result<std::unique_ptr<Sink>> open_media_sink(const SinkOptions& options) {
  OutputTarget target;
  target.path = options.path;
  if (options.path.starts_with("md5:")) {
    target.path = options.path.substr(4);
    target.muxer = "framemd5";
  }
  if (target.path == "-") {
    target.kind = OutputTarget::Kind::pipe;
    if (target.muxer.empty() && options.format.empty()) target.muxer = "yuv4mpegpipe";
    return open_ffmpeg_sink(options, std::move(target));
  }
  const AVOutputFormat* muxer = find_muxer(target.path, options.format);
  const bool pictures = target.muxer.empty() && muxer && std::string_view(muxer->name) == "image2";
  if (const std::string first = pictures ? first_of_sequence(target.path) : ""; !first.empty()) {
    target.kind = OutputTarget::Kind::sequence;
    FL_CHECK(OutputFile::check(first, options.input_path, options.overwrite));
  } else {
    FL_TRY(target.file, OutputFile::create(target.path, options.input_path, options.overwrite));
  }
  return open_ffmpeg_sink(options, std::move(target));
}

std::string describe_media() {
  // What people ask for most; whether this FFmpeg can do it.
  constexpr const char* encoders[] = {"libx264", "libx265", "libsvtav1", "libvpx-vp9", "prores_ks", "ffv1", "png"};
  std::string have, miss;
  for (const char* name : encoders) (avcodec_find_encoder_by_name(name) ? have : miss) += fmt::format(" {}", name);
  std::string text = fmt::format("FFmpeg {}: encoders{}", av_version_info(), have);
  if (!miss.empty())
    text += fmt::format(
        "\n  missing encoders:{} (Debian: apt install libavcodec-extra; elsewhere: an FFmpeg built with them)", miss);
  return text;
}

}  // namespace framelift
