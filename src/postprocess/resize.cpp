#include "postprocess/resize.h"

#include <algorithm>
#include <optional>

#include "postprocess/zimg_graph.h"

namespace framelift {
namespace {

Status check_size(int width, int height) {
  if (width < 1 || height < 1)
    return fail(ErrorCode::invalid_argument, "cannot resize from or to {}x{} pixels", width, height);
  return {};
}

bool odd_size(const PictureLayout& picture) {
  const ZimgSize size = zimg_size(picture.format, picture.width, picture.height);
  return size.width != picture.width || size.height != picture.height;
}

int color_planes(const PixelFormat& format) { return format.family == ColorFamily::gray ? 1 : 3; }

bool matches(const PictureLayout& picture, const Frame& frame) {
  return frame.format == picture.format && frame.width == picture.width && frame.height == picture.height;
}

}  // namespace

struct Resizer::State {
  PictureLayout src, dst;
  ZimgGraph graph;
  StagedPicture staged_src;  // for sources whose memory zimg cannot use, and odd sizes
  StagedPicture staged_dst;  // for odd sizes
  StagedPicture rows;        // those of the destination that are being made, for run_rows()

  // Planes of the source that zimg can use.
  const PlaneView* planes_of(const Frame& frame) {
    const int planes = color_planes(frame.format);
    if (!odd_size(src) && zimg_can_use(frame.planes.data(), planes)) return frame.planes.data();
    staged_src.copy_from(frame.planes.data(), planes, frame.format.bytes_per_sample());
    return staged_src.planes();
  }
  std::optional<PlaneResizer> alpha;
};

Resizer::Resizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Resizer::~Resizer() = default;
Resizer::Resizer(Resizer&&) noexcept = default;
Resizer& Resizer::operator=(Resizer&&) noexcept = default;

PixelFormat full_detail(PixelFormat format) {
  if (!format.is_float()) format.bits = 16;
  format.chroma_shift_x = format.chroma_shift_y = 0;
  format.alpha = false;
  return format;
}

Result<Resizer> Resizer::create(const PictureLayout& src, const PictureLayout& dst, bool dither, ResizeFilter filter) {
  FL_CHECK(check_size(src.width, src.height));
  FL_CHECK(check_size(dst.width, dst.height));
  const ZimgSize src_size = zimg_size(src.format, src.width, src.height);
  const ZimgSize dst_size = zimg_size(dst.format, dst.width, dst.height);
  zimg_image_format from = zimg_format(src.format, src.color, src_size);
  zimg_image_format to = zimg_format(dst.format, dst.color, dst_size);
  // What does not change need not be known to zimg.
  if (src.color.transfer == dst.color.transfer && src.color.primaries == dst.color.primaries) {
    from.transfer_characteristics = to.transfer_characteristics = ZIMG_TRANSFER_UNSPECIFIED;
    from.color_primaries = to.color_primaries = ZIMG_PRIMARIES_UNSPECIFIED;
  }
  // Pixels of the destination beyond its true size continue the scale, so that none of the others move.
  from.active_region.left = from.active_region.top = 0;
  from.active_region.width = static_cast<double>(src.width) * dst_size.width / dst.width;
  from.active_region.height = static_cast<double>(src.height) * dst_size.height / dst.height;

  auto state = std::make_unique<State>();
  state->src = src;
  state->dst = dst;
  FL_TRY(state->graph, ZimgGraph::create(from, to, dither, filter));
  state->staged_src = StagedPicture(src.format, src_size, color_planes(src.format));
  if (dst.format.chroma_shift_x == 0 && dst.format.chroma_shift_y == 0)
    state->rows = StagedPicture(dst.format, {dst.width, state->graph.buffer_rows()}, color_planes(dst.format));
  if (odd_size(dst)) state->staged_dst = StagedPicture(dst.format, dst_size, color_planes(dst.format));
  if (src.format.alpha && dst.format.alpha) {
    FL_TRY(PlaneResizer alpha,
           PlaneResizer::create(src.width, src.height, src.format.bits, dst.width, dst.height, dst.format.bits));
    state->alpha = std::move(alpha);
  }
  return Resizer(std::move(state));
}

Status Resizer::run(const Frame& src, Frame& dst) {
  State& s = *state_;
  if (!matches(s.src, src) || !matches(s.dst, dst))
    return fail(ErrorCode::invalid_argument, "a frame's size or pixel format is not the one the resizer was made for");
  const int src_planes = color_planes(src.format), dst_planes = color_planes(dst.format);
  if (!zimg_can_use(dst.planes.data(), dst_planes))
    return fail(ErrorCode::invalid_argument, "the destination frame is not aligned to {} bytes", zimg_alignment);
  const PlaneView* from = s.planes_of(src);
  const PlaneView* to = s.staged_dst.empty() ? dst.planes.data() : s.staged_dst.planes();
  FL_CHECK(s.graph.run(from, to, std::max(src_planes, dst_planes)));
  if (!s.staged_dst.empty()) s.staged_dst.copy_to(dst.planes.data(), dst_planes, dst.format.bytes_per_sample());

  if (!dst.format.alpha) return {};
  const PlaneView& alpha = dst.planes[static_cast<size_t>(dst_planes)];
  if (s.alpha) return s.alpha->run(src.planes[static_cast<size_t>(src_planes)], alpha);
  fill_opaque(alpha, dst.format, {0, 0, alpha.width, alpha.height});
  return {};
}

Status Resizer::run_rows(const Frame& src, const TakePart& take) {
  State& s = *state_;
  if (!matches(s.src, src) || s.rows.empty())
    return fail(ErrorCode::invalid_argument, "a frame's size or pixel format is not the one the resizer was made for");
  const int planes = color_planes(s.dst.format);
  Frame part;
  part.format = s.dst.format;
  part.format.alpha = false;
  part.color = s.dst.color;
  part.height = 1;
  const auto take_row = [&](int y, int left, int right) {
    part.width = right - left;
    for (int p = 0; p < planes; ++p) {
      PlaneView& plane = part.planes[static_cast<size_t>(p)] = s.rows.planes()[p];
      plane.data =
          plane.row<std::byte>(y & (s.graph.buffer_rows() - 1)) + ptrdiff_t{left} * part.format.bytes_per_sample();
      plane.width = part.width;
      plane.height = 1;
    }
    take(left, y, part);
  };
  return s.graph.run_rows(s.planes_of(src), s.rows.planes(), std::max(color_planes(src.format), planes),
                          std::cref(take_row));
}

struct PlaneResizer::State {
  PixelFormat src_format, dst_format;
  ZimgSize src_size{}, dst_size{};
  ZimgGraph graph;
  StagedPicture staged_src, staged_dst;
};

PlaneResizer::PlaneResizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
PlaneResizer::~PlaneResizer() = default;
PlaneResizer::PlaneResizer(PlaneResizer&&) noexcept = default;
PlaneResizer& PlaneResizer::operator=(PlaneResizer&&) noexcept = default;

Result<PlaneResizer> PlaneResizer::create(int src_width, int src_height, int src_bits, int dst_width, int dst_height,
                                          int dst_bits) {
  FL_CHECK(check_size(src_width, src_height));
  FL_CHECK(check_size(dst_width, dst_height));
  auto state = std::make_unique<State>();
  state->src_format = {ColorFamily::gray, static_cast<uint8_t>(src_bits), 0, 0, false};
  state->dst_format = {ColorFamily::gray, static_cast<uint8_t>(dst_bits), 0, 0, false};
  state->src_size = {src_width, src_height};
  state->dst_size = {dst_width, dst_height};
  ColorInfo full;
  full.range = ColorRange::full;
  FL_TRY(state->graph,
         ZimgGraph::create(zimg_format(state->src_format, full, state->src_size),
                           zimg_format(state->dst_format, full, state->dst_size), false, ResizeFilter::lanczos));
  state->staged_src = StagedPicture(state->src_format, state->src_size, 1);
  state->staged_dst = StagedPicture(state->dst_format, state->dst_size, 1);
  return PlaneResizer(std::move(state));
}

Status PlaneResizer::run(const PlaneView& src, const PlaneView& dst) {
  State& s = *state_;
  if (src.width != s.src_size.width || src.height != s.src_size.height || dst.width != s.dst_size.width ||
      dst.height != s.dst_size.height)
    return fail(ErrorCode::invalid_argument, "a plane's size is not the one the resizer was made for");
  const PlaneView* from = &src;
  if (!zimg_can_use(from, 1)) {
    s.staged_src.copy_from(from, 1, s.src_format.bytes_per_sample());
    from = s.staged_src.planes();
  }
  if (zimg_can_use(&dst, 1)) return s.graph.run(from, &dst, 1);
  FL_CHECK(s.graph.run(from, s.staged_dst.planes(), 1));
  s.staged_dst.copy_to(&dst, 1, s.dst_format.bytes_per_sample());
  return {};
}

}  // namespace framelift
