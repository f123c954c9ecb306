#include "binding/fault_point.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace strait::binding {

void fault_point() {
  static std::atomic<long> calls = 0;
  const char* const fatal = std::getenv("STRAIT_FAULT");
  if (fatal != nullptr && ++calls == std::atol(fatal)) ::kill(::getpid(), SIGKILL);
}

}  // namespace strait::binding
