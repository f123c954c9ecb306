#pragma once

#include <string>
#include <vector>

namespace strait {

/// `strait ctl`: one request to a running strait, by its control socket.
struct CtlRequest {
  std::string socket;
  std::string command;                 ///< ping, info, add-device, remove-device, power-button
  std::vector<std::string> arguments;  ///< as many as the command takes
  bool wait = true;                    ///< remove-device: until the guest has let go

  /// The words behind "ctl". Throws UsageError.
  static CtlRequest parse(const std::vector<std::string>& words);
};

/// Sends it, prints what comes back on standard output, and returns the exit code. Throws Error with what strait said, or where nobody listens.
int run_ctl(const CtlRequest& request);

}  // namespace strait
