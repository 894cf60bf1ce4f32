// For builds without FFmpeg.
#include "encode/media_sink.h"

#include "decode/media_source.h"
#include "decode/picture_files.h"
#include "encode/raw_sink.h"

namespace framelift {

bool can_carry_display_matrix(const std::string&, const std::string&) { return false; }

Result<std::unique_ptr<Sink>> open_media_sink(const SinkOptions& options) {
  if (options.path.starts_with("md5:")) {
    SinkOptions sums = options;
    sums.path = options.path.substr(4);
    return open_md5_sink(sums);
  }
  const bool y4m = options.format.empty() ? options.path == "-" || lower_extension(options.path) == "y4m"
                                          : container_name(options.format) == "yuv4mpegpipe";
  if (y4m) return open_y4m_sink(options);
  return fail(ErrorCode::unsupported,
              "{}: this build writes YUV4MPEG2 (.y4m), OpenEXR (.exr), md5: and null: only; build with FFmpeg "
              "(FRAMELIFT_FFMPEG=ON)",
              options.path);
}

Result<bool> save_other_streams(const SinkOptions&, std::optional<int64_t>) { return false; }

std::string describe_media() {
  return "no FFmpeg: reads YUV4MPEG2 and OpenEXR, writes those and checksums\n"
         "  for other files: tools/setup.sh, and build with FRAMELIFT_FFMPEG=ON";
}

}  // namespace framelift
