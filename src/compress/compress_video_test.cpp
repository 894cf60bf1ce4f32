// Whole runs on tiny clips: seconds each.
#include "compress/compress_video.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "codec/fnv_reader.h"
#include "codec/quantized_tensor.h"
#include "compress/evaluate_video.h"
#include "compress/frame_groups.h"
#include "decode/media_test_support.h"
#include "synthesis/fnv_source.h"
#include "synthesis/fnv_video.h"
#include "train/train_test_support.h"

namespace framelift {
namespace {

Result<std::unique_ptr<Source>> open_file(const std::string& file) {
  SourceOptions options;
  options.path = file;
  return open_source(options);
}

class Compress : public test::MediaTest {
 protected:
  static void SetUpTestSuite() { register_source_kind(fnv_kind()); }

  // 8 frames of a gradient of four colours that turns. Colours that are not given are others every time, whatever the
  // seed.
  std::string clip(const std::string& options = "-c:v ffv1 -pix_fmt yuv420p", const std::string& size = "40x24") {
    ffmpeg("-f lavfi -i gradients=s=" + size + ":n=4:c0=orange:c1=teal:c2=navy:c3=khaki:seed=7:speed=0.02:r=25 " +
           "-frames:v 8 " + options + " clip.mkv");
    return path("clip.mkv");
  }

  // One thread: the same weights every time, and no waiting for each other on a busy machine.
  static TrainingRecipe recipe(int epochs) {
    TrainingRecipe recipe = recipe_of(epochs);
    recipe.learner.device = "cpu";
    recipe.learner.threads = 1;
    return recipe;
  }

  CompressJob job(const std::string& input, const std::string& output = "out.fnv") const {
    CompressJob job;
    job.source.path = input;
    job.output = path(output);
    job.size.bits_per_pixel = 4;  // the smallest networks are large for so few pixels
    job.recipe = recipe(1);
    return job;
  }

