#include "backend/torch/plugin/device.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <algorithm>
#include <charconv>

namespace framelift {
namespace {

struct Gpus {
  int count = 0;
  std::string why_none;
};

const Gpus& gpus() {
  static const Gpus found = []() -> Gpus {
    // The driver first: without one, libraries of a gigabyte need not be loaded.
    if (!dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL)) return {0, "there is no NVIDIA driver (libcuda.so.1)"};
    if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) return {0, dlerror()};
    const auto count = static_cast<int>(at::getNumGPUs());
    return {count, count > 0 ? "" : "the NVIDIA driver shows no GPU"};
  }();
  return found;
}

}  // namespace

Result<at::Device> parse_device(const std::string& text) {
  if (text == "cpu" || (text == "auto" && gpus().count == 0)) return at::Device(at::kCPU);
  int index = 0;
  std::string_view number = text;
  if (text != "auto") {
    if (!text.starts_with("cuda")) return fail(ErrorCode::unsupported, "no device '{}'; choose auto, cpu, cuda", text);
    number.remove_prefix(4);
    if (!number.empty()) {
      const auto parsed = std::from_chars(number.data() + 1, number.data() + number.size(), index);
      if (number[0] != ':' || parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || index < 0)
        return fail(ErrorCode::invalid_argument, "'{}' is no device; write for example cuda:1", text);
    }
  }
  if (gpus().count == 0) return fail(ErrorCode::unsupported, "device {}: {}", text, gpus().why_none);
  if (index >= gpus().count)
    return fail(ErrorCode::unsupported, "device {}: there are {} GPUs, counted from 0", text, gpus().count);
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

std::vector<std::string> describe_devices() {
  std::vector<std::string> lines{fmt::format("libtorch {}, cpu: {}", TORCH_VERSION, at::get_cpu_capability())};
  if (gpus().count > 0)
    lines.push_back(fmt::format("cuda: {} GPU{}", gpus().count, gpus().count > 1 ? "s" : ""));
  else
    lines.push_back("no cuda: " + gpus().why_none);
  return lines;
}

Error error_of(const std::exception& e) {
  std::string text = e.what();
  text.resize(std::min(text.find('\n'), text.size()));
  if (dynamic_cast<const std::bad_alloc*>(&e) || dynamic_cast<const c10::OutOfMemoryError*>(&e) ||
      text.find("can't allocate memory") != std::string::npos)
    return Error{ErrorCode::out_of_memory, "libtorch ran out of memory: " + text};
  return Error{ErrorCode::internal, "libtorch: " + text};
}

}  // namespace framelift
