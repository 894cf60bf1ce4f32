#include "profile/profile.h"

#include <fmt/format.h>

#include "graph/analysis.h"

namespace framelift {

void NetworkProfile::attach(Trace& trace, const std::vector<Operation>& operations, size_t requests) {
  *this = {};
  trace_ = &trace;
  for (size_t i = 0; i < requests; ++i) rows_.push_back(trace.add_track(fmt::format("network {}", i + 1)));
  operations_ = operations;
  for (const Operation& operation : operations) names_.push_back(trace.keep(operation.name));
  totals_.assign(operations.size(), 0);
  last_ = totals_;
}

void NetworkProfile::add_run(InferRequest& request, int index, Clock::time_point begin, Clock::time_point end) {
  const int row = rows_[static_cast<size_t>(index)];
  trace_->add_span(row, "run", begin, end, runs_);
  request.get_operation_seconds(last_);
  Clock::time_point at = begin;
  for (size_t i = 0; i < last_.size(); ++i) {
    totals_[i] += last_[i];
    const auto next =
        std::min(at + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(last_[i])), end);
    if (runs_ < runs_in_detail && next > at) trace_->add_span(row, names_[i], at, next, runs_);
    at = next;
  }
  ++runs_;
}

Result<double> measure_peak_flops(Backend& backend, const CompileOptions& given) {
  constexpr int channels = 64, edge = 256, layers = 6;
  constexpr double seconds = 0.4;
  GraphBuilder b;
  ValueId x = b.input("x", {1, channels, edge, edge});
  Parameters parameters;
  for (int i = 0; i < layers; ++i) {
    const std::string name = fmt::format("layer{}", i);
    Conv2d attributes;
    attributes.pad = Padding::same(1);
    x = b.conv2d(x, name, channels, 3, attributes, false);
    parameters.emplace(name + ".weight", Tensor::filled({channels, channels, 3, 3}, 1e-3f));
  }
  b.output(x, "y");
  FL_TRY(const Graph graph, std::move(b).finish());
  CompileOptions options = given;
  options.profile = false;
  options.cache_dir.clear();
  FL_TRY(const auto executable, backend.compile(graph, parameters, options));
  std::vector<std::unique_ptr<InferRequest>> requests;
  for (int i = 0; i < executable->streams(); ++i) {
    FL_TRY(auto request, executable->create_request());
    std::ranges::fill(request->input(0).f32(), 0.5f);
    requests.push_back(std::move(request));
  }
  int64_t runs = 0;
  auto begin = Clock::now();
  for (bool warm = false; !warm || seconds_between(begin, Clock::now()) < seconds;) {
    for (const auto& request : requests) FL_CHECK(request->start());
    for (const auto& request : requests) FL_CHECK(request->wait());
    if (warm) runs += static_cast<int64_t>(requests.size());
    if (!warm) begin = Clock::now();
    warm = true;
  }
  return static_cast<double>(graph_cost(graph).flops * runs) / seconds_between(begin, Clock::now());
}

}  // namespace framelift
