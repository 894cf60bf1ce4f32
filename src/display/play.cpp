#include "display/play.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <thread>
#include <utility>

#include "base/log.h"
#include "color/resolve.h"
#include "display/frame_pacer.h"
#include "display/screen_queue.h"
#include "display/window.h"
#include "encode/output_file.h"
#include "postprocess/sdr_renderer.h"

namespace framelift {
namespace {

constexpr double seek_seconds = 5;
constexpr double poll_seconds = 0.005;  // between looks at the queue and at the window's events

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Turns frames of one kind into what the screen shows, and keeps the memory for it.
class ScreenSide {
 public:
  Status show(const Frame& frame, const HdrMetadata& hdr, bool tone_map, Window::Layer layer, Window& window) {
    const PictureLayout layout{
        frame.format, frame.width, frame.height,
        resolve_color(frame.color, frame.width, frame.height, frame.format.family == ColorFamily::rgb)};
    if (!renderer_ || tone_map != tone_map_ || layout.format != layout_.format || layout.width != layout_.width ||
        layout.height != layout_.height || layout.color != layout_.color) {
      FL_TRY(renderer_, SdrRenderer::create(layout, hdr, tone_map));
      FL_TRY(picture_, FramePool(frame.width, frame.height, SdrRenderer::format, 1).acquire());
      layout_ = layout;
      tone_map_ = tone_map;
    }
    renderer_->run(frame, picture_);
    return window.set_picture(layer, picture_);
  }

 private:
  std::optional<SdrRenderer> renderer_;
  PictureLayout layout_;
  bool tone_map_ = true;
  Frame picture_;
};

class Player {
 public:
  Player(const PlayOptions& options, ScreenQueue& queue, const Cancellation& stop)
      : options_(options), queue_(queue), stop_(stop), name_(options.name), split_(options.split) {}

  Status run();
  PlaybackReport report() const;

 private:
  Status open(const SinkOptions& planned);
  void take_next();
  bool ran_dry(const SinkOptions& planned, double now) const;
  Result<double> advance();
  void go(int64_t pts, bool backwards);
  void turn(bool backwards);
  void seek(double seconds);
  void step(bool backwards);
  Status show_current();
  Status obey(WindowCommand command);
  Status save(const std::string& path, bool overwrite);
  void update_title();

