#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/counter.h"
#include "devices/bus.h"
#include "devices/memory_slots.h"
#include "devices/interrupt_router.h"
#include "devices/io_eventfds.h"
#include "devices/pci/bar.h"
#include "devices/pci/function.h"
#include "vfio/assigned_device.h"
#include "vfio/bar_mapping.h"
#include "vfio/config_model.h"
#include "vfio/function_facts.h"
#include "vfio/function_interrupts.h"
#include "vfio/ordered_device.h"
#include "vfio/register_eventfds.h"
#include "vfio/rom_bar.h"

namespace strait::vfio {

/// What a guest-visible function needs of the machine around it.
struct FunctionHost {
  MemorySlots& slots;      ///< for what is the guest's alone
  MemorySlots& bar_slots;  ///< for BARs: the same, or PeerSlots
  Bus& mmio;
  Bus& ports;
  InterruptRouter& router;
  FunctionInterrupts::Pins pins;  ///< of the slot that the function will be in
  /// Called before the device gets a write that lets it be a bus master: until then it does no DMA, so nothing need be mapped. May block
  /// until everything is; false where that will not be, and the write is dropped.
  std::function<bool()> before_bus_mastering;
  /// Takes trapped registers off our hands that the guest writes again and again; none where they stay trapped.
  IoEventfds* io_eventfds = nullptr;
};

/// What the user may choose of one function.
struct FunctionOptions {
  bool rom = true;                         ///< the guest sees the expansion ROM, if there is one
  std::vector<std::uint8_t> rom_contents;  ///< in place of the device's own; empty for that
  bool direct = true;                      ///< false traps every access to a BAR
  bool dynamic_msix = true;                ///< false enables all MSI-X vectors at once, as hosts do that cannot add them one by one
  bool multifunction = false;              ///< tells the guest that the slot has more functions than this one
};

/// The PCI function that the guest sees in place of an assigned device: configuration space passed through but for what ConfigModel names,
/// BARs mapped into the guest while the guest has them decoded, interrupts through FunctionInterrupts. Any vCPU thread.
class AssignedFunction : public pci::Function, private BarAccess {
 public:
  /// Reads the configuration space of a device that was just opened, and so reset. Throws Error where the device cannot be served: it
  /// does not answer, or its MSI-X structures lie outside its BARs.
  AssignedFunction(AssignedDevice& device, const FunctionHost& host, FunctionOptions options = {});
  ~AssignedFunction() override;

  /// Gives every BAR an address, as firmware would. Throws Error where the windows are too small. Before the guest runs.
  void assign_addresses(pci::BarAllocator& allocator);

  void read_config(std::uint16_t offset, std::span<std::uint8_t> data) override;
  void write_config(std::uint16_t offset, std::span<const std::uint8_t> data) override;

  /// KVM could not reach a mapped page. Brings the mappings in line with what the device says it decodes; with `repeated` also takes away
  /// those that remain, so that accesses are trapped and answered with what the device says, until the guest next changes Command or the
  /// power state.
  void handle_fault(bool repeated);

  struct Statistics {
    std::uint64_t config_accesses = 0, bar_traps = 0, msix_table_traps = 0, route_updates = 0, mapping_updates = 0;
    std::uint64_t ioeventfds = 0, ioeventfds_refused = 0;
    std::size_t host_vectors = 0;
    unsigned armed_vectors = 0;
  };
  Statistics statistics() const;
  /// Nothing while an access of the guest to configuration space is under way, which can last as long as the mapping of its memory for DMA:
  /// whoever asks need not wait, and asks again. Any thread.
  std::optional<FunctionFacts> facts() const;
  const std::string& name() const { return device_.name(); }

 private:
  void read_bar(unsigned bar, std::uint64_t offset, std::span<std::uint8_t> data) override;
  void write_bar(unsigned bar, std::uint64_t offset, std::span<const std::uint8_t> data) override;
  void pass_write(std::uint16_t offset, std::span<const std::uint8_t> data);
  /// Brings mappings in line with Command, power state and BAR registers.
  void settle_mappings();
  /// Registers of the device, all ones where it is gone.
  std::uint16_t command() const;
  unsigned power_state() const;
  void remove_mapping(unsigned bar);
  void remove_mappings();
  void check_msix_layout() const;
  void make_rom();
  std::vector<std::uint8_t> read_whole_config();
  std::array<pci::BarShape, pci::kBarCount> probe_bars();

  AssignedDevice& device_;
  FunctionHost host_;
  const FunctionOptions options_;
  mutable std::mutex mutex_;  ///< guards what follows, but for table and PBA of interrupts_ and the counters
  ConfigModel model_;
  pci::BarRegisters bars_;  ///< as the guest sees them: in memory none is smaller than a page
  RegisterEventfds eventfds_;  ///< guards itself
  OrderedDevice ordered_device_;  ///< for interrupts_
  std::unique_ptr<FunctionInterrupts> interrupts_;
  std::unique_ptr<RomBar> rom_;  ///< none where the guest sees none
  std::array<std::unique_ptr<BarMapping>, pci::kBarCount> mappings_;
  bool distrusted_ = false;
  std::optional<std::chrono::steady_clock::time_point> seen_;  ///< when the guest first read the identifiers
  std::uint64_t resets_ = 0;
  Counter config_accesses_, bar_traps_, mapping_updates_;
};

}  // namespace strait::vfio
