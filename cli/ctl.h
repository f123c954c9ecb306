#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace strait {

/// `strait ctl`: one request to a running strait, by its control socket.
struct CtlRequest {
  std::string socket;
  std::string command;                 ///< ping, info, add-device, remove-device, power-button
  std::vector<std::string> arguments;  ///< as many as the command takes
  bool wait = true;                    ///< remove-device: until the guest has let go

  /// The words behind "ctl". Throws UsageError.
  static CtlRequest parse(Words words);
};

/// Sends the request, prints what comes back on standard output, and returns the exit code. Throws UsageError, and Error with what strait
/// said, or where nobody listens.
int run_ctl(Words words);

std::string ctl_help();

}  // namespace strait
