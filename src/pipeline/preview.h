// What a job would make of a video, in one picture: a row for each chosen time, the frame as it is on the left, the
// processed one on the right, both as an SDR screen shows them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "pipeline/video_job.h"

namespace framelift {

// Runs `job` (whose sink is not used) for the frame at each of `seconds`, counted as SourceOptions::start_seconds, and
// writes an RGB picture file. Both sides have the size of the output. A network that smooths over time sees each
// frame as the first of a scene. Errors: of process_video and write_picture; already_exists and other trouble with
// `path` before any frame is processed.
Status write_preview(const VideoJob& job, std::span<const double> seconds, const std::string& path, bool overwrite);

// "10%,50%,90%", "12.5,90": seconds into the video. Errors: invalid_argument (no number, beyond the end; a share where
// the duration is unknown).
Result<std::vector<double>> parse_preview_times(const std::string& text, const VideoInfo& video,
                                                const std::string& name);

}  // namespace framelift
