// How a program that trains uses memory.
#pragma once

#include <malloc.h>

namespace framelift {

// Every step takes and gives back the same large tensors. Without this, each of them is new memory from the system,
// page by page: 1.7 times the time of a step of gainmap.
inline void keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

}  // namespace framelift
