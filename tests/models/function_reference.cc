#include "tests/models/function_reference.h"

#include <algorithm>
#include <utility>

#include "base/units.h"

namespace strait::test {
namespace {

constexpr std::uint16_t kBars = 0x10, kBarsEnd = 0x28, kRomRegister = 0x30, kRomRegisterEnd = 0x34;

bool in(std::uint64_t at, std::uint64_t start, std::uint64_t end) { return at >= start && at < end; }

}  // namespace

FunctionReference::FunctionReference(const FunctionPlan& plan) : plan_(plan), config_(plan.config().bytes()) {
  config_.resize(4096);
  for (const auto& bar : plan.bars) memory_[bar.number].resize(bar.size);
  if (plan.shows(PCI_CAP_ID_MSI)) msi_.emplace(*plan.msi);
  if (plan.shows(PCI_CAP_ID_MSIX)) msix_.emplace(plan.msix->vectors);
  pin_was_on_ = pin_on();
}

const FunctionPlan::Bar* FunctionReference::bar(unsigned number) const {
  const auto found = std::ranges::find(plan_.bars, number, &FunctionPlan::Bar::number);
  return found == plan_.bars.end() ? nullptr : &*found;
}

// Configuration space

/// BARs read as what was written, the size's bits as zero and the flags as the hardware's (6.2.5.1); the ROM likewise (6.2.5.2).
std::uint8_t FunctionReference::register_byte(unsigned number, unsigned byte) const {
  std::uint64_t value = registers_[number];
  if (number == kRom) {
    if (plan_.options.rom_contents.empty()) return 0;
    std::uint64_t size = kPageSize;
    while (size < plan_.options.rom_contents.size()) size *= 2;
    value = (value & ~(size - 1)) | (value & 1);
  } else if (const auto* shape = bar(number)) {
    value = (value & ~(shape->shown() - 1)) | shape->flags;
  } else if (const auto* low = number == 0 ? nullptr : bar(number - 1); !low || !low->wide()) {
    value = 0;
  }
  return static_cast<std::uint8_t>(value >> 8 * byte);
}

/// Where the capability at `at` points to: past those that are hidden.
std::uint8_t FunctionReference::list_pointer(std::uint16_t at) const {
  bool passed = at == PCI_CAPABILITY_LIST;
  for (const auto& capability : plan_.capabilities) {
    if (passed && !capability.hidden) return static_cast<std::uint8_t>(capability.offset);
    passed = passed || capability.offset == at;
  }
  return 0;
}

/// The header of an extended capability, less those that are the host's; nothing where none is, or where it is hidden and not the first.
std::optional<std::uint32_t> FunctionReference::extended_header(std::uint16_t at) const {
  const auto here = std::ranges::find(plan_.extended, at, &FunctionPlan::Extended::offset);
  if (here == plan_.extended.end()) return std::nullopt;
  if (here->hidden && here != plan_.extended.begin()) return std::nullopt;
  const auto next = std::find_if(here + 1, plan_.extended.end(), [](const auto& other) { return !other.hidden; });
  const std::uint32_t pointer = next == plan_.extended.end() ? 0 : std::uint32_t{next->offset} << 20;
  return pointer | (here->hidden ? 0 : 0x10000u | here->id);
}

bool FunctionReference::msi_has(std::uint16_t offset) const {
  return msi_ && in(offset, FunctionPlan::kMsi + 2, FunctionPlan::kMsi + plan_.msi->size());
}

bool FunctionReference::msix_has(std::uint16_t offset) const {
  return msix_ && in(offset, FunctionPlan::kMsix + 2, FunctionPlan::kMsix + 4);
}

std::uint8_t FunctionReference::config_byte(std::uint16_t offset) const {
  if (in(offset, kBars, kBarsEnd)) return register_byte((offset - kBars) / 4u, offset % 4u);
  if (in(offset, kRomRegister, kRomRegisterEnd)) return register_byte(kRom, offset % 4u);
  if (offset == PCI_HEADER_TYPE) return device_byte(offset) & 0x7f;
  if (offset == PCI_INTERRUPT_PIN) return plan_.intx ? device_byte(offset) : 0;
  if (msi_has(offset)) {
    const auto at = static_cast<std::uint16_t>(offset - FunctionPlan::kMsi);
    const unsigned pending_at = plan_.msi->wide ? 20 : 16;
    if (!plan_.msi->maskable || at < pending_at) return msi_->read(at);
    return pending_byte(msi_vectors_, static_cast<std::uint16_t>((at - pending_at) * 8), plan_.msi->vectors,
                        msi_enabled() && !gone_ ? config_[offset] : 0);
  }
  if (msix_has(offset)) return static_cast<std::uint8_t>(msix_->control() >> 8 * (offset % 2));
  for (const auto& capability : plan_.capabilities) {
    // Where what comes next is hidden, the pointer is ours.
    const auto next = capability.offset + 1 == offset ? std::optional(capability.offset) : std::nullopt;
    if (next && !capability.hidden && list_pointer(*next) != config_[offset]) return list_pointer(*next);
    if (capability.id != PCI_CAP_ID_EXP) continue;
    // An endpoint on the root bus: integrated, without a link (PCIe 7.5.3.2, 7.5.3.6 to 7.5.3.8, 7.5.3.18 to 7.5.3.20).
    const std::uint16_t at = capability.offset;
    if (offset == at + 2) return static_cast<std::uint8_t>((device_byte(offset) & 0x0f) | 0x90);
    if (in(offset, at + 0x0cu, at + 0x14u) || in(offset, at + 0x2cu, at + 0x34u)) return 0;
  }
  if (offset == PCI_CAPABILITY_LIST && list_pointer(offset) != config_[offset]) return list_pointer(offset);
  if (offset < 0x100) return device_byte(offset);
  if (plan_.conventional) return 0;
  const auto start = static_cast<std::uint16_t>(offset / 4 * 4);
  if (const auto header = extended_header(start)) {
    const auto shown = static_cast<std::uint8_t>(*header >> 8 * (offset - start));
    if (shown != config_[offset]) return shown;
  }
  return device_byte(offset);
}

std::uint8_t FunctionReference::writable(std::uint16_t offset) const {
  const auto has = [this](std::uint8_t id) {
    return std::ranges::any_of(plan_.capabilities, [id](const auto& capability) { return capability.id == id; });
  };
  if (offset == PCI_COMMAND) return 0x47;
  if (offset == PCI_COMMAND + 1) return 0x05;
  if (has(PCI_CAP_ID_PM) && offset == FunctionPlan::kPower + 4) return 0x03;
  if (has(PCI_CAP_ID_PM) && offset == FunctionPlan::kPower + 5) return 0x01;
  if (has(PCI_CAP_ID_EXP) && offset == FunctionPlan::kExpress + 8) return 0xff;
  if (has(PCI_CAP_ID_EXP) && offset == FunctionPlan::kExpress + 9) return 0x7f;
  if (has(PCI_CAP_ID_VNDR) && in(offset, FunctionPlan::kVendorData, FunctionPlan::kVendorEnd)) return 0xff;
  return !plan_.conventional && in(offset, FunctionPlan::kExtendedData, FunctionPlan::kExtendedEnd) ? 0xff : 0;
}

/// Function-level reset: Initiate in Device Control (PCIe 7.5.3.4), or in Advanced Features.
bool FunctionReference::resets(std::uint16_t offset, std::uint8_t byte) const {
  if (plan_.shows(PCI_CAP_ID_EXP) && offset == FunctionPlan::kExpress + 9 && (byte & 0x80) != 0) return true;
  return plan_.shows(PCI_CAP_ID_AF) && offset == FunctionPlan::kAdvancedFeatures + 4 && (byte & 1) != 0;
}

void FunctionReference::write_config(std::uint16_t offset, std::span<const std::uint8_t> data) {
  bool reset = false;
  for (const std::uint8_t byte : data) {
    if (in(offset, kBars, kBarsEnd) || in(offset, kRomRegister, kRomRegisterEnd)) {
      const unsigned number = offset >= kRomRegister ? kRom : (offset - kBars) / 4u;
      const unsigned shift = offset % 4 * 8;
      registers_[number] = (registers_[number] & ~(0xffu << shift)) | std::uint32_t{byte} << shift;
    } else if (msi_has(offset)) {
      msi_->write(offset - FunctionPlan::kMsi, byte);
    } else if (msix_has(offset)) {
      const unsigned shift = offset % 2 * 8;
      msix_->write_control(static_cast<std::uint16_t>((msix_->control() & ~(0xffu << shift)) | unsigned{byte} << shift));
    } else if (!gone_) {
      config_[offset] = static_cast<std::uint8_t>((config_[offset] & ~writable(offset)) | (byte & writable(offset)));
    }
    reset = reset || resets(offset, byte);
    const bool decides = offset == PCI_COMMAND || (plan_.shows(PCI_CAP_ID_PM) && offset == FunctionPlan::kPower + 4) ||
                         (plan_.shows(PCI_CAP_ID_EXP) && offset == FunctionPlan::kExpress + 9) ||
                         (plan_.shows(PCI_CAP_ID_AF) && offset == FunctionPlan::kAdvancedFeatures + 4);
    if (decides) distrusted_ = false;
    ++offset;
  }
  if (reset) {
    if (!gone_) reset_from_elsewhere();
    if (msi_) msi_->reset();
    if (msix_) msix_->reset();
  }
  follow();
}

void FunctionReference::reset_from_elsewhere() {
  config_[PCI_COMMAND] = config_[PCI_COMMAND + 1] = 0;
}

void FunctionReference::set_gone(bool gone) {
  gone_ = gone;
  trouble_ = trouble_ || gone;
}

// Memory

bool FunctionReference::decodes(std::uint16_t command_bit) const {
  const bool awake = !plan_.shows(PCI_CAP_ID_PM) || (config_[FunctionPlan::kPower + 4] & 3) == 0;
  return !gone_ && awake && (config_[PCI_COMMAND] & command_bit) != 0;
}

std::uint64_t FunctionReference::address(unsigned number) const {
  std::uint64_t value = 0;
  const auto* shape = bar(number);
  const unsigned bytes = shape && shape->wide() ? 8 : 4;
  for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{register_byte(number + i / 4, i % 4)} << 8 * i;
  if (number == kRom) return value & ~std::uint64_t{kPageSize - 1};
  return shape ? value & ~(shape->shown() - 1) : 0;
}

std::vector<FunctionReference::Place> FunctionReference::memory_places() const {
  std::vector<Place> places;
  if (!decodes(PCI_COMMAND_MEMORY)) return places;
  for (const auto& shape : plan_.bars) {
    if (!shape.io() && address(shape.number) != 0) places.push_back({shape.number, address(shape.number), shape.shown(), shape.size});
  }
  if (const bool enabled = (register_byte(kRom, 0) & 1) != 0; enabled && address(kRom) != 0) {
    std::uint64_t size = kPageSize;
    while (size < plan_.options.rom_contents.size()) size *= 2;
    places.push_back({kRom, address(kRom), size, size});
  }
  return places;
}

std::vector<FunctionReference::Place> FunctionReference::port_places() const {
  std::vector<Place> places;
  if (!decodes(PCI_COMMAND_IO)) return places;
  for (const auto& shape : plan_.bars) {
    if (shape.io() && address(shape.number) != 0) places.push_back({shape.number, address(shape.number), shape.size, shape.size});
  }
  return places;
}

/// Pages that lie wholly in what may be mapped and hold nothing of the table and the PBA.
std::vector<FunctionReference::Stretch> FunctionReference::direct(const Place& place) const {
  std::vector<Stretch> stretches;
  if (place.bar == kRom) return {{place.start, place.size}};
  const auto& shape = *bar(place.bar);
  if (distrusted_ || plan_.mapping_fails || !plan_.options.direct) return stretches;
  for (std::uint64_t page = 0; page < shape.size; page += kPageSize) {
    bool mappable = false;
    for (const auto& area : shape.mappable) {
      const std::uint64_t end = std::min(page + kPageSize, shape.size);
      mappable = mappable || (area.start.value <= page && area.start.value + area.size >= end);
    }
    if (!mappable || holds_structure(place.bar, page)) continue;
    if (!stretches.empty() && stretches.back().start + stretches.back().size == place.start + page) {
      stretches.back().size += kPageSize;
    } else {
      stretches.push_back({place.start + page, kPageSize});
    }
  }
  return stretches;
}

bool FunctionReference::holds_structure(unsigned bar, std::uint64_t page) const {
  if (!msix_) return false;
  const auto meets = [page](std::uint64_t start, std::uint64_t size) { return start < page + kPageSize && page < start + size; };
  return (bar == plan_.msix->table_bar && meets(plan_.msix->table_offset, plan_.msix->vectors * 16u)) ||
         (bar == plan_.msix->pba_bar && meets(plan_.msix->pba_offset, (plan_.msix->vectors + 63u) / 64u * 8u));
}

void FunctionReference::distrust() {
  for (const Place& place : memory_places()) {
    if (place.bar != kRom && !direct(place).empty()) {
      distrusted_ = true;
      return;
    }
  }
}

std::optional<std::uint32_t> FunctionReference::table_offset(unsigned bar, std::uint64_t offset) const {
  if (!msix_ || bar != plan_.msix->table_bar) return std::nullopt;
  const std::uint64_t start = plan_.msix->table_offset;
  return in(offset, start, start + plan_.msix->vectors * 16u) ? std::optional(static_cast<std::uint32_t>(offset - start)) : std::nullopt;
}

std::optional<std::uint32_t> FunctionReference::pba_offset(unsigned bar, std::uint64_t offset) const {
  if (!msix_ || bar != plan_.msix->pba_bar) return std::nullopt;
  const std::uint64_t start = plan_.msix->pba_offset, size = (plan_.msix->vectors + 63u) / 64u * 8u;
  return in(offset, start, start + size) ? std::optional(static_cast<std::uint32_t>(offset - start)) : std::nullopt;
}

std::uint8_t FunctionReference::bar_byte(unsigned number, std::uint64_t offset) const {
  if (number == kRom) return offset < plan_.options.rom_contents.size() ? plan_.options.rom_contents[offset] : 0xff;
  if (const auto at = table_offset(number, offset)) return msix_->table()[*at];
  if (const auto at = pba_offset(number, offset)) {
    return pending_byte(msix_vectors_, static_cast<std::uint16_t>(*at * 8), plan_.msix->vectors,
                        msix_enabled() && !gone_ ? memory_.at(number)[offset] : 0);
  }
  return memory_.at(number)[offset];
}

void FunctionReference::write_bar(unsigned number, std::uint64_t offset, std::span<const std::uint8_t> data) {
  if (number == kRom) return;
  for (const std::uint8_t byte : data) {
    if (const auto at = table_offset(number, offset)) {
      msix_->write_table(*at, {&byte, 1});
    } else if (!pba_offset(number, offset)) {
      memory_.at(number)[offset] = byte;
    }
    ++offset;
  }
  follow();
}

// Interrupts

/// A vector that was connected has its pending bit in the host's hands, any other in the device's.
std::uint8_t FunctionReference::pending_byte(const Pending& vectors, std::uint16_t first, std::uint16_t count,
                                             std::uint8_t devices_own) const {
  const auto live = &vectors == &msi_vectors_ ? msi_->all_live() : msix_->all_live();
  std::uint8_t byte = 0;
  for (unsigned bit = 0; bit < 8; ++bit) {
    const auto vector = static_cast<std::uint16_t>(first + bit);
    if (vector >= count || live.contains(vector)) continue;
    const auto known = vectors.find(vector);
    if (known != vectors.end() ? known->second : (devices_own >> bit & 1) != 0) byte |= static_cast<std::uint8_t>(1u << bit);
  }
  return byte;
}

std::vector<MsiMessage> FunctionReference::live() const {
  std::vector<MsiMessage> messages;
  if (msi_) {
    for (const auto& [vector, message] : msi_->all_live()) messages.push_back(message);
  }
  if (msix_) {
    for (const auto& [vector, message] : msix_->all_live()) messages.push_back(message);
  }
  return messages;
}

void FunctionReference::signal(std::uint16_t vector) {
  if (pin_on()) {
    if (vector == 0 && !pin_masked_) pin_masked_ = pin_raised_ = true;
    return;
  }
  Pending& vectors = msi_enabled() ? msi_vectors_ : msix_vectors_;
  if (const auto known = vectors.find(vector); known != vectors.end()) known->second = true;
  follow();
}

void FunctionReference::follow() {
  if (msi_enabled() && msix_enabled()) trouble_ = true;
  const bool enabled = msi_enabled() || msix_enabled();
  if (was_enabled_ && !enabled && !gone_) trouble_ = false;
  was_enabled_ = enabled;
  if (const unsigned allocated = msi_ ? msi_->allocated() : 0; allocated != msi_allocated_) {
    msi_vectors_.clear();
    msi_allocated_ = allocated;
  }
  if (!msix_enabled()) msix_vectors_.clear();
  const auto connect = [this](Pending& vectors, const std::map<std::uint16_t, MsiMessage>& live) {
    for (const auto& [vector, message] : live) {
      // The host has no interrupt for those past its last: they stay silent.
      if (vector >= plan_.host_has) continue;
      if (std::exchange(vectors[vector], false)) messages_.push_back(message);
    }
  };
  if (msi_) connect(msi_vectors_, msi_->all_live());
  if (msix_) connect(msix_vectors_, msix_->all_live());
  if (pin_on() != pin_was_on_) pin_masked_ = false;
  pin_was_on_ = pin_on();
}

std::vector<MsiMessage> FunctionReference::take_messages() { return std::exchange(messages_, {}); }

bool FunctionReference::take_pin() { return std::exchange(pin_raised_, false); }

}  // namespace strait::test
