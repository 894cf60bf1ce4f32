// How a set of training pairs was made: every random draw and the files it was made from, so that it can be made again.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "train/data/degrade.h"
#include "train/data/panorama.h"

namespace framelift {

// Where a picture's square was cut: its top left pixel.
struct PictureCrop {
  int x = 0, y = 0;
};

struct JpegQuality {
  int scale = 2;  // FFmpeg's quantiser scale, 1 (best) to 31
  bool chroma_420 = false;
};

struct PairRecipe {
  std::string name;   // of both files, without extension
  size_t source = 0;  // index into DatasetRecipe::sources
  std::variant<PictureCrop, PanoramaView> view;
  std::array<double, 3> gain{1, 1, 1};  // exposure times white balance, by channel
  CameraDraw camera;
  std::optional<JpegQuality> jpeg;  // none: a lossless PNG
};

struct SourceRecipe {
  std::string file;  // below the folder of the sources, generic form
  std::string sha256;
};

struct DatasetRecipe {
  std::string from;  // the folder of the sources, as it was given
  uint64_t seed = 0;
  int size = 0;  // side of the pictures
  std::vector<SourceRecipe> sources;
  std::vector<PairRecipe> pairs;
};

// JSON; numbers are written with as many digits as they need to come back bit for bit.
std::string to_json(const DatasetRecipe& recipe);
// Errors: invalid_data, naming the file and what is wrong in it. Names cannot lead out of the folders they belong to.
Result<DatasetRecipe> read_recipe(const std::filesystem::path& path);

}  // namespace framelift
