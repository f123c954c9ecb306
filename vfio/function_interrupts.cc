#include "vfio/function_interrupts.h"

#include <linux/pci_regs.h>

#include <algorithm>

#include "base/little_endian.h"

namespace strait::vfio {
namespace {

using Offset = decltype(Area::start);

/// Where [offset, offset + size) and [start, start + length) meet, as a first and a last-plus-one; empty where they do not.
struct Overlap {
  std::uint64_t begin, end;
  Overlap(std::uint64_t offset, std::size_t size, std::uint64_t start, std::uint64_t length)
      : begin(std::max(offset, start)), end(std::min(offset + size, start + length)) {}
  explicit operator bool() const { return begin < end; }
  std::size_t size() const { return begin < end ? end - begin : 0; }
  /// The part of an access's `data` at `offset` that it covers.
  template <typename Byte>
  std::span<Byte> of(std::span<Byte> data, std::uint64_t offset) const {
    return data.subspan(begin - offset, size());
  }
};

constexpr std::uint16_t kControlSize = 2;

}  // namespace

FunctionInterrupts::FunctionInterrupts(AssignedDevice& device, InterruptRouter& router, const ConfigModel& model, const Pins& pins,
                                       bool dynamic_msix)
    : msi_at_(model.msi.value_or(0)), msix_at_(model.msix.value_or(0)) {
  if (model.intx_pin) intx_ = std::make_unique<IntxInterrupt>(device, router, pins[*model.intx_pin]);
  if (model.msi) msi_ = std::make_unique<MsiInterrupts>(device, router, msi_at_, model.msi_layout, intx_.get());
  if (model.msix) msix_ = std::make_unique<MsixInterrupts>(device, router, model.msix_layout, intx_.get(), dynamic_msix);
}

std::vector<Area> FunctionInterrupts::structures(unsigned bar) const {
  std::vector<Area> areas;
  if (!msix_) return areas;
  const pci::MsixLayout& layout = msix_->layout();
  if (bar == layout.table_bar) areas.push_back({Offset(layout.table_offset), layout.table_size()});
  if (bar == layout.pba_bar) areas.push_back({Offset(layout.pba_offset), layout.pba_size()});
  return areas;
}

void FunctionInterrupts::read_config(std::uint16_t offset, std::span<std::uint8_t> data) const {
  if (msi_) {
    if (const Overlap part(offset, data.size(), msi_at_ + PCI_MSI_FLAGS, msi_->size() - PCI_MSI_FLAGS); part) {
      msi_->read(static_cast<std::uint16_t>(part.begin - msi_at_), part.of(data, offset));
    }
  }
  if (msix_) {
    const std::uint64_t at = msix_at_ + PCI_MSIX_FLAGS;
    if (const Overlap part(offset, data.size(), at, kControlSize); part) {
      std::array<std::uint8_t, kControlSize> control{};
      store(std::span<std::uint8_t>(control), 0, msix_->control());
      std::copy_n(control.begin() + static_cast<std::ptrdiff_t>(part.begin - at), part.size(), part.of(data, offset).begin());
    }
  }
}

void FunctionInterrupts::write_config(std::uint16_t offset, std::span<const std::uint8_t> data) {
  if (msi_) {
    if (const Overlap part(offset, data.size(), msi_at_ + PCI_MSI_FLAGS, msi_->size() - PCI_MSI_FLAGS); part) {
      msi_->write(static_cast<std::uint16_t>(part.begin - msi_at_), part.of(data, offset));
    }
  }
  if (msix_) {
    const std::uint64_t at = msix_at_ + PCI_MSIX_FLAGS;
    if (const Overlap part(offset, data.size(), at, kControlSize); part) {
      std::array<std::uint8_t, kControlSize> control{};
      store(std::span<std::uint8_t>(control), 0, msix_->control());
      std::ranges::copy(part.of(data, offset), control.begin() + static_cast<std::ptrdiff_t>(part.begin - at));
      msix_->write_control(load<std::uint16_t>(control));
    }
  }
}

FunctionInterrupts::Hit FunctionInterrupts::hit(unsigned bar, std::uint64_t offset, std::size_t size) const {
  if (!msix_) return Hit::kNone;
  const pci::MsixLayout& layout = msix_->layout();
  const std::size_t table = bar == layout.table_bar ? Overlap(offset, size, layout.table_offset, layout.table_size()).size() : 0;
  const std::size_t pba = bar == layout.pba_bar ? Overlap(offset, size, layout.pba_offset, layout.pba_size()).size() : 0;
  if (table == size || pba == size) return Hit::kAll;
  return table + pba != 0 ? Hit::kPart : Hit::kNone;
}

void FunctionInterrupts::read_bar(unsigned bar, std::uint64_t offset, std::span<std::uint8_t> data) {
  const pci::MsixLayout& layout = msix_->layout();
  if (bar == layout.table_bar && Overlap(offset, data.size(), layout.table_offset, layout.table_size())) {
    msix_->read_table(static_cast<std::uint32_t>(offset - layout.table_offset), data);
  } else {
    msix_->read_pba(static_cast<std::uint32_t>(offset - layout.pba_offset), data);
  }
}

void FunctionInterrupts::write_bar(unsigned bar, std::uint64_t offset, std::span<const std::uint8_t> data) {
  const pci::MsixLayout& layout = msix_->layout();
  if (bar == layout.table_bar && Overlap(offset, data.size(), layout.table_offset, layout.table_size())) {
    msix_->write_table(static_cast<std::uint32_t>(offset - layout.table_offset), data);
  }
}

void FunctionInterrupts::reset() {
  if (msi_) msi_->reset();
  if (msix_) msix_->reset();
}

void FunctionInterrupts::add_to(FunctionFacts& facts) const {
  facts.has_intx = intx_ != nullptr;
  facts.intx_on = intx_ && intx_->on();
  if (msi_) facts.msi = msi_->facts();
  if (msix_) facts.msix = msix_->facts();
}

unsigned FunctionInterrupts::armed_vectors() const { return (msi_ ? msi_->armed_vectors() : 0) + (msix_ ? msix_->armed_vectors() : 0); }

}  // namespace strait::vfio
