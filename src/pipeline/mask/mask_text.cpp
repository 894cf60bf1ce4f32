#include "pipeline/mask/mask_text.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <utility>

namespace framelift {
namespace {

Result<std::array<uint8_t, 3>> parse_color(const std::string& text) {
  unsigned r = 0, g = 0, b = 0;
  int end = 0;
  if (text.size() == 7 && std::sscanf(text.c_str(), "#%2x%2x%2x%n", &r, &g, &b, &end) == 3 && end == 7)
    return std::array{static_cast<uint8_t>(r), static_cast<uint8_t>(g), static_cast<uint8_t>(b)};
  return fail(ErrorCode::invalid_argument, "'{}' is no colour; write #RRGGBB, for example #00b140", text);
}

}  // namespace

Result<MaskOutput> parse_mask_output(const std::string& text) {
  for (const auto& [name, output] :
       {std::pair{"mask", MaskOutput::mask}, std::pair{"classes", MaskOutput::classes},
        std::pair{"colors", MaskOutput::colors}, std::pair{"alpha", MaskOutput::alpha},
        std::pair{"composite", MaskOutput::composite}, std::pair{"overlay", MaskOutput::overlay}})
    if (text == name) return output;
  return fail(ErrorCode::invalid_argument,
              "'{}' is nothing that is made of classes; known are mask, classes, colors, alpha, composite, overlay",
              text);
}

Status parse_background(const std::string& text, MaskOptions& mask) {
  constexpr float usual_blur = 3;
  if (text.empty()) return {};
  if (text.starts_with('#')) {
    FL_TRY(mask.background_color, parse_color(text));
  } else if (text == "blur") {
    mask.background_blur = usual_blur;
  } else if (text.starts_with("blur:")) {
    char tail = 0;
    if (std::sscanf(text.c_str(), "blur:%f%c", &mask.background_blur, &tail) != 1 ||
        !(mask.background_blur > 0 && mask.background_blur <= 50))
      return fail(ErrorCode::invalid_argument, "'{}': the blur is a number above 0, at most 50", text);
  } else {
    mask.background_picture = text;
  }
  return {};
}

void choose_alpha_encoder(SinkOptions& sink) {
  const std::string extension = std::filesystem::path(sink.path).extension().string();
  if (extension == ".mov") sink.encoder = "prores_ks";
  if (extension == ".mkv") sink.encoder = "ffv1";
  if (extension == ".webm") sink.encoder = "libvpx-vp9";
}

}  // namespace framelift
