// Frames, formats and instruction sets for the tests of preprocess/ and postprocess/.
#pragma once

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "frame/frame.h"
#include "frame/tensor.h"
#include "hwy/targets.h"

namespace framelift {

struct FrameBytes final : FrameMemory {
  std::vector<std::byte> bytes;
  void release() override { delete this; }
};

inline constexpr std::byte poison{0xA5};

// A frame whose rows are surrounded by poison, unaligned, and optionally stored bottom-up.
inline Frame make_frame(PixelFormat format, int width, int height, bool bottom_up = false) {
  Frame frame;
  frame.width = width;
  frame.height = height;
  frame.format = format;
  size_t total = 0;
  auto stride = [&](int p) {
    return static_cast<size_t>(format.plane_width(p, width) * format.bytes_per_sample()) + 6;
  };
  for (int p = 0; p < format.plane_count(); ++p)
    total += stride(p) * static_cast<size_t>(format.plane_height(p, height));
  auto* memory = new FrameBytes;
  memory->bytes.assign(total + 8, poison);
  frame.memory = FrameMemoryPtr(memory);
  std::byte* at = memory->bytes.data() + 4;
  for (int p = 0; p < format.plane_count(); ++p) {
    const int rows = format.plane_height(p, height);
    const auto step = static_cast<ptrdiff_t>(stride(p));
    frame.planes[p] = {bottom_up ? at + step * (rows - 1) : at, bottom_up ? -step : step, format.plane_width(p, width),
                       rows};
    at += step * rows;
  }
  return frame;
}

inline int code_at(const Frame& frame, int plane, int x, int y) {
  return frame.format.bits > 8 ? frame.planes[plane].row<uint16_t>(y)[x] : frame.planes[plane].row<uint8_t>(y)[x];
}

inline void set_code(const Frame& frame, int plane, int x, int y, int code) {
  if (frame.format.bits > 8)
    frame.planes[plane].row<uint16_t>(y)[x] = static_cast<uint16_t>(code);
  else
    frame.planes[plane].row<uint8_t>(y)[x] = static_cast<uint8_t>(code);
}

inline void fill_random(const Frame& frame, std::mt19937& random) {
  std::uniform_int_distribution<int> code(0, (1 << frame.format.bits) - 1);
  for (int p = 0; p < frame.format.plane_count(); ++p)
    for (int y = 0; y < frame.planes[p].height; ++y)
      for (int x = 0; x < frame.planes[p].width; ++x) set_code(frame, p, x, y, code(random));
}

// The first sample that differs, as text; empty when all planes are equal.
inline std::string difference(const Frame& a, const Frame& b) {
  for (int p = 0; p < a.format.plane_count(); ++p)
    for (int y = 0; y < a.planes[p].height; ++y)
      for (int x = 0; x < a.planes[p].width; ++x)
        if (code_at(a, p, x, y) != code_at(b, p, x, y))
          return fmt::format("plane {} at {}, {}: {} and {}", p, x, y, code_at(a, p, x, y), code_at(b, p, x, y));
  return {};
}

// Every shape of pixel format at one depth, with each chroma location that means something different.
struct FormatCase {
  PixelFormat format;
  ColorInfo color;
  std::string name() const {
    return fmt::format("{} matrix {} range {} location {}", to_string(format), static_cast<int>(color.matrix),
                       static_cast<int>(color.range), static_cast<int>(color.chroma_location));
  }
};

inline std::vector<FormatCase> format_cases(int bits, MatrixCoefficients matrix, ColorRange range) {
  std::vector<FormatCase> cases;
  const auto depth = static_cast<uint8_t>(bits);
  const ColorInfo color{matrix, TransferCharacteristic::bt709, ColorPrimaries::bt709, range, ChromaLocation::left};
  cases.push_back({{ColorFamily::gray, depth, 0, 0, false}, color});
  cases.push_back({{ColorFamily::rgb, depth, 0, 0, true}, color});
  cases.push_back({{ColorFamily::yuv, depth, 0, 0, false}, color});
  for (const auto& [shift_x, shift_y] : {std::pair{1, 1}, std::pair{1, 0}, std::pair{0, 1}})
    for (ChromaLocation location : {ChromaLocation::left, ChromaLocation::center, ChromaLocation::top_left}) {
      FormatCase c{
          {ColorFamily::yuv, depth, static_cast<uint8_t>(shift_x), static_cast<uint8_t>(shift_y), shift_x != shift_y},
          color};
      c.color.chroma_location = location;
      cases.push_back(c);
    }
  return cases;
}

// Runs check(name) with each instruction set this machine and build have, then restores the choice.
template <class Check>
void for_each_instruction_set(Check&& check) {
  const auto choose = [](int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  };
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    choose(target);
    check(std::string(hwy::TargetName(target)));
  }
  choose(0);
}

}  // namespace framelift
