#include "display/window.h"

#include <SDL2/SDL.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace framelift {
namespace {

struct DestroyWindow {
  void operator()(SDL_Window* w) const { SDL_DestroyWindow(w); }
};
struct DestroyRenderer {
  void operator()(SDL_Renderer* r) const { SDL_DestroyRenderer(r); }
};
struct DestroyTexture {
  void operator()(SDL_Texture* t) const { SDL_DestroyTexture(t); }
};
using WindowPtr = std::unique_ptr<SDL_Window, DestroyWindow>;
using RendererPtr = std::unique_ptr<SDL_Renderer, DestroyRenderer>;
using TexturePtr = std::unique_ptr<SDL_Texture, DestroyTexture>;

constexpr Uint32 texture_format = SDL_PIXELFORMAT_ARGB8888;

tl::unexpected<Error> sdl_error(const char* what) {
  return fail(ErrorCode::unsupported, "{} ({}); try a smaller picture with --max-width, or another graphics driver",
              what, SDL_GetError());
}

class SdlWindow final : public Window {
 public:
  ~SdlWindow() override {
    textures_[0].reset();
    textures_[1].reset();
    renderer_.reset();
    window_.reset();
    SDL_FlushEvents(SDL_FIRSTEVENT, SDL_LASTEVENT);  // keys meant for this window
  }

  Status open(const WindowOptions& options);
  std::optional<WindowCommand> next_command(double seconds) override;
  void set_title(const std::string& title) override { SDL_SetWindowTitle(window_.get(), title.c_str()); }
  void set_split(bool split) override { split_ = split; }
  Status set_picture(Layer layer, const Frame& rgb) override;
  void draw() override;
  Status capture(const Frame& rgb) override;

 private:
  TexturePtr& texture(Layer layer) { return textures_[static_cast<size_t>(layer)]; }
  SDL_Rect place() const;
  void draw_into(const SDL_Rect& place);
  void toggle_fullscreen();
  std::optional<WindowCommand> command_of(const SDL_Event& event);

