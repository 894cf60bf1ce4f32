#include "decode/exr_source.h"

#include <ImfChannelList.h>
#include <ImfChromaticitiesAttribute.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfInputPart.h>
#include <ImfMultiPartInputFile.h>
#include <ImfPartType.h>
#include <ImfRgbaFile.h>
#include <ImfStandardAttributes.h>
#include <ImfStringAttribute.h>
#include <ImfThreading.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/allocation_counter.h"
#include "base/log.h"
#include "decode/exr_header.h"
#include "frame/region.h"

namespace framelift {
namespace {

constexpr int max_edge = 1 << 17;           // as the pipeline
constexpr int64_t max_pixels = 1 << 28;     // 4 GiB of R, G, B and A
constexpr int rows_at_once = 64;            // of a data window that reaches beyond the picture
constexpr size_t max_text_bytes = 1 << 16;  // of one string attribute

// Limits that OpenEXR checks while it reads a header, before it allocates; and its threads, which all files share.
void prepare_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    Imf::Header::setMaxImageSize(max_edge, max_edge);
    Imf::Header::setMaxTileSize(max_edge / 8, max_edge / 8);
    Imf::setGlobalThreadCount(static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 8u)));
  });
}

// Runs f, whose exceptions become errors about the file.
template <class F>
Status guarded(const std::string& path, const F& f) {
  ForeignScope foreign;
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "{}: no memory for the picture", path);
  } catch (const std::exception& e) {
    std::string reason = e.what();
    std::ranges::replace(reason, '\n', ' ');
    return fail(ErrorCode::invalid_data, "{}: is not an OpenEXR picture, or it is damaged or cut off ({})", path,
                reason);
  }
}

Region region_of(const Imath::Box2i& box) {
  return {box.min.x, box.min.y, box.max.x - box.min.x + 1, box.max.y - box.min.y + 1};
}

struct Layout {
  Region display, data;  // windows, in the file's coordinates
  PixelFormat format;
  bool luminance_chroma = false;  // Y, RY, BY
  const char* channels[4] = {};   // for each plane of the format
};

std::string names_of(const Imf::ChannelList& channels) {
  std::string names;
  for (auto c = channels.begin(); c != channels.end(); ++c) {
    if (names.size() > 80) return names + ", ...";
    names += (names.empty() ? "" : ", ") + std::string(c.name());
  }
  return names;
}

Result<Layout> layout_of(const Imf::Header& header, const std::string& path) {
  Layout layout;
  // The library has checked that these do not overflow.
  layout.display = region_of(header.displayWindow());
  layout.data = region_of(header.dataWindow());
  const Region& size = layout.display;
  if (size.width > max_edge || size.height > max_edge || int64_t{size.width} * size.height > max_pixels)
    return fail(ErrorCode::invalid_data, "{}: says that it has {}x{} pixels; up to {} a side and {} in all are read",
                path, size.width, size.height, max_edge, max_pixels);
  if (header.hasType() && Imf::isDeepData(header.type()))
    return fail(ErrorCode::unsupported, "{}: holds deep data; flatten it first", path);

  const Imf::ChannelList& channels = header.channels();
  const auto has = [&](const char* name) { return channels.findChannel(name) != nullptr; };
  layout.format.bits = 32;
  layout.format.alpha = has("A");
  layout.format.family = ColorFamily::rgb;
  layout.channels[3] = "A";
  if (has("R") || has("G") || has("B")) {
    for (int c = 0; c < 3; ++c) layout.channels[c] = std::array{"R", "G", "B"}[static_cast<size_t>(c)];
  } else if (has("Y") && has("RY") && has("BY")) {
    layout.luminance_chroma = true;
    return layout;
  } else if (has("Y")) {
    for (int c = 0; c < 3; ++c) layout.channels[c] = "Y";
    // FFmpeg's frames, which hold ours, have no gray with alpha.
    if (!layout.format.alpha) layout.format.family = ColorFamily::gray;
  } else {
    return fail(ErrorCode::unsupported, "{}: has no channels R, G, B or Y (it has: {})", path, names_of(channels));
  }
  for (int p = 0; p < layout.format.plane_count(); ++p)
    if (const Imf::Channel* c = channels.findChannel(layout.channels[p]); c && (c->xSampling != 1 || c->ySampling != 1))
      return fail(ErrorCode::unsupported, "{}: channel {} is subsampled; only those of Y, RY and BY may be", path,
                  layout.channels[p]);
  return layout;
}

