// One zimg filter graph with its temporary memory, and staging copies of pictures whose memory zimg cannot use in
// place.
#pragma once

#include <zimg.h>

#include <functional>
#include <memory>

#include "base/result.h"
#include "frame/frame.h"
#include "frame/tensor.h"
#include "postprocess/resize.h"

namespace framelift {

inline constexpr size_t zimg_alignment = 64;

struct FreeZimgGraph {
  void operator()(zimg_filter_graph* graph) const { zimg_filter_graph_free(graph); }
};

class ZimgGraph {
 public:
  static Result<ZimgGraph> create(const zimg_image_format& src, const zimg_image_format& dst, bool dither,
                                  ResizeFilter filter);
  // Planes are aligned and padded as zimg demands.
  Status run(const PlaneView* src, const PlaneView* dst, int planes);

  // What was made of row y, from column `left` to before `right`, in the buffer's row y modulo its height.
  using TakeRow = std::function<void(int y, int left, int right)>;
  // The same into a buffer of as many rows as buffer_rows(), which are overwritten once they have been taken.
  Status run_rows(const PlaneView* src, const PlaneView* buffer, int planes, const TakeRow& take);
  int buffer_rows() const { return buffer_rows_; }  // a power of two

 private:
  Status process(const PlaneView* src, const PlaneView* dst, int planes, unsigned dst_mask, const TakeRow* take);

  std::unique_ptr<zimg_filter_graph, FreeZimgGraph> graph_;
  Tensor temporary_;
  int buffer_rows_ = 0;
};

// zimg insists on whole chroma samples: a picture's size rounded up to them.
struct ZimgSize {
  int width, height;
};
ZimgSize zimg_size(const PixelFormat& format, int width, int height);

// zimg's description of a picture, without its alpha.
zimg_image_format zimg_format(const PixelFormat& format, const ColorInfo& color, ZimgSize size);

// True if zimg can work on these planes where they are.
bool zimg_can_use(const PlaneView* planes, int count);

// Aligned copy of planes, with odd sizes completed by repeating the last column and row.
class StagedPicture {
 public:
  StagedPicture() = default;
  StagedPicture(const PixelFormat& format, ZimgSize size, int planes);
  bool empty() const { return memory_.empty(); }
  const PlaneView* planes() const { return planes_; }
  void copy_from(const PlaneView* planes, int count, int bytes_per_sample);
  void copy_to(const PlaneView* planes, int count, int bytes_per_sample) const;

 private:
  Tensor memory_;
  PlaneView planes_[4];
};

}  // namespace framelift
