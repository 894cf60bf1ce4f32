#include "train/trainable.h"

#include <algorithm>

namespace framelift {

const std::vector<TrainableNetwork>& trainable_networks() {
  static const std::vector<TrainableNetwork> all{
      {"ldr2hdr", "ldr2hdr", {{"base", 64}, {"blocks", 8}, {"dilation", 2}, {"scale_hdr_milli", 4000}}},
      {"gainmap", "gainmap", {{"features", 16}, {"scale_hdr_milli", 4000}}},
      {"le", "hdrtvnet++", {{"agcm", 0}, {"le", 1}}},
      {"agcm", "hdrtvnet++", {{"agcm", 1}, {"le", 0}}},
      {"hg", "hdrtvnet++-hg", {{"features", 64}}},
      {"srvgg", "srvgg-compact", {{"features", 64}, {"convs", 16}, {"scale", 4}}},
      {"rrdb",
       "rrdbnet",
       {{"blocks", 23}, {"features", 64}, {"growth", 32}, {"scale", 4}, {"unshuffle", 1}, {"upsamples", 2}}},
  };
  return all;
}

Result<ChosenNetwork> choose_network(std::string_view name, const HyperParameters& changes) {
  std::string names;
  for (const TrainableNetwork& network : trainable_networks()) {
    names += (names.empty() ? "" : ", ") + std::string(network.name);
    if (name != network.name) continue;
    const auto found = std::ranges::find_if(
        architectures(), [&](const Architecture* a) { return std::string_view(a->name) == network.architecture; });
    if (found == architectures().end()) return fail(ErrorCode::unsupported, "network {} is not in this build", name);
    ChosenNetwork chosen{*found, network.hyper};
    for (const auto& [key, value] : changes) {
      const auto hyper = chosen.hyper.find(key);
      if (hyper == chosen.hyper.end())
        return fail(ErrorCode::invalid_argument, "network {} has no hyper-parameter {}; leave --{} out", name, key,
                    key);
      hyper->second = value;
    }
    // Always enlarged four times; for smaller scales the input is folded into channels first.
    if (const auto unshuffle = chosen.hyper.find("unshuffle"); unshuffle != chosen.hyper.end()) {
      const int scale = chosen.hyper.at("scale");
      if (scale != 1 && scale != 2 && scale != 4)
        return fail(ErrorCode::invalid_argument, "network {} has no --scale {}; choose 1, 2 or 4", name, scale);
      unshuffle->second = 4 / scale;
    }
    return chosen;
  }
  return fail(ErrorCode::not_found, "network '{}' cannot be trained; choose one of {}", name, names);
}

}  // namespace framelift
