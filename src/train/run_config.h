// What a training was asked to do, as text: config.json, and the notes in checkpoints.
#pragma once

#include <map>
#include <string>

#include "train/trainer.h"

namespace framelift {

// SHA-256 over the names of all pictures and where they are used.
std::string data_digest(const TrainingData& data);

// All options, network, data, device, versions; pretty-printed JSON.
std::string config_json(const TrainingJob& job, int64_t parameter_count);

// What checkpoints say of their training. `overlap`: of tiles in input pixels, so that they do not show.
std::map<std::string, std::string> checkpoint_notes(const TrainingJob& job, int overlap);

}  // namespace framelift
