#pragma once

#include "devices/io_eventfds.h"
#include "kvm/vm.h"

namespace strait::kvm {

/// IoEventfds as KVM_IOEVENTFD with a value to match.
class KvmIoEventfds : public IoEventfds {
 public:
  explicit KvmIoEventfds(const Vm& vm) : vm_(vm) {}

  bool add(const GuestWrite& write, int eventfd) override;
  void remove(const GuestWrite& write, int eventfd) override;

 private:
  const Vm& vm_;
};

}  // namespace strait::kvm
