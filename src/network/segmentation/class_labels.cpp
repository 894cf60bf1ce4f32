#include "network/segmentation/class_labels.h"

#include <fmt/format.h>

namespace framelift {
namespace {

constexpr std::array voc_names{"background", "aeroplane", "bicycle",   "bird",   "boat",         "bottle",
                               "bus",        "car",       "cat",       "chair",  "cow",          "dining table",
                               "dog",        "horse",     "motorbike", "person", "potted plant", "sheep",
                               "sofa",       "train",     "tv monitor"};

// Every third bit of the number gives a channel its highest bits (VOC development kit, VOClabelcolormap).
std::array<uint8_t, 3> voc_color(int number) {
  std::array<uint8_t, 3> color{};
  for (int bit = 7; number != 0; --bit, number >>= 3)
    for (size_t channel = 0; channel < 3; ++channel)
      color[channel] = static_cast<uint8_t>(color[channel] | ((number >> channel & 1) << bit));
  return color;
}

const std::vector<ClassLabel>& cityscapes() {
  // Cordts et al., CVPR 2016: the classes that are evaluated, by train id.
  static const std::vector<ClassLabel> labels{{"road", {128, 64, 128}},
                                              {"sidewalk", {244, 35, 232}},
                                              {"building", {70, 70, 70}},
                                              {"wall", {102, 102, 156}},
                                              {"fence", {190, 153, 153}},
                                              {"pole", {153, 153, 153}},
                                              {"traffic light", {250, 170, 30}},
                                              {"traffic sign", {220, 220, 0}},
                                              {"vegetation", {107, 142, 35}},
                                              {"terrain", {152, 251, 152}},
                                              {"sky", {70, 130, 180}},
                                              {"person", {220, 20, 60}},
                                              {"rider", {255, 0, 0}},
                                              {"car", {0, 0, 142}},
                                              {"truck", {0, 0, 70}},
                                              {"bus", {0, 60, 100}},
                                              {"train", {0, 80, 100}},
                                              {"motorcycle", {0, 0, 230}},
                                              {"bicycle", {119, 11, 32}}};
  return labels;
}

}  // namespace

std::vector<ClassLabel> class_labels(int count) {
  if (count == static_cast<int>(cityscapes().size())) return cityscapes();
  constexpr int person_in_voc = 15;
  if (count == 2) return {{"background", voc_color(0)}, {"person", voc_color(person_in_voc)}};
  std::vector<ClassLabel> labels;
  const bool voc = count == static_cast<int>(voc_names.size());
  for (int i = 0; i < count; ++i)
    labels.push_back({voc ? voc_names[static_cast<size_t>(i)] : fmt::format("class {}", i), voc_color(i)});
  return labels;
}

}  // namespace framelift
