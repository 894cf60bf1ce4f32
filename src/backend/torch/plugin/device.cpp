#include "backend/torch/plugin/device.h"

#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <algorithm>
#include <filesystem>

#include "backend/torch/cuda/cuda_part.h"
#include "base/parse_number.h"

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
    // f32 means f32: TF32 keeps 10 bits of mantissa. Whoever wants speed takes f16 or bf16.
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    at::globalContext().setBenchmarkCuDNN(true);  // sizes are fixed: the best algorithm is worth finding
    return {count, count > 0 ? "" : "the NVIDIA driver shows no GPU"};
  }();
  return found;
}

struct LoadedPart {
  CudaPart* part = nullptr;
  std::string why_none;
};

// Beside this library. Its own needs, libtorch_cuda.so and libc10_cuda.so, are there once a GPU has been found.
const LoadedPart& loaded_part() {
  static const LoadedPart loaded = []() -> LoadedPart {
    if (gpus().count == 0) return {nullptr, gpus().why_none};
    Dl_info self{};
    static const char here = 0;
    if (dladdr(&here, &self) == 0) return {nullptr, "this library does not know its folder"};
    const auto path = std::filesystem::path(self.dli_fname).parent_path() / "libframelift_torch_cuda.so";
    if (!std::filesystem::exists(path))
      return {nullptr, "built without a CUDA toolkit: layers are queued one by one, pixels converted on the CPU"};
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return {nullptr, dlerror()};
    const auto entry = reinterpret_cast<CudaPartEntry>(dlsym(library, cuda_part_entry));
    if (!entry) return {nullptr, path.string() + " is not of this framelift; build it again"};
    return {entry(), ""};
  }();
  return loaded;
}

}  // namespace

CudaPart* cuda_part() { return loaded_part().part; }

Result<at::Device> parse_device(const std::string& text) {
  if (text == "cpu" || (text == "auto" && gpus().count == 0)) return at::Device(at::kCPU);
  int index = 0;
  std::string_view number = text;
  if (text != "auto") {
    if (!text.starts_with("cuda")) return fail(ErrorCode::unsupported, "no device '{}'; choose auto, cpu, cuda", text);
    number.remove_prefix(4);
    if (!number.empty()) {
      index = parse_number<int>(number.substr(1)).value_or(-1);
      if (number[0] != ':' || index < 0)
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
  if (gpus().count == 0) {
    lines.push_back("no cuda: " + gpus().why_none);
  } else if (CudaPart* const cuda = cuda_part()) {
    for (const std::string& line : cuda->describe()) lines.push_back(line);
    lines.emplace_back("cuda: layers recorded and replayed as one, pixels converted on the GPU");
  } else {
    lines.push_back(
        fmt::format("cuda: {} GPU{}; {}", gpus().count, gpus().count > 1 ? "s" : "", loaded_part().why_none));
  }
  return lines;
}

int64_t device_bytes(const std::string& text) {
  const auto device = parse_device(text);
  if (!device || !device->is_cuda()) return 0;
  try {
    const auto index = static_cast<c10::DeviceIndex>(device->has_index() ? device->index() : 0);
    const auto stats = c10::getDeviceAllocator(device->type())->getDeviceStats(index);
    return stats.reserved_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].current;
  } catch (const std::exception&) {  // nothing has been allocated there yet
    return 0;
  }
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
