#pragma once

#include <cstdlib>

namespace strait::test {

/// How often a test repeats what it does many times: the environment's STRAIT_TEST_ROUNDS, or `usual`.
inline unsigned rounds(unsigned usual) {
  const char* asked = std::getenv("STRAIT_TEST_ROUNDS");
  return asked == nullptr ? usual : static_cast<unsigned>(std::strtoul(asked, nullptr, 10));
}

}  // namespace strait::test
