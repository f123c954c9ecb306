#include "vfio/assigned_function.h"

#include <linux/pci_regs.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/little_endian.h"
#include "base/log.h"

namespace strait::vfio {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

using Offset = decltype(Area::start);

constexpr std::uint16_t kBarsStart = PCI_BASE_ADDRESS_0;
constexpr std::uint16_t kBarsEnd = PCI_BASE_ADDRESS_5 + 4;

/// [offset, offset + size) lies in [start, start + length).
bool within(std::uint64_t offset, std::size_t size, std::uint64_t start, std::uint64_t length) {
  return offset >= start && offset + size <= start + length;
}

bool touches(std::uint64_t offset, std::size_t size, std::uint64_t start, std::uint64_t length) {
  return offset < start + length && start < offset + size;
}

}  // namespace

AssignedFunction::AssignedFunction(AssignedDevice& device, const FunctionHost& host)
    : device_(device), host_(host), bars_(probe_bars()) {
  const std::vector<std::uint8_t> config = read_whole_config();
  std::string problem;
  model_ = make_config_model(config, problem);
  if (!problem.empty()) log::warning(guest_lines, "{}: its capability list is odd: {}", name(), problem);
  if (!model_.msix) {
    throw Error(fmt::format("{} has no MSI-X, the only interrupts that strait serves so far", name()), "assign another function");
  }
  const pci::MsixLayout& layout = model_.msix_layout;
  const auto inside = [&](unsigned bar, std::uint64_t end) { return bar < pci::kBarCount && end <= bars_.shape(bar).size; };
  if (!inside(layout.table_bar, layout.table_offset + std::uint64_t{layout.table_size()}) ||
      !inside(layout.pba_bar, layout.pba_offset + std::uint64_t{layout.pba_size()})) {
    throw Error(fmt::format("{} places its MSI-X table or PBA outside its BARs", name()), "the device or its firmware is broken");
  }
  msix_ = std::make_unique<MsixInterrupts>(device, host.router, layout);

  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    const pci::BarShape& shape = bars_.shape(bar);
    if (shape.kind == pci::BarKind::kNone) continue;
    std::vector<Area> structures;
    if (bar == layout.table_bar) structures.push_back({Offset(layout.table_offset), layout.table_size()});
    if (bar == layout.pba_bar) structures.push_back({Offset(layout.pba_offset), layout.pba_size()});
    Bus& bus = shape.kind == pci::BarKind::kIo ? host.ports : host.mmio;
    mappings_[bar] = std::make_unique<BarMapping>(device, bar, shape, structures, static_cast<BarAccess&>(*this), host.slots,
                                                   bus);
  }

  // The guest's driver turns decoding and bus mastering on, as after power-up.
  const std::uint8_t off[2] = {};
  device.write(kConfigRegion, PCI_COMMAND, off);
}

AssignedFunction::~AssignedFunction() {
  remove_mappings();
  msix_.reset();
}

std::vector<std::uint8_t> AssignedFunction::read_whole_config() {
  std::vector<std::uint8_t> config(device_.region(kConfigRegion).size >= 4096 ? 4096 : 256);
  if (!device_.read(kConfigRegion, 0, config) || load<std::uint16_t>(config) == 0xffff) {
    throw Error(fmt::format("{} does not answer", name()), "check that its physical function is up and not being reset");
  }
  return config;
}

/// Sizes the BARs as firmware does, in VFIO's configuration space, which virtualises the BARs of a VF; sysfs knows only what the host placed.
std::array<pci::BarShape, pci::kBarCount> AssignedFunction::probe_bars() {
  std::array<std::uint32_t, pci::kBarCount> answers{};
  for (std::uint16_t bar = 0; bar < pci::kBarCount; ++bar) {
    const auto at = static_cast<std::uint16_t>(kBarsStart + 4 * bar);
    std::array<std::uint8_t, 4> before{}, answer{};
    const std::array<std::uint8_t, 4> ones = {0xff, 0xff, 0xff, 0xff};
    if (!device_.read(kConfigRegion, at, before)) continue;
    device_.write(kConfigRegion, at, ones);
    device_.read(kConfigRegion, at, answer);
    device_.write(kConfigRegion, at, before);
    answers[bar] = load<std::uint32_t>(answer);
  }
  auto shapes = pci::decode_bars(answers);
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    if (device_.region(bar).size == 0) shapes[bar] = {};
  }
  return shapes;
}

