#include "backend/openvino/openvino_backend.h"

#include <algorithm>
#include <map>
#include <openvino/openvino.hpp>
#include <sstream>
#include <thread>

#include "backend/openvino/lower.h"
#include "base/allocation_counter.h"
#include "base/available_memory.h"
#include "base/log.h"
#include "graph/analysis.h"
#include "graph/op.h"
#include "graph/passes.h"

namespace framelift {
namespace {

// OpenVINO reports everything by exceptions with many lines of internal locations; users need the first useful one.
std::string first_line(const std::exception& e) {
  std::string_view text = e.what();
  // "Exception from src/...:123:\nreal reason"
  while (text.starts_with("Exception from") || text.starts_with("Check '")) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return std::string(text.substr(0, text.find('\n')));
}

struct OperationTable {
  std::vector<Operation> list;
  std::map<std::string, size_t> index;  // by OpenVINO's names
};

// OpenVINO and oneDNN wrap a failed allocation in exceptions of their own, of which only the text tells.
ErrorCode code_of(const std::exception& e) {
  const std::string_view text = e.what();
  const bool memory = text.find("bad_alloc") != text.npos || text.find("can't alloc") != text.npos;
  return memory ? ErrorCode::out_of_memory : ErrorCode::internal;
}

class OpenVinoRequest final : public InferRequest {
 public:
  OpenVinoRequest(ov::CompiledModel& model, const std::vector<PortInfo>& inputs, const std::vector<PortInfo>& outputs,
                  std::shared_ptr<const OperationTable> operations)
      : operations_(std::move(operations)), request_(model.create_infer_request()) {
    auto own = [](const PortInfo& port, std::vector<Tensor>& tensors) {
      tensors.emplace_back(port.dtype, port.shape);
      return ov::Tensor(ov::element::f32, ov::Shape(port.shape.dims().begin(), port.shape.dims().end()),
                        tensors.back().data());
    };
    for (size_t i = 0; i < inputs.size(); ++i) request_.set_input_tensor(i, own(inputs[i], inputs_));
    for (size_t i = 0; i < outputs.size(); ++i) request_.set_output_tensor(i, own(outputs[i], outputs_));
  }
  ~OpenVinoRequest() override {
    try {
      if (running_) request_.wait();
    } catch (const std::exception&) {  // the job is already failing for a reason it has reported
    }
  }

  TensorView input(int index) override { return inputs_[static_cast<size_t>(index)].view(); }
  TensorView output(int index) override { return outputs_[static_cast<size_t>(index)].view(); }

  Status start() override {
    ForeignScope foreign;
    try {
      request_.start_async();
      running_ = true;
      return {};
    } catch (const std::exception& e) {
      return fail(ErrorCode::internal, "OpenVINO could not start the network: {}", first_line(e));
    }
  }
  Status wait() override {
    ForeignScope foreign;
    running_ = false;
    try {
      request_.wait();
      return {};
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::out_of_memory, "OpenVINO ran out of memory while running the network");
    } catch (const std::exception& e) {
      return fail(code_of(e), "OpenVINO failed to run the network: {}", first_line(e));
    }
  }
  void get_operation_seconds(std::span<double> seconds) override {
    std::ranges::fill(seconds, 0.0);
    ForeignScope foreign;
    for (const ov::ProfilingInfo& info : request_.get_profiling_info())
      if (const auto found = operations_->index.find(info.node_name); found != operations_->index.end())
        seconds[found->second] = std::chrono::duration<double>(info.real_time).count();
  }
  void cancel() override {
    try {
      request_.cancel();
    } catch (const std::exception& e) {  // then it runs to its end
      log::debug("OpenVINO cannot cancel: {}", e.what());
    }
  }

 private:
  std::vector<Tensor> inputs_, outputs_;
  std::shared_ptr<const OperationTable> operations_;
  ov::InferRequest request_;
  bool running_ = false;
};

class OpenVinoExecutable final : public Executable {
 public:
  OpenVinoExecutable(ov::CompiledModel model, const Graph& graph, Precision precision, bool profile)
      : model_(std::move(model)), precision_(precision) {
    if (profile) list_operations(graph);
    for (ValueId id : graph.inputs) inputs_.push_back({graph.value(id).name, DType::f32, graph.value(id).shape});
    for (ValueId id : graph.outputs) outputs_.push_back({graph.value(id).name, DType::f32, graph.value(id).shape});
    streams_ = static_cast<int>(std::max<uint32_t>(model_.get_property(ov::optimal_number_of_infer_requests), 1));
    from_cache_ = model_.get_property(ov::loaded_from_cache);
  }

  const std::vector<PortInfo>& inputs() const override { return inputs_; }
  const std::vector<PortInfo>& outputs() const override { return outputs_; }
  Precision precision() const override { return precision_; }
  int streams() const override { return streams_; }
  bool from_cache() const override { return from_cache_; }
  const std::vector<Operation>& operations() const override { return operations_->list; }
  Result<std::unique_ptr<InferRequest>> create_request() override {
    try {
      return std::make_unique<OpenVinoRequest>(model_, inputs_, outputs_, operations_);
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::out_of_memory, "no memory for another run of the network; try --tile or --memory");
    } catch (const std::exception& e) {
      return fail(code_of(e), "OpenVINO could not prepare the network: {}", first_line(e));
    }
  }

