// Test helpers: folders that go away, files of bytes, and the real weights when this machine has them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/temporary_folder.h"

namespace framelift::test {

class TempFolder {
 public:
  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path operator/(std::string_view name) const { return path() / name; }

 private:
  TemporaryFolder folder_ = TemporaryFolder::create().value();
};

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline size_t count_files(const std::filesystem::path& folder) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

// The folder with real weights: $FRAMELIFT_SHARED, else ../shared beside the source tree (tests run in that tree).
inline std::filesystem::path shared_weights() {
  const char* chosen = std::getenv("FRAMELIFT_SHARED");
  return std::filesystem::path(chosen && *chosen ? chosen : "../shared") / "assets/weights";
}

// Sets an environment variable for a scope.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~ScopedVariable() { ::setenv(name_, old_.c_str(), 1); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
  std::string old_;
};

}  // namespace framelift::test

// The result is an error whose message contains `text`.
#define EXPECT_FAILS_WITH(expression, text)                                          \
  do {                                                                               \
    const auto& fl_outcome_ = (expression);                                          \
    if (fl_outcome_)                                                                 \
      ADD_FAILURE() << "succeeded, an error with \"" << (text) << "\" was expected"; \
    else                                                                             \
      EXPECT_NE(fl_outcome_.error().message.find(text), std::string::npos)           \
          << "the message is: " << fl_outcome_.error().message;                      \
  } while (false)

// The result is a value; otherwise shows the error.
#define ASSERT_WORKS(result) ASSERT_TRUE(result.has_value()) << result.error().message

#define SKIP_WITHOUT_SHARED_WEIGHTS()                                    \
  if (!std::filesystem::is_directory(framelift::test::shared_weights())) \
  GTEST_SKIP() << "no real weights in " << framelift::test::shared_weights() << " (set FRAMELIFT_SHARED)"
