// The window, on a virtual display (xvfb-run): what it shows, compared with what the ffmpeg program decodes, and keys.
#include "display/play.h"

#include <SDL2/SDL.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "color/tone_map.h"
#include "decode/media_test_support.h"
#include "display/window.h"
#include "pipeline/video_job.h"
#include "tests/pipeline/job_for_test.h"
#include "tests/support.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

constexpr int width = 96, height = 64;
using Picture = std::vector<uint8_t>;  // R, G, B bytes

std::array<int, 3> pixel(const Picture& p, int x, int y) {
  const size_t at = 3 * (static_cast<size_t>(y) * width + static_cast<size_t>(x));
  return {p[at], p[at + 1], p[at + 2]};
}

double psnr8(const Picture& a, const Picture& b) {
  if (a.size() != b.size() || a.empty()) return 0;
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(a[i] - b[i], 2);
  return sum == 0 ? INFINITY : 10 * std::log10(255 * 255 * static_cast<double>(a.size()) / sum);
}

// A difference of one code everywhere is 48 dB: the two round, ffmpeg in fixed point. Frames of the clip differ by far
// more from each other.
constexpr double same_picture_db = 48;

class Play : public test::MediaTest {
 protected:
  // A moving picture; 4:4:4, so that the two conversions to RGB have no chroma filter to disagree about. 200 frames a
  // second keep the tests short.
  std::string clip(int frames = 30) const {
    ffmpeg(
        fmt::format("-f lavfi -i testsrc2=s={}x{}:r=200 -frames:v {} -vf scale=out_color_matrix=bt709 -c:v ffv1 "
                    "-pix_fmt yuv444p -colorspace bt709 -color_primaries bt709 -color_trc bt709 clip.mkv",
                    width, height, frames));
    return path("clip.mkv");
  }
  PlayOptions options(const std::string& source) const {
    PlayOptions o;
    o.name = source;
    return o;
  }
  Result<PlaybackReport> play_job(const PlayOptions& o, VideoJob& j) {
    j.cancel = &stop_;
    return play(o, stop_, [&](const SourceFactory& make_source, const SinkFactory& make_sink) -> Status {
      j.make_source = make_source;
      j.make_sink = make_sink;
      auto report = process_video(j);
      if (!report) return fail(report.error());
      job_ = *report;
      return {};
    });
  }
  int program(const std::string& arguments) const {
    return std::system(
        fmt::format("cd '{}' && {} play {} 2>message", folder_.string(), FRAMELIFT_PROGRAM, arguments).c_str());
  }
  std::string message() const { return test::run("cat '" + path("message") + "'"); }

  Cancellation stop_;
  JobReport job_;
};

void push_key(SDL_Keycode key) {
  SDL_Event event{};
  event.type = SDL_KEYDOWN;
  event.key.keysym.sym = key;
  SDL_PushEvent(&event);
}

TEST_F(Play, TheProgramShowsTheSourceAsItIs) {
  const std::string source = clip();
  ASSERT_EQ(program("clip.mkv --screenshot shot.png --screenshot-frame 20"), 0) << message();
  const Picture shot = test::rgb24_of(path("shot.png"));
  EXPECT_GE(psnr8(shot, test::rgb24_of(source, 20)), same_picture_db);
  EXPECT_LT(psnr8(shot, test::rgb24_of(source, 19)), same_picture_db - 10);
  EXPECT_LT(psnr8(shot, test::rgb24_of(source, 21)), same_picture_db - 10);
}

TEST_F(Play, TheProgramShowsWhatItsUpscalerWrites) {
  clip(8);
  const std::string model = fs::absolute("tests/golden/srvgg_x2.weights.safetensors").string();
  ASSERT_EQ(program("clip.mkv --precision f32 --no-cache --screenshot shot.png --screenshot-frame 3 --model " + model),
            0)
      << message();
  ASSERT_EQ(std::system(fmt::format("cd '{}' && {} upscale clip.mkv %d.png --precision f32 --no-cache -q --model {}",
                                    folder_.string(), FRAMELIFT_PROGRAM, model)
                            .c_str()),
            0);
  EXPECT_GE(psnr8(test::rgb24_of(path("shot.png")), test::rgb24_of(path("4.png"))), same_picture_db);
}

