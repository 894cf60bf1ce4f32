#include "backend/torch/torch_engine.h"

#include <dlfcn.h>

#include <filesystem>

namespace framelift {
namespace {

namespace fs = std::filesystem;

constexpr const char* library_name = "libframelift_torch.so";

// Beside the program or library that this code is part of, or in the lib folder next to its folder.
fs::path library_path() {
  Dl_info self{};
  static const char here = 0;
  if (dladdr(&here, &self) == 0 || self.dli_fname == nullptr) return {};
  std::error_code error;
  fs::path module = fs::canonical(self.dli_fname, error);
  if (error) module = fs::canonical("/proc/self/exe", error);
  const fs::path folder = module.parent_path();
  for (const fs::path& candidate : {folder / library_name, folder.parent_path() / "lib" / library_name})
    if (fs::exists(candidate, error)) return candidate;
  return {};
}

Result<TorchEngine*> load() {
  const fs::path path = library_path();
  if (path.empty())
    return fail(ErrorCode::unsupported, "this build has no torch engine; run make torch, then make build");
  // Its own libraries first: FFmpeg may have brought another BLAS along (Debian's does, by way of libavfilter), with
  // whose products libtorch would otherwise take several times as long.
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (!library) return fail(ErrorCode::unsupported, "{} cannot be loaded: {}", path.string(), dlerror());
  const auto entry = reinterpret_cast<TorchEngineEntry>(dlsym(library, torch_engine_entry));
  if (!entry) return fail(ErrorCode::unsupported, "{} is not of this framelift; build it again", path.string());
  return entry();
}

class TorchBackend final : public Backend {
 public:
  const char* name() const override { return "torch"; }
  std::vector<std::string> describe() const override {
    const auto engine = torch_engine();
    return engine ? (*engine)->backend().describe() : std::vector<std::string>{};
  }
  int64_t device_bytes(const std::string& device) const override {
    const auto engine = torch_engine();
    return engine ? (*engine)->backend().device_bytes(device) : 0;
  }
  Status supports(const Graph& graph, const CompileOptions& options) const override {
    FL_TRY(TorchEngine * engine, torch_engine());
    return engine->backend().supports(graph, options);
  }
  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Parameters& parameters,
                                              const CompileOptions& options) override {
    FL_TRY(TorchEngine * engine, torch_engine());
    return engine->backend().compile(graph, parameters, options);
  }
};

}  // namespace

Result<TorchEngine*> torch_engine() {
  static const Result<TorchEngine*> engine = load();
  return engine;
}

Backend& torch_backend() {
  static TorchBackend backend;
  return backend;
}

}  // namespace framelift
