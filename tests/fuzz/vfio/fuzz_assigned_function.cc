// A whole assigned function: any guest's accesses to its configuration space and BARs, and whatever happens to the device meanwhile,
// against the reference that the random test uses. A disagreement is an exception, which ends the run.

#include "base/log.h"
#include "tests/models/function_session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strait::log::set_level(strait::log::Level::kOff);
  strait::fuzz::Input input(data, size);
  strait::test::FunctionSession session(input);
  while (!input.empty()) session.step(input);
  session.compare_everything();
  return 0;
}
