#include "vmm/platform.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "boot/acpi/ports.h"
#include "boot/layout.h"

namespace strait {
namespace {

namespace acpi = boot::acpi;

// The FADT and the device that it describes must tell the same story.
static_assert(acpi::kPm1Control - acpi::kPm1Event == Power::kControlOffset);
static_assert(acpi::kReset - acpi::kPm1Event == Power::kResetOffset);
static_assert(acpi::kEvents.value - acpi::kPm1Event.value == Power::kEventsOffset && acpi::kSlotEventsSize == pci::SlotEvents::kSize);
static_assert(acpi::kResetValue == Power::kResetValue && acpi::kSleepTypeS5 == Power::kSleepTypeS5);
static_assert(acpi::kPanic.value == PanicPort::kPort);
static_assert(boot::kEcam.size == pci::RootBus::kEcamSize);

}  // namespace

Platform::Platform(const kvm::Vm& vm, ConsoleOutput& console, EndOfRun& end, const Config& config)
    : serial_irq(vm, acpi::kCom1Gsi),
      sci(vm, acpi::kSci),
      serial(serial_irq, console, config.on_console_space),
      power(
          sci, [&end] { end.end({.reason = "the guest powered off"}); },
          [&end] { end.end({.reason = "the guest asked for a reboot (ACPI)", .reboot = true}); }),
      i8042([&end] { end.end({.reason = "the guest asked for a reboot (port 0x64)", .reboot = true}); }),
      debug_exit([&end](std::uint8_t value) {
        const int verdict = std::min<int>(value, exit_code::kMaxVerdict);
        end.end({.code = exit_code::kVerdict + verdict, .reason = fmt::format("the guest's verdict is {}", verdict)});
      }),
      panic_port([&end] { end.end({.code = exit_code::kGuestPanic, .reason = "the guest's kernel panicked; see its console output"}); }),
      slot_events(config.on_eject) {
  ports.insert(acpi::kCom1.value, Serial::kSize, serial, "serial");
  ports.insert(acpi::kPm1Event.value, Power::kSize, power, "acpi");
  ports.insert(I8042::kPort, I8042::kSize, i8042, "i8042");
  ports.insert(PanicPort::kPort, PanicPort::kSize, panic_port, "panic-port");
  ports.insert(pci::RootBus::kPortsStart, pci::RootBus::kPortsSize, pci.ports(), "pci-cf8");
  ports.insert(acpi::kSlotEvents.value, pci::SlotEvents::kSize, slot_events, "pci-slots");
  mmio.insert(boot::kEcam.start.value, pci::RootBus::kEcamSize, pci.ecam(), "pci-ecam");
  pci.attach(0, 0, host_bridge);
  // These never come out of the kernel: the PICs, the PIT, and its gate.
  const auto in_kernel = [](std::uint16_t port) {
    return (port & ~0x81) == 0x20 || (port >= 0x40 && port <= 0x43) || port == 0x61 || port == 0x4d0 || port == 0x4d1;
  };
  if (config.exit_port && in_kernel(config.exit_port->value)) {
    throw UsageError(fmt::format("port {:#x} belongs to an interrupt controller or timer", config.exit_port->value),
                     "choose another --exit-port; 0xf4 is free");
  }
  if (config.exit_port && !ports.insert(config.exit_port->value, DebugExit::kSize, debug_exit, "exit-port")) {
    throw UsageError(fmt::format("port {:#x} belongs to another device", config.exit_port->value), "choose another --exit-port; 0xf4 is free");
  }
}

}  // namespace strait
