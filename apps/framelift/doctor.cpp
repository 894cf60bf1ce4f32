#include <filesystem>
#include <thread>

#include "apps/framelift/commands.h"
#include "backend/backend.h"
#include "base/available_memory.h"
#include "display/window.h"
#include "encode/media_sink.h"
#include "network/model_store.h"
#include "pipeline/job_plan.h"

namespace framelift {
namespace {

void print_cpu() {
  std::string sets;
#if defined(__x86_64__)
  for (auto [name, present] :
       {std::pair{"avx2", __builtin_cpu_supports("avx2")}, std::pair{"fma", __builtin_cpu_supports("fma")},
        std::pair{"avx512f", __builtin_cpu_supports("avx512f")},
        std::pair{"avx512vnni", __builtin_cpu_supports("avx512vnni")},
        std::pair{"avx512bf16", __builtin_cpu_supports("avx512bf16")}})
    if (present) sets += fmt::format(" {}", name);
#endif
  fmt::print("CPU: {} threads,{}; {} MiB of memory available\n", std::thread::hardware_concurrency(), sets,
             available_memory() >> 20);
}

int doctor() {
  fmt::print("framelift {}\n", FRAMELIFT_VERSION);
  print_cpu();
  for (Backend* backend : backends()) {
    const auto lines = backend->describe();
    fmt::print("engine {}:{}\n", backend->name(), lines.empty() ? " cannot run here" : "");
    for (const std::string& line : lines) fmt::print("  {}\n", line);
  }
  fmt::print("{}\n", describe_media());
  fmt::print("display: {}\n", describe_display());
  const auto folder = model_folder();
  const auto models = list_models();
  fmt::print("models: {} in {}\n", models.size(), folder.string());
  if (models.empty()) fmt::print("  none yet: framelift models pull animevideov3\n");
  return 0;
}

}  // namespace

void add_doctor_command(CLI::App& app, Run& run) {
  CLI::App& c = *app.add_subcommand("doctor", "What this machine and this build can do, and what is missing");
  c.footer("Example:\n  framelift doctor");
  c.callback([&run] { run = doctor; });
}

}  // namespace framelift
