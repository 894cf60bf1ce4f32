#include "decode/picture_size.h"

#include "decode/ffmpeg/ffmpeg.h"

namespace framelift {

Result<PictureSize> read_picture_size(const std::string& path) {
  route_ffmpeg_log();
  AVFormatContext* context = nullptr;
  int code = avformat_open_input(&context, ("file:" + path).c_str(), nullptr, nullptr);
  if (code == AVERROR(ENOENT)) return fail(ErrorCode::not_found, "{}: no such file", path);
  if (code < 0) return fail(ErrorCode::invalid_data, "{}: is not a picture ({})", path, av_error_text(code));
  const InputPtr input(context);
  // Decoders of pictures fill in the size here from the head of the file and skip the rest.
  code = avformat_find_stream_info(context, nullptr);
  const int index = code < 0 ? -1 : pick_video_stream(*context);
  if (index < 0) return fail(ErrorCode::invalid_data, "{}: holds no picture, or is damaged", path);
  const AVCodecParameters& parameters = *context->streams[index]->codecpar;
  if (parameters.width <= 0 || parameters.height <= 0)
    return fail(ErrorCode::invalid_data, "{}: does not say its size; it may be damaged", path);
  return PictureSize{parameters.width, parameters.height};
}

}  // namespace framelift
