// What training has done so far, epoch by epoch: the logs of a run folder.
#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "base/result.h"

namespace framelift {

struct EpochRecord {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

  int epoch = 0;                     // counts from 1; 0: the model that training begins with
  int64_t step = 0;                  // updates of the weights so far
  double training_loss = unknown;    // mean over the epoch's batches
  double validation_loss = unknown;  // mean over the validation pictures
  double learning_rate = unknown;    // of the last update
  double gradient_norm = unknown;    // before clipping, mean over the updates
  double seconds = unknown;          // of training and validation together
  double seconds_waited = unknown;   // for pictures
  double psnr = unknown, ssim = unknown;
  double pu21_psnr = unknown;  // of linear light
  int measured_pictures = 0;   // that these are the means of
  bool best = false;           // the lowest validation loss so far
};

using History = std::vector<EpochRecord>;

// One line per epoch. NaN and infinity are empty in CSV and null in JSON.
std::string training_log_csv(const History& history);  // all but the metrics
std::string metrics_csv(const History& history, std::string_view mode);
std::string training_log_jsonl(const History& history);  // everything
// What training_log_jsonl() wrote. Errors name the file and line.
Result<History> read_history(const std::filesystem::path& jsonl);

}  // namespace framelift
