#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

extern "C" {  // glibc 2.36 forgot this inside
#include <sys/pidfd.h>
}

namespace framelift {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void reset() {
    close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// Only async-signal-safe calls: this runs between fork and exec.
[[noreturn]] void become(char* const* arguments, int stderr_pipe, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  dup2(nothing, STDOUT_FILENO);
  dup2(stderr_pipe, STDERR_FILENO);
  execv(arguments[0], arguments);
  constexpr char message[] = "the program cannot be started\n";
  if (write(STDERR_FILENO, message, sizeof message - 1) < 0) _exit(126);
  _exit(127);
}

// Keeps the last line of a stream that comes in pieces.
class LastLine {
 public:
  void add(const char* text, ssize_t size) {
    for (const char c : std::string_view(text, static_cast<size_t>(size))) {
      if (c == '\n') {
        if (!current_.empty()) last_ = std::move(current_);
        current_.clear();
      } else if (current_.size() < longest) {
        current_ += c;
      }
    }
  }
  std::string take() { return current_.empty() ? std::move(last_) : std::move(current_); }

 private:
  static constexpr size_t longest = 1000;
  std::string current_, last_;
};

}  // namespace

Result<ChildEnd> run_child(const std::vector<std::string>& words, double timeout_seconds, const Cancellation* cancel) {
  const auto failure = [&] {
    return fail(ErrorCode::io, "{}: no process can be made for it ({})", words.front(), std::strerror(errno));
  };
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));  // exec's signature
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failure();
  Descriptor reading(ends[0]), writing(ends[1]);
  fcntl(reading.get(), F_SETFL, O_NONBLOCK);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return failure();
  if (child == 0) become(arguments.data(), writing.get(), parent);
  setpgid(child, child);  // here too: whoever comes first
  writing.reset();
  const Descriptor ended(pidfd_open(child, 0));

  using SteadyClock = std::chrono::steady_clock;
  const auto deadline = SteadyClock::now() + std::chrono::duration<double>(timeout_seconds);
  ChildEnd end;
  LastLine line;
  // False when nobody can write any more.
  const auto drain = [&] {
    char buffer[4096];
    ssize_t n = 0;
    while ((n = read(reading.get(), buffer, sizeof buffer)) > 0) line.add(buffer, n);
    return n < 0;
  };
  bool writers = true;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (cancel && cancel->requested()) end.how = ChildEnd::How::cancelled;
    if (SteadyClock::now() >= deadline) end.how = ChildEnd::How::timed_out;
    if (end.how != ChildEnd::How::exited) {
      kill(-child, SIGKILL);
      waitpid(child, &status, 0);
      break;
    }
    // Wakes up now and then: a signal that sets `cancel` may come just before poll().
    constexpr int longest_sleep_ms = 100;
    pollfd files[] = {{ended.get(), POLLIN, 0}, {reading.get(), POLLIN, 0}};
    poll(files, writers ? 2 : 1, longest_sleep_ms);
    writers = drain();
  }
  drain();
  end.last_line = line.take();
  if (end.how == ChildEnd::How::exited && WIFSIGNALED(status)) end.how = ChildEnd::How::signalled;
  end.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  return end;
}

}  // namespace framelift
