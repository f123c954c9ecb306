#pragma once

#include <unistd.h>

#include "base/error.h"

namespace strait::test {

/// The end of a pipe that nobody reads any more, for commands of a shell: >&N.
class BrokenPipe {
 public:
  BrokenPipe() {
    int ends[2];
    // A shell knows only descriptors of one digit.
    if (::pipe(ends) != 0 || ::dup2(ends[1], kFd) != kFd) throw Error("no pipe");
    for (const int end : ends) {
      if (end != kFd) ::close(end);
    }
  }
  ~BrokenPipe() { ::close(kFd); }
  BrokenPipe(const BrokenPipe&) = delete;
  BrokenPipe& operator=(const BrokenPipe&) = delete;

  int fd() const { return kFd; }

 private:
  static constexpr int kFd = 9;
};

}  // namespace strait::test
