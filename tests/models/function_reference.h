#pragma once

#include <linux/pci_regs.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "tests/unit/devices/msi_reference.h"
#include "tests/unit/devices/msix_reference.h"
#include "tests/models/function_plan.h"

namespace strait::test {

/// What a guest has to see of an assigned function, written down in the plainest way from PCI 3.0 and PCIe: bytes that are the device's,
/// registers that are not, and what follows from them, worked out anew each time that it is asked for.
class FunctionReference {
 public:
  static constexpr unsigned kRom = 6;

  /// Where a BAR, or the ROM, answers.
  struct Place {
    unsigned bar;
    std::uint64_t start, size;
    std::uint64_t used = 0;  ///< so many bytes; past them nothing does, or, where the page is direct, whatever the device does there
  };
  /// A stretch of the guest's memory.
  struct Stretch {
    std::uint64_t start, size;
    friend auto operator<=>(const Stretch&, const Stretch&) = default;
  };

  explicit FunctionReference(const FunctionPlan& plan);

  /// The guest's accesses.
  std::uint8_t config_byte(std::uint16_t offset) const;
  void write_config(std::uint16_t offset, std::span<const std::uint8_t> data);
  std::uint8_t bar_byte(unsigned bar, std::uint64_t offset) const;
  void write_bar(unsigned bar, std::uint64_t offset, std::span<const std::uint8_t> data);

  /// What happens to the device.
  void set_gone(bool gone);
  /// A reset that the guest did not ask for: its registers of MSI and MSI-X, which are ours, stay.
  void reset_from_elsewhere();
  /// The device's own memory behind a BAR.
  std::span<const std::uint8_t> memory(unsigned bar) const { return memory_.at(bar); }
  void set_bar_byte(unsigned bar, std::uint64_t offset, std::uint8_t value) { memory_.at(bar).at(offset) = value; }
  void set_config_byte(std::uint16_t offset, std::uint8_t value) { config_[offset] = value; }
  /// The host withdrew the mappings for good, or until the guest changes what decides about them.
  void distrust();

  /// BARs, and the ROM, that answer in memory or at ports now.
  std::vector<Place> memory_places() const;
  std::vector<Place> port_places() const;
  std::uint64_t address(unsigned bar) const;
  /// What of a place the guest reaches without an exit, ascending.
  std::vector<Stretch> direct(const Place& place) const;

  /// Whether a vector's interrupts, or the pin's, are to be had from the host.
  bool pin_on() const { return plan_.intx && !msi_enabled() && !msix_enabled(); }
  bool msi_enabled() const { return msi_ && msi_->enabled(); }
  bool msix_enabled() const { return msix_ && msix_->enabled(); }
  /// What the vectors that are not masked send.
  std::vector<MsiMessage> live() const;
  /// Vectors that have an interrupt of the host: those that were connected since their kind was enabled.
  std::size_t armed_vectors() const { return msi_vectors_.size() + msix_vectors_.size(); }
  /// The device raises a vector of the kind that is on, or its pin.
  void signal(std::uint16_t vector);
  /// The guest has handled the pin's interrupt.
  void end_of_interrupt() { pin_masked_ = false; }
  /// What has reached the guest since the last call.
  std::vector<MsiMessage> take_messages();
  bool take_pin();
  /// Nothing is promised of interrupts from when the device was gone, or both kinds were enabled (6.8.3.1 forbids it), until the guest has
  /// both off with the device there.
  bool interrupts_are_promised() const { return !trouble_; }

 private:
  /// A message-signalled vector that was connected since its kind was enabled.
  using Pending = std::map<std::uint16_t, bool>;

  bool decodes(std::uint16_t command_bit) const;
  const FunctionPlan::Bar* bar(unsigned number) const;
  std::uint8_t register_byte(unsigned number, unsigned byte) const;
  /// All ones where it is gone, but for INTx Disable, which the kernel remembers.
  std::uint8_t device_byte(std::uint16_t offset) const {
    constexpr std::uint8_t kIntxDisable = PCI_COMMAND_INTX_DISABLE >> 8;
    return gone_ ? static_cast<std::uint8_t>(config_[offset] | (offset == PCI_COMMAND + 1 ? ~kIntxDisable : 0xff)) : config_[offset];
  }
  std::uint8_t list_pointer(std::uint16_t at) const;
  std::optional<std::uint32_t> extended_header(std::uint16_t at) const;
  bool is_ours(std::uint16_t offset) const;
  std::uint8_t writable(std::uint16_t offset) const;
  bool resets(std::uint16_t offset, std::uint8_t byte) const;
  void write_register(std::uint16_t offset, std::span<const std::uint8_t> data);
  bool msi_has(std::uint16_t offset) const;
  bool msix_has(std::uint16_t offset) const;
  /// Whether some of the MSI-X table or the PBA lies in a page of a BAR.
  bool holds_structure(unsigned bar, std::uint64_t page) const;
  std::optional<std::uint32_t> table_offset(unsigned bar, std::uint64_t offset) const;
  std::optional<std::uint32_t> pba_offset(unsigned bar, std::uint64_t offset) const;
  std::uint8_t pending_byte(const Pending& vectors, std::uint16_t first, std::uint16_t count, std::uint8_t devices_own) const;
  /// After every change: vectors that became live send what was pending, kinds that were turned off forget.
  void follow();

  const FunctionPlan plan_;
  std::vector<std::uint8_t> config_;  ///< the device's
  std::map<unsigned, std::vector<std::uint8_t>> memory_;  ///< the device's, by BAR
  std::array<std::uint32_t, 7> registers_{};  ///< BARs and ROM, as written
  std::optional<pci::test::MsiReference> msi_;
  std::optional<pci::test::MsixReference> msix_;
  bool gone_ = false, distrusted_ = false, trouble_ = false, was_enabled_ = false;
  Pending msi_vectors_, msix_vectors_;
  unsigned msi_allocated_ = 0;
  bool pin_was_on_ = false, pin_masked_ = false, pin_raised_ = false;
  std::vector<MsiMessage> messages_;
};

}  // namespace strait::test
