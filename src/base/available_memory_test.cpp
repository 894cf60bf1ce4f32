#include "base/available_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "base/temporary_folder.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

class AvailableMemory : public testing::Test {
 protected:
  AvailableMemory() {
    put("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable:    8000 kB\nBuffers: 5 kB\n");
  }
  void put(const fs::path& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  TemporaryFolder folder_ = TemporaryFolder::create().value();
  const fs::path root_ = folder_.path();
};

TEST_F(AvailableMemory, IsWhatTheMachineHasFree) { EXPECT_EQ(available_memory(root_), 8000 * 1024); }

TEST_F(AvailableMemory, IsLimitedByEveryGroupAround) {
  put("proc/self/cgroup", "0::/user.slice/job.scope\n");
  put("sys/fs/cgroup/user.slice/job.scope/memory.max", "max\n");
  put("sys/fs/cgroup/user.slice/job.scope/memory.current", "1000\n");
  EXPECT_EQ(available_memory(root_), 8000 * 1024);
  put("sys/fs/cgroup/user.slice/memory.max", "5000000\n");
  put("sys/fs/cgroup/user.slice/memory.current", "1000000\n");
  EXPECT_EQ(available_memory(root_), 4000000);
  put("sys/fs/cgroup/user.slice/job.scope/memory.max", "2500\n");
  EXPECT_EQ(available_memory(root_), 1500);
  put("sys/fs/cgroup/user.slice/job.scope/memory.current", "3000\n");
  EXPECT_EQ(available_memory(root_), 0);
}

TEST_F(AvailableMemory, IsLimitedByTheContainersGroup) {
  put("proc/self/cgroup", "0::/\n");
  put("sys/fs/cgroup/memory.max", "3000000\n");
  put("sys/fs/cgroup/memory.current", "1000000\n");
  EXPECT_EQ(available_memory(root_), 2000000);
}

TEST_F(AvailableMemory, KnowsVersion1) {
  put("proc/self/cgroup", "9:cpu,cpuacct:/x\n5:memory:/job\n");
  put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "2000000\n");
  put("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "500000\n");
  EXPECT_EQ(available_memory(root_), 1500000);
}

TEST_F(AvailableMemory, IsLimitedByUlimit) {
  put("proc/self/statm", "100 10 5\n");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  rlimit now = before;
  const int64_t used = 100 * sysconf(_SC_PAGESIZE);
  now.rlim_cur = int64_t{1} << 40;  // far away, so that this process does not feel it
  ASSERT_EQ(setrlimit(RLIMIT_AS, &now), 0);
  EXPECT_EQ(available_memory(root_), 8000 * 1024);
  put("proc/meminfo", "MemAvailable: 9000000000 kB\n");
  EXPECT_EQ(available_memory(root_), (int64_t{1} << 40) - used);
  EXPECT_EQ(available_address_space(root_), (int64_t{1} << 40) - used);
  setrlimit(RLIMIT_AS, &before);
}

TEST(AvailableMemoryHere, IsPlausible) {
  EXPECT_GT(available_memory(), 1 << 20);
  EXPECT_LT(available_memory(), int64_t{1} << 50);
}

}  // namespace
}  // namespace framelift
