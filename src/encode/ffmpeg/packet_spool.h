// Coded packets kept on disk until the file's header can be written.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "base/result.h"
#include "decode/ffmpeg/ffmpeg.h"

namespace framelift {

// First write() any number of times, then rewind(), then read() until it says the end. The file has no name in the
// folder, so that nothing is left behind however the program ends. Errors are FFmpeg's codes, AVERROR(ENOSPC) for a
// full disk.
class PacketSpool {
 public:
  // In this folder: the one of the output, whose disk has to hold the video anyway.
  static Result<PacketSpool> create(const std::string& folder);

  int write(const AVPacket& packet);
  int rewind();
  // 1: a packet was read, 0: the end, negative: an error.
  int read(AVPacket& packet);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  bool put(const void* bytes, size_t size) { return std::fwrite(bytes, 1, size, file_.get()) == size; }
  bool get(void* bytes, size_t size) { return std::fread(bytes, 1, size, file_.get()) == size; }

  std::unique_ptr<char[]> buffer_;  // of file_, and so closed after it
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace framelift