PictureAttributes attributes_of(const Imf::Header& header) {
  PictureAttributes attributes;
  if (Imf::hasChromaticities(header)) {
    const Imf::Chromaticities& c = Imf::chromaticities(header);
    const auto xy = [](const Imath::V2f& v) { return Chromaticity{v.x, v.y}; };
    attributes.chromaticities = Primaries{xy(c.red), xy(c.green), xy(c.blue), xy(c.white)};
  }
  if (Imf::hasWhiteLuminance(header) && Imf::whiteLuminance(header) > 0)
    attributes.white_nits = Imf::whiteLuminance(header);
  for (auto a = header.begin(); a != header.end(); ++a) {
    const std::string_view name = a.name();
    if (name == "name" || name == "type" || name == "view") continue;  // of the part, not of the picture
    if (const auto* text = dynamic_cast<const Imf::StringAttribute*>(&a.attribute()))
      if (text->value().size() <= max_text_bytes) attributes.texts.emplace_back(name, text->value());
  }
  return attributes;
}

// Where a plane's pixel (0, 0) of the file's coordinates would lie, given where (x, y) does. OpenEXR counts from there;
// the address itself may be outside of the memory.
char* origin(float* at, int x, int y, ptrdiff_t stride_bytes) {
  return reinterpret_cast<char*>(reinterpret_cast<intptr_t>(at) - y * stride_bytes -
                                 x * static_cast<ptrdiff_t>(sizeof(float)));
}

class ExrSource final : public Source {
 public:
  ExrSource(std::vector<std::string> files, const SourceOptions& options)
      : files_(std::move(files)), options_(options) {}

  Status open();
  const VideoInfo& info() const override { return info_; }
  Result<Frame> next() override;
  SourceCounters counters() const override { return counters_; }

 private:
  Status describe(const Imf::MultiPartInputFile& file);
  void select_files();
  Result<Frame> new_frame();
  Status read(const std::string& path, const Frame& frame);
  void read_planes(Imf::InputPart& part, const Layout& layout, const Frame& frame);
  void read_luminance_chroma(const std::string& path, const Layout& layout, const Frame& frame);

  std::vector<std::string> files_;
  size_t next_ = 0, end_ = 0;  // of the files, between start and end
  SourceOptions options_;
  VideoInfo info_;
  SourceCounters counters_;
  std::optional<FramePool> pictures_;  // made with the first frame
  std::vector<float> rows_;
  std::vector<Imf::Rgba> rgba_;
};

Status ExrSource::open() {
  const std::string& first = files_.front();
  FL_CHECK(check_exr_header(first));
  FL_CHECK(guarded(first, [&] { return describe(Imf::MultiPartInputFile(first.c_str())); }));
  select_files();
  return {};
}

Status ExrSource::describe(const Imf::MultiPartInputFile& file) {
  const std::string& path = files_.front();
  const Imf::Header& header = file.header(0);
  FL_TRY(const Layout layout, layout_of(header, path));
  if (file.parts() > 1) log::warn("{}: has {} parts; the first is read", path, file.parts());
  info_.width = layout.display.width;
  info_.height = layout.display.height;
  info_.format = layout.format;
  info_.attributes = attributes_of(header);
  info_.color.transfer = TransferCharacteristic::linear;
  info_.color.range = ColorRange::full;
  if (layout.format.family == ColorFamily::rgb) info_.color.matrix = MatrixCoefficients::rgb;
  info_.color.primaries = ColorPrimaries::bt709;
  if (const auto& chromaticities = info_.attributes.chromaticities)
    info_.color.primaries = known_primaries(*chromaticities);
  if (const float aspect = header.pixelAspectRatio(); aspect > 0.01f && aspect < 100)
    info_.sample_aspect_ratio = nearest_rational(aspect, 1000);
  info_.still = files_.size() == 1 && path == options_.path;
  info_.container = info_.codec = "exr";
  return {};
}

