#pragma once

#include <unistd.h>

namespace strait::test {

/// While this lives, the test has an ordinary user's rights to files.
class AsNobody {
 public:
  AsNobody() : before_(::geteuid()), works_(before_ != 0 || ::seteuid(65534) == 0) {}
  ~AsNobody() {
    if (::seteuid(before_) != 0) ::_exit(1);
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

  /// Whether the sandbox under the tests lets them.
  bool works() const { return works_; }

 private:
  uid_t before_;
  bool works_;
};

}  // namespace strait::test
