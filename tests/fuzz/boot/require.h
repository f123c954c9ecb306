#pragma once

#include <cstdio>
#include <cstdlib>

namespace strait::boot::fuzz {

/// Ends the program, as a crash that the fuzzer keeps, where something that always holds does not.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

}  // namespace strait::boot::fuzz
