#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/guest_memory.h"
#include "boot/acpi/tables.h"
#include "boot/entry_state.h"
#include "boot/kernel.h"
#include "boot/layout.h"

namespace strait::boot {

/// What to boot.
struct BootSpec {
  std::string kernel_path;
  /// Empty for none.
  std::string initrd_path;
  /// A cpio archive (newc) that is unpacked after the initrd and over it; empty for none.
  std::vector<std::uint8_t> extra_initrd;
  /// Handed on unchanged.
  std::string cmdline;
  KernelEntry entry = KernelEntry::kAuto;
  bool use_cache = true;
  AcpiConfig acpi;
  /// Told to the guest besides RAM and what the layout reserves.
  std::vector<E820Entry> extra_e820;
};

/// What the guest's memory holds before load().
enum class MemoryState {
  kZero,  ///< fresh: what is zero in the kernel need not be written
  kUsed,  ///< a guest ran in it
};

/// Where load() put things: for logs and metrics.
struct LoadReport {
  std::string_view protocol;
  Range<Gpa> kernel;
  Range<Gpa> initrd;
};

/// Kernel, initrd and everything else that a guest starts with. Opened and checked before there is any guest memory, so that
/// what is wrong with the files is told at once, and so that opening overlaps with preparing the memory; loaded at every
/// (re)boot. One thread at a time.
class Image {
 public:
  /// Throws Error, naming the file, the cause and the remedy.
  static Image open(BootSpec spec);

  /// Writes everything into `memory`, whose first region starts at 0, and returns the registers to start with. Throws Error
  /// where it does not fit.
  EntryState load(const GuestMemory& memory, MemoryState state = MemoryState::kZero);

  /// Best called once the guest runs: keeps a kernel that was unpacked for the next time, and frees its memory. Never fails;
  /// does nothing the second time.
  void settle() { kernel_.settle(); }

  const LoadReport& report() const { return report_; }
  const Kernel& kernel() const { return kernel_; }

 private:
  Image(BootSpec spec, Kernel kernel) : spec_(std::move(spec)), kernel_(std::move(kernel)) {}

  Range<Gpa> load_elf(const GuestMemory& memory, MemoryState state);
  Range<Gpa> load_bzimage(const GuestMemory& memory);
  Range<Gpa> load_initrd(const GuestMemory& memory, Gpa kernel_end);
  void write_acpi(const GuestMemory& memory);
  void write_zero_page(const GuestMemory& memory, const std::vector<E820Entry>& e820);

  BootSpec spec_;
  Kernel kernel_;
  std::unique_ptr<FileSource> initrd_;
  LoadReport report_;
};

}  // namespace strait::boot