void AssignedFunction::assign_addresses(pci::BarAllocator& allocator) {
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    const pci::BarShape& shape = bars_.shape(bar);
    if (shape.kind != pci::BarKind::kMemory32 && shape.kind != pci::BarKind::kMemory64) continue;
    Gpa address;
    if (!allocator.allocate(shape, address)) {
      throw Error(fmt::format("BAR {} of {} needs {} bytes of guest address space, more than is left", bar, name(), shape.size),
                  shape.kind == pci::BarKind::kMemory64 ? "give the guest less memory, or fewer devices" : "give the guest fewer devices");
    }
    bars_.set_address(bar, address.value);
    log::debug("{}: BAR {}: {} bytes at {:#x}", name(), bar, shape.size, address.value);
  }
}

void AssignedFunction::read_config(std::uint16_t offset, std::span<std::uint8_t> data) {
  config_accesses_.add();
  const std::lock_guard lock(mutex_);
  if (within(offset, data.size(), kBarsStart, kBarsEnd - kBarsStart)) {
    bars_.read(offset - kBarsStart, data);
    return;
  }
  const auto ours = [&](std::size_t i) { return model_.ours[offset + i]; };
  bool all_ours = true;
  for (std::size_t i = 0; i < data.size(); ++i) all_ours = all_ours && ours(i) == 0xff;
  if (!all_ours) device_.read(kConfigRegion, offset, data);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<std::uint8_t>((data[i] & ~ours(i)) | (model_.shown[offset + i] & ours(i)));
  }
  const std::uint16_t control = msix_->control();
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto at = static_cast<int>(offset + i);
    if (at == *model_.msix + PCI_MSIX_FLAGS) data[i] = static_cast<std::uint8_t>(control);
    if (at == *model_.msix + PCI_MSIX_FLAGS + 1) data[i] = static_cast<std::uint8_t>(control >> 8);
  }
}

void AssignedFunction::write_config(std::uint16_t offset, std::span<const std::uint8_t> data) {
  config_accesses_.add();
  const std::lock_guard lock(mutex_);
  if (within(offset, data.size(), kBarsStart, kBarsEnd - kBarsStart)) {
    bars_.write(offset - kBarsStart, data);
    settle_mappings();
    return;
  }
  if (write_msix_control(offset, data)) return;
  // The kernel takes its mappings away with such a write: ours go first, so that the guest meets a trap and not a fault.
  if (model_.may_stop_decoding(offset, data)) remove_mappings();
  if (host_.before_bus_mastering && ConfigModel::allows_bus_mastering(offset, data) && !host_.before_bus_mastering()) return;
  pass_write(offset, data);
  if (model_.touches_decoding(offset, data.size())) {
    distrusted_ = false;
    settle_mappings();
  }
}

/// The guest's MSI-X control word is ours alone; VFIO drops writes to the device's.
bool AssignedFunction::write_msix_control(std::uint16_t offset, std::span<const std::uint8_t> data) {
  const std::uint16_t at = static_cast<std::uint16_t>(*model_.msix + PCI_MSIX_FLAGS);
  if (!touches(offset, data.size(), at, 2)) return false;
  std::uint16_t control = msix_->control();
  for (unsigned i = 0; i < 2; ++i) {
    if (touches(at + i, 1, offset, data.size())) {
      control = static_cast<std::uint16_t>((control & ~(0xff << (8 * i))) | (data[at + i - offset] << (8 * i)));
    }
  }
  msix_->write_control(control);
  return true;
}

/// Hands a write to the device less the bytes that are wholly ours.
void AssignedFunction::pass_write(std::uint16_t offset, std::span<const std::uint8_t> data) {
  const auto ours = [&](std::size_t i) { return model_.ours[offset + i] == 0xff; };
  std::size_t held_back = 0;
  for (std::size_t i = 0; i < data.size(); ++i) held_back += ours(i);
  if (held_back == 0) {
    device_.write(kConfigRegion, offset, data);
    return;
  }
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (!ours(i)) device_.write(kConfigRegion, offset + i, data.subspan(i, 1));
  }
}

