#include "apps/framelift/commands.h"
#include "apps/framelift/shared/video_command.h"

namespace framelift {

void add_upscale_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<VideoCommand>();
  CLI::App& c = *app.add_subcommand("upscale", "Enlarge a video, a picture or a folder of pictures");
  o->add_to(c);
  o->add_tiles_to(c);
  o->engine.add_denoise_to(c);
  c.footer(
      "Examples:\n"
      "  framelift upscale in.mp4 out.mkv\n"
      "  framelift upscale in.mp4 out.mp4 --encoder libx265 --crf 20 --scale 2\n"
      "  framelift upscale photo.jpg photo_x4.png --model x4plus --tile 256\n"
      "  framelift upscale photos/ enlarged/\n"
      "  ffmpeg -i in.mp4 -f yuv4mpegpipe - | framelift upscale - - | mpv -");
  c.callback([o, &run] { run = [o] { return o->run(); }; });
}

}  // namespace framelift
