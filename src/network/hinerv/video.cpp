#include "network/hinerv/video.h"

namespace framelift {

Result<HinervVideo> read_hinerv_video(const std::filesystem::path& path, const HinervUnseen& unseen,
                                      Rational frame_rate) {
  FL_TRY(const WeightFile file, read_weights(path));
  HinervVideo video;
  video.name = path.string();
  auto config = detect_hinerv(file, unseen);
  if (!config && config.error().code == ErrorCode::not_found)
    return fail(ErrorCode::unsupported, "{}: holds no video; give a HiNeRV network (Q6.zip, .pth or .safetensors)",
                video.name);
  if (!config) return fail(std::move(config.error()));
  FL_TRY(video.parameters, hinerv_parameters(file, *config));
  video.width = config->width;
  video.height = config->height;
  video.config = std::move(*config);
  video.frame_rate = frame_rate;
  video.time_base = {frame_rate.den, frame_rate.num};
  return video;
}

}  // namespace framelift