void AssignedFunction::settle_mappings() {
  std::array<std::uint8_t, 2> command{};
  device_.read(kConfigRegion, PCI_COMMAND, command);
  bool awake = true;
  if (model_.power) {
    std::array<std::uint8_t, 2> control{};
    device_.read(kConfigRegion, *model_.power + PCI_PM_CTRL, control);
    awake = (control[0] & PCI_PM_CTRL_STATE_MASK) == 0;
  }
  // All ones is what a device that is gone answers.
  const bool present = command[0] != 0xff || command[1] != 0xff;
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    if (!mappings_[bar]) continue;
    const bool io = bars_.shape(bar).kind == pci::BarKind::kIo;
    const bool decoded = present && awake && (command[0] & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) != 0;
    mapping_updates_.add();
    if (decoded && bars_.address(bar) != 0) {
      mappings_[bar]->place(bars_.address(bar), !distrusted_);
    } else {
      mappings_[bar]->remove();
    }
  }
}

void AssignedFunction::remove_mappings() {
  for (const auto& mapping : mappings_) {
    if (mapping) mapping->remove();
  }
}

void AssignedFunction::handle_fault(bool repeated) {
  const std::lock_guard lock(mutex_);
  const auto direct = [](const auto& mapping) { return mapping && mapping->direct(); };
  if (repeated && !distrusted_ && std::any_of(mappings_.begin(), mappings_.end(), direct)) {
    log::warning(guest_lines, "{}: the host withdrew a BAR mapping; its accesses are trapped for now", name());
    distrusted_ = true;
  }
  settle_mappings();
}

void AssignedFunction::read_bar(unsigned bar, std::uint64_t offset, std::span<std::uint8_t> data) {
  const pci::MsixLayout& layout = msix_->layout();
  const bool table = bar == layout.table_bar && touches(offset, data.size(), layout.table_offset, layout.table_size());
  const bool pba = bar == layout.pba_bar && touches(offset, data.size(), layout.pba_offset, layout.pba_size());
  if (table && within(offset, data.size(), layout.table_offset, layout.table_size())) {
    msix_->read_table(static_cast<std::uint32_t>(offset - layout.table_offset), data);
  } else if (pba && within(offset, data.size(), layout.pba_offset, layout.pba_size())) {
    msix_->read_pba(static_cast<std::uint32_t>(offset - layout.pba_offset), data);
  } else if (table || pba) {  // across an edge: byte by byte
    for (std::size_t i = 0; i < data.size(); ++i) read_bar(bar, offset + i, data.subspan(i, 1));
  } else {
    bar_traps_.add();
    device_.read(bar, offset, data);
  }
}

void AssignedFunction::write_bar(unsigned bar, std::uint64_t offset, std::span<const std::uint8_t> data) {
  const pci::MsixLayout& layout = msix_->layout();
  const bool table = bar == layout.table_bar && touches(offset, data.size(), layout.table_offset, layout.table_size());
  const bool pba = bar == layout.pba_bar && touches(offset, data.size(), layout.pba_offset, layout.pba_size());
  if (table && within(offset, data.size(), layout.table_offset, layout.table_size())) {
    msix_->write_table(static_cast<std::uint32_t>(offset - layout.table_offset), data);
  } else if (pba && within(offset, data.size(), layout.pba_offset, layout.pba_size())) {
    // Writes to the PBA are undefined (PCI 3.0 6.8.2.10): dropped.
  } else if (table || pba) {
    for (std::size_t i = 0; i < data.size(); ++i) write_bar(bar, offset + i, data.subspan(i, 1));
  } else {
    bar_traps_.add();
    device_.write(bar, offset, data);
  }
}

AssignedFunction::Statistics AssignedFunction::statistics() const {
  return {.config_accesses = config_accesses_.value(),
          .bar_traps = bar_traps_.value(),
          .msix_table_traps = msix_->table_accesses(),
          .route_updates = msix_->routes_staged(),
          .mapping_updates = mapping_updates_.value(),
          .armed_vectors = msix_->armed_vectors()};
}

}  // namespace strait::vfio
