#include "quantize/op_runner.h"

#include <cstring>

#include "graph/evaluate.h"
#include "graph/op.h"

namespace framelift {

Status run_graph(const Graph& graph, const Parameters& parameters, std::span<const std::vector<const Tensor*>> inputs,
                 Backend& backend, const CompileOptions& compile,
                 const std::function<void(size_t set, InferRequest& request)>& on_run) {
  CompileOptions options = compile;
  options.latency = true;
  FL_TRY(const auto executable, backend.compile(graph, parameters, options));
  FL_TRY(const auto request, executable->create_request());
  for (size_t set = 0; set < inputs.size(); ++set) {
    for (size_t i = 0; i < inputs[set].size(); ++i)
      std::memcpy(request->input(static_cast<int>(i)).data, inputs[set][i]->data(), inputs[set][i]->bytes());
    FL_CHECK(request->start());
    FL_CHECK(request->wait());
    on_run(set, *request);
  }
  return {};
}

Result<std::vector<Tensor>> OpRunner::run(const Graph& graph, const Parameters& parameters,
                                          std::span<const std::vector<const Tensor*>> inputs) const {
  CompileOptions options;
  options.precision = Precision::f32;
  options.threads = threads_;
  std::vector<Tensor> results;
  FL_CHECK(run_graph(graph, parameters, inputs, backend_, options, [&](size_t, InferRequest& request) {
    const TensorView output = request.output(0);
    results.push_back(Tensor::from_f32(output.shape, output.f32()));
  }));
  return results;
}

Result<std::vector<Tensor>> OpRunner::run(const Op& op, std::span<const Tensor* const> first,
                                          std::span<const Tensor* const> further) const {
  GraphBuilder b;
  std::vector<ValueId> ids{b.input("x", first[0]->shape())};
  Parameters parameters;
  for (const Tensor* tensor : further) {
    const std::string name = fmt::format("p{}", ids.size());
    ids.push_back(b.parameter(name, tensor->shape()));
    parameters.emplace(name, tensor->clone());
  }
  b.output(b.add_node(op, ids), "y");
  FL_TRY(const Graph graph, std::move(b).finish());
  std::vector<std::vector<const Tensor*>> inputs;
  for (const Tensor* tensor : first) inputs.push_back({tensor});
  return run(graph, parameters, inputs);
}

Tensor OpRunner::evaluate(const Op& op, std::span<const Tensor* const> inputs) const {
  std::vector<Shape> shapes;
  std::vector<TensorView> views;
  for (const Tensor* tensor : inputs) {
    shapes.push_back(tensor->shape());
    views.push_back({tensor->dtype(), tensor->shape(), const_cast<std::byte*>(tensor->data())});  // only read
  }
  Tensor result(DType::f32, infer_shape(op, shapes).value());  // the graph was built with it
  framelift::evaluate(op, views, result.view());
  return result;
}

Result<Tensor> OpRunner::product(const Tensor& a, const Tensor& b) const {
  GraphBuilder builder;
  const ValueId x = builder.input("a", a.shape()), y = builder.input("b", b.shape());
  builder.output(builder.add_node(Linear{}, {x, y}), "y");
  FL_TRY(const Graph graph, std::move(builder).finish());
  const std::vector<const Tensor*> inputs{&a, &b};
  FL_TRY(auto results, run(graph, {}, std::span(&inputs, 1)));
  return std::move(results[0]);
}

}  // namespace framelift
