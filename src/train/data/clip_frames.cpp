#include "train/data/clip_frames.h"

#include <algorithm>
#include <filesystem>

#include "color/resolve.h"

namespace framelift {

std::string ClipFrames::name(size_t i) const {
  return fmt::format("{} at {:.2f} s", std::filesystem::path(path).filename().string(),
                     static_cast<double>(frames[i].pts.value_or(0)) * info.time_base.value());
}

Result<PictureReader> ClipFrames::reader(const std::optional<ColorInfo>& wanted) const {
  const bool rgb = info.format.family == ColorFamily::rgb;
  return PictureReader::create(info.format, info.color, resolve_color(info.color, info.width, info.height, rgb),
                               wanted);
}

Result<ClipFrames> read_clip_frames(const std::string& path, const FrameChoice& choice) {
  SourceOptions options;
  options.path = path;
  options.apply_rotation = true;
  FL_TRY(const auto source, open_source(options));
  ClipFrames clip{path, source->info(), {}};
  const int64_t length = clip.info.still ? 1 : std::max<int64_t>(clip.info.frame_count, 1);
  const auto first = static_cast<int64_t>(choice.begin * static_cast<double>(length));
  const auto last = std::max(first + 1, static_cast<int64_t>(choice.end * static_cast<double>(length)));
  const int64_t step = choice.consecutive ? 1 : std::max<int64_t>((last - first) / choice.frames, 1);
  for (int64_t i = 0; i < last && std::ssize(clip.frames) < choice.frames; ++i) {
    FL_TRY(Frame frame, source->next());
    if (frame.empty()) break;
    if (i >= first && (i - first) % step == step / 2) clip.frames.push_back(std::move(frame));
  }
  if (clip.frames.empty())
    return fail(ErrorCode::invalid_argument, "{}: has no frame to learn from; name another clip or picture", path);
  return clip;
}

Result<std::unique_ptr<ClipDataset>> ClipDataset::open(const std::vector<std::string>& paths, int frames,
                                                       const std::optional<ColorInfo>& wanted) {
  auto data = std::make_unique<ClipDataset>();
  const auto count = static_cast<int>(paths.size());
  for (int k = 0; k < count; ++k) {
    FrameChoice choice;
    choice.frames = std::max(1, (frames + k) / count);
    FL_TRY(ClipFrames clip, read_clip_frames(paths[static_cast<size_t>(k)], choice));
    FL_TRY(PictureReader reader, clip.reader(wanted));
    for (size_t i = 0; i < clip.frames.size(); ++i)
      data->samples_.push_back({fmt::format("{}, frame {} of those taken", clip.path, i), static_cast<size_t>(k), i});
    data->clips_.push_back({std::move(clip), std::move(reader)});
  }
  return data;
}

Result<Sample> ClipDataset::load(size_t i) const {
  const auto& [name, clip, number] = samples_[i];
  const auto& [frames, reader] = clips_[clip];
  const Frame& frame = frames.frames[number];
  Sample sample;
  sample.name = name;
  sample.input = Tensor(DType::f32, {1, 3, frame.height, frame.width});
  reader.run(frame, {0, 0, frame.width, frame.height}, sample.input.view());
  return sample;
}

}  // namespace framelift
