#pragma once

#include "kvm/irq_router.h"

namespace strait::kvm {

/// InterruptRouter for experiments: each message is handed to KVM in a KVM_SET_GSI_ROUTING of its own, whether it changed or not, and
/// so is each that goes. As a monitor does that has never measured it. Any thread.
class UnbatchedRouter : public InterruptRouter {
 public:
  explicit UnbatchedRouter(IrqRouter& router) : router_(router) {}

  Gsi allocate() override { return router_.allocate(); }
  void release(Gsi gsi) override {
    router_.release(gsi);
    router_.update();
  }
  void stage(Gsi gsi, const MsiMessage& message) override {
    router_.stage(gsi, message);
    router_.update();
  }
  bool commit() override { return router_.commit(); }
  bool attach(Gsi gsi, int eventfd) override { return router_.attach(gsi, eventfd); }
  void detach(Gsi gsi, int eventfd) override { router_.detach(gsi, eventfd); }
  bool attach_level(Gsi gsi, int eventfd, int resample) override { return router_.attach_level(gsi, eventfd, resample); }
  void detach_level(Gsi gsi, int eventfd) override { router_.detach_level(gsi, eventfd); }

 private:
  IrqRouter& router_;
};

}  // namespace strait::kvm
