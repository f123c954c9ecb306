#pragma once

#include "vmm/control_server.h"
#include "vmm/machine.h"

namespace strait {

/// What `strait ctl` and other clients can ask of a running machine, in the words of Cloud Hypervisor's API (/api/v1): vmm.ping, vm.info,
/// vm.add-device, vm.remove-device, vm.power-button; and vm.explain, which is ours: the facts on each assigned function (DeviceFacts). Errors have status 400 or more, and a JSON array of one line. The event loop's thread.
ControlServer::Response answer(Machine& machine, const ControlServer::Request& request);

}  // namespace strait