  WindowPtr window_;
  RendererPtr renderer_;
  TexturePtr textures_[2];
  double aspect_ = 1;  // width / height of the picture
  bool redraw_ = false;
  bool split_ = false;
  double split_at_ = 0.5;  // share of the picture's width
};

Status SdlWindow::open(const WindowOptions& o) {
  aspect_ = static_cast<double>(o.width) / o.height;
  SDL_Rect screen{0, 0, o.width, o.height};
  SDL_GetDisplayUsableBounds(0, &screen);
  double scale = 1;
  for (auto [limit, size] :
       {std::pair{screen.w, o.width}, {screen.h, o.height}, {o.max_width, o.width}, {o.max_height, o.height}})
    if (limit > 0) scale = std::min(scale, static_cast<double>(limit) / size);
  const int width = std::max(static_cast<int>(std::lround(o.width * scale)), 1);
  const int height = std::max(static_cast<int>(std::lround(o.height * scale)), 1);
  Uint32 flags = SDL_WINDOW_RESIZABLE;
  if (o.fullscreen) flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
  window_.reset(
      SDL_CreateWindow(o.title.c_str(), SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, width, height, flags));
  if (!window_) return sdl_error("the window cannot be opened");
  renderer_.reset(SDL_CreateRenderer(window_.get(), -1, SDL_RENDERER_PRESENTVSYNC));
  if (!renderer_) renderer_.reset(SDL_CreateRenderer(window_.get(), -1, SDL_RENDERER_SOFTWARE));
  if (!renderer_) return sdl_error("nothing can be drawn into the window");
  draw();
  return {};
}

Status SdlWindow::set_picture(Layer layer, const Frame& rgb) {
  TexturePtr& target = texture(layer);
  int width = 0, height = 0;
  if (target) SDL_QueryTexture(target.get(), nullptr, nullptr, &width, &height);
  if (width != rgb.width || height != rgb.height) {
    target.reset(
        SDL_CreateTexture(renderer_.get(), texture_format, SDL_TEXTUREACCESS_STREAMING, rgb.width, rgb.height));
    if (!target) return sdl_error("the graphics driver takes no picture of this size");
  }
  void* pixels = nullptr;
  int pitch = 0;
  if (SDL_LockTexture(target.get(), nullptr, &pixels, &pitch) != 0) return sdl_error("the picture cannot be shown");
  for (int y = 0; y < rgb.height; ++y) {
    const auto *r = rgb.planes[0].row<uint8_t>(y), *g = rgb.planes[1].row<uint8_t>(y),
               *b = rgb.planes[2].row<uint8_t>(y);
    auto* out = reinterpret_cast<uint32_t*>(static_cast<std::byte*>(pixels) + static_cast<ptrdiff_t>(pitch) * y);
    for (int x = 0; x < rgb.width; ++x) out[x] = 0xff000000u | uint32_t{r[x]} << 16 | uint32_t{g[x]} << 8 | b[x];
  }
  SDL_UnlockTexture(target.get());
  return {};
}

// Where the picture goes in the window: as large as fits, in the middle.
SDL_Rect SdlWindow::place() const {
  int width = 1, height = 1;
  SDL_GetRendererOutputSize(renderer_.get(), &width, &height);
  SDL_Rect r{0, 0, width, height};
  if (width > height * aspect_)
    r.w = std::max(static_cast<int>(std::lround(height * aspect_)), 1);
  else
    r.h = std::max(static_cast<int>(std::lround(width / aspect_)), 1);
  r.x = (width - r.w) / 2;
  r.y = (height - r.h) / 2;
  return r;
}

void SdlWindow::draw_into(const SDL_Rect& at) {
  SDL_Renderer* renderer = renderer_.get();
  SDL_SetRenderDrawColor(renderer, 0, 0, 0, 255);
  SDL_RenderClear(renderer);
  if (texture(Layer::result)) SDL_RenderCopy(renderer, texture(Layer::result).get(), nullptr, &at);
  if (!split_ || !texture(Layer::source)) return;
  const SDL_Rect left{at.x, at.y, static_cast<int>(std::lround(split_at_ * at.w)), at.h};
  if (left.w > 0) {
    SDL_RenderSetClipRect(renderer, &left);
    SDL_RenderCopy(renderer, texture(Layer::source).get(), nullptr, &at);
    SDL_RenderSetClipRect(renderer, nullptr);
  }
  const SDL_Rect line{left.x + left.w - 1, at.y, 2, at.h};
  SDL_SetRenderDrawColor(renderer, 255, 255, 255, 255);
  SDL_RenderFillRect(renderer, &line);
}

void SdlWindow::draw() {
  draw_into(place());
  SDL_RenderPresent(renderer_.get());
  redraw_ = false;
}

Status SdlWindow::capture(const Frame& rgb) {
  const TexturePtr target(
      SDL_CreateTexture(renderer_.get(), texture_format, SDL_TEXTUREACCESS_TARGET, rgb.width, rgb.height));
  if (!target || SDL_SetRenderTarget(renderer_.get(), target.get()) != 0)
    return sdl_error("the picture cannot be saved");
  draw_into({0, 0, rgb.width, rgb.height});
  Status status;
  std::unique_ptr<uint32_t[]> row(new uint32_t[static_cast<size_t>(rgb.width)]);
  for (int y = 0; status && y < rgb.height; ++y) {
    const SDL_Rect line{0, y, rgb.width, 1};
    if (SDL_RenderReadPixels(renderer_.get(), &line, texture_format, row.get(), rgb.width * 4) != 0)
      status = sdl_error("the picture cannot be saved");
    for (int p = 0; p < 3; ++p)
      for (int x = 0; x < rgb.width; ++x)
        rgb.planes[static_cast<size_t>(p)].row<uint8_t>(y)[x] =
            static_cast<uint8_t>(row[static_cast<size_t>(x)] >> (16 - 8 * p));
  }
  SDL_SetRenderTarget(renderer_.get(), nullptr);
  return status;
}

void SdlWindow::toggle_fullscreen() {
  const bool full = SDL_GetWindowFlags(window_.get()) & SDL_WINDOW_FULLSCREEN_DESKTOP;
  SDL_SetWindowFullscreen(window_.get(), full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP);
}

std::optional<WindowCommand> SdlWindow::command_of(const SDL_Event& event) {
  switch (event.type) {
    case SDL_QUIT: return WindowCommand::quit;
    case SDL_WINDOWEVENT: redraw_ = true; break;
    case SDL_MOUSEMOTION:
      if (split_) {
        const SDL_Rect at = place();
        split_at_ = std::clamp(static_cast<double>(event.motion.x - at.x) / at.w, 0.0, 1.0);
        redraw_ = true;
      }
      break;
    case SDL_KEYDOWN:
      switch (event.key.keysym.sym) {
        case SDLK_q:
        case SDLK_ESCAPE: return WindowCommand::quit;
        case SDLK_PERIOD: return WindowCommand::step;
        case SDLK_COMMA: return WindowCommand::step_back;
        case SDLK_RIGHT: return WindowCommand::seek;
        case SDLK_LEFT: return WindowCommand::seek_back;
        default: break;
      }
      if (event.key.repeat) break;
      switch (event.key.keysym.sym) {
        case SDLK_SPACE: return WindowCommand::pause;
        case SDLK_r: return WindowCommand::reverse;
        case SDLK_s: return WindowCommand::split;
        case SDLK_h: return WindowCommand::tone_map;
        case SDLK_p: return WindowCommand::save;
        case SDLK_f: toggle_fullscreen(); break;
        default: break;
      }
      break;
    default: break;
  }
  return std::nullopt;
}

std::optional<WindowCommand> SdlWindow::next_command(double seconds) {
  SDL_Event event;
  std::optional<WindowCommand> command;
  bool got = SDL_WaitEventTimeout(&event, static_cast<int>(seconds * 1000));
  while (got) {
    command = command_of(event);
    got = !command && SDL_PollEvent(&event);
  }
  if (redraw_) draw();  // once for all the events of a moving mouse
  return command;
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value;
}

// Once for the program's life: connections to a display are not worth closing.
Status init_video() {
  if (SDL_WasInit(SDL_INIT_VIDEO)) return {};
  // Left alone, SDL would end up drawing into memory where there is no screen.
  const bool x11 = is_set("DISPLAY"), wayland = is_set("WAYLAND_DISPLAY");
  if (!is_set("SDL_VIDEODRIVER")) {
    if (!x11 && !wayland)
      return fail(ErrorCode::unsupported,
                  "no display to open a window on; run in a desktop session, or set DISPLAY or WAYLAND_DISPLAY");
    SDL_SetHint(SDL_HINT_VIDEODRIVER, x11 && wayland ? "x11,wayland" : x11 ? "x11" : "wayland");
  }
  SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");  // Ctrl-C is the program's own
  SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
  if (SDL_InitSubSystem(SDL_INIT_VIDEO) == 0) return {};
  return fail(ErrorCode::unsupported,
              "the display cannot be opened ({}); check DISPLAY, WAYLAND_DISPLAY and SDL_VIDEODRIVER", SDL_GetError());
}

}  // namespace

Status check_display() { return init_video(); }

Result<std::unique_ptr<Window>> open_window(const WindowOptions& options) {
  FL_CHECK(init_video());
  auto window = std::make_unique<SdlWindow>();
  FL_CHECK(window->open(options));
  return window;
}

std::string describe_display() {
  SDL_version version;
  SDL_GetVersion(&version);
  const std::string text = fmt::format("SDL {}.{}.{}", version.major, version.minor, version.patch);
  if (const Status status = init_video(); !status) return text + ", " + status.error().message;
  return fmt::format("{}, video driver {}", text, SDL_GetCurrentVideoDriver());
}

}  // namespace framelift
