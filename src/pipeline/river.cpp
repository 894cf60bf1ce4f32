#include "pipeline/river.h"

#include <pthread.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/allocation_counter.h"
#include "color/transfer.h"

namespace framelift {
namespace {

// Frames after which every pool is full, every lazy buffer exists and encoders have filled their lookahead.
constexpr int64_t warm_up_frames = 64;

// Stages report this to themselves when a neighbour has stopped the river; the first real error is already kept.
tl::unexpected<Error> interrupted() { return fail(ErrorCode::cancelled, "stopped"); }

// What `call` gives; the stage waits for it.
template <class Call>
auto waiting(StageMeter& meter, StageTime what, const Call& call) {
  StageTimer timer(meter, what);
  return call();
}

}  // namespace

River::River(const VideoJob& job, const JobPlan& plan, Source& source, InputPictures& pictures,
             const PictureReader& reader, TiledNetwork& network, PictureWriter& writer, Sink& sink)
    : job_(job),
      plan_(plan),
      source_(source),
      pictures_(pictures),
      reader_(reader),
      network_(network),
      writer_(writer),
      sink_(sink),
      slots_(network.requests.size() * static_cast<size_t>(network.batch) + 1 +
             static_cast<size_t>(job.mask ? job.mask->lookahead : 0)),
      batches_(network.requests.size()),
      free_slots_(slots_.size()),
      free_requests_(network.requests.size()),
      decoded_(static_cast<size_t>(std::max(job.prefetch, 1))),
      running_(network.requests.size()),
      processed_(2),
      // In postprocess, in the queue, in encode, and inside the encoder.
      output_pool_(plan.output_width, plan.output_height, sink.format(),
                   processed_.capacity() + 2 + static_cast<size_t>(sink.frames_held())),
      schedule_(job.mask ? job.mask->every : 1),
      target_fps_(job.target_fps > 0 ? job.target_fps : source.info().frame_rate.value()),
      deadlines_(target_fps_) {
  for (size_t i = 0; i < slots_.size(); ++i) free_slots_.push(static_cast<int>(i));
  for (size_t i = 0; i < network.requests.size(); ++i) free_requests_.push(static_cast<int>(i));
  if (is_hdr(plan.sink.color.transfer) && job.network->contract.output_color)
    flicker_.emplace(job, plan, slots_.size());
  if (network.tiles.blend) blender_.emplace(network.tiles);
  if (job.profile) {
    for (auto [meter, stage] :
         {std::pair{&decode_meter, stage_decode}, std::pair{&preprocess_meter, stage_preprocess},
          std::pair{&postprocess_meter, stage_postprocess}, std::pair{&encode_meter, stage_encode}})
      meter->attach(job.profile->trace, job.profile->trace.add_track(stage_names[stage]));
    job.profile->network.attach(job.profile->trace, network.executable->operations(), network.requests.size());
  }
  pixels_ = plan_device_pixels(network, reader, picture_layout(plan, source.info()), writer, plan.kept,
                               flicker_.has_value() || writer.mask.has_value());
  // Unless something else looks at the resized picture, too.
  one_pass_ = pictures.resizes() && network.tiles.tiles.size() == 1 && !network.frame && !(pixels_ && pixels_->reading);
  if (writer.resizer) network_pool_.emplace(plan.kept.width, plan.kept.height, writer.network_format, 1);
  unpainted_.reserve(slots_.size());
  for (Batch& batch : batches_) batch.tiles.reserve(static_cast<size_t>(network.batch));
}

void River::run(const char* name, Status (River::*stage)(), StageMeter& meter) {
  pthread_setname_np(pthread_self(), name);
  AllocationScope count_allocations;
  const double cpu = thread_cpu_seconds();
  Status status;
  try {
    status = (this->*stage)();
  } catch (const std::bad_alloc&) {
    status = fail(ErrorCode::out_of_memory, "no memory in stage {}; try --tile or --memory", name);
  }
  meter.set_cpu_seconds(thread_cpu_seconds() - cpu);
  if (!status) stop(std::move(status.error()));
}

void River::stop(Error error) {
  {
    std::lock_guard lock(error_mutex_);
    if (!error_) error_ = std::move(error);
  }
  decoded_.close();
  running_.close();
  processed_.close();
  free_slots_.close();
  free_requests_.close();
  output_pool_.cancel();
  for (const auto& request : network_.requests) request->cancel();
  if (network_pool_) network_pool_->cancel();
}

Status River::status() const {
  std::lock_guard lock(error_mutex_);
  if (error_) return fail(*error_);
  if (frames_ > 0) return {};
  if (cancelled()) return fail(ErrorCode::cancelled, "cancelled before the first frame was written");
  return fail(ErrorCode::invalid_argument, "{}: has no frame to process; is --start beyond its end?", job_.source.path);
}

Status River::decode() {
  while (!cancelled()) {
    Frame frame;
    {
      StageTimer timer(decode_meter);
      FL_TRY(frame, source_.next());
    }
    if (frame.empty()) break;
    decode_meter.end_frame();
    StageTimer timer(decode_meter, StageTime::waiting_for_room);
    if (!decoded_.push(std::move(frame))) return interrupted();
  }
  decoded_.close();
  return {};
}

Status River::preprocess() {
  if (!pixels_) return fail(pixels_.error());
  std::optional<int> index;  // of the request whose batch is being filled
  while (auto frame = waiting(preprocess_meter, StageTime::waiting_for_input, [&] { return decoded_.pop(); })) {
    const auto slot = waiting(preprocess_meter, StageTime::waiting_for_room, [&] { return free_slots_.pop(); });
    if (!slot) return interrupted();
    most_slots_ = std::max(most_slots_, slots_.size() - free_slots_.size());
    const Frame& source = slots_[static_cast<size_t>(*slot)] = std::move(*frame);
    std::span<const Frame> pictures;
    {
      StageTimer timer(preprocess_meter);
      if (!one_pass_) {
        FL_TRY(pictures, pictures_.run(source));
      }
      if (network_.frame) FL_CHECK(network_.frame->run(reader_, pictures[0]));
    }
    for (size_t tile = 0; tile < network_.tiles.tiles.size(); ++tile) {
      if (!index) {
        index = waiting(preprocess_meter, StageTime::waiting_for_room, [&] { return free_requests_.pop(); });
        if (!index) return interrupted();
        most_requests_ = std::max(most_requests_, network_.requests.size() - free_requests_.size());
        batches_[static_cast<size_t>(*index)].tiles.clear();
      }
      InferRequest& request = *network_.requests[static_cast<size_t>(*index)];
      auto& batch = batches_[static_cast<size_t>(*index)].tiles;
      {
        StageTimer timer(preprocess_meter);
        const TensorView input = part_of(request.input(0), batch.size());
        FL_CHECK(one_pass_ ? pictures_.read(source, reader_, network_.tiles.tiles[tile].input, input)
                           : read_tile(pictures, network_.tiles.tiles[tile], request, input));
        if (flicker_) flicker_->add_input(input, network_.tiles.tiles[tile]);
        if (flicker_ && tile + 1 == network_.tiles.tiles.size()) flicker_->end_input(*slot);
        if (network_.frame)
          std::ranges::copy(network_.frame->vector().f32(), part_of(request.input(1), batch.size()).f32().begin());
        batch.push_back({static_cast<int>(tile), *slot, writer_.mask ? schedule_.next(input) : MaskStep{}});
      }
      if (batch.size() == static_cast<size_t>(network_.batch)) FL_CHECK(start(*std::exchange(index, {})));
    }
    preprocess_meter.end_frame();
  }
  if (index) FL_CHECK(start(*index));  // what was left in its other places runs along and is not looked at
  running_.close();
  return {};
}

// A tile's place in a batch, with a picture for each eye.
TensorView River::part_of(const TensorView& tensor, size_t place) const {
  TensorView part = tensor;
  part.shape.set_dim(0, tensor.shape[0] / network_.batch);
  part.data += place * part.bytes();
  return part;
}

Status River::read_tile(std::span<const Frame> pictures, const Tile& tile, InferRequest& request,
                        const TensorView& input) {
  if (pixels_->reading) return request.pixels()->load(*pixels_->reading, pictures[0], tile.input, reader_.clamps());
  for (size_t i = 0; i < pictures.size(); ++i)
    reader_.run(pictures[i], tile.input, input.item(static_cast<int64_t>(i)));
  return {};
}

// Starts the request's batch and hands it to postprocess().
Status River::start(int index) {
  InferRequest& request = *network_.requests[static_cast<size_t>(index)];
  Batch& batch = batches_[static_cast<size_t>(index)];
  batch.started = std::ranges::any_of(batch.tiles, [](const BatchedTile& t) { return t.step.run; });
  if (batch.started) {
    StageTimer timer(preprocess_meter);
    network_meter_.begin();
    batch.started_at = Clock::now();
    FL_CHECK(request.start());
  }
  if (running_.push(index)) return {};
  request.cancel();  // began after stop() had cancelled the others
  return interrupted();
}

Status River::postprocess() {
  const std::vector<Tile>& tiles = network_.tiles.tiles;
  Frame picture;  // being put together from its tiles
  constexpr auto input = StageTime::waiting_for_input, room = StageTime::waiting_for_room;
  while (const auto index = waiting(postprocess_meter, input, [&] { return running_.pop(); })) {
    InferRequest& request = *network_.requests[static_cast<size_t>(*index)];
    const Batch& batch = batches_[static_cast<size_t>(*index)];
    if (batch.started) {
      FL_CHECK(waiting(postprocess_meter, input, [&] { return request.wait(); }));
      network_meter_.end(batch.started_at);
      if (job_.profile) job_.profile->network.add_run(request, *index, batch.started_at, Clock::now());
    }
    const size_t count = batch.tiles.size();
    for (size_t place = 0; place < count; ++place) {
      const auto [tile_index, slot, step] = batch.tiles[place];
      const TensorView output = part_of(request.output(0), place);
      if (writer_.mask) {
        {
          StageTimer timer(postprocess_meter);
          writer_.mask->take(output, step);
        }
        if (place + 1 == count) free_requests_.push(*index);
        unpainted_.push_back(slot);
        FL_CHECK(paint_masks(false));
        continue;
      }
      const Tile& tile = tiles[static_cast<size_t>(tile_index)];
      if (tile_index == 0) {
        FL_TRY(picture, waiting(postprocess_meter, room,
                                [&] { return (network_pool_ ? *network_pool_ : output_pool_).acquire(); }));
      }
      FinishedFrame finished;
      {
        StageTimer timer(postprocess_meter);
        add_tile(request, output, tile_index, picture);
        if (flicker_) flicker_->add_output(output, tile);
        if (place + 1 == count) free_requests_.push(*index);
        if (tile_index + 1 < static_cast<int>(tiles.size())) continue;
        if (flicker_) flicker_->end_output(slot);
        FL_TRY(finished, finish_frame(slot, std::exchange(picture, {})));
        free_slots_.push(slot);
      }
      postprocess_meter.end_frame();
      if (!waiting(postprocess_meter, room, [&] { return processed_.push(std::move(finished)); })) return interrupted();
    }
  }
  FL_CHECK(paint_masks(true));
  processed_.close();
  return {};
}

// The frames whose masks are ready; with `ended`, all of them.
Status River::paint_masks(bool ended) {
  while (writer_.mask && writer_.mask->ready(ended)) {
    FinishedFrame finished;
    {
      FL_TRY(Frame picture,
             waiting(postprocess_meter, StageTime::waiting_for_room, [&] { return output_pool_.acquire(); }));
      StageTimer timer(postprocess_meter);
      const int slot = unpainted_.front();
      FL_TRY(finished, finish_frame(slot, std::move(picture)));
      unpainted_.erase(unpainted_.begin());
      free_slots_.push(slot);
    }
    postprocess_meter.end_frame();
    if (!waiting(postprocess_meter, StageTime::waiting_for_room, [&] { return processed_.push(std::move(finished)); }))
      return interrupted();
  }
  return {};
}

// What the network made of a tile, to the output's colours and into the picture; with others where tiles blend.
void River::add_tile(InferRequest& request, const TensorView& output, int tile, const Frame& picture) {
  if (pixels_->writing) {
    request.pixels()->take(picture);
    if (writer_.light && !writer_.resizer) writer_.light->add(picture, picture.height);
    return;
  }
  if (writer_.gain != 1)
    for (float& v : output.f32()) v *= writer_.gain;
  if (writer_.convert) writer_.convert->run(output);
  if (!blender_) return write_tile(output, network_.tiles.tiles[static_cast<size_t>(tile)], picture);
  const Tile* band = blender_->add(tile, output);
  if (band && band->written.width > 0 && band->written.height > 0) write_tile(blender_->band(), *band, picture);
}

// Where light is measured, in bands that the cache still holds the second time. The last tile of a row of tiles
// completes the picture's rows.
void River::write_tile(const TensorView& output, const Tile& tile, const Frame& picture) {
  const bool completes_rows = tile.written.right() == picture.width;
  if (!writer_.light || writer_.resizer || !completes_rows)
    return writer_.to_frame.run(output, tile.covered, tile.written, picture);
  constexpr int band_rows = 32;
  for (int y = tile.written.y; y < tile.written.bottom(); y += band_rows) {
    const Region band{tile.written.x, y, tile.written.width, std::min(band_rows, tile.written.bottom() - y)};
    writer_.to_frame.run(output, tile.covered, band, picture);
    writer_.light->add(picture, band.bottom());
  }
}

// Brings the picture to the output's size, adds alpha and the frame's place in time; lets go of the source frame.
Result<River::FinishedFrame> River::finish_frame(int slot, Frame picture) {
  Frame source = std::move(slots_[static_cast<size_t>(slot)]);
  if (writer_.resizer) {
    FL_TRY(Frame resized, output_pool_.acquire());
    FL_CHECK(writer_.resizer->run(picture, resized));
    picture = std::move(resized);
    if (writer_.light) writer_.light->add(picture, picture.height);
  }
  if (writer_.light) writer_.light->end_frame();
  if (writer_.mask) FL_CHECK(writer_.mask->paint(source, picture));
  if (writer_.confidence) FL_CHECK(writer_.confidence->run(source, picture));
  if (writer_.alpha) {
    auto alpha = [](const Frame& f) { return f.planes[static_cast<size_t>(f.format.plane_count() - 1)]; };
    FL_CHECK(writer_.alpha->run(alpha(source), alpha(picture)));
  }
  picture.color = sink_.color();
  picture.sample_aspect_ratio = stretched_aspect(source.sample_aspect_ratio, plan_.aspect_change);
  picture.pts = source.pts;
  picture.duration = source.duration;
  if (!sink_.wants_source()) source = {};
  return FinishedFrame{std::move(picture), std::move(source)};
}

Status River::encode() {
  while (auto frame = waiting(encode_meter, StageTime::waiting_for_input, [&] { return processed_.pop(); })) {
    {
      StageTimer timer(encode_meter);
      if (!frame->source.empty()) sink_.set_source(std::move(frame->source));
      FL_CHECK(sink_.write(std::move(frame->picture)));
    }
    encode_meter.end_frame();
    note_written();
  }
  allocations_at_end_ = counted_allocations();
  return {};
}

void River::note_written() {
  const auto now = Clock::now();
  if (frames_ > 0) intervals_.add(seconds_between(last_written_, now));
  deadlines_.add(seconds_between(begin_, now));
  interval_meter_.add_frame(seconds_between(frames_ > 0 ? last_written_ : begin_, now));
  last_written_ = now;
  ++frames_;
  if (frames_ == warm_up_frames) {
    steady_resident_ = resident_bytes();
    allocations_at_steady_ = counted_allocations();
  }
  if (job_.on_timing && job_.timing_interval > 0 && interval_meter_.frames() >= job_.timing_interval) {
    const IntervalReport interval = interval_meter_.take(frames_, busy_seconds(), deadlines_);
    ForeignScope callers_code;
    job_.on_timing(interval);
  }
  if (job_.on_progress) report_progress(now);
}

void River::report_progress(Clock::time_point now) {
  Progress progress;
  progress.frames = frames_;
  progress.total_frames = source_.info().frame_count;
  progress.fps = static_cast<double>(frames_) / seconds_between(begin_, now);
  if (progress.total_frames >= frames_)
    progress.seconds_left = static_cast<double>(progress.total_frames - frames_) / progress.fps;
  progress.limiting_stage = limiting_stage(busy_seconds());
  ForeignScope callers_code;
  job_.on_progress(progress);
}

// In the order of `Stage`.
StageSeconds River::busy_seconds() const {
  return {decode_meter.busy_seconds(), preprocess_meter.busy_seconds(), network_meter_.busy_seconds(),
          postprocess_meter.busy_seconds(), encode_meter.busy_seconds()};
}

JobReport River::report() const {
  JobReport report;
  report.frames = frames_;
  report.seconds = seconds_between(begin_, Clock::now());
  report.fps = static_cast<double>(frames_) / report.seconds;
  const double slowest = intervals_.quantile(0.99);
  report.low_1_percent_fps = slowest > 0 ? 1 / slowest : report.fps;
  report.network_seconds = network_meter_.busy_seconds();
  report.target_fps = target_fps_;
  report.late_frames = deadlines_.late_frames();
  report.estimated_drops = deadlines_.estimated_drops();
  report.compile_seconds = network_.compile_seconds;
  report.compile_cached = network_.compile_cached;
  report.warm_up = job_.warm_up;

  auto add_stage = [&](const char* name, const DurationHistogram& durations, double busy, double cpu) {
    report.stages.push_back({name, durations.mean() * 1e3, durations.quantile(0.99) * 1e3,
                             std::min(busy / report.seconds, 1.0), 0, 0, cpu});
  };
  auto add_meter = [&](const char* name, const StageMeter& meter) {
    add_stage(name, meter.durations(), meter.busy_seconds(), meter.cpu_seconds());
    report.stages.back().waiting_for_input_share = meter.waiting_for_input() / report.seconds;
    report.stages.back().waiting_for_room_share = meter.waiting_for_room() / report.seconds;
  };
  add_meter(stage_names[stage_decode], decode_meter);
  add_meter(stage_names[stage_preprocess], preprocess_meter);
  add_stage(stage_names[stage_network], network_meter_.latencies(), network_meter_.busy_seconds(), 0);
  add_meter(stage_names[stage_postprocess], postprocess_meter);
  add_meter(stage_names[stage_encode], encode_meter);
  report.bottleneck = limiting_stage(busy_seconds());

  report.cpu_seconds = process_cpu_seconds() - cpu_at_begin_;
  report.peak_resident_bytes = peak_resident_bytes();
  report.steady_resident_bytes = steady_resident_;
  report.end_resident_bytes = resident_bytes();
  report.device_bytes = job_.backend->device_bytes(job_.compile.device);
  const VideoInfo& info = source_.info();
  size_t run_bytes = 0;
  for (const auto* ports : {&network_.executable->inputs(), &network_.executable->outputs()})
    for (const PortInfo& port : *ports)
      run_bytes += static_cast<size_t>(port.shape.elements()) * dtype_size(port.dtype);
  report.pools = {{"source frames", {slots_.size(), most_slots_, frame_bytes(info.format, info.width, info.height)}},
                  {"network tensors", {network_.requests.size(), most_requests_, run_bytes}},
                  {"made frames", output_pool_.use()}};
  if (network_pool_) report.pools.push_back({"frames before resizing", network_pool_->use()});
  if (allocation_counting_available() && frames_ > warm_up_frames)
    report.allocations_per_frame = static_cast<double>(allocations_at_end_ - allocations_at_steady_) /
                                   static_cast<double>(frames_ - warm_up_frames);
  report.model = job_.network->name;
  report.backend = job_.backend->name();
  report.precision = to_string(network_.executable->precision());
  report.input =
      fmt::format("{} {} {}x{} {}", info.container, info.codec, info.width, info.height, to_string(info.format));
  report.output = fmt::format("{} {}x{}", sink_.describe(), plan_.output_width, plan_.output_height);
  report.streams = network_.executable->streams();
  report.batch = network_.batch;
  report.tuning = network_.tuning;
  report.tiles = static_cast<int>(network_.tiles.tiles.size());
  report.tile_width = network_.tiles.tile_width;
  report.tile_height = network_.tiles.tile_height;
  report.damaged_packets = source_.counters().damaged_packets;
  if (writer_.light) {
    report.max_cll_nits = writer_.light->max_content_nits();
    report.max_fall_nits = writer_.light->max_frame_average_nits();
  }
  if (flicker_ && flicker_->score().frames > 0) report.flicker_percent = flicker_->score().added;
  report.cancelled = cancelled();
  return report;
}

}  // namespace framelift
