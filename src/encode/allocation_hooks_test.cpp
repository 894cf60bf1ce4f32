// Links the counting operator new into this test program, in a file of its own: in sight of it, the compiler takes
// every delete for a mismatch.
#include "base/allocation_hooks.cpp"

// libx265 frees not everything when it refuses its parameters; that is not ours to find.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libx265\n"; }
