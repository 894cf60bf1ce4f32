#include "base/allocation_counter.h"

#include <atomic>

namespace framelift {
namespace {
thread_local bool counting = false;
std::atomic<uint64_t> total{0};
std::atomic<bool> hooked{false};
}  // namespace

AllocationScope::AllocationScope() : previous_(counting) { counting = true; }
AllocationScope::~AllocationScope() { counting = previous_; }
ForeignScope::ForeignScope() : previous_(counting) { counting = false; }
ForeignScope::~ForeignScope() { counting = previous_; }

uint64_t counted_allocations() { return total.load(std::memory_order_relaxed); }
bool allocation_counting_available() { return hooked.load(std::memory_order_relaxed); }

namespace detail {
void note_allocation() noexcept {
  if (counting) total.fetch_add(1, std::memory_order_relaxed);
}
void mark_allocation_hooks() noexcept { hooked.store(true, std::memory_order_relaxed); }
}  // namespace detail

}  // namespace framelift
