#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/guest_memory.h"
#include "base/little_endian.h"
#include "base/units.h"
#include "kvm/coalesced_writes.h"
#include "kvm/irq_router.h"
#include "kvm/kvm.h"
#include "kvm/memory_slots.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"
#include "tests/kvm/guest_code.h"
#include "tests/rounds.h"
#include "vmm/end_of_run.h"
#include "vmm/platform.h"
#include "vmm/vcpu_thread.h"

namespace strait::test {

/// Where a micro-guest's things are, all in its first 64 KiB but for the end of RAM.
inline constexpr Gpa kIdtPointer{0x500};  ///< for `lidt [0x500]`
inline constexpr Gpa kCodeStart{0x1000};  ///< the first vCPU starts here
inline constexpr Gpa kHandler{0x1800};    ///< a place for an interrupt handler
inline constexpr Gpa kApCode{0x2000};     ///< where a start-up IPI with vector 2 leads
inline constexpr Gpa kResults{0x3000};    ///< guest and test talk through this page
inline constexpr std::uint64_t kRamSize = 2 * kMiB;
inline constexpr Port kExitPort{0xf4};

/// A console that remembers what was written. Any thread.
class RecordingConsole : public ConsoleOutput {
 public:
  void write(std::span<const std::uint8_t> bytes) override {
    const std::lock_guard lock(mutex_);
    text_.append(bytes.begin(), bytes.end());
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

/// A machine for guests of a few instructions, built from the same parts as strait's own: 2 MiB of RAM at 0, the platform's
/// devices, and vCPUs of which the first starts at kCodeStart in real mode, with data segments of 4 GiB so that it reaches every
/// device.
class MicroGuest {
 public:
  /// With `idles_inside`, HLT and its kind do not leave it.
  explicit MicroGuest(std::uint32_t cpus = 1, bool idles_inside = false);
  ~MicroGuest();

  void load(Gpa at, std::span<const std::uint8_t> code) { memory.write(at, code); }
  /// Makes `vector` of the real-mode interrupt table lead to kHandler; the guest says `lidt [0x500]`.
  void set_handler(std::uint8_t vector, std::span<const std::uint8_t> code);

  void start();
  /// Waits for the end of the run and stops the vCPUs. After kPatience it fails the test and returns code -1.
  Outcome wait();
  /// Loads at kCodeStart, starts and waits.
  Outcome run(std::span<const std::uint8_t> code);
  void stop();

  /// A dword of the results page, while the guest runs too.
  std::uint32_t result(std::uint64_t offset = 0) const;
  void set_result(std::uint64_t offset, std::uint32_t value) const;
  /// Exits to user space so far for this reason, of all vCPUs.
  std::uint64_t exits(std::size_t reason) const;

  static constexpr std::chrono::seconds kPatience{20};

  kvm::Kvm kvm;
  GuestMemory memory;
  kvm::Vm vm;
  kvm::KvmMemorySlots slots;
  kvm::IrqRouter router;
  EndOfRun end;
  RecordingConsole console;
  Platform platform;
  std::vector<std::unique_ptr<kvm::Vcpu>> vcpus;
  std::optional<kvm::CoalescedWrites> coalesced;
  VcpuScheduling scheduling;  ///< of each
  decltype(ExitTargets::on_fault) on_fault = [](unsigned) {};
  std::vector<std::unique_ptr<VcpuThread>> threads;
};

/// Polls until `condition` holds; false after MicroGuest::kPatience.
bool eventually(const std::function<bool()>& condition);

/// A trapped device that calls back; for I/O ports and MMIO.
class CallbackDevice : public BusDevice {
 public:
  using Read = std::function<void(std::uint64_t offset, std::span<std::uint8_t> data)>;
  using Write = std::function<void(std::uint64_t offset, std::span<const std::uint8_t> data)>;
  Read on_read = [](std::uint64_t, std::span<std::uint8_t> data) { fill_ones(data); };
  Write on_write = [](std::uint64_t, std::span<const std::uint8_t>) {};

  void read(std::uint64_t offset, std::span<std::uint8_t> data) override { on_read(offset, data); }
  void write(std::uint64_t offset, std::span<const std::uint8_t> data) override { on_write(offset, data); }
};

/// Tests that need /dev/kvm: skipped, saying why, where it cannot be had.
class KvmTest : public testing::Test {
 protected:
  void SetUp() override;
};

}  // namespace strait::test
