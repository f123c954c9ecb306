#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "devices/pci/config_space.h"
#include "tests/fakes/config_builder.h"
#include "tests/fakes/journal.h"
#include "vfio/assigned_device.h"

namespace strait::test {

/// A PCI function in memory behind VFIO's interface, with the kernel's habits: BARs that can be sized, one kind of interrupt
/// at a time, MSI-X that grows only where it is dynamic, all ones once the device is gone. Any thread.
class FakeDevice : public vfio::AssignedDevice {
 public:
  /// Flag bits of a BAR register (PCI 3.0 6.2.5.1).
  static constexpr std::uint32_t kIo = 1, kMemory32 = 0, kMemory64 = 4, kPrefetchable64 = 0xc;

  /// Command, the power state and the Device Control of an Express capability can be written; the rest is as `config` says.
  explicit FakeDevice(const ConfigBuilder& config, Journal* journal = nullptr);

  /// A BAR of `size` bytes (a power of two). Wholly mappable, unless `mappable` says where.
  void add_bar(unsigned bar, std::uint64_t size, std::uint32_t flags, std::vector<vfio::Area> mappable);
  void add_bar(unsigned bar, std::uint64_t size, std::uint32_t flags);
  /// How many MSI-X vectors the device and the host have, and whether they can be had one by one.
  void set_msix(std::uint32_t vectors, bool dynamic, std::uint32_t host_has = ~0u);
  void set_msi(std::uint32_t vectors, std::uint32_t host_has = ~0u);
  void set_intx() { kinds_[0] = {.count = 1, .dynamic = false}; }
  /// The host can report on it (IrqIndex::kError, kRequest).
  void set_reports();
  void report(vfio::IrqIndex kind);

  /// The device raises an interrupt of the kind that is on: its eventfd is signalled, if it has one.
  void signal(std::uint32_t vector);
  /// Whether INTx is masked, as it is from when it fires until its unmask eventfd is signalled.
  bool intx_masked();
  /// The device's own view of a BAR's memory.
  std::span<std::uint8_t> bar(unsigned bar) { return memory_.at(bar).bytes(); }
  pci::ConfigSpace& config() { return config_; }
  bool has_eventfd(std::uint32_t vector) const;
  /// The kind of interrupt that is on.
  std::optional<vfio::IrqIndex> kind_on() const;
  /// Calls of set_irqs and disable_irqs.
  unsigned irq_calls() const { return irq_calls_; }

  /// The device is gone from the bus. Of its Command register the kernel still tells INTx Disable as it was written.
  bool gone = false;
  /// map() throws.
  bool refuses_mapping = false;
  /// connect_write() fails.
  bool refuses_writes_on_signal = false;
  /// What the kernel does by itself: makes the writes whose eventfds were signalled.
  void make_signalled_writes();
  std::size_t writes_on_signal() const { return writes_on_signal_.size(); }
  /// Called before a configuration write is carried out.
  std::function<void(std::uint64_t offset, std::span<const std::uint8_t>)> on_config_write;
  /// Called before interrupts are connected or turned off.
  std::function<void()> on_irq_change;

  const std::string& name() const override { return name_; }
  const vfio::RegionInfo& region(unsigned index) const override { return regions_.at(index); }
  bool read(unsigned region, std::uint64_t offset, std::span<std::uint8_t> data) override;
  bool write(unsigned region, std::uint64_t offset, std::span<const std::uint8_t> data) override;
  int connect_write(const vfio::RegisterWrite& write, int eventfd) override;
  void disconnect_write(const vfio::RegisterWrite& write) override;
  MappedRegion map(unsigned region, const vfio::Area& area, std::uint64_t alignment) override;
  vfio::IrqInfo irq_info(vfio::IrqIndex index) const override;
  int set_irqs(vfio::IrqIndex index, std::uint32_t start, std::span<const int> eventfds) override;
  int unmask_with(vfio::IrqIndex index, int eventfd) override;
  void disable_irqs(vfio::IrqIndex index) override;
  /// Somebody else resets it.
  void reset();

 private:
  template <typename... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    if (journal_ != nullptr) journal_->add(format, std::forward<Args>(args)...);
  }

  std::string name_ = "0000:01:10.0";
  Journal* journal_;
  pci::ConfigSpace config_;
  std::array<vfio::RegionInfo, 9> regions_;
  std::array<UniqueFd, 6> files_;
  std::array<MappedRegion, 6> memory_;
  std::array<vfio::IrqInfo, 5> kinds_;  ///< INTx, MSI, MSI-X, and the host's reports
  std::uint32_t host_has_ = ~0u;
  std::atomic<unsigned> irq_calls_ = 0;
  std::vector<std::pair<vfio::RegisterWrite, UniqueFd>> writes_on_signal_;
  mutable std::mutex mutex_;  ///< guards what follows
  std::optional<vfio::IrqIndex> on_;
  std::vector<UniqueFd> eventfds_;
  std::array<UniqueFd, 5> reports_;  ///< by kind: they are on beside the interrupts
  UniqueFd unmask_;
  bool intx_masked_ = false;
};

/// "0x41 0x42" of bytes as one hexadecimal number, the first byte last.
std::string hex(std::span<const std::uint8_t> data);

}  // namespace strait::test
