// The only interface between framelift and the engines that run networks.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "frame/tensor.h"
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
  std::filesystem::path cache_dir;  // compiled-engine cache; empty: no cache
};

// What one input or output of an executable looks like: host memory, contiguous, row-major (NCHW).
struct PortInfo {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
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
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const char* name() const = 0;
  // Facts for `framelift doctor`, one line each ("AMD EPYC ...: f32, bf16 native"). Empty list: cannot run here.
  virtual std::vector<std::string> describe() const = 0;
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
