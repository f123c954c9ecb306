#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "base/counter.h"
#include "devices/bus.h"
#include "devices/pci/function.h"

namespace strait::pci {

/// PCI bus 0: 32 devices of 8 functions, reached through two doors that lead to the same registers: configuration mechanism #1
/// (PCI 3.0 3.2.2.3.2) on ports 0xCF8 to 0xCFF, and the memory-mapped one (ECAM, PCIe 7.2.2) for a single bus.
///
/// One lock serialises every access, so functions need none for their configuration space. Any thread.
class RootBus {
 public:
  static constexpr unsigned kDevices = 32;
  static constexpr unsigned kFunctions = 8;
  static constexpr std::uint16_t kPortsStart = 0xcf8;
  static constexpr std::uint64_t kPortsSize = 8;
  static constexpr std::uint64_t kEcamSize = 1 << 20;

  /// Makes `function` answer at `device` (0 to 31), `number` (0 to 7). False, and nothing changes, where that is out of range
  /// or taken. Numbers above 0 answer only while the same device has a function 0.
  bool attach(unsigned device, unsigned number, Function& function);
  /// Empties the place; when this returns no access of the function is under way.
  void detach(unsigned device, unsigned number);

  /// For the I/O bus, `kPortsSize` ports at `kPortsStart`. The address register may be written late (coalesced by KVM): all that
  /// matters is that it comes before the data access.
  BusDevice& ports() { return ports_; }
  /// For the memory bus, `kEcamSize` bytes.
  BusDevice& ecam() { return ecam_; }

  /// Configuration reads and writes so far, through either door, and how many of them found no function.
  std::uint64_t reads() const { return reads_.value(); }
  std::uint64_t writes() const { return writes_.value(); }
  std::uint64_t absent() const { return absent_.value(); }

  /// The address register back to zero, for a guest that reboots. Functions are reset by their owners.
  void reset();

 private:
  class Ports : public BusDevice {
   public:
    explicit Ports(RootBus& bus) : bus_(bus) {}
    void read(std::uint64_t offset, std::span<std::uint8_t> data) override;
    void write(std::uint64_t offset, std::span<const std::uint8_t> data) override;

   private:
    RootBus& bus_;
  };
  class Ecam : public BusDevice {
   public:
    explicit Ecam(RootBus& bus) : bus_(bus) {}
    void read(std::uint64_t offset, std::span<std::uint8_t> data) override;
    void write(std::uint64_t offset, std::span<const std::uint8_t> data) override;

   private:
    RootBus& bus_;
  };

  /// Device, function and register as ECAM encodes them: bits 19:15, 14:12, 11:0. Both with the lock held.
  void read_config(std::uint32_t address, std::span<std::uint8_t> data);
  void write_config(std::uint32_t address, std::span<const std::uint8_t> data);
  Function* find(std::uint32_t address);

  std::mutex mutex_;
  std::array<Function*, kDevices * kFunctions> functions_{};
  std::uint32_t address_register_ = 0;
  Counter reads_, writes_, absent_;
  Ports ports_{*this};
  Ecam ecam_{*this};
};

}  // namespace strait::pci
