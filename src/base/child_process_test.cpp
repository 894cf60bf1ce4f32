#include "base/child_process.h"

#include <gtest/gtest.h>

#include <csignal>

namespace framelift {
namespace {

constexpr double long_enough = 60;  // seconds; no test waits for it

Result<ChildEnd> shell(const char* script, double timeout = long_enough, const Cancellation* cancel = nullptr) {
  return run_child({"/bin/sh", "-c", script}, timeout, cancel);
}

TEST(RunChild, GivesExitCodeAndLastLine) {
  const auto end = shell("echo out; echo first >&2; echo second >&2; echo >&2; exit 3");
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->how, ChildEnd::How::exited);
  EXPECT_EQ(end->code, 3);
  EXPECT_EQ(end->last_line, "second");
  EXPECT_FALSE(end->succeeded());
  EXPECT_TRUE(shell("exit 0")->succeeded());
}

TEST(RunChild, TakesMoreTextThanAPipeHolds) {
  const auto end = shell("i=0; while [ $i -lt 3000 ]; do echo a line of text that repeats $i >&2; i=$((i+1)); done");
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->last_line, "a line of text that repeats 2999");
}

TEST(RunChild, ReportsSignals) {
  const auto end = shell("kill -TERM $$");
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->how, ChildEnd::How::signalled);
  EXPECT_EQ(end->code, SIGTERM);
}

// The grandchild goes too: it would keep the pipe open otherwise.
TEST(RunChild, KillsTheGroupWhenTimeIsUp) {
  const auto end = shell("sleep 1000 & sleep 1000", 0.05);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->how, ChildEnd::How::timed_out);
}

TEST(RunChild, StopsWhenCancelled) {
  Cancellation cancel;
  cancel.request();
  const auto end = shell("sleep 1000", long_enough, &cancel);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->how, ChildEnd::How::cancelled);
}

TEST(RunChild, SaysThatAProgramCannotBeStarted) {
  const auto end = run_child({"/nonexistent/program"}, long_enough, nullptr);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->code, 127);
  EXPECT_NE(end->last_line.find("cannot be started"), std::string::npos);
}

}  // namespace
}  // namespace framelift
