#include "decode/pattern_source.h"

#include <atomic>
#include <charconv>
#include <string_view>
#include <vector>

namespace framelift {
namespace {

constexpr int distinct_frames = 8;

// One of the precomputed pictures, lent to any number of Frames at once.
class SharedPicture final : public FrameMemory {
 public:
  SharedPicture(int width, int height, PixelFormat format, int phase) {
    frame.width = width;
    frame.height = height;
    frame.format = format;
    size_t samples = 0;
    for (int p = 0; p < format.plane_count(); ++p)
      samples +=
          static_cast<size_t>(format.plane_width(p, width)) * static_cast<size_t>(format.plane_height(p, height));
    bytes_.resize(samples * static_cast<size_t>(format.bytes_per_sample()));
    std::byte* next = bytes_.data();
    for (int p = 0; p < format.plane_count(); ++p) {
      PlaneView& plane = frame.planes[static_cast<size_t>(p)];
      plane.width = format.plane_width(p, width);
      plane.height = format.plane_height(p, height);
      plane.stride_bytes = static_cast<ptrdiff_t>(plane.width) * format.bytes_per_sample();
      plane.data = next;
      next += plane.stride_bytes * plane.height;
      for (int y = 0; y < plane.height; ++y)
        for (int x = 0; x < plane.width; ++x) {
          // Diagonal gradients that move, with a checker of 16 samples on top; inside the limited range.
          const int value = 16 + (x * (p + 1) + y * 2 + phase * 27 + (((x ^ y) >> 4) & 1) * 32) % 219;
          if (format.is_float())
            plane.row<float>(y)[x] = static_cast<float>(value) / 64;  // beyond white, as such pictures are
          else if (format.bits > 8)
            plane.row<uint16_t>(y)[x] = static_cast<uint16_t>(value << (format.bits - 8));
          else
            plane.row<uint8_t>(y)[x] = static_cast<uint8_t>(value);
        }
    }
  }
  void release() override {
    if (uses_.fetch_sub(1) == 1) delete this;
  }
  Frame lend() {
    uses_.fetch_add(1);
    Frame lent;
    lent.width = frame.width;
    lent.height = frame.height;
    lent.format = frame.format;
    lent.planes = frame.planes;
    lent.memory.reset(this);
    return lent;
  }

 private:
  Frame frame;
  std::vector<std::byte> bytes_;
  std::atomic<int> uses_{1};  // the source itself
};

class PatternSource final : public Source {
 public:
  PatternSource(VideoInfo info, int64_t frames) : info_(std::move(info)), frames_(frames) {
    for (int i = 0; i < distinct_frames; ++i)
      pictures_[static_cast<size_t>(i)].reset(new SharedPicture(info_.width, info_.height, info_.format, i));
  }
  const VideoInfo& info() const override { return info_; }
  Result<Frame> next() override {
    if (counters_.frames >= frames_) return Frame{};
    auto& picture = static_cast<SharedPicture&>(*pictures_[static_cast<size_t>(counters_.frames % distinct_frames)]);
    Frame frame = picture.lend();
    frame.color = info_.color;
    frame.pts = counters_.frames++;
    frame.duration = 1;
    return frame;
  }
  SourceCounters counters() const override { return counters_; }

 private:
  VideoInfo info_;
  int64_t frames_;
  std::array<FrameMemoryPtr, distinct_frames> pictures_;
  SourceCounters counters_;
};

template <class Number>
bool take_number(std::string_view& text, Number& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value <= 0) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool skip(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Result<std::unique_ptr<Source>> open_pattern_source(const SourceOptions& options) {
  const auto bad = [&](std::string_view what) {
    return fail(ErrorCode::invalid_argument, "{}: {}; write test:WIDTHxHEIGHT[:frames][:format], e.g. test:320x180:100",
                options.path, what);
  };
  std::string_view text = options.path;
  text.remove_prefix(std::string_view("test:").size());
  VideoInfo info;
  info.format = {ColorFamily::yuv, 8, 1, 1, false};
  int64_t frames = 100;
  if (!take_number(text, info.width) || !skip(text, 'x') || !take_number(text, info.height))
    return bad("a size is missing");
  if (info.width > 32768 || info.height > 32768) return bad("sizes end at 32768");
  if (skip(text, ':') && !text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (!take_number(text, frames)) return bad("the number of frames is not a number above 0");
    if (!text.empty() && !skip(text, ':')) return bad("the number of frames is not a number above 0");
  }
  if (!text.empty()) {
    const auto format = parse_pixel_format(text);
    if (!format) return bad(fmt::format("\"{}\" is not a planar pixel format", text));
    info.format = *format;
  }
  if (options.max_frames > 0) frames = std::min(frames, options.max_frames);
  info.frame_count = frames;
  info.duration_seconds = static_cast<double>(frames) / 25;
  info.container = "test";
  info.codec = "pattern";
  if (info.format.family == ColorFamily::rgb) {
    info.color.matrix = MatrixCoefficients::rgb;
    info.color.range = ColorRange::full;
    if (info.format.is_float()) info.color.transfer = TransferCharacteristic::linear;
  }
  return std::make_unique<PatternSource>(std::move(info), frames);
}

}  // namespace framelift
