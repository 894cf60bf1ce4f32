// A video into networks: `framelift compress`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/cancellation.h"
#include "base/result.h"
#include "compress/group_trainer.h"
#include "decode/source.h"

namespace framelift {

struct CompressJob {
  SourceOptions source;
  std::string output;  // .fnv
  bool overwrite = false;
  bool resume = false;
  SizeChoice size;
  HinervOutput paints = HinervOutput::rgb;  // what networks paint, and their loss measures
  // A group's training begins with the network of the one before, as it is in the file.
  bool warm_start = true;
  bool copy_streams = true;  // audio, subtitles, attachments, chapters and metadata go into the file
  int group_frames = 600;    // at most; a group ends at a scene cut once it has half as many
  TrainingRecipe recipe;
  const Cancellation* cancel = nullptr;
  // All may be empty. Groups count from 0.
  std::function<void(int group, const HinervPlan& plan)> on_group;
  std::function<void(const GroupProgress&)> on_batch;
  std::function<void(const GroupEvaluation&)> on_evaluation;
};

struct CompressReport {
  bool cancelled = false;  // everything is kept for `resume`
  int64_t frames = 0, groups = 0;
  uint64_t bytes = 0;
  double bits_per_pixel = 0;  // without the other streams
};

// Until the file is complete, everything is in the folder "<output>.work": finished groups as an .fnv that can be
// played, and the checkpoint of the group being trained. Resuming goes on from there and makes the same file (on the
// CPU, with the same number of threads). At most one group's frames are in memory, as decoded.
// Frames become progressive, upright and opaque; what the video leaves unsaid about its colours is filled in. Times
// count from SourceOptions::start_seconds.
// Errors: those of open_source() and train_group(); invalid_argument (no frames, options), already_exists, io,
// unsupported (floating-point pictures).
Result<CompressReport> compress_video(const CompressJob& job);

// "<output>.work".
std::string work_folder(const std::string& output);

}  // namespace framelift
