// A job as tests want it: exact numbers, on the engine that users run.
#pragma once

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

}  // namespace framelift
