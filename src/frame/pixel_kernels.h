// Frames to network inputs and network outputs to frames, one call a pixel: what a GPU's threads run, in any order.
#pragma once

#include <cstdint>

#include "frame/read_pixel.h"
#include "frame/region.h"
#include "frame/write_pixel.h"

namespace framelift {

// A picture of R, G, B in a tensor of any layout: NCHW has channel_stride height * width and pixel_stride 1, channels
// last 1 and 3. Value converts from and to float, rounding to nearest even: float, a half, a bfloat16.
template <class Value>
struct TensorPicture {
  Value* data = nullptr;
  int64_t channel_stride = 0, row_stride = 0, pixel_stride = 0;

  FRAMELIFT_HD Value& at(int channel, int x, int y) const {
    return data[channel * channel_stride + y * row_stride + x * pixel_stride];
  }
};

// Pixel column, row of `region`, which may reach beyond the picture and reads its reflection there, as
// FrameToTensor::run.
template <class Sample, class Value>
struct ReadKernel {
  PixelReading reading;
  SamplePicture picture;
  Region region;
  bool clamp = false;  // to [0, 1], as PictureReader
  TensorPicture<Value> out;

  FRAMELIFT_HD void operator()(int column, int row) const {
    float rgb[3];
    read_pixel<Sample>(reading, picture, reflect(region.x + column, picture.width),
                       reflect(region.y + row, picture.height), rgb);
    for (int c = 0; c < 3; ++c) {
      float v = rgb[c];
      if (clamp) v = v > 0 ? (v < 1 ? v : 1) : 0;
      out.at(c, column, row) = static_cast<Value>(v);
    }
  }
};

// Sample x, y of one plane of the picture, from a tensor that begins at `left`, `top` of the picture and covers what
// the sample needs, as TensorToFrame::run.
template <class Sample, class Value>
struct WriteKernel {
  PixelWriting writing;
  TensorPicture<const Value> in;
  int left = 0, top = 0;
  SamplePicture picture;
  int plane = 0;

  FRAMELIFT_HD void operator()(int x, int y) const {
    const auto rgb = [&](int channel, int column, int row) {
      return static_cast<float>(in.at(channel, column - left, row - top));
    };
    picture.row<Sample>(plane, y)[x] =
        static_cast<Sample>(code_at(writing, rgb, plane, x, y, picture.width, picture.height));
  }
};

}  // namespace framelift
