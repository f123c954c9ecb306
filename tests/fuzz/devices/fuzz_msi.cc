// A stream of guest accesses to an MSI capability: what the owner was told must at every step be what the registers, as the guest reads
// them, ask for.

#include <linux/pci_regs.h>

#include <array>
#include <map>

#include "base/little_endian.h"
#include "devices/pci/msi.h"
#include "tests/fuzz/devices/input.h"
#include "tests/unit/devices/msix_reference.h"

namespace {

using strait::MsiMessage;
using strait::fuzz::Input;
using strait::fuzz::require;
using strait::pci::MsiLayout;
using strait::pci::MsiState;
using strait::pci::test::PaperDevice;

constexpr std::uint16_t kRegisters = PCI_MSI_FLAGS;

class Session {
 public:
  explicit Session(const MsiLayout& layout) : state_(layout) {}

  void step(Input& input) {
    switch (input.next<std::uint8_t>() % 6) {
      case 0: write(input.next<std::uint8_t>(), input.bytes(1 + input.next<std::uint8_t>() % 8u)); break;
      case 1: write(PCI_MSI_FLAGS, input.bytes(2)); break;
      case 2: write(mask_offset(), input.bytes(4)); break;
      case 3: pending_ ^= input.next<std::uint32_t>(); break;
      case 4: {
        const std::uint8_t enable = PCI_MSI_FLAGS_ENABLE | (input.next<std::uint8_t>() & PCI_MSI_FLAGS_QSIZE);
        write(PCI_MSI_FLAGS, {&enable, 1});
        break;
      }
      default: device_.apply(state_.reset());
    }
    check();
  }

 private:
  const MsiLayout& layout() const { return state_.layout(); }
  std::uint16_t mask_offset() const { return layout().wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32; }

  /// At or past the capability's end included.
  void write(unsigned offset, std::span<const std::uint8_t> data) {
    const unsigned room = layout().size() + 4u - kRegisters;
    device_.apply(state_.write(static_cast<std::uint16_t>(kRegisters + (offset - kRegisters) % room), data));
  }

  template <typename T>
  T get(std::uint16_t offset) const {
    std::array<std::uint8_t, sizeof(T)> data{};
    state_.read(offset, data, [this](std::uint16_t vector) {
      require(!state_.connected(vector), "pending is asked for disconnected vectors only");
      return (pending_ >> vector & 1) != 0;
    });
    return strait::load<T>(data);
  }

  /// What the registers say, in the words of PCI 3.0 6.8.1.
  std::map<std::uint16_t, MsiMessage> wanted() const {
    std::map<std::uint16_t, MsiMessage> vectors;
    const auto control = get<std::uint16_t>(PCI_MSI_FLAGS);
    if ((control & PCI_MSI_FLAGS_ENABLE) == 0) return vectors;
    const unsigned count = std::min<unsigned>(1u << (control >> 4 & 7), layout().vectors);
    const std::uint32_t masks = layout().maskable ? get<std::uint32_t>(mask_offset()) : 0;
    const std::uint64_t high = layout().wide ? get<std::uint32_t>(PCI_MSI_ADDRESS_HI) : 0;
    const std::uint64_t address = high << 32 | get<std::uint32_t>(PCI_MSI_ADDRESS_LO);
    const auto data = get<std::uint16_t>(layout().wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32);
    for (std::uint16_t vector = 0; vector < count; ++vector) {
      if ((masks >> vector & 1) == 0) vectors[vector] = {.address = address, .data = (data & ~(count - 1)) + vector};
    }
    return vectors;
  }

  void check() const {
    require(device_.error.empty(), device_.error.c_str());
    const auto control = get<std::uint16_t>(PCI_MSI_FLAGS);
    require(strait::pci::decode_msi_control(control) == layout(), "what the function can do never changes");
    const bool enabled = (control & PCI_MSI_FLAGS_ENABLE) != 0;
    require(state_.enabled() == enabled && device_.enabled == enabled, "enabled as the guest says");
    require(device_.connected == wanted(), "the connected vectors are those that the registers ask for");
    if (!layout().maskable) return;
    const auto shown = get<std::uint32_t>(layout().pending_offset());
    for (std::uint16_t vector = 0; vector < 32; ++vector) {
      const bool waits = vector < layout().vectors && !state_.connected(vector) && (pending_ >> vector & 1) != 0;
      require((shown >> vector & 1) == waits, "the pending bits are those of disconnected vectors");
    }
  }

  MsiState state_;
  PaperDevice device_;
  std::uint32_t pending_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Session session(strait::pci::decode_msi_control(input.next<std::uint16_t>()));
  for (int i = 0; i < 256 && !input.empty(); ++i) session.step(input);
  return 0;
}
