// What a segmentation job makes of the classes that a network finds.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace framelift {

enum class MaskOutput : uint8_t {
  mask,       // gray: how much each pixel belongs to the selected classes
  classes,    // gray: each pixel's class by its number, 255 for those that are not selected
  colors,     // each pixel in its class's colour, black for those that are not selected
  alpha,      // the picture with the mask as its alpha
  composite,  // the selected classes before another background
  overlay,    // the picture, tinted in the colours of the selected classes, with their names
};

// Where a stereo video has its two pictures.
enum class EyeLayout : uint8_t {
  one,           // it is none: one picture
  side_by_side,  // left and right half
  top_bottom,    // upper and lower half
};

struct MaskOptions {
  MaskOutput output = MaskOutput::mask;
  // Names or numbers; empty: "person" where the network has it and the output is mask, alpha or composite, otherwise
  // every class but "background", and for `classes` that one too.
  std::vector<std::string> classes;
  // Whether a pixel belongs to the mask wholly or not at all (its most probable class is selected or not) instead of by
  // its probability.
  bool hard = false;
  float contrast = 1.4f;         // of soft edges around one half; 1: probabilities as they are
  int refine_radius = 4;         // of the guided filter's windows, in the network's pixels; 0: plain interpolation
  float refine_epsilon = 1e-3f;  // variance of R, G and B, of 0 to 1, below which the picture counts as flat
  float smooth = 0.5f;           // over time, 0 to below 1 (ProbabilitySmoother)
  int lookahead = 0;             // frames after a frame that its smoothing looks at, too
  int every = 1;                 // the network runs on every so many frames, and on the first of each scene
  float min_region = 0.1f;       // regions of less than so many percent of the picture are filled
  // Behind a composite: the file of a picture or a video, else the picture itself blurred, else a colour.
  std::string background_picture;
  float background_blur = 0;  // standard deviation in percent of the picture's height; 0: none
  std::array<uint8_t, 3> background_color{0, 177, 64};  // R, G, B of BT.709 video: the green of screens
  float opacity = 0.5f;                                 // of an overlay's tint
  bool legend = true;                                   // an overlay's names
  EyeLayout eyes = EyeLayout::one;                      // each eye gets a mask of its own, both from one batch
  bool wrap = true;  // what is beyond an eye's left border is at its right one: equirectangular video of 360 degrees
};

}  // namespace framelift
