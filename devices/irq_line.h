#pragma once

namespace strait {

/// One input pin of the guest's interrupt controllers. Any thread.
class IrqLine {
 public:
  virtual ~IrqLine() = default;
  /// Drives the pin high (asserted) or low.
  virtual void set(bool asserted) = 0;
};

}  // namespace strait
