// For builds without FFmpeg.
#include "decode/media_source.h"

#include "decode/picture_size.h"
#include "decode/y4m_source.h"

namespace framelift {

Result<std::unique_ptr<Source>> open_media_source(const MediaInput& input, const SourceOptions& options) {
  const bool y4m = input.format == "yuv4mpegpipe" ||
                   (input.format.empty() && !input.sequence && (options.path == "-" || is_y4m_file(options.path)));
  if (y4m) return open_y4m_source(options);
  return fail(
      ErrorCode::unsupported,
      "{}: this build reads YUV4MPEG2 (.y4m) and OpenEXR only; build with FFmpeg (FRAMELIFT_FFMPEG=ON), or pipe "
      "the video in as y4m",
      input.name);
}

Result<PictureSize> read_picture_size(const std::string& path) {
  SourceOptions options;
  options.path = path;
  FL_TRY(const auto source, open_source(options));
  return PictureSize{source->info().width, source->info().height};
}

}  // namespace framelift
