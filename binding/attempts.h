#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace strait::binding {

/// Steps that do not need one another: each is made, whatever becomes of the others, and what failed is thrown at the end.
class Attempts {
 public:
  /// Whether the step succeeded.
  template <typename Step>
  bool operator()(Step&& step) {
    try {
      step();
      return true;
    } catch (const std::exception& error) {
      failed(error);
      return false;
    }
  }
  bool all_well() const { return failures_.empty(); }
  /// Throws one Error that has the lines of all that failed, then `remedy`. Nothing where none did.
  void finish(const std::string& remedy = {}) const;

 private:
  void failed(const std::exception& error);

  std::vector<std::string> failures_;
};

}  // namespace strait::binding
