// The networks that can be trained from nothing, by the names of `framelift train`.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/network.h"

namespace framelift {

struct TrainableNetwork {
  const char* name;
  const char* architecture;  // its name in architectures()
  HyperParameters hyper;     // every hyper-parameter, at the value that the network is published with
};
const std::vector<TrainableNetwork>& trainable_networks();

struct ChosenNetwork {
  const Architecture* architecture = nullptr;
  HyperParameters hyper;
};
// With other hyper-parameters where `changes` has some. Errors: not_found (the names there are), invalid_argument (a
// hyper-parameter that this network does not have), unsupported (not in this build).
Result<ChosenNetwork> choose_network(std::string_view name, const HyperParameters& changes);

}  // namespace framelift
