// Makes training pairs out of HDR pictures: `framelift dataset make`. Each pair is a part of a picture in linear light,
// exposed as a camera would have (the target), and the 8-bit picture that the camera would have given (the input).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/cancellation.h"
#include "base/result.h"
#include "train/data/random_stream.h"
#include "train/data/recipe.h"

namespace framelift {

// What the draws range over; shares are probabilities.
struct CameraRanges {
  double clipped_low = 0.005, clipped_high = 0.15;  // of the pixels are above white
  double white_balance_stops = 0.2;                 // red and blue against green, each way
  double camera_share = 0.5;                        // have a camera's curve; the others that of sRGB
  double noise_share = 0.5;
  double jpeg_share = 0.5;  // are JPEG files; the others PNG
};

enum class Projection : uint8_t {
  automatic,  // panorama where a picture is twice as wide as high
  flat,       // cut squares as they are
  panorama,   // lat-long: perspective views
};

// Every random choice for one pair from a picture f32 [1, 3, H, W] in linear light; H and W at least `size` unless it
// is a panorama. Name and source are left to the caller.
PairRecipe draw_pair(const Tensor& picture, int size, bool panorama, const CameraRanges& ranges, RandomStream random);

struct RenderedPair {
  Tensor ldr;  // f32 [1, 3, size, size], signal in multiples of 1/255
  Tensor hdr;  // f32 [1, 3, size, size], linear light, 1 = where the camera clips
};
// A function of its arguments alone. Errors: invalid_data (the crop is not inside the picture).
Result<RenderedPair> render_pair(const Tensor& picture, const PairRecipe& pair, int size);

struct DatasetJob {
  // ldr/NAME.png or .jpg, hdr/NAME.exr and recipe.json go here; new or empty unless `overwrite`, which first removes
  // the pairs of the recipe that is there.
  std::filesystem::path out;
  bool overwrite = false;
  const Cancellation* cancel = nullptr;  // what is done by then is kept, with its recipe
  std::function<void(size_t done, size_t total)> on_pair;
};

struct DatasetDraw {
  std::filesystem::path from;  // a picture, or a folder of them (and of folders)
  int count = 100;             // pairs, spread over the pictures
  int size = 1024;
  uint64_t seed = 42;
  Projection projection = Projection::automatic;
  CameraRanges ranges;
};

struct MadeDataset {
  size_t pairs = 0, pictures = 0;
  std::vector<std::string> left_out;  // pictures that are unreadable or too small: one line each
};

// Errors: not_found, invalid_data (no usable picture; one that cannot be decoded, named), already_exists, io,
// unsupported (no EXR writer), cancelled.
Result<MadeDataset> make_dataset(const DatasetDraw& draw, const DatasetJob& job);

// The same set again, bit for bit. `from`: where the pictures are now; empty: where the recipe says. Errors: as above;
// invalid_data (a picture is not the one that the recipe was made with).
Result<MadeDataset> remake_dataset(const DatasetRecipe& recipe, const std::filesystem::path& from,
                                   const DatasetJob& job);

}  // namespace framelift
