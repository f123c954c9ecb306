#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "vmm/outcome.h"

namespace strait {
namespace {

/// With a standard descriptor closed, the next file opened would take its place and get the console's or the log's bytes.
void open_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", O_RDWR);
  }
}

}  // namespace
}  // namespace strait

int main(int argc, char** argv) {
  using namespace strait;
  open_standard_descriptors();
  try {
    return run_command_line({argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
  } catch (const UsageError& error) {
    log::error("{}", error.what());
    return exit_code::kUsage;
  } catch (const std::exception& error) {
    log::error("{}", error.what());
    return exit_code::kFailed;
  }
}
