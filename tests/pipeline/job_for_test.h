// A job as tests want it: exact numbers, on the engine that users run.
#pragma once

#include <string>

#include "backend/backend.h"
#include "network/network.h"
#include "pipeline/video_job.h"

namespace framelift {

// From `source` into `sink`, in f32 on openvino. The network outlives the job.
inline VideoJob exact_job(const Network& network, const std::string& source, const std::string& sink = {}) {
  VideoJob job;
  job.source.path = source;
  job.sink.path = sink;
  job.network = &network;
  job.backend = find_backend("openvino").value();
  job.compile.precision = Precision::f32;
  return job;
}

}  // namespace framelift
