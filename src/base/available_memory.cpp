#include "base/available_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace framelift {
namespace {

namespace fs = std::filesystem;

// The number in a one-line file such as a cgroup's memory.max; nothing for "max" or no file.
std::optional<int64_t> read_number(const fs::path& path) {
  std::ifstream file(path);
  int64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

int64_t free_memory(const fs::path& root) {
  std::ifstream meminfo(root / "proc/meminfo");
  for (std::string key; meminfo >> key; meminfo.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
    int64_t kib = 0;
    if (key == "MemAvailable:" && meminfo >> kib) return kib * 1024;
  }
  return std::numeric_limits<int64_t>::max();
}

// What is left in the group at `path` and in all around it. A container sees its own group at the root of the mount.
int64_t left_in_groups(const fs::path& mount, fs::path path, const char* limit_name, const char* used_name) {
  int64_t left = std::numeric_limits<int64_t>::max();
  for (path = path.relative_path();; path = path.parent_path()) {
    const fs::path folder = mount / path;
    if (const auto limit = read_number(folder / limit_name))
      left = std::min(left, std::max<int64_t>(*limit - read_number(folder / used_name).value_or(0), 0));
    if (path.empty()) return left;
  }
}

int64_t left_by_cgroups(const fs::path& root) {
  int64_t left = std::numeric_limits<int64_t>::max();
  // Lines are "0::/path" of version 2 and "5:memory:/path" of version 1.
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path path = line.substr(second + 1);
    if (controllers == ",,")
      left = std::min(left, left_in_groups(root / "sys/fs/cgroup", path, "memory.max", "memory.current"));
    if (controllers.find(",memory,") != std::string::npos)
      left = std::min(
          left, left_in_groups(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes"));
  }
  return left;
}

}  // namespace

int64_t available_memory(const fs::path& root) {
  return std::min({free_memory(root), left_by_cgroups(root), available_address_space(root)});
}

int64_t available_address_space(const fs::path& root) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::numeric_limits<int64_t>::max();
  const int64_t pages = read_number(root / "proc/self/statm").value_or(0);
  return std::max<int64_t>(static_cast<int64_t>(limit.rlim_cur) - pages * sysconf(_SC_PAGESIZE), 0);
}

}  // namespace framelift
