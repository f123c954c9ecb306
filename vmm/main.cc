#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "base/error.h"
#include "base/log.h"
#include "vmm/cli.h"
#include "vmm/run.h"

namespace strait {
namespace {

/// `strait test` gives back what the command in the guest said, and success is 0; a guest that ended without a word is a failure.
int test_exit_code(const Outcome& outcome) {
  if (outcome.code == exit_code::kVerdict) return 0;
  if (outcome.code != exit_code::kGuestOff) return outcome.code;
  log::error("the guest ended without a verdict: {}; see its console output", outcome.reason);
  return exit_code::kFailed;
}

/// With a standard descriptor closed, the next file opened would take its place and get the console's or the log's bytes.
void open_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", O_RDWR);
  }
}

int run(std::span<const char* const> arguments) {
  const Invocation invocation = parse_command_line(arguments);
  if (invocation.command == Invocation::Command::kPrint) {
    std::fputs(invocation.text.c_str(), stdout);
    return 0;
  }
  if (invocation.command == Invocation::Command::kCtl) return run_ctl(invocation.ctl);
  if (invocation.options.verbose) log::set_level(log::Level::kDebug);
  const Outcome outcome = run_guest(invocation.options);
  // How a guest ended is news only where it was not the guest's or the user's own doing; a crash was reported when it happened.
  const bool news = outcome.code == exit_code::kTimeout || outcome.code == exit_code::kGuestPanic || outcome.code == exit_code::kDeviceLost;
  log::write(news ? log::Level::kError : log::Level::kInfo, outcome.reason);
  return invocation.command == Invocation::Command::kTest ? test_exit_code(outcome) : outcome.code;
}

}  // namespace
}  // namespace strait

int main(int argc, char** argv) {
  using namespace strait;
  open_standard_descriptors();
  try {
    return run({argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
  } catch (const UsageError& error) {
    log::error("{}", error.what());
    return exit_code::kUsage;
  } catch (const std::exception& error) {
    log::error("{}", error.what());
    return exit_code::kFailed;
  }
}