TEST_F(Play, ResultOfANetwork) {
  const std::string source = clip();
  const Network network = identity_network();
  VideoJob j = exact_job(network, source);
  PlayOptions o = options(source);
  o.screenshot = path("shot.png");
  o.screenshot_frame = 7;
  const auto report = play_job(o, j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->shown + report->dropped, 30);
  EXPECT_FALSE(report->quit);
  EXPECT_GE(psnr8(test::rgb24_of(path("shot.png")), test::rgb24_of(source, 7)), same_picture_db);
}

// The network gives the source's codes back and calls them PQ: on the left the source, on the right what ToneMap makes
// of these codes.
TEST_F(Play, SplitScreenShowsSourceAndToneMappedResult) {
  const std::string source = clip();
  const Network network = pq_network();
  VideoJob j = exact_job(network, source);
  PlayOptions o = options(source);
  o.split = true;
  o.screenshot = path("shot.png");
  o.screenshot_frame = 12;
  const auto report = play_job(o, j);
  ASSERT_TRUE(report) << report.error().message;
  const Picture shot = test::rgb24_of(path("shot.png")), before = test::rgb24_of(source, 12);
  ASSERT_EQ(shot.size(), before.size());
  const auto map = ToneMap::create(TransferCharacteristic::pq, ColorPrimaries::bt2020, 1000);
  int changed = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const auto shown = pixel(shot, x, y), was = pixel(before, x, y);
      if (x == width / 2 - 1 || x == width / 2) {
        EXPECT_EQ(shown, (std::array{255, 255, 255})) << x << " " << y;
        continue;
      }
      double after[3] = {was[0] / 255.0, was[1] / 255.0, was[2] / 255.0};
      map->run(after);
      for (size_t c = 0; c < 3; ++c) {
        if (x < width / 2) {
          EXPECT_LE(std::abs(shown[c] - was[c]), 1) << x << " " << y;
        } else {
          // The source rounds to 8 bits here and not in the job: half a code, where the curve is up to 8 times as steep
          // as the straight line (near black steeper still, there it is a matter of noise), and a dither of one.
          if (was[c] > 8 && after[c] > 0.1) {
            EXPECT_NEAR(shown[c], 255 * after[c], 6) << x << " " << y;
          }
          changed += std::abs(shown[c] - was[c]) > 20;
        }
      }
    }
  EXPECT_GT(changed, width * height / 4);  // or both sides would be the same picture
}

TEST_F(Play, QuitKeyAndCloseButtonEndTheJob) {
  const Network network = identity_network();
  for (const bool close_button : {false, true}) {
    Cancellation fresh;
    VideoJob j = exact_job(network, "test:64x48:1000000");  // eleven hours
    j.cancel = &fresh;
    j.on_progress = [&](const Progress& p) {
      if (p.frames != 5) return;
      if (close_button) {
        SDL_Event event{};
        event.type = SDL_QUIT;
        SDL_PushEvent(&event);
      } else {
        push_key(SDLK_q);
      }
    };
    const auto report =
        play(options("test"), fresh, [&](const SourceFactory& make_source, const SinkFactory& make_sink) -> Status {
          j.make_source = make_source;
          j.make_sink = make_sink;
          FL_CHECK(process_video(j));
          return {};
        });
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->quit);
    EXPECT_TRUE(fresh.requested());
    EXPECT_LT(report->shown, 1000);
  }
}

TEST_F(Play, StopFromOutsideEndsAPausedWindow) {
  const Network network = identity_network();
  VideoJob j = exact_job(network, "test:64x48:1000000");
  j.on_progress = [&](const Progress& p) {
    if (p.frames == 2) push_key(SDLK_SPACE);
    if (p.frames == 4) stop_.request();
  };
  const auto report = play_job(options("test"), j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->quit);
}

TEST_F(Play, PauseStepSplitToggleSave) {
  const std::string source = clip();
  const Network network = identity_network();
  VideoJob j = exact_job(network, source);
  PlayOptions o = options(source);
  o.screenshot = path("shot.png");
  j.on_progress = [&](const Progress& p) {
    if (p.frames == 3)
      for (SDL_Keycode key : {SDLK_SPACE, SDLK_PERIOD, SDLK_PERIOD, SDLK_s, SDLK_h, SDLK_s, SDLK_p, SDLK_q})
        push_key(key);
  };
  const auto report = play_job(o, j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->quit);
  EXPECT_GE(report->shown, 1);
  // Some frame from the clip's beginning, whole: the split was switched off again.
  const Picture shot = test::rgb24_of(path("shot.png"));
  double best = 0;
  for (int frame = 0; frame < 30; ++frame) best = std::max(best, psnr8(shot, test::rgb24_of(source, frame)));
  EXPECT_GE(best, same_picture_db);
}

