// What the encoder forgets about a frame and the muxer wants to know about its packet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace framelift {

// Remembers presentation time and duration of the frames inside the encoder, in a fixed ring: nothing is allocated.
class PacketTimes {
 public:
  void add(int64_t pts, int64_t duration) {
    if (count_ > 0 && entry(count_ - 1).duration <= 0) entry(count_ - 1).duration = pts - entry(count_ - 1).pts;
    entry(count_++) = {pts, duration};
  }

  int64_t count() const { return count_; }

  // The duration of the frame with this time; for a last frame without one, that of the frame before it.
  int64_t duration(int64_t pts) const {
    const int64_t oldest = count_ > capacity ? count_ - capacity : 0;
    for (int64_t i = count_ - 1; i >= oldest; --i) {
      if (entry(i).pts != pts) continue;
      if (entry(i).duration > 0 || i == oldest) return entry(i).duration;
      return entry(i - 1).duration;
    }
    return 0;
  }

  // The time of frame number `index`, for encoders that only count frames. Before the first frame the times go on
  // backwards in even steps: decoding starts before presentation when frames are reordered.
  int64_t pts_of_index(int64_t index) const {
    if (index >= 0) return entry(index).pts;
    const int64_t step = count_ > 1 ? entry(1).pts - entry(0).pts : 1;
    return entry(0).pts + index * (step > 0 ? step : 1);
  }

 private:
  struct Entry {
    int64_t pts = 0, duration = 0;
  };
  static constexpr int64_t capacity = 1024;  // more than any encoder's lookahead

  Entry& entry(int64_t i) { return ring_[static_cast<std::size_t>(i % capacity)]; }
  const Entry& entry(int64_t i) const { return ring_[static_cast<std::size_t>(i % capacity)]; }

  std::array<Entry, capacity> ring_{};
  int64_t count_ = 0;
};

}  // namespace framelift
