// The only interface between framelift and the engines that run networks.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "frame/frame.h"
#include "frame/read_pixel.h"
#include "frame/tensor.h"
#include "frame/write_pixel.h"
#include "graph/graph.h"

namespace framelift {

enum class Precision : uint8_t {
  automatic,  // the fastest the device runs at its native speed without a calibrated model: bf16 if it can, else f32
  f32,
  bf16,
  f16,
};
const char* to_string(Precision precision);  // "auto", "f32", ...
Result<Precision> parse_precision(std::string_view text);

struct CompileOptions {
  std::string device = "auto";  // "cpu", "cuda", "cuda:1"; auto takes the backend's best
  Precision precision = Precision::automatic;
  int threads = 0;                  // CPU threads; 0: all the process may use
  bool latency = false;             // true: one request uses all threads; false: best total throughput
  int streams = 0;                  // requests that run at a time and share the threads; 0: the engine's choice
  std::filesystem::path cache_dir;  // compiled-engine cache; empty: no cache
  // Inputs and outputs stay on the device, and what input() and output() give is neither read nor written: for
  // measuring the network without the way to the device and back. No effect where the device is the host.
  bool resident = false;
  // Executable::operations() are known and timed, where the engine can; costs about 1 % of the speed.
  bool profile = false;
};

// One operation of a compiled network as the engine runs it, which may have made one of several nodes of the graph.
struct Operation {
  std::string name;       // of the graph's value that it computes (the last of several), or the engine's own
  std::string kind;       // the engine's word: "Convolution", "Reorder"
  std::string kernel;     // what computes it, the engine's word: "brgconv_avx512_u8"; empty: it does not say
  std::string precision;  // "f32", "bf16", "i8"
  int64_t flops = 0;      // of all its nodes, a multiply-add counting twice; 0 of what the engine added
};

// What one input or output of an executable looks like: host memory, contiguous, row-major (NCHW).
struct PortInfo {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
};

// A request's picture as frames instead of tensors, for engines whose device turns samples into signals and back by
// itself: a frame of samples takes a fraction of its tensor's way. Whole frames only, of integer samples. The values
// are those of FrameToTensor and TensorToFrame to the last bit where the network computes in f32.
class PixelPort {
 public:
  virtual ~PixelPort() = default;

  // Takes input(0) from the frame's samples instead of from its tensor, for the next run; `region` of the frame is the
  // network's input, which may reach beyond it, and `clamp` limits it to [0, 1]. The frame is not needed afterwards.
  virtual Status load(const PixelReading& reading, const Frame& frame, const Region& region, bool clamp) = 0;
  // From now on runs turn output(0), whose first pixel is the picture's, into samples of a frame of this format and
  // size, and leave the tensor on the device.
  virtual Status make_frames(const PixelWriting& writing, const PixelFormat& format, int width, int height) = 0;
  // After wait(): copies those samples into `dst`, of that format and size; alpha becomes opaque.
  virtual void take(const Frame& dst) = 0;
};

// One run of the network with its own input and output buffers, allocated when the request is created and never
// again. Not thread-safe by itself; different requests of one executable run at the same time.
class InferRequest {
 public:
  virtual ~InferRequest() = default;

  // Buffers to write before start() and to read after wait(); stable for the request's life.
  virtual TensorView input(int index) = 0;
  virtual TensorView output(int index) = 0;

  // Begins the run and returns at once.
  virtual Status start() = 0;
  // Waits for the run begun by start(); reports its failure.
  virtual Status wait() = 0;
  // Asks a run under way to end early, from any thread; wait() then returns soon, and may fail. May do nothing.
  virtual void cancel() {}
  // Owned by the request; null: pictures are tensors.
  virtual PixelPort* pixels() { return nullptr; }
  // After wait(): seconds that each of the executable's operations took in that run, 0 for those that did not run. As
  // many as there are operations().
  virtual void get_operation_seconds(std::span<double> seconds) { std::ranges::fill(seconds, 0.0); }
};

// A graph with its weights, ready to run for one input size.
class Executable {
 public:
  virtual ~Executable() = default;

  virtual const std::vector<PortInfo>& inputs() const = 0;
  virtual const std::vector<PortInfo>& outputs() const = 0;
  virtual Precision precision() const = 0;  // what `automatic` became
  // How many requests keep the device busy (the number of parallel streams, at least 1).
  virtual int streams() const = 0;
  // Read from CompileOptions::cache_dir instead of made.
  virtual bool from_cache() const { return false; }
  virtual Result<std::unique_ptr<InferRequest>> create_request() = 0;
  // In the order in which they run. Empty without CompileOptions::profile, and of engines that do not time them.
  virtual const std::vector<Operation>& operations() const {
    static const std::vector<Operation> none;
    return none;
  }
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const char* name() const = 0;
  // Facts for `framelift doctor`, one line each ("AMD EPYC ...: f32, bf16 native"). Empty list: cannot run here.
  virtual std::vector<std::string> describe() const = 0;
  // Whether CompileOptions::streams and threads change how fast it is.
  virtual bool has_streams() const { return false; }
  // Memory of a device (CompileOptions::device) that this process holds for networks; 0: it is the host's. Thread-safe.
  virtual int64_t device_bytes(const std::string&) const { return 0; }
  // Why this backend cannot run the graph with these options, or success.
  virtual Status supports(const Graph& graph, const CompileOptions& options) const = 0;
  // Binds `parameters` to the graph's parameters by name (all must be there with the right shape) and compiles.
  virtual Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Parameters& parameters,
                                                      const CompileOptions& options) = 0;
};

// Every engine in this build, best first; the reference is last. Owned by the registry.
const std::vector<Backend*>& backends();
// By name; the error lists the names this build has.
Result<Backend*> find_backend(std::string_view name);
// The first that runs the graph with these options for "auto", else the one of that name if it does. The error says
// why not.
Result<Backend*> find_backend(std::string_view name, const Graph& graph, const CompileOptions& options);

}  // namespace framelift
