// Single ops on real tensors: convolutions on an engine, everything else by its meaning.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "graph/graph.h"

namespace framelift {

// Compiles a graph for one run at a time and runs it on each set of inputs, in the graph's order; `on_run`, after each,
// reads the request's outputs. Errors: those of the backend.
Status run_graph(const Graph& graph, const Parameters& parameters, std::span<const std::vector<const Tensor*>> inputs,
                 Backend& backend, const CompileOptions& compile,
                 const std::function<void(size_t set, InferRequest& request)>& on_run);

class OpRunner {
 public:
  // `threads`: of the engine; 0: all. The backend is not owned.
  explicit OpRunner(Backend& backend, int threads = 0) : backend_(backend), threads_(threads) {}

  // The op on each of several first inputs of one shape, with the same further inputs (weights, a bias), in float32.
  Result<std::vector<Tensor>> run(const Op& op, std::span<const Tensor* const> first,
                                  std::span<const Tensor* const> further) const;
  // On one set of inputs.
  Tensor evaluate(const Op& op, std::span<const Tensor* const> inputs) const;
  // a [M,K] times the transpose of b [N,K].
  Result<Tensor> product(const Tensor& a, const Tensor& b) const;

 private:
  Result<std::vector<Tensor>> run(const Graph& graph, const Parameters& parameters,
                                  std::span<const std::vector<const Tensor*>> inputs) const;

  Backend& backend_;
  int threads_;
};

}  // namespace framelift