void ExrSource::select_files() {
  const Rational rate = options_.sequence_frame_rate;
  end_ = files_.size();
  if (!info_.still) {
    // Those whose time is in [start, start + duration).
    const auto index = [&](double seconds) {
      return static_cast<size_t>(std::clamp(std::ceil(seconds * rate.value() - 1e-9), 0.0, static_cast<double>(end_)));
    };
    next_ = index(options_.start_seconds);
    if (options_.duration_seconds > 0) end_ = index(options_.start_seconds + options_.duration_seconds);
    info_.duration_seconds = static_cast<double>(end_ - next_) / rate.value();
  }
  if (options_.max_frames > 0) end_ = std::min(end_, next_ + static_cast<size_t>(options_.max_frames));
  info_.frame_count = static_cast<int64_t>(end_ - next_);
  info_.frame_rate = rate;
  info_.time_base = {rate.den, rate.num};
}

Result<Frame> ExrSource::new_frame() {
  if (!pictures_) pictures_.emplace(info_.width, info_.height, info_.format, FramePool::growing);
  FL_TRY(Frame frame, pictures_->acquire());
  frame.color = info_.color;
  frame.sample_aspect_ratio = info_.sample_aspect_ratio;
  return frame;
}

Result<Frame> ExrSource::next() {
  if (next_ == end_) return Frame{};
  FL_TRY(Frame frame, new_frame());
  FL_CHECK(read(files_[next_], frame));
  frame.pts = static_cast<int64_t>(next_++);
  frame.duration = 1;
  ++counters_.frames;
  return frame;
}

Status ExrSource::read(const std::string& path, const Frame& frame) {
  FL_CHECK(check_exr_header(path));
  return guarded(path, [&]() -> Status {
    Imf::MultiPartInputFile file(path.c_str());
    FL_TRY(const Layout layout, layout_of(file.header(0), path));
    if (layout.display.width != frame.width || layout.display.height != frame.height)
      return fail(ErrorCode::invalid_data, "{}: has {}x{} pixels, but the sequence began with {}x{}", path,
                  layout.display.width, layout.display.height, frame.width, frame.height);
    if (frame.format.family == ColorFamily::gray && layout.format.family != ColorFamily::gray)
      return fail(ErrorCode::invalid_data, "{}: has colour or alpha, but the sequence began gray", path);
    if (intersection(layout.display, layout.data) != layout.display)
      for (int p = 0; p < frame.format.plane_count(); ++p)
        for (int y = 0; y < frame.height; ++y) std::fill_n(frame.planes[p].row<float>(y), frame.width, 0.0f);
    if (layout.luminance_chroma) {
      read_luminance_chroma(path, layout, frame);
    } else {
      Imf::InputPart part(file, 0);
      read_planes(part, layout, frame);
    }
    return {};
  });
}