  static std::string bytes_of(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::vector<Frame> frames_of(const FnvSourceOptions& options) const {
    const auto source = open_fnv_source(options).value();
    std::vector<Frame> frames;
    for (;;) {
      Frame frame = source->next().value();
      if (frame.empty()) return frames;
      frames.push_back(std::move(frame));
    }
  }
};

// The decoded file paints the clip with less than a third of the error that the mean colour of all frames has, 10.5 dB.
TEST_F(Compress, LearnsATinyClip) {
  SKIP_WITHOUT_TORCH();
  CompressJob j = job(clip("-c:v ffv1 -pix_fmt yuv420p", "80x80"));
  j.source.max_frames = 4;
  j.recipe = recipe(150);
  double last_psnr = 0;
  j.on_evaluation = [&](const GroupEvaluation& e) { last_psnr = e.psnr; };
  const auto report = compress_video(j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->frames, 4);
  EXPECT_EQ(report->bytes, test::fs::file_size(j.output));
  EXPECT_FALSE(test::fs::exists(work_folder(j.output)));
  const VideoEvaluation found = evaluate_video({j.source, j.output, nullptr, {}}).value();
  const double psnr = mean_of(found, [](const FrameEvaluation& f) { return f.psnr_rgb; });
  EXPECT_GT(psnr, 10.5 + 10 * std::log10(3.0));
  // Training measured the same weights, but for biases, which the file keeps as halves.
  EXPECT_NEAR(psnr, last_psnr, 0.1);
  EXPECT_EQ(found.frames.size(), 4U);
  EXPECT_NEAR(found.bits_per_pixel(), 8.0 * static_cast<double>(report->bytes) / (4 * 80 * 80), 1e-9);
}

// On the planes of 4:2:0: the file's own figure is of the planes, as training's is.
TEST_F(Compress, LearnsPlanes) {
  SKIP_WITHOUT_TORCH();
  CompressJob j = job(clip("-c:v ffv1 -pix_fmt yuv420p10", "80x80"));
  j.source.max_frames = 4;
  j.paints = HinervOutput::ycbcr_420;
  j.recipe = recipe(50);
  double first_psnr = 0, last_psnr = 0;
  j.on_evaluation = [&](const GroupEvaluation& e) { (first_psnr > 0 ? last_psnr : first_psnr) = e.psnr; };
  const auto report = compress_video(j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(last_psnr, first_psnr + 3);
  const VideoEvaluation found = evaluate_video({j.source, j.output, nullptr, {}}).value();
  double mse = 0;
  for (size_t plane = 0; plane < 3; ++plane)
    mse += std::pow(10, -mean_of(found, [&](const FrameEvaluation& f) { return f.psnr_yuv[plane]; }) / 10) / 3;
  EXPECT_NEAR(-10 * std::log10(mse), last_psnr, 0.3);
  j.output = path("other.fnv");
  j.source.path = path("444.mkv");
  ffmpeg("-i clip.mkv -c:v ffv1 -pix_fmt yuv444p 444.mkv");
  const auto refused = compress_video(j);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("444.mkv"), std::string::npos) << refused.error().message;
}

// Through all stages, on one thread and on several.
TEST_F(Compress, SameSeedAndThreadsSameFile) {
  SKIP_WITHOUT_TORCH();
  const std::string input = clip("-c:v ffv1 -pix_fmt yuv420p", "80x80");
  for (const int threads : {1, 2}) {
    CompressJob j = job(input);
    j.overwrite = true;
    j.source.max_frames = 4;
    j.recipe = recipe(5);
    j.recipe.learner.threads = threads;
    ASSERT_TRUE(compress_video(j));
    const std::string first = bytes_of(j.output);
    ASSERT_TRUE(compress_video(j));
    EXPECT_EQ(bytes_of(j.output), first) << threads << " threads";
    j.recipe.seed = 43;
    ASSERT_TRUE(compress_video(j));
    EXPECT_NE(bytes_of(j.output), first);
  }
}

// Measured for the first group, and the others take the same, so that one description is enough.
TEST_F(Compress, BitsAreAllocatedOnce) {
  SKIP_WITHOUT_TORCH();
  CompressJob j = job(clip());
  j.group_frames = 4;
  const auto widths = [&] {
    const FnvReader reader = FnvReader::open(open_file_source(j.output).value()).value();
    EXPECT_EQ(reader.groups().size(), 2U);
    EXPECT_EQ(reader.networks().size(), 1U);
    std::map<int, int64_t> weights;
    for (const TensorLayout& tensor : reader.networks()[0].layout)
      if (tensor.bits <= max_quantized_bits) weights[tensor.bits] += tensor.shape.elements();
    return weights;
  };
  ASSERT_TRUE(compress_video(j));
  EXPECT_GT(widths().size(), 2U);
  j.overwrite = true;
  j.recipe.allocate_bits = false;
  j.recipe.bits = 6;
  ASSERT_TRUE(compress_video(j));
  EXPECT_EQ(widths().size(), 1U);
  EXPECT_TRUE(widths().contains(6));
}

TEST_F(Compress, AGroupBeginsWithTheNetworkOfTheOneBefore) {
  SKIP_WITHOUT_TORCH();
  CompressJob warm = job(clip(), "warm.fnv"), cold = warm;
  cold.output = path("cold.fnv");
  cold.warm_start = false;
  for (CompressJob* j : {&warm, &cold}) {
    j->source.max_frames = 7;  // so that the second group's grids over time have other shapes
    j->group_frames = 4;
    j->recipe.learning_rate = 1e-9;  // networks stay where they begin, but for pruning and rounding
    ASSERT_TRUE(compress_video(*j));
  }
  const auto weights = [&](const CompressJob& j, size_t group) {
    const FnvReader reader = FnvReader::open(open_file_source(j.output).value()).value();
    return stored_parameters(reader.read_group(group).value().tensors);
  };
  const auto distance = [](const Tensor& a, const Tensor& b) {
    double sum = 0;
    for (size_t i = 0; i < a.f32().size(); ++i) sum += std::abs(static_cast<double>(a.f32()[i]) - b.f32()[i]);
    return sum / static_cast<double>(a.f32().size());
  };
  const Parameters first = weights(warm, 0), cold_first = weights(cold, 0);
  const Parameters second = weights(warm, 1), cold_second = weights(cold, 1);
  int others = 0;
  for (const auto& [name, tensor] : second) {
    EXPECT_EQ(distance(first.at(name), cold_first.at(name)), 0) << name;
    if (first.at(name).shape() != tensor.shape()) {
      ++others;
      EXPECT_EQ(distance(tensor, cold_second.at(name)), 0) << name;
    }
  }
  EXPECT_GT(others, 0);
  // The layers of both begin with the same seed and are pruned once when cold; warm, what was pruned is zero already.
  const std::string stem = "decoder.stem.conv.weight";
  const auto zeros = [&](const Parameters& p) { return std::ranges::count(p.at(stem).f32(), 0.0F); };
  EXPECT_EQ(zeros(cold_second), zeros(cold_first));
  EXPECT_GE(zeros(second), zeros(first));
  EXPECT_LT(distance(second.at(stem), first.at(stem)),
            0.1 * distance(first.at(stem), Tensor::filled(first.at(stem).shape(), 0)));
}

// Stopped in every stage, and between groups.
TEST_F(Compress, ResumedIsUninterrupted) {
  SKIP_WITHOUT_TORCH();
  CompressJob whole = job(clip(), "whole.fnv");
  whole.recipe = recipe(5);
  whole.group_frames = 4;
  int64_t updates = 0;
  whole.on_batch = [&](const GroupProgress&) { ++updates; };
  ASSERT_TRUE(compress_video(whole));

  CompressJob parts = whole;
  parts.output = path("parts.fnv");
  int stops = 0;
  for (;; ++stops) {
    Cancellation cancel;
    int64_t count = 0;
    parts.cancel = &cancel;
    parts.on_batch = [&](const GroupProgress&) {
      if (++count == 9) cancel.request();
    };
    const auto report = compress_video(parts);
    ASSERT_TRUE(report) << report.error().message;
    if (!report->cancelled) break;
    EXPECT_FALSE(test::fs::exists(parts.output));
    parts.resume = true;
    ASSERT_LT(stops, 100);
  }
  EXPECT_EQ(stops, (updates - 1) / 9);
  EXPECT_EQ(bytes_of(parts.output), bytes_of(whole.output));
}

TEST_F(Compress, FramesByThemselvesAreThoseOfTheWholeVideo) {
  SKIP_WITHOUT_TORCH();
  CompressJob j = job(clip());
  j.group_frames = 3;
  ASSERT_TRUE(compress_video(j));
  FnvSourceOptions options;
  options.path = j.output;
  const std::vector<Frame> all = frames_of(options);
  ASSERT_EQ(all.size(), 8U);
  for (size_t i = 0; i < all.size(); ++i) {
    options.first_frame = static_cast<int64_t>(i);
    options.frames = 1;
    const std::vector<Frame> one = frames_of(options);
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(one[0].pts, all[i].pts);
    for (size_t p = 0; p < 3; ++p)
      for (int y = 0; y < all[i].planes[p].height; ++y)
        ASSERT_EQ(std::memcmp(one[0].planes[p].row<uint8_t>(y), all[i].planes[p].row<uint8_t>(y),
                              static_cast<size_t>(all[i].planes[p].width)),
                  0);
  }
}

// Uneven times, 10 bits, HDR tags, an odd size, and what a source can be asked for.
TEST_F(Compress, KeepsTimesAndTags) {
  SKIP_WITHOUT_TORCH();
  const std::string input = clip(
      "-vf \"crop=37:23,settb=1/1000,setpts='(N*N+N)*10'\" -fps_mode passthrough -c:v libx265 -x265-params "
      "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc -pix_fmt yuv444p10");
  CompressJob j = job(input);
  const auto report = compress_video(j);
  ASSERT_TRUE(report) << report.error().message;
  SourceOptions a, b;
  a.path = input;
  b.path = j.output;
  const auto from = open_source(a).value(), to = open_source(b).value();
  EXPECT_EQ(to->info().width, 37);
  EXPECT_EQ(to->info().height, 23);
  EXPECT_EQ(to->info().format, from->info().format);
  EXPECT_EQ(to->info().color.transfer, TransferCharacteristic::pq);
  EXPECT_EQ(to->info().color.primaries, ColorPrimaries::bt2020);
  EXPECT_EQ(to->info().color.matrix, MatrixCoefficients::bt2020_ncl);
  EXPECT_EQ(to->info().time_base, from->info().time_base);
  std::vector<int64_t> wanted;  // from 0.05 s to 0.15 s
  for (;;) {
    const Frame x = from->next().value(), y = to->next().value();
    EXPECT_EQ(x.pts, y.pts);
    EXPECT_EQ(x.duration, y.duration);
    if (x.empty() || y.empty()) {
      EXPECT_EQ(x.empty(), y.empty());
      break;
    }
    const double seconds = static_cast<double>(x.pts.value()) * from->info().time_base.value();
    if (seconds >= 0.05 && seconds < 0.15) wanted.push_back(*x.pts);
  }
  b.start_seconds = 0.05;
  b.duration_seconds = 0.1;
  const auto part = open_source(b).value();
  ASSERT_FALSE(wanted.empty());
  EXPECT_EQ(part->info().frame_count, static_cast<int64_t>(wanted.size()));
  for (const int64_t pts : wanted) EXPECT_EQ(part->next().value().pts, pts);
}

TEST_F(Compress, OneFrameAndOnePixel) {
  SKIP_WITHOUT_TORCH();
  ffmpeg("-f lavfi -i color=red:s=2x2,format=rgb24,crop=1:1 -frames:v 1 one.png");
  CompressJob j = job(path("one.png"));
  const auto report = compress_video(j);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->frames, 1);
  const auto source = open_file(j.output).value();
  EXPECT_EQ(source->info().width, 1);
  EXPECT_FALSE(source->next().value().empty());
  EXPECT_TRUE(source->next().value().empty());
}

TEST_F(Compress, Mistakes) {
  SKIP_WITHOUT_TORCH();
  const auto says = [](const CompressJob& j, const std::string& words) {
    const auto report = compress_video(j);
    ASSERT_FALSE(report) << words;
    EXPECT_NE(report.error().message.find(words), std::string::npos) << report.error().message;
  };
  const CompressJob good = job(clip());
  CompressJob j = good;
  j.source.path = path("missing.mp4");
  says(j, "missing.mp4");
  j = good;
  j.output = path("no/folder.fnv");
  says(j, "create it first");
  j = good;
  j.resume = true;
  says(j, "nothing to resume");
  j = good;
  j.size.name = "bunny";
  says(j, "bunny-xxs");
  j = good;
  j.source.start_seconds = 1000;
  says(j, "clip.mkv");
  for (const auto& entry : test::fs::directory_iterator(folder_)) EXPECT_EQ(entry.path().filename(), "clip.mkv");

  Cancellation cancel;
  j = good;
  j.cancel = &cancel;
  j.on_batch = [&](const GroupProgress&) { cancel.request(); };
  ASSERT_TRUE(compress_video(j)->cancelled);
  j.cancel = nullptr;
  says(j, "--resume");
  j.resume = true;
  j.recipe.seed = 5;
  says(j, "settings.txt");
  EXPECT_TRUE(test::fs::exists(work_folder(j.output)));
}

TEST_F(Compress, DamagedFiles) {
  SKIP_WITHOUT_TORCH();
  CompressJob j = job(clip());
  j.group_frames = 4;
  ASSERT_TRUE(compress_video(j));
  const std::string whole = bytes_of(j.output);
  const auto open_cut = [&](size_t bytes) {
    std::ofstream(path("cut.fnv"), std::ios::binary) << whole.substr(0, bytes);
    return open_file(path("cut.fnv"));
  };
  // Behind the first group that can be read; nothing before it can.
  const auto reader = FnvReader::open(open_file_source(j.output).value()).value();
  ASSERT_EQ(reader.groups().size(), 2U);
  const auto second = static_cast<size_t>(reader.groups()[1].offset);
  EXPECT_EQ(open_cut(second + 20).value()->info().frame_count, 4);
  for (size_t bytes = 8; bytes < static_cast<size_t>(reader.groups()[0].offset) + 16; bytes += 3) {
    const auto cut = open_cut(bytes);
    ASSERT_FALSE(cut) << bytes;
    EXPECT_NE(cut.error().message.find("cut.fnv"), std::string::npos);
  }
}

TEST_F(Compress, GroupsEndAtScenesOrWhenTheyAreFull) {
  ffmpeg(
      "-f lavfi -i color=black:s=16x16:r=25:d=0.28 -f lavfi -i color=white:s=16x16:r=25:d=0.52 -filter_complex concat "
      "-c:v ffv1 cut.mkv");
  const auto lengths = [&](int most) {
    const auto source = open_file(path("cut.mkv")).value();
    ColorInfo color = source->info().color;
    color.matrix = MatrixCoefficients::bt709;
    color.range = ColorRange::limited;
    color.chroma_location = ChromaLocation::left;
    const PictureReader reader(FrameToTensor::create(source->info().format, color).value(), std::nullopt, true);
    FrameGroups groups(*source, reader, most, 0, nullptr);
    std::vector<size_t> found;
    for (FrameGroup g = groups.next().value(); !g.frames.empty(); g = groups.next().value()) {
      EXPECT_EQ(g.frames.size(), g.times.size());
      found.push_back(g.frames.size());
    }
    return found;
  };
  EXPECT_EQ(lengths(10), (std::vector<size_t>{7, 10, 3}));
  EXPECT_EQ(lengths(5), (std::vector<size_t>{5, 5, 5, 5}));  // 2 frames before the cut are too few
  EXPECT_EQ(lengths(100), (std::vector<size_t>{20}));
}

}  // namespace
}  // namespace framelift
