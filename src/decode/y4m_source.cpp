#include "decode/y4m_source.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string_view>

#include "base/parse_number.h"

namespace framelift {
namespace {

constexpr std::string_view magic = "YUV4MPEG2";
constexpr size_t longest_line = 4096;  // headers have some dozens of characters
constexpr int max_edge = 1 << 17;      // as the pipeline

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

// "30000:1001", both above 0.
std::optional<Rational> parse_ratio(std::string_view text) {
  Rational r;
  const char* const end = text.data() + text.size();
  const auto num = std::from_chars(text.data(), end, r.num);
  if (num.ec != std::errc() || num.ptr == end || *num.ptr != ':') return std::nullopt;
  const auto den = std::from_chars(num.ptr + 1, end, r.den);
  if (den.ec != std::errc() || den.ptr != end || r.num <= 0 || r.den <= 0) return std::nullopt;
  return r;
}

// "420jpeg", "422p10", "mono12": names as mjpegtools and FFmpeg write them.
std::optional<PixelFormat> parse_colorspace(std::string_view name, ChromaLocation& location) {
  PixelFormat format;
  if (name.starts_with("mono")) {
    format.family = ColorFamily::gray;
    name.remove_prefix(4);
  } else {
    const std::string_view sampling = name.substr(0, 3);
    if (sampling != "420" && sampling != "422" && sampling != "444") return std::nullopt;
    format.chroma_shift_x = sampling != "444";
    format.chroma_shift_y = sampling == "420";
    name.remove_prefix(3);
    if (format.chroma_shift_y) {
      if (name.empty() || name == "jpeg") location = ChromaLocation::center;
      if (name == "mpeg2") location = ChromaLocation::left;
      if (name == "paldv") location = ChromaLocation::top_left;
      if (name == "jpeg" || name == "mpeg2" || name == "paldv") return format;
    }
    if (!name.empty() && !name.starts_with('p')) return std::nullopt;
    if (!name.empty()) name.remove_prefix(1);
  }
  if (name.empty()) return format;
  const auto bits = parse_number<int>(name);
  if (!bits || *bits < 9 || *bits > 16) return std::nullopt;
  format.bits = static_cast<uint8_t>(*bits);
  return format;
}

class Y4mSource final : public Source {
 public:
  explicit Y4mSource(const SourceOptions& options) : options_(options) {}
  Status open();
  const VideoInfo& info() const override { return info_; }
  Result<Frame> next() override;
  SourceCounters counters() const override { return counters_; }

 private:
  // A line without its end; nothing when the file ends before it.
  Result<std::optional<std::string>> read_line();
  Status parse_header(std::string_view header);
  Status parse_parameter(char key, std::string_view value);
  // The end of the file, or a frame's line.
  Result<bool> begin_frame();
  Status read_planes(const Frame& frame);
  // Frames before this time are passed over.
  int64_t frame_at(double seconds) const {
    return static_cast<int64_t>(std::ceil(seconds * info_.frame_rate.value() - 1e-9));
  }

