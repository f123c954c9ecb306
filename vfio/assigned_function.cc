#include "vfio/assigned_function.h"

#include <linux/pci_regs.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/little_endian.h"
#include "base/log.h"
#include "base/units.h"

namespace strait::vfio {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

constexpr std::uint16_t kBarsStart = PCI_BASE_ADDRESS_0;
constexpr std::uint16_t kBarsEnd = PCI_BASE_ADDRESS_5 + 4;
/// Whether this is the Command register of a device that is gone, which answers with all ones. INTx Disable is not the device's word: vfio-pci
/// remembers it.
constexpr bool is_gone(std::uint16_t command) { return (command | PCI_COMMAND_INTX_DISABLE) == 0xffff; }

/// [offset, offset + size) lies in [start, start + length).
bool within(std::uint64_t offset, std::size_t size, std::uint64_t start, std::uint64_t length) {
  return offset >= start && offset + size <= start + length;
}

ConfigModel::Offered offered_interrupts(const AssignedDevice& device) {
  const auto offers = [&](IrqIndex kind) { return device.irq_info(kind).count > 0; };
  return {.intx = offers(IrqIndex::kIntx), .msi = offers(IrqIndex::kMsi), .msix = offers(IrqIndex::kMsix)};
}

}  // namespace

AssignedFunction::AssignedFunction(AssignedDevice& device, const FunctionHost& host, FunctionOptions options)
    : device_(device), host_(host), options_(std::move(options)), bars_(probe_bars()), eventfds_(device, host.io_eventfds),
      ordered_device_(device, eventfds_) {
  const std::vector<std::uint8_t> config = read_whole_config();
  std::string problem;
  model_ = make_config_model(config, offered_interrupts(device), problem);
  if (!problem.empty()) log::warning(guest_lines, "{}: its capability list is odd: {}", name(), problem);
  if (options_.multifunction) model_.show_multifunction();
  check_msix_layout();
  // The guest's driver turns decoding and bus mastering on, as after power-up.
  const std::uint8_t off[2] = {};
  device.write(kConfigRegion, PCI_COMMAND, off);
  interrupts_ = std::make_unique<FunctionInterrupts>(ordered_device_, host.router, model_, host.pins, options_.dynamic_msix);
  make_rom();

  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    const pci::BarShape& shape = bars_.shape(bar);
    if (shape.kind == pci::BarKind::kNone) continue;
    Bus& bus = shape.kind == pci::BarKind::kIo ? host.ports : host.mmio;
    mappings_[bar] = std::make_unique<BarMapping>(device, bar, shape, interrupts_->structures(bar), static_cast<BarAccess&>(*this),
                                                  host.bar_slots, bus);
  }
}

AssignedFunction::~AssignedFunction() {
  remove_mappings();
  interrupts_.reset();
  // Its DMA ends here, not with the last close: whoever handed the descriptor over may have a copy.
  const std::array<std::uint8_t, 2> off{};
  device_.write(kConfigRegion, PCI_COMMAND, off);
}

void AssignedFunction::make_rom() {
  const std::uint64_t size = options_.rom_contents.empty() ? device_.region(kRomRegion).size : options_.rom_contents.size();
  if (!options_.rom || size == 0) return;
  const auto read = [this, size] {
    if (!options_.rom_contents.empty()) return options_.rom_contents;
    std::vector<std::uint8_t> bytes(size);
    constexpr std::uint64_t kPiece = 4096;
    for (std::uint64_t at = 0; at < size; at += kPiece) {
      device_.read(kRomRegion, at, std::span(bytes).subspan(at, std::min(kPiece, size - at)));
    }
    return bytes;
  };
  rom_ = std::make_unique<RomBar>(size, read, host_.slots);
}

void AssignedFunction::check_msix_layout() const {
  if (!model_.msix) return;
  const pci::MsixLayout& layout = model_.msix_layout;
  const auto inside = [&](unsigned bar, std::uint64_t end) {
    return bar < pci::kBarCount && bars_.shape(bar).kind != pci::BarKind::kNone && end <= device_.region(bar).size;
  };
  if (!inside(layout.table_bar, layout.table_offset + std::uint64_t{layout.table_size()}) ||
      !inside(layout.pba_bar, layout.pba_offset + std::uint64_t{layout.pba_size()})) {
    throw Error(fmt::format("{} places its MSI-X table or PBA outside its BARs", name()), "the device or its firmware is broken");
  }
}

