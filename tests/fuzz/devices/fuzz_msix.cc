// A stream of guest accesses to an MSI-X structure: what the owner was told must at every step be what the simple reference says.

#include <array>

#include "tests/fuzz/devices/input.h"
#include "tests/unit/devices/msix_reference.h"

namespace {

using strait::fuzz::Input;
using strait::fuzz::require;
using strait::pci::MsixState;
using strait::pci::test::MsixReference;
using strait::pci::test::PaperDevice;

class Session {
 public:
  explicit Session(std::uint16_t vectors) : state_(vectors), reference_(vectors), pending_(vectors) {}

  void step(Input& input) {
    switch (input.next<std::uint8_t>() % 7) {
      case 0: write_control(input.next<std::uint16_t>()); break;
      case 1: write_control(MsixState::kControlEnable); break;
      case 2: write_table(input); break;
      case 3: write_mask(input); break;
      case 4: pending_[input.next<std::uint16_t>() % pending_.size()].flip(); break;
      case 5: read_parts(input); break;
      default:
        device_.apply(state_.reset());
        reference_.reset();
    }
    check();
  }

 private:
  void write_control(std::uint16_t value) {
    device_.apply(state_.write_control(value));
    reference_.write_control(value);
  }
  void write_table(Input& input) {
    // One entry past the end included.
    const auto offset = static_cast<std::uint32_t>(input.next<std::uint16_t>() % (state_.vectors() * 16u + 16u));
    const auto data = input.bytes(1 + input.next<std::uint8_t>() % 16u);
    device_.apply(state_.write_table(offset, data));
    reference_.write_table(offset, data);
  }
  void write_mask(Input& input) {
    const auto offset = static_cast<std::uint32_t>(input.next<std::uint16_t>() % state_.vectors() * 16u + 12u);
    const std::array<std::uint8_t, 4> data = {input.next<std::uint8_t>(), 0, 0, 0};
    device_.apply(state_.write_table(offset, data));
    reference_.write_table(offset, data);
  }
  void read_parts(Input& input) {
    const auto offset = input.next<std::uint16_t>();
    std::array<std::uint8_t, 16> data{};
    const auto part = std::span(data).first(1 + input.next<std::uint8_t>() % data.size());
    state_.read_table(offset, part);
    for (std::size_t i = 0; i < part.size(); ++i) {
      const std::size_t place = offset + i;
      const std::uint8_t expected = place < reference_.table().size() ? reference_.table()[place] : 0xff;
      require(part[i] == expected, "a table read is the reference's");
    }
    const auto pba = reference_.pba(pending_);
    state_.read_pba(offset, part, [this](std::uint16_t vector) {
      require(!state_.connected(vector), "pending is asked for disconnected vectors only");
      return pending_[vector];
    });
    for (std::size_t i = 0; i < part.size(); ++i) {
      require(part[i] == (offset + i < pba.size() ? pba[offset + i] : 0), "a PBA read is the reference's");
    }
  }
  void check() const {
    require(device_.error.empty(), device_.error.c_str());
    require(device_.enabled == reference_.enabled(), "the device is enabled when the guest enabled it");
    require(state_.control() == reference_.control(), "message control is the reference's");
    require(device_.connected == reference_.all_live(), "the connected vectors are the live ones, with their messages");
    for (std::uint16_t vector = 0; vector < state_.vectors(); ++vector) {
      require(state_.connected(vector) == device_.connected.contains(vector), "connected() is what the owner was told");
    }
  }

  MsixState state_;
  MsixReference reference_;
  PaperDevice device_;
  std::vector<bool> pending_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Session session(static_cast<std::uint16_t>(1 + input.next<std::uint8_t>() % 70));
  while (!input.empty()) session.step(input);
  return 0;
}