  SourceOptions options_;
  VideoInfo info_;
  FilePtr file_;
  std::optional<FramePool> frames_;
  int64_t next_ = 0, first_ = 0, end_ = INT64_MAX;
  SourceCounters counters_;
};

Status Y4mSource::open() {
  file_.reset(options_.path == "-" ? stdin : std::fopen(options_.path.c_str(), "rb"));
  if (!file_) return fail(ErrorCode::io, "{}: cannot be opened", options_.path);
  FL_TRY(const auto header, read_line());
  if (!header || !header->starts_with(magic))
    return fail(ErrorCode::invalid_data, "{}: is not YUV4MPEG2, which begins with {}", options_.path, magic);
  FL_CHECK(parse_header(std::string_view(*header).substr(magic.size())));
  info_.container = "yuv4mpegpipe";
  info_.codec = "rawvideo";
  info_.time_base = {info_.frame_rate.den, info_.frame_rate.num};
  first_ = frame_at(options_.start_seconds);
  if (options_.duration_seconds > 0) end_ = frame_at(options_.start_seconds + options_.duration_seconds);
  if (options_.max_frames > 0) end_ = std::min(end_, first_ + options_.max_frames);
  frames_.emplace(info_.width, info_.height, info_.format, FramePool::growing);
  return {};
}

Result<std::optional<std::string>> Y4mSource::read_line() {
  std::string line;
  for (int c = std::fgetc(file_.get()); c != EOF; c = std::fgetc(file_.get())) {
    if (c == '\n') return line;
    if (line.size() == longest_line)
      return fail(ErrorCode::invalid_data, "{}: a YUV4MPEG2 header goes on for more than {} bytes; it is damaged",
                  options_.path, longest_line);
    line += static_cast<char>(c);
  }
  if (line.empty()) return std::nullopt;
  return fail(ErrorCode::invalid_data, "{}: ends in the middle of a header; it is cut off", options_.path);
}

Status Y4mSource::parse_header(std::string_view header) {
  info_.format = {ColorFamily::yuv, 8, 1, 1, false};  // what a header without a colour space means
  info_.frame_rate = {25, 1};
  while (!header.empty()) {
    header.remove_prefix(1);  // the space before each parameter
    const std::string_view word = header.substr(0, header.find(' '));
    header.remove_prefix(word.size());
    if (!word.empty()) FL_CHECK(parse_parameter(word[0], word.substr(1)));
  }
  if (info_.width <= 0 || info_.height <= 0 || info_.width > max_edge || info_.height > max_edge)
    return fail(ErrorCode::invalid_data, "{}: a picture of {}x{} pixels is impossible; its header is damaged",
                options_.path, info_.width, info_.height);
  return {};
}

Status Y4mSource::parse_parameter(char key, std::string_view value) {
  const auto damaged = [&] {
    return fail(ErrorCode::invalid_data, "{}: \"{}{}\" in its header makes no sense; it is damaged", options_.path, key,
                value);
  };
  if (key == 'W' || key == 'H') {
    const auto edge = parse_number<int>(value);
    if (!edge) return damaged();
    (key == 'W' ? info_.width : info_.height) = *edge;
  } else if (key == 'F') {
    const auto rate = parse_ratio(value);
    if (!rate) return damaged();
    info_.frame_rate = *rate;
  } else if (key == 'A') {
    info_.sample_aspect_ratio = parse_ratio(value).value_or(Rational{0, 1});  // "0:0": unknown
  } else if (key == 'I') {
    if (value != "p" && value != "?" && options_.deinterlace != Deinterlace::off)
      return fail(
          ErrorCode::unsupported,
          "{}: is interlaced, and taking fields apart needs FFmpeg, which this build has not; --deinterlace off "
          "takes them as they are",
          options_.path);
  } else if (key == 'C') {
    const auto format = parse_colorspace(value, info_.color.chroma_location);
    if (!format)
      return fail(ErrorCode::unsupported,
                  "{}: frames of the kind \"{}\" cannot be read; convert them to 420, 422, 444 "
                  "or mono",
                  options_.path, value);
    info_.format = *format;
  } else if (key == 'X' && value == "COLORRANGE=FULL") {
    info_.color.range = ColorRange::full;
  } else if (key == 'X' && value == "COLORRANGE=LIMITED") {
    info_.color.range = ColorRange::limited;
  }
  return {};
}

Result<bool> Y4mSource::begin_frame() {
  FL_TRY(const auto line, read_line());
  if (!line) return false;
  if (!line->starts_with("FRAME"))
    return fail(ErrorCode::invalid_data, "{}: what follows frame {} is not a frame; the file is damaged", options_.path,
                next_);
  return true;
}

Status Y4mSource::read_planes(const Frame& frame) {
  for (int p = 0; p < frame.format.plane_count(); ++p) {
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    const auto bytes = static_cast<size_t>(plane.width) * static_cast<size_t>(frame.format.bytes_per_sample());
    for (int y = 0; y < plane.height; ++y)
      if (std::fread(plane.row<std::byte>(y), 1, bytes, file_.get()) != bytes)
        return fail(ErrorCode::invalid_data, "{}: ends in the middle of frame {}; it is cut off", options_.path,
                    next_ + 1);
  }
  return {};
}

Result<Frame> Y4mSource::next() {
  while (next_ < end_) {
    FL_TRY(const bool more, begin_frame());
    if (!more) break;
    FL_TRY(Frame frame, frames_->acquire());
    FL_CHECK(read_planes(frame));
    const int64_t index = next_++;
    if (index < first_) continue;
    frame.color = info_.color;
    frame.sample_aspect_ratio = info_.sample_aspect_ratio;
    frame.pts = index;
    frame.duration = 1;
    ++counters_.frames;
    return frame;
  }
  end_ = next_;
  return Frame{};
}

}  // namespace

Result<std::unique_ptr<Source>> open_y4m_source(const SourceOptions& options) {
  auto source = std::make_unique<Y4mSource>(options);
  FL_CHECK(source->open());
  return source;
}

bool is_y4m_file(const std::string& path) {
  std::array<char, magic.size()> bytes{};
  std::ifstream file(path, std::ios::binary);
  return file.read(bytes.data(), bytes.size()) && std::string_view(bytes.data(), bytes.size()) == magic;
}

}  // namespace framelift