std::vector<std::uint8_t> AssignedFunction::read_whole_config() {
  std::vector<std::uint8_t> config(device_.region(kConfigRegion).size >= 4096 ? 4096 : 256);
  if (!device_.read(kConfigRegion, 0, config) || is_gone(load<std::uint16_t>(config, PCI_COMMAND))) {
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
    pci::BarShape& shape = shapes[bar];
    if (device_.region(bar).size == 0) shape = {};
    // Memory slots are whole pages, so that is what a guest sees of less: it puts nothing else there, not even a BAR of another function.
    if (shape.kind == pci::BarKind::kMemory32 || shape.kind == pci::BarKind::kMemory64) shape.size = std::max(shape.size, kPageSize);
  }
  return shapes;
}

void AssignedFunction::assign_addresses(pci::BarAllocator& allocator) {
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    const pci::BarShape& shape = bars_.shape(bar);
    if (shape.kind == pci::BarKind::kNone) continue;
    Gpa address;
    if (!allocator.allocate(shape, address)) {
      throw Error(fmt::format("BAR {} of {} needs {} {}, more than is left", bar, name(), shape.size,
                              shape.kind == pci::BarKind::kIo ? "I/O ports" : "bytes of guest address space"),
                  shape.kind == pci::BarKind::kMemory64 ? "give the guest less memory, or fewer devices" : "give the guest fewer devices");
    }
    bars_.set_address(bar, address.value);
    log::debug("{}: BAR {}: {} bytes at {:#x}", name(), bar, shape.size, address.value);
  }
  Gpa address;
  if (!rom_) return;
  if (allocator.allocate({.kind = pci::BarKind::kMemory32, .size = rom_->size()}, address)) {
    rom_->set_address(address.value);
  } else {
    log::warning("{}: there is no room for its expansion ROM of {} bytes", name(), rom_->size());
  }
}

void AssignedFunction::read_config(std::uint16_t offset, std::span<std::uint8_t> data) {
  config_accesses_.add();
  const std::lock_guard lock(mutex_);
  if (offset == PCI_VENDOR_ID && !seen_) seen_ = std::chrono::steady_clock::now();
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
  interrupts_->read_config(offset, data);
  if (rom_ && within(offset, data.size(), PCI_ROM_ADDRESS, 4)) rom_->read(offset - PCI_ROM_ADDRESS, data);
}

void AssignedFunction::write_config(std::uint16_t offset, std::span<const std::uint8_t> data) {
  config_accesses_.add();
  const std::lock_guard lock(mutex_);
  if (within(offset, data.size(), kBarsStart, kBarsEnd - kBarsStart)) {
    bars_.write(offset - kBarsStart, data);
    settle_mappings();
    return;
  }
  if (rom_ && within(offset, data.size(), PCI_ROM_ADDRESS, 4)) {
    rom_->write(offset - PCI_ROM_ADDRESS, data);
    settle_mappings();
    return;
  }
  interrupts_->write_config(offset, data);
  // The kernel takes its mappings away with such a write: ours go first, so that the guest meets a trap and not a fault.
  if (model_.may_stop_decoding(offset, data)) remove_mappings();
  if (host_.before_bus_mastering && ConfigModel::allows_bus_mastering(offset, data) && !host_.before_bus_mastering()) return;
  pass_write(offset, data);
  if (model_.resets(offset, data)) {
    interrupts_->reset();
    ++resets_;
  }
  if (model_.touches_decoding(offset, data.size())) {
    distrusted_ = false;
    settle_mappings();
  }
}