// What the source gives after each key, from frame to frame; keys are pressed while it goes on.
TEST_F(Play, ArrowsSeekAndRGoesBackwards) {
  const std::string source = clip(2500);  // 12.5 seconds
  constexpr int64_t second = 1000;        // of Matroska's clock
  std::vector<std::vector<int64_t>> times(5);
  const auto report =
      play(options(source), stop_, [&](const SourceFactory& make_source, const SinkFactory& make_sink) -> Status {
        SourceOptions in;
        in.path = source;
        FL_TRY(const auto frames, make_source(in));
        FL_TRY(const auto sink, make_sink(for_frames_of(frames->info(), {})));
        const SDL_Keycode keys[] = {SDLK_RIGHT, SDLK_LEFT, SDLK_r, SDLK_r, SDLK_q};
        for (size_t i = 0;;) {
          FL_TRY(Frame frame, frames->next());
          if (frame.empty()) return sink->finish();
          const int64_t pts = frame.pts.value();
          const bool other = !times[i].empty() && std::abs(pts - times[i].back()) > second / 2;
          const bool turned =
              times[i].size() > 1 && (pts > times[i].back()) != (times[i].back() > times[i][times[i].size() - 2]);
          if ((other || turned) && i + 1 < times.size()) ++i;
          times[i].push_back(pts);
          FL_CHECK(sink->write(std::move(frame)));
          if (times[i].size() == 20) push_key(keys[i]);
        }
      });
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->quit);
  for (size_t i = 0; i < times.size(); ++i) {
    ASSERT_GE(times[i].size(), 20U) << i;
    const int64_t step = i == 3 ? -5 : 5;
    for (size_t k = 1; k < times[i].size(); ++k) ASSERT_EQ(times[i][k] - times[i][k - 1], step) << i << " " << k;
  }
  const auto has = [](const std::vector<int64_t>& all, int64_t pts) {
    return std::ranges::find(all, pts) != all.end();
  };
  EXPECT_TRUE(has(times[0], times[1][0] - 5 * second)) << times[1][0];
  EXPECT_TRUE(has(times[1], times[2][0] + 5 * second)) << times[2][0];
  EXPECT_TRUE(has(times[2], times[3][0] + 5)) << times[3][0] << ": the frame before the one on the screen";
  EXPECT_TRUE(has(times[3], times[4][0] - 5)) << times[4][0] << ": the frame after it";
}

TEST_F(Play, JobsThatFailSayWhy) {
  EXPECT_NE(program("missing.mkv"), 0);
  EXPECT_NE(message().find("missing.mkv: no such file"), std::string::npos) << message();
  clip(5);
  EXPECT_NE(program("clip.mkv --screenshot shot.png --screenshot-frame 5"), 0);
  EXPECT_NE(message().find("clip.mkv: has no frame 5"), std::string::npos) << message();
  EXPECT_FALSE(fs::exists(path("shot.png")));
  ASSERT_EQ(program("clip.mkv --screenshot shot.png --screenshot-frame 4"), 0) << message();
  EXPECT_NE(program("clip.mkv --screenshot shot.png --screenshot-frame 4"), 0);
  EXPECT_NE(message().find("--overwrite"), std::string::npos) << message();
  EXPECT_NE(program("clip.mkv --split"), 0);
  EXPECT_EQ(test::lines(message()).size(), 1u) << message();
}

TEST_F(Play, NoDisplayIsAnErrorThatNamesTheRemedy) {
  clip(2);
  for (const char* environment : {"env -u DISPLAY -u WAYLAND_DISPLAY", "env -u WAYLAND_DISPLAY DISPLAY=:987"}) {
    const int code = std::system(
        fmt::format("cd '{}' && {} {} play clip.mkv 2>message", folder_.string(), environment, FRAMELIFT_PROGRAM)
            .c_str());
    EXPECT_NE(code, 0);
    EXPECT_NE(message().find("DISPLAY"), std::string::npos) << message();
    EXPECT_EQ(test::lines(message()).size(), 1u) << message();
  }
}

TEST_F(Play, SteadyStateAllocatesNothing) {
  const std::string source = clip(150);
  const Network network = identity_network();
  VideoJob j = exact_job(network, source);
  PlayOptions o = options(source);
  o.split = true;
  const auto report = play_job(o, j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(job_.frames, 150);
  EXPECT_EQ(job_.allocations_per_frame, 0);
}

}  // namespace
}  // namespace framelift
