// Frames out of clips and still pictures, for networks to learn from.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "decode/source.h"
#include "preprocess/picture_reader.h"
#include "train/data/dataset.h"

namespace framelift {

struct FrameChoice {
  int frames = 6;  // at most, evenly over the part
  // The part of the clip, as shares of its length.
  double begin = 0, end = 1;
  bool consecutive = false;  // neighbours, from `begin` on
};

// As the decoder gives them, upright.
struct ClipFrames {
  std::string path;
  VideoInfo info;
  std::vector<Frame> frames;

  std::string name(size_t i) const;  // "clip.mp4 at 1.20 s", for messages
  // What makes the network's input of them; `wanted`: NetworkContract::input_color.
  Result<PictureReader> reader(const std::optional<ColorInfo>& wanted) const;
};

// Errors: those of open_source; invalid_argument (no frame in that part).
Result<ClipFrames> read_clip_frames(const std::string& path, const FrameChoice& choice);

// Whole frames without targets. They are kept as the decoder gives them.
class ClipDataset final : public Dataset {
 public:
  // `frames` over all paths together, at least one of each. Errors: those of read_clip_frames.
  static Result<std::unique_ptr<ClipDataset>> open(const std::vector<std::string>& paths, int frames,
                                                   const std::optional<ColorInfo>& wanted);

  size_t size() const override { return samples_.size(); }
  const std::string& name(size_t i) const override { return samples_[i].name; }
  Result<Sample> load(size_t i) const override;

 private:
  struct Clip {
    ClipFrames frames;
    PictureReader reader;
  };
  struct Place {
    std::string name;
    size_t clip = 0, frame = 0;
  };
  std::vector<Clip> clips_;
  std::vector<Place> samples_;
};

}  // namespace framelift
