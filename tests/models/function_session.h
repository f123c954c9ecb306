#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "base/mapped_region.h"
#include "devices/bus.h"
#include "tests/fakes/fake_device.h"
#include "tests/fakes/fake_dma_space.h"
#include "tests/fakes/fake_interrupt_router.h"
#include "tests/fakes/fake_io_eventfds.h"
#include "tests/fakes/fake_memory_slots.h"
#include "tests/models/function_plan.h"
#include "tests/models/function_reference.h"
#include "vfio/assigned_function.h"
#include "vfio/peer_slots.h"

namespace strait::test {

/// A whole assigned function over a device in memory, and the reference beside it: both get what an input says that guest, device and host
/// do, and after each step they have to agree. For random tests and for the fuzzer. The log has to be off.
class FunctionSession {
 public:
  /// How function and reference differ.
  struct Disagreement : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  explicit FunctionSession(fuzz::Input& input);
  ~FunctionSession();

  /// One thing happens. Throws Disagreement.
  void step(fuzz::Input& input);
  /// All of configuration space and of the device's memory, and a look at all pages of the BARs that answer. Throws Disagreement.
  void compare_everything();
  /// Registers that the kernel has taken over so far.
  std::uint64_t ioeventfds() const { return function_->statistics().ioeventfds; }

 private:
  using Place = FunctionReference::Place;
  using Bytes = std::vector<std::uint8_t>;

  // The guest
  void read_config(std::uint16_t offset, std::size_t size);
  void write_config(std::uint16_t offset, std::span<const std::uint8_t> data);
  void write_config_number(std::uint16_t offset, std::size_t size, std::uint32_t value);
  void write_bar_register(fuzz::Input& input);
  void write_message_registers(fuzz::Input& input);
  void write_power_or_reset(fuzz::Input& input);
  void write_vendor_bytes(fuzz::Input& input);
  std::uint16_t choose_vector(std::uint8_t choice, unsigned few) const;
  void write_table(fuzz::Input& input);
  void access_place(fuzz::Input& input, bool write);
  void access_nothing(fuzz::Input& input);
  void check_silence(const Place& place, std::uint64_t offset);
  void access_ports(fuzz::Input& input);
  void write_again_and_again(fuzz::Input& input);
  void read_structures();
  void read_memory(const Place& place, std::uint64_t offset, std::size_t size);
  void write_memory(const Place& place, std::uint64_t offset, std::span<const std::uint8_t> data);
  void write_ports(const Place& place, std::uint64_t offset, std::span<const std::uint8_t> data);
  void write_trapped(GuestWrite::Space space, std::uint64_t address, std::span<const std::uint8_t> data);
  std::span<std::uint8_t> slot_at(std::uint64_t address, bool& read_only);

  // The device and the host
  void change_device(fuzz::Input& input);
  void signal(std::uint16_t vector);
  void watch_config_write(std::uint64_t offset, std::span<const std::uint8_t> data);
  void watch_memory_lock();

  // Comparison
  void check();
  void check_slots();
  void check_interrupts();
  void check_ioeventfds();
  bool contested(const Place& place) const;
  const Place* choose(fuzz::Input& input, const std::vector<Place>& places) const;

  FunctionPlan plan_;
  Journal journal_;
  FakeDevice device_;
  FakeMemorySlots slots_{journal_};
  FakeDmaSpace dma_;
  vfio::PeerSlots bar_slots_{slots_, dma_};
  FakeInterruptRouter router_{journal_};
  FakeIoEventfds io_eventfds_{journal_};
  Bus mmio_, ports_;
  MappedRegion ram_;
  MemorySlots::Slot ram_slot_;
  bool asked_before_mastering_ = false;
  std::string violation_;  ///< seen where nothing may be thrown
  std::unique_ptr<vfio::AssignedFunction> function_;
  FunctionReference reference_;
};

}  // namespace strait::test
