#include "cli/print.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/error.h"
#include "base/syscall.h"

namespace strait {
namespace {

std::string remedy(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT: return "make room where it goes, or send it elsewhere";
    case EPIPE: return "have what is behind the pipe read all of it";
    default: return "send it elsewhere";
  }
}

}  // namespace

void print(std::string_view text) {
  if (const int code = write_all(STDOUT_FILENO, text)) throw Error::from_errno(code, "writing to standard output", remedy(code));
}

}  // namespace strait
