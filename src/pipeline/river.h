// The stages of one job and what they share: queues, pools, meters, the first error.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/bounded_queue.h"
#include "pipeline/device_pixels.h"
#include "pipeline/input_pictures.h"
#include "pipeline/job_flicker.h"
#include "pipeline/job_plan.h"
#include "pipeline/tile_blender.h"
#include "pipeline/video_job.h"
#include "preprocess/picture_reader.h"
#include "profile/statistics.h"

namespace framelift {

class River {
 public:
  // Everything is borrowed and outlives the river.
  River(const VideoJob& job, const JobPlan& plan, Source& source, InputPictures& pictures, const PictureReader& reader,
        TiledNetwork& network, PictureWriter& writer, Sink& sink);

  // The stages. Each runs on a thread of its own until its input ends, and then ends its output.
  Status decode();       // source -> decoded_
  Status preprocess();   // decoded_ -> a request per tile, started -> running_
  Status postprocess();  // running_, waited for -> processed_
  Status encode();       // processed_ -> sink

  // Runs a stage on the calling thread and measures it; if the stage fails, the whole river stops.
  void run(const char* name, Status (River::*stage)(), StageMeter& meter);
  // Ends every stage; of several errors the first counts.
  void stop(Error error);
  // The first error of any stage; `cancelled` when the job was cancelled before any frame was written.
  Status status() const;
  bool cancelled() const { return job_.cancel && job_.cancel->requested(); }
  int64_t frames() const { return frames_; }  // written; call when no stage runs any more
  // Of the PQ pictures that were made, when the plan says that it follows.
  HdrMetadata hdr_metadata() const {
    return writer_.light ? measured_metadata(*writer_.light, plan_.sink.hdr) : HdrMetadata{};
  }
  // Call when the output is complete: the job's time ends here.
  JobReport report() const;

  StageMeter decode_meter, preprocess_meter, postprocess_meter, encode_meter;

 private:
  // A tile in a run of the network.
  struct BatchedTile {
    int tile = 0;  // index into TilePlan::tiles
    int slot = 0;  // the frame it belongs to, index into slots_
    MaskStep step;
  };
  // What a request runs; it need not run when no tile's step does.
  struct Batch {
    std::vector<BatchedTile> tiles;  // of one frame or several, at most TiledNetwork::batch; never allocates
    bool started = false;
    Clock::time_point started_at{};
  };

  // A frame on its way to the sink, and what it was made from where the sink wants that.
  struct FinishedFrame {
    Frame picture, source;
  };

  TensorView part_of(const TensorView& tensor, size_t place) const;
  Status read_tile(std::span<const Frame> pictures, const Tile& tile, InferRequest& request, const TensorView& input);
  Status start(int request);
  Status paint_masks(bool ended);
  void add_tile(InferRequest& request, const TensorView& output, int tile, const Frame& picture);
  void write_tile(const TensorView& output, const Tile& tile, const Frame& picture);
  Result<FinishedFrame> finish_frame(int slot, Frame picture);
  void note_written();
  void report_progress(Clock::time_point now);
  StageSeconds busy_seconds() const;

  const VideoJob& job_;
  const JobPlan& plan_;
  Source& source_;
  InputPictures& pictures_;
  const PictureReader& reader_;
  TiledNetwork& network_;
  PictureWriter& writer_;
  Sink& sink_;

  std::vector<Frame> slots_;    // source frames whose tiles are being computed
  std::vector<Batch> batches_;  // one a request; of preprocess() until it is in running_, then of postprocess()
  BoundedQueue<int> free_slots_, free_requests_;
  size_t most_slots_ = 0, most_requests_ = 0;  // in use at a time; written by preprocess()
  BoundedQueue<Frame> decoded_;
  BoundedQueue<int> running_;  // requests
  BoundedQueue<FinishedFrame> processed_;
  FramePool output_pool_;
  std::optional<FramePool> network_pool_;  // pictures of the network's size, when they are resized afterwards
  std::optional<JobFlicker> flicker_;      // of jobs that make HDR video; fed by preprocess() and postprocess()
  std::optional<TileBlender> blender_;     // of tiles that blend
  MaskSchedule schedule_;                  // of masks; used by preprocess()
  std::vector<int> unpainted_;             // slots of frames whose masks wait for later ones; used by postprocess()
  bool one_pass_ = false;                  // frames become the network's input without a resized picture between
  Result<DevicePixels> pixels_;            // an error ends the job as its first stage begins
  InFlightMeter network_meter_;

  mutable std::mutex error_mutex_;
  std::optional<Error> error_;

  // Written by encode().
  int64_t frames_ = 0;
  DurationHistogram intervals_;
  double target_fps_;
  DeadlineMeter deadlines_;
  IntervalMeter interval_meter_;
  Clock::time_point last_written_{};
  int64_t steady_resident_ = 0;
  uint64_t allocations_at_steady_ = 0, allocations_at_end_ = 0;

  Clock::time_point begin_ = Clock::now();
  double cpu_at_begin_ = process_cpu_seconds();
};

}  // namespace framelift
