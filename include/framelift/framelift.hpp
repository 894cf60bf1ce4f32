// framelift for C++: owners and exceptions-free results over framelift.h.
#pragma once

#include <framelift/framelift.h>

#include <memory>
#include <string>
#include <utility>

namespace framelift::api {

// OK, or a code and one line of text. Converts to true on success.
class Outcome {
 public:
  Outcome() = default;
  explicit Outcome(framelift_status code) : code_(code), message_(code == FRAMELIFT_OK ? "" : framelift_last_error()) {}
  explicit operator bool() const { return code_ == FRAMELIFT_OK; }
  framelift_status code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  framelift_status code_ = FRAMELIFT_OK;
  std::string message_;
};

// A network; empty until open() succeeds. Move-only.
class Network {
 public:
  Outcome open(const std::string& name_or_path) {
    framelift_network* opened = nullptr;
    Outcome outcome(framelift_network_open(name_or_path.c_str(), &opened));
    if (outcome) handle_.reset(opened);
    return outcome;
  }
  int scale() const { return framelift_network_scale(handle_.get()); }
  int alignment() const { return framelift_network_alignment(handle_.get()); }
  const framelift_network* get() const { return handle_.get(); }

  Outcome process_video(const std::string& input, const std::string& output,
                        const framelift_video_options& options) const {
    return Outcome(framelift_process_video(handle_.get(), input.c_str(), output.c_str(), &options));
  }

 private:
  struct Close {
    void operator()(framelift_network* n) const { framelift_network_close(n); }
  };
  std::unique_ptr<framelift_network, Close> handle_;
};

// A network compiled for one picture size; empty until create() succeeds. Move-only. Buffers as in
// framelift_engine_run, which any number of threads may call.
class Engine {
 public:
  Outcome create(const Network& network, int width, int height, const framelift_engine_options& options) {
    framelift_engine* created = nullptr;
    Outcome outcome(framelift_engine_create(network.get(), width, height, &options, &created));
    if (outcome) handle_.reset(created);
    return outcome;
  }
  Outcome run(const float* source, float* target) {
    return Outcome(framelift_engine_run(handle_.get(), source, target));
  }

 private:
  struct Destroy {
    void operator()(framelift_engine* e) const { framelift_engine_destroy(e); }
  };
  std::unique_ptr<framelift_engine, Destroy> handle_;
};

}  // namespace framelift::api