void ExrSource::read_planes(Imf::InputPart& part, const Layout& layout, const Frame& frame) {
  const Region shared = intersection(layout.display, layout.data);
  if (shared.width <= 0 || shared.height <= 0) return;
  const Region& display = layout.display;
  const int planes = frame.format.plane_count();
  const bool same_channel = planes > 1 && layout.channels[1] == layout.channels[0];
  // OpenEXR converts every sample type to float. What a file has no channel for is black, and opaque.
  const auto read_rows = [&](int first, int last, const auto& base, const auto& stride_bytes) {
    Imf::FrameBuffer buffer;
    for (int p = 0; p < planes; ++p)
      if (p == 0 || p == 3 || !same_channel)
        buffer.insert(layout.channels[p], Imf::Slice(Imf::FLOAT, base(p), sizeof(float),
                                                     static_cast<size_t>(stride_bytes(p)), 1, 1, p == 3 ? 1.0 : 0.0));
    part.setFrameBuffer(buffer);
    part.readPixels(first, last);
  };
  if (shared == layout.data) {
    read_rows(
        shared.y, shared.bottom() - 1,
        [&](int p) {
          return origin(frame.planes[p].row<float>(0), display.x, display.y, frame.planes[p].stride_bytes);
        },
        [&](int p) { return frame.planes[p].stride_bytes; });
  } else {
    const auto width = static_cast<size_t>(layout.data.width);
    rows_.resize(width * rows_at_once * static_cast<size_t>(planes));
    const auto row = [&](int p, int y) { return rows_.data() + (static_cast<size_t>(p) * rows_at_once + y) * width; };
    const auto stride_bytes = static_cast<ptrdiff_t>(width * sizeof(float));
    for (int y = shared.y; y < shared.bottom(); y += rows_at_once) {
      const int count = std::min(rows_at_once, shared.bottom() - y);
      read_rows(
          y, y + count - 1, [&](int p) { return origin(row(p, 0), layout.data.x, y, stride_bytes); },
          [&](int) { return stride_bytes; });
      for (int p = 0; p < planes; ++p)
        for (int i = 0; i < count; ++i)
          std::copy_n(row(p, i) + (shared.x - layout.data.x), shared.width,
                      frame.planes[p].row<float>(y + i - display.y) + (shared.x - display.x));
    }
  }
  if (!same_channel) return;
  for (int p : {1, 2})
    for (int y = 0; y < frame.height; ++y)
      std::copy_n(frame.planes[0].row<float>(y), frame.width, frame.planes[p].row<float>(y));
}

void ExrSource::read_luminance_chroma(const std::string& path, const Layout& layout, const Frame& frame) {
  const Region shared = intersection(layout.display, layout.data);
  if (shared.width <= 0 || shared.height <= 0) return;
  Imf::RgbaInputFile file(path.c_str());
  const auto width = static_cast<size_t>(layout.data.width);
  rgba_.resize(width * rows_at_once);
  for (int y = shared.y; y < shared.bottom(); y += rows_at_once) {
    const int count = std::min(rows_at_once, shared.bottom() - y);
    const auto before = static_cast<ptrdiff_t>(width) * y + layout.data.x;
    file.setFrameBuffer(reinterpret_cast<Imf::Rgba*>(reinterpret_cast<intptr_t>(rgba_.data()) -
                                                     before * static_cast<ptrdiff_t>(sizeof(Imf::Rgba))),
                        1, width);
    file.readPixels(y, y + count - 1);
    for (int i = 0; i < count; ++i) {
      const Imf::Rgba* in = rgba_.data() + static_cast<size_t>(i) * width + (shared.x - layout.data.x);
      const auto write = [&](int p, half Imf::Rgba::*component) {
        float* out = frame.planes[p].row<float>(y + i - layout.display.y) + (shared.x - layout.display.x);
        for (int x = 0; x < shared.width; ++x) out[x] = in[x].*component;
      };
      write(0, &Imf::Rgba::r);
      write(1, &Imf::Rgba::g);
      write(2, &Imf::Rgba::b);
      if (frame.format.alpha) write(3, &Imf::Rgba::a);
    }
  }
}

}  // namespace

Result<std::unique_ptr<Source>> open_exr_source(std::vector<std::string> files, const SourceOptions& options) {
  prepare_library();
  auto source = std::make_unique<ExrSource>(std::move(files), options);
  FL_CHECK(source->open());
  return source;
}

}  // namespace framelift