 private:
  // OpenVINO's own graph says which of our nodes became one operation.
  void list_operations(const Graph& graph) {
    std::map<std::string, int64_t> flops;
    for (const Node& node : graph.nodes) flops[graph.value(node.output).name] = node_flops(graph, node);
    auto table = std::make_shared<OperationTable>();
    for (const auto& node : model_.get_runtime_model()->get_ordered_ops()) {
      const auto fact = [&](const char* key) {
        const auto found = node->get_rt_info().find(key);
        return found == node->get_rt_info().end() ? std::string() : found->second.as<std::string>();
      };
      Operation operation{node->get_friendly_name(), fact("layerType"), fact("primitiveType"), fact("runtimePrecision"),
                          0};
      std::istringstream originals(fact("originalLayersNames"));
      for (std::string name; std::getline(originals, name, ',');)
        if (const auto found = flops.find(name); found != flops.end()) {
          operation.flops += found->second;
          operation.name = name;
        }
      table->index[node->get_friendly_name()] = table->list.size();
      table->list.push_back(std::move(operation));
    }
    operations_ = std::move(table);
  }

  ov::CompiledModel model_;
  std::shared_ptr<const OperationTable> operations_ = std::make_shared<OperationTable>();
  Precision precision_;
  std::vector<PortInfo> inputs_, outputs_;
  int streams_ = 1;
  bool from_cache_ = false;
};

// OpenVINO 2026.4 ends the process where it gets no thread and sometimes where it gets no memory (abort in
// CPUStreamsExecutor, SIGSEGV in the CPU plugin), so it begins only where `ulimit -v` leaves enough. A thread takes a
// stack of 8 MiB, and malloc reserves twice 64 MiB to align an arena for it.
Status check_address_space(const CompileOptions& options) {
  constexpr int64_t mib = 1 << 20, beside_threads = 256 * mib, per_thread = 136 * mib;
  const int64_t threads = options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  const int64_t needed = beside_threads + threads * per_thread, left = available_address_space();
  if (left >= needed) return {};
  return fail(ErrorCode::unsupported,
              "ulimit -v leaves {} MiB of address space, of which OpenVINO needs {} for {} threads; raise it{}",
              left / mib, needed / mib, threads, threads > 1 ? ", or use fewer --threads" : "");
}

class OpenVinoBackend final : public Backend {
 public:
  const char* name() const override { return "openvino"; }
  bool has_streams() const override { return true; }

  std::vector<std::string> describe() const override {
    try {
      std::vector<std::string> lines;
      std::string capabilities;
      for (const std::string& c : core().get_property("CPU", ov::device::capabilities)) capabilities += " " + c;
      lines.push_back(fmt::format("OpenVINO {}", ov::get_openvino_version().buildNumber));
      lines.push_back(fmt::format("cpu: {} ({})", core().get_property("CPU", ov::device::full_name),
                                  capabilities.empty() ? "" : capabilities.substr(1)));
      return lines;
    } catch (const std::exception& e) {
      log::debug("OpenVINO has no usable CPU plugin: {}", e.what());
      return {};
    }
  }

  Status supports(const Graph& graph, const CompileOptions& options) const override {
    if (options.device != "auto" && options.device != "cpu")
      return fail(ErrorCode::unsupported, "the openvino backend of this build runs on the cpu only, not on '{}'",
                  options.device);
    if (options.precision == Precision::f16)
      return fail(ErrorCode::unsupported, "no f16 arithmetic on the cpu; use bf16 or f32");
    for (const Node& node : graph.nodes)
      if (std::holds_alternative<InverseToneMap>(node.op))
        return fail(ErrorCode::unsupported, "the openvino backend has no {}", op_name(node.op));
    return {};
  }

  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Parameters& parameters,
                                              const CompileOptions& options) override {
    FL_CHECK(supports(graph, options));
    FL_CHECK(check_address_space(options));
    FL_TRY(Graph bound, bind_parameters(graph, parameters));
    FL_TRY(bound, optimise(std::move(bound)));
    FL_TRY(auto model, lower_to_openvino(bound));
    try {
      const Precision precision = options.precision != Precision::automatic ? options.precision
                                  : has_native_bf16()                       ? Precision::bf16
                                                                            : Precision::f32;
      ov::AnyMap properties{
          ov::hint::inference_precision(precision == Precision::bf16 ? ov::element::bf16 : ov::element::f32),
          ov::hint::performance_mode(options.latency ? ov::hint::PerformanceMode::LATENCY
                                                     : ov::hint::PerformanceMode::THROUGHPUT),
          // Decoder, encoder and pixel stages share the cores with the network; the scheduler balances them better
          // than pinned threads do.
          ov::hint::enable_cpu_pinning(false),
      };
      if (options.profile) properties.insert(ov::enable_profiling(true));
      if (options.streams > 0) properties.insert(ov::num_streams(options.streams));
      if (options.threads > 0) properties.insert(ov::inference_num_threads(options.threads));
      if (!options.cache_dir.empty()) properties.insert(ov::cache_dir(options.cache_dir.string()));
      return std::make_unique<OpenVinoExecutable>(core().compile_model(model, "CPU", properties), bound, precision,
                                                  options.profile);
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::out_of_memory, "no memory to compile the network; try --tile or --memory");
    } catch (const std::exception& e) {
      return fail(code_of(e), "OpenVINO could not compile the network: {}", first_line(e));
    }
  }

 private:
  // Made at first use: loading the plugins takes a while and `--help` should not.
  static ov::Core& core() {
    static ov::Core instance;
    return instance;
  }
  // OpenVINO also lists BF16 where it only emulates it, slower than f32; what counts is the instruction set.
  static bool has_native_bf16() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
  }
};

}  // namespace

Backend& openvino_backend() {
  static OpenVinoBackend backend;
  return backend;
}

}  // namespace framelift
