#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/explain_steps.h"
#include "host/bdf.h"

namespace strait {

/// `strait explain`: how far the guest of a running strait has come with its assigned functions, and what keeps it.
struct ExplainRequest {
  std::string socket;
  std::optional<host::Bdf> address;  ///< of one function; nothing for all
  bool json = false;

  /// The words behind "explain". Throws UsageError.
  static ExplainRequest parse(Words words);
};

/// The exit code: 0 where everything works or waits for its user, 1 where something failed, else 3 where a guest is not so far.
int explain_exit_code(const std::vector<Explanation::Verdict>& verdicts);

/// Asks, looks at the host, and prints on standard output. Throws UsageError, and Error where nobody listens or the function is not assigned.
int run_explain(Words words);

std::string explain_help();

}  // namespace strait
