#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <vector>

#include "base/counter.h"
#include "base/unique_fd.h"
#include "devices/io_eventfds.h"
#include "devices/pci/bar.h"
#include "vfio/assigned_device.h"
#include "vfio/repeated_writes.h"

namespace strait::vfio {

/// Takes those trapped registers of one function off the monitor's hands that the guest writes again and again with one value: KVM turns
/// the write into a signal of an eventfd, at which VFIO makes it, all in the kernel. Whatever refuses leaves the register trapped. Any
/// thread.
class RegisterEventfds {
 public:
  /// A function has no more of them at a time, nor is it refused more of them before it is left alone.
  static constexpr std::size_t kMost = 32;

  /// Without `io_eventfds` every register stays trapped.
  RegisterEventfds(AssignedDevice& device, IoEventfds* io_eventfds) : device_(device), io_eventfds_(io_eventfds) {}
  ~RegisterEventfds();
  RegisterEventfds(const RegisterEventfds&) = delete;
  RegisterEventfds& operator=(const RegisterEventfds&) = delete;

  /// BAR `bar` answers at `address` from now on, and nowhere else.
  void place(unsigned bar, GuestWrite::Space space, std::uint64_t address);
  /// It answers nowhere.
  void remove(unsigned bar);
  /// A trapped write went to the device; not one to MSI-X table or PBA, which are no registers of the device's.
  void wrote(const RegisterWrite& write);
  /// As long as the pause lives no register is the kernel's: for what may have it put signalled writes off (AssignedDevice::connect_write),
  /// which other writes of the guest would then overtake. Afterwards they have to be written again and again anew. place(), remove() and
  /// wrote() wait.
  using Pause = std::unique_lock<std::mutex>;
  [[nodiscard]] Pause pause();

  /// Eventfds that were made so far, and those that somebody refused.
  std::uint64_t made() const { return made_.value(); }
  std::uint64_t refused() const { return refused_.value(); }

 private:
  struct Place {
    GuestWrite::Space space;
    std::uint64_t address;
    friend bool operator==(const Place&, const Place&) = default;
  };
  struct Shortcut {
    RegisterWrite write;
    GuestWrite guest_write;
    UniqueFd eventfd;
  };
  bool make(const RegisterWrite& write, const Place& place);
  void take_down(unsigned bar);

  AssignedDevice& device_;
  IoEventfds* const io_eventfds_;
  std::mutex mutex_;  ///< guards what follows
  RepeatedWrites repeated_;
  std::array<std::optional<Place>, pci::kBarCount> places_;
  std::vector<Shortcut> shortcuts_;
  Counter made_, refused_;
};

}  // namespace strait::vfio
