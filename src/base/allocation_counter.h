// Counts heap allocations made by framelift's own stage threads, to prove that the steady state makes none.
// Counting happens only in programs that link base/allocation_hooks.cpp (it replaces operator new), only on threads
// inside an AllocationScope, and not inside a ForeignScope (calls into FFmpeg or an inference engine).
#pragma once

#include <cstdint>

namespace framelift {

class AllocationScope {
 public:
  AllocationScope();
  ~AllocationScope();
  AllocationScope(const AllocationScope&) = delete;
  AllocationScope& operator=(const AllocationScope&) = delete;

 private:
  bool previous_;
};

class ForeignScope {
 public:
  ForeignScope();
  ~ForeignScope();
  ForeignScope(const ForeignScope&) = delete;
  ForeignScope& operator=(const ForeignScope&) = delete;

 private:
  bool previous_;
};

// Allocations counted so far in the whole process.
uint64_t counted_allocations();
// True when operator new is instrumented in this program; otherwise counted_allocations() stays 0 and means nothing.
bool allocation_counting_available();

namespace detail {
void note_allocation() noexcept;  // called by the replaced operator new
void mark_allocation_hooks() noexcept;
}  // namespace detail

}  // namespace framelift
