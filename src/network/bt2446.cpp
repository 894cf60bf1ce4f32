#include "network/bt2446.h"

#include "network/tensor_names.h"

namespace framelift {
namespace {

constexpr const char* name = "bt2446";

Result<Graph> build(const HyperParameters& hyper, int batch, int height, int width) {
  GraphBuilder b;
  InverseToneMap curve;
  curve.method = hyper.at("method") == 0 ? Bt2446Method::a : Bt2446Method::c;
  curve.peak_nits = static_cast<float>(hyper.at("peak_nits"));
  b.output(b.add_node(curve, {b.input("image", {batch, 3, height, width})}), "image");
  return std::move(b).finish();
}

NetworkContract contract(const HyperParameters&) { return sdr_to_hdr_contract(); }

// It has no weights: no file holds it.
Result<HyperParameters> detect(const WeightFile& file) { return not_this_architecture(file, name); }
Result<Parameters> parameters(const WeightFile&, const HyperParameters&) { return Parameters{}; }

}  // namespace

const Architecture bt2446 = {
    name, "ITU-R BT.2446: SDR video to HDR (PQ, BT.2020) by a formula", detect, parameters, contract, build, nullptr};

}  // namespace framelift
