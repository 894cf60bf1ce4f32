// From the tensors of a file, under whatever names it uses, to the parameters of a graph.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "weights/weight_file.h"

namespace framelift {

struct RenamedTensor {
  std::string name;      // as the graph calls it; empty: the network has no such tensor
  std::string original;  // as the file calls it, for messages
  const Tensor* tensor = nullptr;
};

// "module.body.0.weight" (written by multi-GPU training) -> "body.0.weight".
std::string_view without_module_prefix(std::string_view name);

// A non-negative decimal number at the start of `text`, which moves behind it. Nothing when there is none.
std::optional<int> take_number(std::string_view& text);
// Whether `text` starts with `prefix`, which is then removed.
bool take_prefix(std::string_view& text, std::string_view prefix);

// The tensor of that graph name, or null.
const Tensor* find_tensor(const std::vector<RenamedTensor>& tensors, std::string_view name);

// ncnn files have no state dict: their tensors, in layer order, are the graph's parameters in the order of building.
Result<std::vector<RenamedTensor>> name_by_order(const WeightFile& file, const Graph& graph);

// The graph's parameters as float32. Each must be there once, with its shape, as floating-point numbers that are all
// finite; a tensor that belongs to no parameter is an error too.
Result<Parameters> bind_tensors(const WeightFile& file, const std::vector<RenamedTensor>& tensors, const Graph& graph);

// The same for a state dict whose names are the graphs' own, but for a "module." in front: the parameters of all these
// graphs together. Counters of batch normalisation (".num_batches_tracked"), where there is any, are passed over.
Result<Parameters> bind_state_dict(const WeightFile& file, std::initializer_list<const Graph*> graphs);

// The remedy every "no such architecture" message shares.
tl::unexpected<Error> not_this_architecture(const WeightFile& file, std::string_view architecture);

// A hyper-parameter that a file of our own states in its metadata.
std::optional<double> stated_hyper(const WeightFile& file, const std::string& hyper);

// A hyper-parameter read off a file, refused outside of [low, high] before anything is built from it.
Status check_hyper(const WeightFile& file, std::string_view what, int64_t value, int64_t low, int64_t high);

}  // namespace framelift
