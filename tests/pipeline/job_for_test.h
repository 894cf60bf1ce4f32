// A job as tests want it: exact numbers, on the engine that users run.
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "backend/backend.h"
#include "network/network.h"
#include "pipeline/video_job.h"
#include "tests/support.h"

namespace framelift {

// From `source` into `sink`, in f32 on the engine that comes first. The network outlives the job.
inline VideoJob exact_job(const Network& network, const std::string& source, const std::string& sink = {}) {
  VideoJob job;
  job.source.path = source;
  job.sink.path = sink;
  job.network = &network;
  job.backend = exact_backends().front();
  job.compile.precision = Precision::f32;
  return job;
}

// Cancels the job when it has written so many frames.
inline Result<JobReport> run_until(VideoJob job, int64_t frames) {
  Cancellation cancel;
  job.cancel = &cancel;
  job.on_progress = [&](const Progress& p) {
    if (p.frames == frames) cancel.request();
  };
  return process_video(job);
}

// A gradient that moves slowly while its brightness goes up and down.
inline void write_wobbling_video(const std::filesystem::path& path, int width, int height, int frames) {
  std::ofstream file(path, std::ios::binary);
  file << "YUV4MPEG2 W" << width << " H" << height << " F25:1 Ip A1:1 C444\n";
  for (int t = 0; t < frames; ++t) {
    std::string picture;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        picture +=
            static_cast<char>(std::lround(40 + 6 * std::sin(2.1 * t)) + (x + 2 * y + t) * 120 / (width + 2 * height));
    picture.append(static_cast<size_t>(width) * height, static_cast<char>(110));
    picture.append(static_cast<size_t>(width) * height, static_cast<char>(150));
    file << "FRAME\n" << picture;
  }
}

}  // namespace framelift
