#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

namespace strait::test {

/// Runs `action` in a process that is killed right before its `n`th change, from 1. True if it was; false if the process had done all
/// before.
template <typename Action>
bool killed_at(int n, Action&& action) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setenv("STRAIT_FAULT", std::to_string(n).c_str(), 1);
    try {
      action();
    } catch (const std::exception& error) {
      ::fputs(error.what(), stderr);
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) {
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    return true;
  }
  EXPECT_EQ(WEXITSTATUS(status), 0) << "killed at " << n;
  return false;
}

}  // namespace strait::test