  const PlayOptions& options_;
  ScreenQueue& queue_;
  const Cancellation& stop_;
  std::filesystem::path name_;
  std::unique_ptr<Window> window_;
  HdrMetadata hdr_;
  FramePacer pacer_;
  ScreenSide result_, source_;
  std::optional<ScreenFrame> next_, current_;
  double tick_ = 1;                           // seconds of a pts
  bool reverse_ = false, backwards_ = false;  // what the user chose; which way frames come, as single steps may differ
  std::optional<int64_t> sought_;             // where seeking led that is not yet shown
  bool split_ = false, tone_map_ = true, quit_ = false, saved_ = false;
  int steps_ = 0;  // asked for and not yet taken
  double first_shown_ = 0, last_shown_ = 0;
  std::string file_name_, title_;  // the title is written again and again in the same memory
  double title_time_ = 0;
  int64_t title_frames_ = 0;
};

Status Player::open(const SinkOptions& planned) {
  hdr_ = planned.hdr;
  tick_ = planned.time_base.value();
  WindowOptions window;
  file_name_ = name_.filename().string();
  title_.reserve(file_name_.size() + 128);
  window.title = file_name_;
  const double aspect = planned.sample_aspect_ratio.num > 0 ? planned.sample_aspect_ratio.value() : 1;
  window.width = std::max(static_cast<int>(std::lround(planned.width * aspect)), 1);
  window.height = planned.height;
  window.max_width = options_.max_width;
  window.max_height = options_.max_height;
  window.fullscreen = options_.fullscreen;
  FL_TRY(window_, open_window(window));
  window_->set_split(split_);
  return {};
}

Status Player::run() {
  const auto planned = queue_.wait_for_start();
  if (!planned) return {};
  FL_CHECK(open(*planned));
  while (!quit_ && !stop_.requested()) {
    take_next();
    double wait = poll_seconds;
    if (next_) {
      FL_TRY(wait, advance());
    } else if (ran_dry(*planned, now_seconds())) {
      if (queue_.finished()) break;
      queue_.steering().release();
    }
    if (const auto command = window_->next_command(wait)) FL_CHECK(obey(*command));
    update_title();
  }
  quit_ = quit_ || stop_.requested();
  if (options_.screenshot_frame && !saved_ && !quit_ && current_)
    return fail(ErrorCode::invalid_argument, "{}: has no frame {} for --screenshot-frame, the last is {}",
                options_.name, *options_.screenshot_frame, current_->index);
  return {};
}

// Frames that were under way when the user wanted others are none.
void Player::take_next() {
  while (!next_) {
    next_ = queue_.try_pop();
    if (!next_) return;
    if (!queue_.steering().is_current(next_->course)) next_.reset();
  }
}

// The last frame's time is over. Backwards there is no last frame: the first one stays.
bool Player::ran_dry(const SinkOptions& planned, double now) const {
  const bool at_end = queue_.finished() || (queue_.steering().arrived() && queue_.waiting() == 0 && !backwards_);
  return at_end && !(planned.still && current_) && !pacer_.paused() && pacer_.seconds_left(now) <= 0;
}

// Shows or drops the next frame if its time has come. How long to wait before looking again.
Result<double> Player::advance() {
  const double now = now_seconds();
  const bool wanted = options_.screenshot_frame == next_->index;
  // Backwards, time is mirrored: a frame begins where it would end.
  const double time = backwards_ ? -(next_->time + next_->duration) : next_->time;
  if (steps_ > 0) {
    --steps_;
    pacer_.show_now(time, next_->duration, now);
  } else {
    const bool newer_ready = queue_.waiting() > 0 && !wanted;
    const auto decision = pacer_.decide(time, next_->duration, newer_ready, now);
    if (decision.action == FramePacer::Action::wait)
      return pacer_.paused() ? poll_seconds : std::min(decision.wait_seconds, poll_seconds);
    if (decision.action == FramePacer::Action::drop) {
      next_.reset();
      return 0.0;
    }
  }
  current_ = std::exchange(next_, std::nullopt);
  sought_.reset();
  FL_CHECK(show_current());
  if (pacer_.shown() == 1) first_shown_ = now;
  last_shown_ = now;
  if (wanted) {
    FL_CHECK(save(options_.screenshot, options_.overwrite));
    saved_ = true;
  }
  return 0.0;
}

void Player::go(int64_t pts, bool backwards) {
  queue_.steering().steer(pts, backwards);
  backwards_ = backwards;
  next_.reset();
  pacer_.restart();
}

// From the frame on the screen on; that one is not shown again.
void Player::turn(bool backwards) {
  if (backwards != backwards_ && current_) go(current_->pts + (backwards ? 0 : 1), backwards);
}

void Player::seek(double seconds) {
  if (!current_) return;
  sought_ = sought_.value_or(current_->pts) + std::llround(seconds / tick_);
  go(*sought_, reverse_);
  steps_ = pacer_.paused() ? 1 : 0;
}

void Player::step(bool backwards) {
  pacer_.pause(now_seconds());
  turn(backwards);
  ++steps_;
}

Status Player::show_current() {
  if (!current_) return {};
  FL_CHECK(result_.show(current_->picture, hdr_, tone_map_, Window::Layer::result, *window_));
  if (split_ && !current_->source.empty())
    FL_CHECK(source_.show(current_->source, hdr_, tone_map_, Window::Layer::source, *window_));
  window_->draw();
  return {};
}

Status Player::obey(WindowCommand command) {
  const double now = now_seconds();
  const bool moves = command == WindowCommand::step_back || command == WindowCommand::seek ||
                     command == WindowCommand::seek_back || command == WindowCommand::reverse;
  if (moves && !queue_.steering().possible()) {
    log::warn("{}: can only be played from front to back", options_.name);
    return {};
  }
  switch (command) {
    case WindowCommand::quit: quit_ = true; break;
    case WindowCommand::pause:
      if (pacer_.paused()) turn(reverse_);
      pacer_.paused() ? pacer_.resume(now) : pacer_.pause(now);
      break;
    case WindowCommand::step: step(false); break;
    case WindowCommand::step_back: step(true); break;
    case WindowCommand::seek: seek(seek_seconds); break;
    case WindowCommand::seek_back: seek(-seek_seconds); break;
    case WindowCommand::reverse:
      reverse_ = !reverse_;
      turn(reverse_);
      break;
    case WindowCommand::split:
      split_ = !split_;
      window_->set_split(split_);
      return show_current();
    case WindowCommand::tone_map: tone_map_ = !tone_map_; return show_current();
    case WindowCommand::save: {
      if (!current_) break;
      const std::string path = options_.screenshot.empty()
                                   ? fmt::format("{}-{:06}.png", name_.stem().string(), current_->index)
                                   : options_.screenshot;
      if (const Status saved = save(path, options_.overwrite); !saved)
        log::warn("{}", saved.error().message);
      else
        log::info("{}: saved", path);
      break;
    }
  }
  return {};
}

Status Player::save(const std::string& path, bool overwrite) {
  const Frame& picture = current_->picture;
  FL_TRY(Frame screen, FramePool(picture.width, picture.height, SdrRenderer::format, 1).acquire());
  FL_CHECK(window_->capture(screen));
  return write_picture(path, std::move(screen), overwrite);
}

void Player::update_title() {
  const double now = now_seconds();
  if (now - title_time_ < 1) return;
  const double fps = static_cast<double>(pacer_.shown() - title_frames_) / (now - title_time_);
  title_time_ = now;
  title_frames_ = pacer_.shown();
  title_ = file_name_;
  if (pacer_.shown() == 0)
    title_ += " - preparing";
  else
    fmt::format_to(std::back_inserter(title_), " - {:.1f} fps, {} late, {} dropped{}", fps, pacer_.late(),
                   pacer_.dropped(),
                   pacer_.paused() ? ", paused"
                   : reverse_      ? ", backwards"
                                   : "");
  window_->set_title(title_);
}

PlaybackReport Player::report() const {
  return {pacer_.shown(), pacer_.late(), pacer_.dropped(), last_shown_ - first_shown_, quit_};
}

}  // namespace

Result<PlaybackReport> play(const PlayOptions& options, Cancellation& stop,
                            const std::function<Status(const SourceFactory&, const SinkFactory&)>& job) {
  FL_CHECK(check_display());
  if (options.screenshot_frame) FL_CHECK(OutputFile::check(options.screenshot, options.name, options.overwrite));
  ScreenQueue queue;
  Status done, shown;
  PlaybackReport report;
  {
    std::jthread worker([&] {
      done = job(queue.source_factory(), queue.sink_factory());
      queue.close();
    });
    Player player(options, queue, stop);
    shown = player.run();
    report = player.report();
    // Whatever the job still does after this is in vain.
    if (!shown || report.quit) stop.request();
    queue.close();
  }
  if (!shown) return fail(shown.error());
  if (!done && !(report.quit && done.error().code == ErrorCode::cancelled)) return fail(done.error());
  return report;
}

}  // namespace framelift