/// Hands a write to the device less the bytes that are wholly ours.
void AssignedFunction::pass_write(std::uint16_t offset, std::span<const std::uint8_t> data) {
  RegisterEventfds::Pause pause;  // for those writes at which the kernel locks the function's memory
  if (model_.touches_decoding(offset, data.size())) pause = eventfds_.pause();
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

std::uint16_t AssignedFunction::command() const {
  std::array<std::uint8_t, 2> bytes{};
  device_.read(kConfigRegion, PCI_COMMAND, bytes);
  return load<std::uint16_t>(bytes);
}

unsigned AssignedFunction::power_state() const {
  if (!model_.power) return 0;
  std::array<std::uint8_t, 2> control{};
  device_.read(kConfigRegion, *model_.power + PCI_PM_CTRL, control);
  return control[0] & PCI_PM_CTRL_STATE_MASK;
}

void AssignedFunction::settle_mappings() {
  const std::uint16_t bits = command();
  const bool answers = !is_gone(bits) && power_state() == 0;
  const auto decoded = [&](unsigned bit) { return answers && (bits & bit) != 0; };
  std::array<std::optional<std::uint64_t>, pci::kBarCount> addresses;  // where each is decoded, if it is
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    if (!mappings_[bar] || bars_.address(bar) == 0) continue;
    const bool io = bars_.shape(bar).kind == pci::BarKind::kIo;
    if (decoded(io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) addresses[bar] = bars_.address(bar);
  }
  // What moves makes room before anything is placed: another may want to be where it was.
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    if (mappings_[bar] && !(addresses[bar] && mappings_[bar]->is_at(*addresses[bar]))) remove_mapping(bar);
  }
  if (rom_) rom_->make_room(decoded(PCI_COMMAND_MEMORY));
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    if (!mappings_[bar]) continue;
    mapping_updates_.add();
    if (!addresses[bar]) continue;
    const bool io = bars_.shape(bar).kind == pci::BarKind::kIo;
    eventfds_.place(bar, io ? GuestWrite::Space::kPorts : GuestWrite::Space::kMemory, *addresses[bar]);
    mappings_[bar]->place(*addresses[bar], options_.direct && !distrusted_);
  }
  if (rom_) rom_->settle(decoded(PCI_COMMAND_MEMORY));
}

void AssignedFunction::remove_mapping(unsigned bar) {
  eventfds_.remove(bar);
  mappings_[bar]->remove();
}

void AssignedFunction::remove_mappings() {
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    if (mappings_[bar]) remove_mapping(bar);
  }
  if (rom_) rom_->remove();
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
  switch (interrupts_->hit(bar, offset, data.size())) {
    case FunctionInterrupts::Hit::kAll: interrupts_->read_bar(bar, offset, data); break;
    case FunctionInterrupts::Hit::kPart:  // across an edge: byte by byte
      for (std::size_t i = 0; i < data.size(); ++i) read_bar(bar, offset + i, data.subspan(i, 1));
      break;
    case FunctionInterrupts::Hit::kNone:
      bar_traps_.add();
      device_.read(bar, offset, data);
  }
}

void AssignedFunction::write_bar(unsigned bar, std::uint64_t offset, std::span<const std::uint8_t> data) {
  switch (interrupts_->hit(bar, offset, data.size())) {
    case FunctionInterrupts::Hit::kAll: interrupts_->write_bar(bar, offset, data); break;
    case FunctionInterrupts::Hit::kPart:
      for (std::size_t i = 0; i < data.size(); ++i) write_bar(bar, offset + i, data.subspan(i, 1));
      break;
    case FunctionInterrupts::Hit::kNone:
      bar_traps_.add();
      device_.write(bar, offset, data);
      eventfds_.wrote({bar, offset, static_cast<unsigned>(data.size()), load_access(data)});
  }
}

AssignedFunction::Statistics AssignedFunction::statistics() const {
  const std::lock_guard lock(mutex_);
  return {.config_accesses = config_accesses_.value(),
          .bar_traps = bar_traps_.value(),
          .msix_table_traps = interrupts_->table_accesses(),
          .route_updates = interrupts_->routes_staged(),
          .mapping_updates = mapping_updates_.value(),
          .ioeventfds = eventfds_.made(),
          .ioeventfds_refused = eventfds_.refused(),
          .host_vectors = interrupts_->host_vectors(),
          .armed_vectors = interrupts_->armed_vectors()};
}

std::optional<FunctionFacts> AssignedFunction::facts() const {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return std::nullopt;
  FunctionFacts facts;
  std::array<std::uint8_t, 12> start{};
  device_.read(kConfigRegion, 0, start);
  facts.vendor = load<std::uint16_t>(start, PCI_VENDOR_ID);
  facts.device = load<std::uint16_t>(start, PCI_DEVICE_ID);
  facts.device_class = load<std::uint32_t>(start, PCI_CLASS_REVISION) >> 8;
  facts.config_accesses = config_accesses_.value();
  if (seen_) facts.since_seen = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - *seen_);
  facts.command = command();
  facts.present = !is_gone(facts.command);
  facts.power_state = power_state();
  facts.withdrawn = distrusted_;
  facts.resets = resets_;
  for (unsigned bar = 0; bar < pci::kBarCount; ++bar) {
    if (!mappings_[bar]) continue;
    facts.bars.push_back({.number = bar,
                          .shape = bars_.shape(bar),
                          .address = bars_.address(bar),
                          .answers = mappings_[bar]->answers(),
                          .direct = mappings_[bar]->direct()});
  }
  interrupts_->add_to(facts);
  return facts;
}

}  // namespace strait::vfio
