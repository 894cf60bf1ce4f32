#include <map>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/video_command.h"
#include "pipeline/mask/mask_text.h"

namespace framelift {
namespace {

const std::map<std::string, EyeLayout> eye_layouts{{"sbs", EyeLayout::side_by_side}, {"tb", EyeLayout::top_bottom}};

}  // namespace

void add_segment_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<VideoCommand>();
  auto background = std::make_shared<std::string>();
  CLI::App& c = *app.add_subcommand("segment", "Find people or things: masks, alpha, another background");
  o->engine.model = "selfie";
  o->job.scale = 1;
  o->fit = "stretch";
  o->job.mask.emplace();
  MaskOptions& mask = *o->job.mask;
  o->add_to(c);
  c.get_option("--fit")->remove_needs(c.get_option("--input-size"));  // models of a fixed size have one anyway
  c.add_option_function<std::string>(
       "--output", [&mask](const std::string& name) { mask.output = *parse_mask_output(name); },
       "mask: gray; classes: gray, the number of each pixel's class; colors: in the classes' colours; alpha: the "
       "picture with the mask as alpha; composite: before another background; overlay: the picture, tinted and named")
      ->check(CLI::IsMember({"mask", "classes", "colors", "alpha", "composite", "overlay"}))
      ->default_str("mask");
  c.add_option("--classes", mask.classes,
               "Names or numbers, with commas; default person where the model knows people, else all but background")
      ->delimiter(',');
  c.add_option("--background", *background,
               "Of --output composite: a colour as #RRGGBB, blur, blur:PERCENT of the height, or a picture or video "
               "(again from its beginning when it ends); default #00b140");
  c.add_option_function<std::string>(
       "--edges", [&mask](const std::string& how) { mask.hard = how == "hard"; },
       "soft: by probability; hard: each pixel wholly or not at all, by its most probable class")
      ->check(CLI::IsMember({"soft", "hard"}))
      ->default_str("soft");
  c.add_option("--contrast", mask.contrast, "Of soft edges; 1: probabilities as they are")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str();
  c.add_option("--refine", mask.refine_radius,
               "Radius, in the network's pixels, within which edges follow the picture's; 0: not at all")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  c.add_option("--smooth", mask.smooth,
               "Over time, where the network is undecided: 0 (each frame by itself) to 0.99; starts anew at cuts")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  c.add_option("--lookahead", mask.lookahead,
               "Frames after a frame that smoothing looks at, so that masks do not lag behind what moves")
      ->check(CLI::Range(0, 250))
      ->capture_default_str();
  c.add_option("--every", mask.every,
               "Run the model on every so many frames only, and at cuts; between them masks are kept, with --lookahead "
               "interpolated")
      ->check(CLI::Range(1, 250))
      ->capture_default_str();
  c.add_option("--min-region", mask.min_region, "Smaller holes and specks are filled, in percent of the picture")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  c.add_option("--opacity", mask.opacity, "Of an overlay's tint")->check(CLI::Range(0.0, 1.0))->capture_default_str();
  c.add_flag("!--no-legend", mask.legend, "Leave out the names in an overlay");
  c.add_option_function<std::string>(
       "--vr", [&mask](const std::string& layout) { mask.eyes = eye_layouts.at(layout); },
       "Frames hold a picture for each eye, sbs: side by side; tb: one above the other. Options about sizes are of one "
       "eye")
      ->check(CLI::IsMember({"sbs", "tb"}));
  c.add_flag("!--no-wrap", mask.wrap, "Of --vr: the picture ends at its left and right border, as in 180 degree video")
      ->needs("--vr");
  c.footer(
      "Examples:\n"
      "  framelift segment talk.mp4 mask.mkv\n"
      "  framelift segment talk.mp4 cut_out.mov --output alpha          (ProRes 4444)\n"
      "  framelift segment talk.mp4 call.mp4 --output composite --background blur\n"
      "  framelift segment talk.mp4 stage.mp4 --output composite --background hall.jpg\n"
      "  framelift segment street.mp4 seen.mp4 --model deeplabv3 --output overlay --classes person,car,bus\n"
      "  framelift segment street.png classes.png --model deeplabv3 --output classes\n"
      "  framelift segment talk.mp4 cut_out.webm --output alpha --lookahead 4 --every 2\n"
      "  framelift segment vr360.mp4 vr_mask.mkv --vr tb");
  c.callback([o, background, &run] {
    run = [o, background] {
      if (const Status status = parse_background(*background, *o->job.mask); !status)
        return report_failure(status.error());
      if (o->job.mask->output == MaskOutput::alpha && o->job.sink.encoder.empty()) choose_alpha_encoder(o->job.sink);
      return o->run();
    };
  });
}

}  // namespace framelift
