// Runs another program and waits for it.
#pragma once

#include <string>
#include <vector>

#include "base/cancellation.h"
#include "base/result.h"

namespace framelift {

struct ChildEnd {
  enum class How : uint8_t { exited, signalled, timed_out, cancelled };
  How how = How::exited;
  int code = 0;           // exit code, or the signal's number
  std::string last_line;  // the last line that is not empty of what it wrote to stderr; shortened if very long
  bool succeeded() const { return how == How::exited && code == 0; }
};

// words[0] is the program's path. The child reads nothing, its standard output is dropped, it is in a process group of
// its own (the terminal's Ctrl-C does not reach it) and dies with this process. After `timeout_seconds`, or when
// `cancel` (may be null) is requested, its group is killed. A program that cannot be started exits with code 127.
// Errors: io (no process can be made).
Result<ChildEnd> run_child(const std::vector<std::string>& words, double timeout_seconds, const Cancellation* cancel);

}  // namespace framelift
