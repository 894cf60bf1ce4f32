// A window with a picture in it, or two side by side. Implemented with SDL2 in sdl/; headless/ stands in for it in
// builds without, and refuses.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "frame/frame.h"

namespace framelift {

struct WindowOptions {
  std::string title;
  int width = 0, height = 0;          // of the picture in square pixels; the window is smaller where the screen is
  int max_width = 0, max_height = 0;  // of the window; 0: no limit
  bool fullscreen = false;
};

// What the user asks for by keys or the window's close button.
enum class WindowCommand : uint8_t { quit, pause, step, step_back, seek, seek_back, reverse, split, tone_map, save };

// Everything on the thread that opened it.
class Window {
 public:
  // The result fills the window; in split screen the source covers its left part, scaled to the same place.
  enum class Layer : uint8_t { result, source };

  virtual ~Window() = default;
  // Waits for a command, at most `seconds`. Redraws by itself when the window changes or the split follows the mouse.
  virtual std::optional<WindowCommand> next_command(double seconds) = 0;
  virtual void set_title(const std::string& title) = 0;
  virtual void set_split(bool split) = 0;
  // Copies an R'G'B' picture of 8 bits (SdrRenderer::format). Its size may change from call to call.
  virtual Status set_picture(Layer layer, const Frame& rgb) = 0;
  virtual void draw() = 0;
  // What is drawn, at the size of the result's picture, into a frame of that size and the same format.
  virtual Status capture(const Frame& rgb) = 0;
};

// Errors: unsupported (no display, or this build has no window); each names the remedy.
Status check_display();
Result<std::unique_ptr<Window>> open_window(const WindowOptions& options);

// One line for people: "SDL 2.26.5, video drivers x11 wayland", or why there is none.
std::string describe_display();

}  // namespace framelift
