#include "network/hdrtvnet.h"
#include "network/network.h"
#include "network/rrdbnet.h"
#include "network/srvgg_compact.h"

namespace framelift {

const std::vector<const Architecture*>& architectures() {
  static const std::vector<const Architecture*> all = {&srvgg_compact, &rrdbnet, &hdrtvnet};
  return all;
}

}  // namespace framelift
