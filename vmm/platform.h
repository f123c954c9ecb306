#pragma once

#include <optional>

#include "devices/bus.h"
#include "devices/debug_exit.h"
#include "devices/i8042.h"
#include "devices/panic_port.h"
#include "devices/pci/host_bridge.h"
#include "devices/pci/root_bus.h"
#include "devices/pci/slot_events.h"
#include "devices/power.h"
#include "devices/serial.h"
#include "kvm/vm.h"
#include "vmm/end_of_run.h"

namespace strait {

/// The emulated part of the machine: two buses, the PCI root bus, a serial port, and the ways out (power, reset, exit port). Members are
/// public because this is a collection, wired once.
struct Platform {
  struct Config {
    std::optional<Port> exit_port;
    std::function<void()> on_console_space;                ///< the serial port has room again
    std::function<void(std::uint32_t slots)> on_eject;     ///< the guest let go of slots of its bus
  };

  /// Throws Error when the exit port is taken by another device.
  Platform(const kvm::Vm& vm, ConsoleOutput& console, EndOfRun& end, const Config& config);

  Bus mmio;
  Bus ports;
  kvm::IrqPin serial_irq;
  kvm::IrqPin sci;
  Serial serial;
  Power power;
  I8042 i8042;
  DebugExit debug_exit;
  PanicPort panic_port;
  pci::RootBus pci;
  pci::SlotEvents slot_events;
  pci::HostBridge host_bridge;
};

}  // namespace strait
