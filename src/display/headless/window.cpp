// For builds without SDL2.
#include "display/window.h"

namespace framelift {

Status check_display() {
  return fail(ErrorCode::unsupported,
              "this build cannot open windows; install SDL2 (Debian: apt install libsdl2-dev) and build again");
}

Result<std::unique_ptr<Window>> open_window(const WindowOptions&) { return fail(check_display().error()); }

std::string describe_display() { return check_display().error().message; }

}  // namespace framelift
