#include "network/bt2446.h"
#include "network/expandnet.h"
#include "network/gainmap.h"
#include "network/hallucination.h"
#include "network/hdrtvnet.h"
#include "network/ldr2hdr.h"
#include "network/network.h"
#include "network/onnx/onnx_network.h"
#include "network/rrdbnet.h"
#include "network/segmentation/deeplabv3plus.h"
#include "network/segmentation/file_graph.h"
#include "network/srvgg_compact.h"
#include "weights/catalogue/built_in_weights.h"

namespace framelift {

const std::vector<const Architecture*>& architectures() {
  static const std::vector<const Architecture*> all = {&srvgg_compact, &rrdbnet,     &hdrtvnet, &hallucination,
                                                       &ldr2hdr,       &expandnet,   &gainmap,  &deeplabv3plus,
                                                       &file_graph,    &onnx_network};
  return all;
}

const std::vector<BuiltInNetwork>& built_in_networks() {
  static const std::vector<BuiltInNetwork> all = {{"bt2446a", &bt2446, {{"method", 0}, {"peak_nits", 1000}}, {}},
                                                  {"bt2446c", &bt2446, {{"method", 1}, {"peak_nits", 1000}}, {}},
                                                  {"expand-small", nullptr, {}, expand_small_weights()}};
  return all;
}

}  // namespace framelift
