#include "network/network.h"
#include "network/rrdbnet.h"
#include "network/srvgg_compact.h"

namespace framelift {

const std::vector<const Architecture*>& architectures() {
  static const std::vector<const Architecture*> all = {&srvgg_compact, &rrdbnet};
  return all;
}

}  // namespace framelift
