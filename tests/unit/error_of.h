#pragma once

#include <string>

#include "base/error.h"

namespace strait::test {

/// The line of the `E` that `action` throws; says so where it throws none, and lets others pass.
template <typename E = Error, typename Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return "(no error)";
}

}  // namespace strait::test
