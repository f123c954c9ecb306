#include "tests/models/function_session.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "base/units.h"

namespace strait::test {
namespace {

using fuzz::Input;
using Stretch = FunctionReference::Stretch;

constexpr vfio::FunctionInterrupts::Pins kPins{Gsi{17}, Gsi{18}, Gsi{19}, Gsi{20}};
constexpr std::uint64_t kRamSize = 16 * kPageSize;

template <typename... Args>
void require(bool agree, fmt::format_string<Args...> format, Args&&... args) {
  if (!agree) throw FunctionSession::Disagreement(fmt::format(format, std::forward<Args>(args)...));
}

/// Addresses near enough to one another that BARs meet now and then, the way to all ones, and any.
std::uint32_t draw_address(Input& input) {
  const auto choice = input.next<std::uint8_t>();
  if (choice < 8) return 0xffffffff;
  if (choice < 16) return input.next<std::uint32_t>();
  if (choice < 24) return input.next<std::uint8_t>() * 0x1000u;
  if (choice < 40) return 0xc0000000 + input.next<std::uint8_t>() * 0x100u;
  return 0xc0000000 + (input.next<std::uint16_t>() % 4096u) * 0x1000u;
}

bool overlap(const FunctionReference::Place& a, const FunctionReference::Place& b) {
  return a.start < b.start + b.size && b.start < a.start + a.size;
}

std::vector<MsiMessage> sorted(std::vector<MsiMessage> messages) {
  std::ranges::sort(messages, [](const auto& a, const auto& b) { return std::tie(a.address, a.data) < std::tie(b.address, b.data); });
  return messages;
}

std::string words(const std::vector<MsiMessage>& messages) {
  std::string text;
  for (const auto& message : messages) text += fmt::format(" {:#x}={:#x}", message.address, message.data);
  return text.empty() ? " none" : text;
}

}  // namespace

FunctionSession::FunctionSession(Input& input)
    : plan_(input), device_(plan_.config()), ram_(MappedRegion::anonymous(kRamSize, kPageSize, 0)),
      ram_slot_(slots_.add(Gpa(0), ram_.bytes())), reference_(plan_) {
  for (const auto& bar : plan_.bars) device_.add_bar(bar.number, bar.size, bar.flags, bar.mappable);
  if (plan_.intx) device_.set_intx();
  if (plan_.shows(PCI_CAP_ID_MSI)) device_.set_msi(plan_.msi->vectors, plan_.host_has);
  if (plan_.shows(PCI_CAP_ID_MSIX)) device_.set_msix(plan_.msix->vectors, plan_.dynamic, plan_.host_has);
  const auto let_write = [this](std::uint16_t start, std::uint16_t end) {
    for (std::uint16_t at = start; at < end; ++at) device_.config().set_writable<std::uint8_t>(at, 0xff);
  };
  const auto vendor = [](const auto& capability) { return capability.id == PCI_CAP_ID_VNDR; };
  if (std::ranges::any_of(plan_.capabilities, vendor)) let_write(FunctionPlan::kVendorData, FunctionPlan::kVendorEnd);
  if (!plan_.conventional) let_write(FunctionPlan::kExtendedData, FunctionPlan::kExtendedEnd);
  device_.refuses_mapping = plan_.mapping_fails;
  // A host that is short of one thing may be short of another.
  device_.refuses_writes_on_signal = plan_.host_has == 1;
  io_eventfds_.refuses = plan_.host_has == 2;

  const auto before_mastering = [this] { return asked_before_mastering_ = true; };
  const vfio::FunctionHost host{slots_, bar_slots_, mmio_, ports_, router_, kPins, before_mastering, &io_eventfds_};
  function_ = std::make_unique<vfio::AssignedFunction>(device_, host, plan_.options);
  device_.on_config_write = [this](std::uint64_t offset, auto data) { watch_config_write(offset, data); };
  device_.on_irq_change = [this] { watch_memory_lock(); };

  for (const auto& bar : plan_.bars) {
    const std::uint32_t address = bar.io() ? 0x1000 * (bar.number + 1) : 0xc0000000 + 0x10000 * bar.number;
    write_config_number(static_cast<std::uint16_t>(PCI_BASE_ADDRESS_0 + 4 * bar.number), 4, address);
  }
  write_config_number(PCI_ROM_ADDRESS, 4, 0xc0080001);
  write_config_number(PCI_COMMAND, 2, 7);
}

FunctionSession::~FunctionSession() = default;

void FunctionSession::step(Input& input) {
  const auto choice = input.next<std::uint8_t>();
  switch (choice % 32) {
    case 0:
    case 1:
    case 2: {
      const std::size_t size = std::size_t{1} << input.next<std::uint8_t>() % 3;
      // The header and the capabilities more often than the rest.
      const unsigned space = choice < 128 ? 256 : 4096;
      const auto offset = static_cast<std::uint16_t>(input.next<std::uint16_t>() % space / size * size);
      if (choice % 32 != 2) {
        read_config(offset, size);
        break;
      }
      Bytes data(size);
      std::ranges::copy(input.bytes(size), data.begin());
      write_config(offset, data);
      break;
    }
    case 3: {
      const auto value = input.next<std::uint8_t>();
      write_config_number(PCI_COMMAND, std::size_t{1} << value % 3, (value & 0x20) != 0 ? 7 : value & 0x47);
      break;
    }
    case 4:
    case 5: write_bar_register(input); break;
    case 6: write_power_or_reset(input); break;
    case 7:
    case 8:
    case 9: write_message_registers(input); break;
    case 10: write_vendor_bytes(input); break;
    case 11:
    case 12:
    case 13:
    case 14: write_table(input); break;
    case 15:
    case 16:
    case 17: access_place(input, false); break;
    case 18:
    case 19: access_place(input, true); break;
    case 20: access_nothing(input); break;
    case 21: access_ports(input); break;
    case 22:
    case 23: read_structures(); break;
    case 24:
      router_.end_of_interrupt();
      reference_.end_of_interrupt();
      break;
    case 25: change_device(input); break;
    case 26: write_again_and_again(input); break;
    default: signal(choose_vector(input.next<std::uint8_t>(), 72)); break;
  }
  check();
}

// The guest

void FunctionSession::read_config(std::uint16_t offset, std::size_t size) {
  Bytes data(size, 0xa5), expected(size);
  function_->read_config(offset, data);
  for (std::size_t i = 0; i < size; ++i) expected[i] = reference_.config_byte(static_cast<std::uint16_t>(offset + i));
  if (!reference_.interrupts_are_promised() && plan_.shows(PCI_CAP_ID_MSI) && plan_.msi->maskable) {
    const unsigned pending = FunctionPlan::kMsi + plan_.msi->pending_offset();
    for (std::size_t i = 0; i < size; ++i) {
      if (offset + i >= pending && offset + i < pending + 4) data[i] = expected[i];
    }
  }
  require(data == expected, "config {:#x} reads {}, not {}", offset, hex(data), hex(expected));
}

void FunctionSession::write_config(std::uint16_t offset, std::span<const std::uint8_t> data) {
  function_->write_config(offset, data);
  reference_.write_config(offset, data);
}

void FunctionSession::write_config_number(std::uint16_t offset, std::size_t size, std::uint32_t value) {
  std::array<std::uint8_t, 4> data{};
  store(std::span<std::uint8_t>(data), 0, value);
  write_config(offset, std::span(data).first(size));
}

void FunctionSession::write_bar_register(Input& input) {
  const unsigned number = input.next<std::uint8_t>() % 7;
  const auto at = static_cast<std::uint16_t>(number == 6 ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * number);
  const auto low = std::ranges::find(plan_.bars, number, &FunctionPlan::Bar::number);
  const auto above = std::ranges::find(plan_.bars, number - 1, &FunctionPlan::Bar::number);
  std::uint32_t value = draw_address(input);
  if (number == 6) {
    value |= 1;
  } else if (low != plan_.bars.end() && low->io()) {
    value = value >> 4 & 0xfff0;
  } else if (above != plan_.bars.end() && above->wide() && value != 0xffffffff) {
    value %= 0x40;  // an upper half: what a processor can address, mostly
  }
  const std::size_t size = input.next<std::uint8_t>() % 8 == 0 ? 2 : 4;
  write_config_number(at, size, value);
}

/// The words that switch interrupts on and off, or the message and masks of MSI.
void FunctionSession::write_message_registers(Input& input) {
  const auto choice = input.next<std::uint8_t>();
  const auto value = input.next<std::uint8_t>();
  if (choice % 4 == 0) {
    const auto at = static_cast<std::uint16_t>(FunctionPlan::kMsi + 4 + choice / 4 % 5 * 4);
    write_config_number(at, 4, value * 0x01010101u);
  } else if (choice % 4 == 1) {
    // One kind at a time, as the specification asks of software, but for some.
    if (reference_.msix_enabled() && value % 16 != 0) return;
    write_config_number(FunctionPlan::kMsi + 2, 2, (value & 0x70) | (value % 4 != 0));
  } else {
    if (reference_.msi_enabled() && value % 16 != 0) return;
    const std::uint32_t control = (value % 4 != 0 ? 0x8000 : 0) | (value % 8 == 7 ? 0x4000 : 0);
    if (choice % 4 == 2) {
      write_config_number(FunctionPlan::kMsix + 2, 2, control);
    } else {
      write_config_number(FunctionPlan::kMsix + 3, 1, control >> 8);
    }
  }
}

void FunctionSession::write_power_or_reset(Input& input) {
  const auto value = input.next<std::uint8_t>();
  switch (value % 8) {
    case 0: write_config_number(FunctionPlan::kExpress + 8, 2, 0x8000u | value); break;
    case 1: write_config_number(FunctionPlan::kAdvancedFeatures + 4, 1, 1); break;
    default: write_config_number(FunctionPlan::kPower + 4, value % 16 < 8 ? 2 : 1, value % 3 == 0 ? value >> 4 & 3 : 0);
  }
}

void FunctionSession::write_vendor_bytes(Input& input) {
  const auto choice = input.next<std::uint8_t>();
  const unsigned start = choice < 128 ? FunctionPlan::kVendorData : FunctionPlan::kExtendedData;
  write_config_number(static_cast<std::uint16_t>(start + choice % 3 * 4), 4, input.next<std::uint32_t>());
}

const FunctionSession::Place* FunctionSession::choose(Input& input, const std::vector<Place>& places) const {
  if (places.empty()) return nullptr;
  const Place& place = places[input.next<std::uint8_t>() % places.size()];
  return contested(place) ? nullptr : &place;
}

/// One of the first few, or, in a table of more, any.
std::uint16_t FunctionSession::choose_vector(std::uint8_t choice, unsigned few) const {
  const unsigned vectors = plan_.msix ? plan_.msix->vectors : 0;
  return static_cast<std::uint16_t>(vectors > few ? choice * 9u % vectors : choice % few);
}

/// A dword of an entry, or the mask alone, as drivers do it.
void FunctionSession::write_table(Input& input) {
  const auto vector = input.next<std::uint8_t>(), choice = input.next<std::uint8_t>();
  if (!plan_.shows(PCI_CAP_ID_MSIX)) return;
  for (const Place& place : reference_.memory_places()) {
    if (place.bar != plan_.msix->table_bar || contested(place)) continue;
    const unsigned field = choice % 4 < 2 ? 3 : choice / 4 % 4;
    const std::uint32_t value = field == 3 ? choice / 16 % 2u : choice * 0x00010101u;
    std::array<std::uint8_t, 4> data{};
    store(std::span<std::uint8_t>(data), 0, value);
    write_memory(place, plan_.msix->table_offset + choose_vector(vector, 256) % plan_.msix->vectors * 16u + field * 4, data);
  }
}

void FunctionSession::access_place(Input& input, bool write) {
  const auto places = reference_.memory_places();
  const Place* place = choose(input, places);
  if (place == nullptr) return;
  const std::uint64_t offset = input.next<std::uint16_t>() % place->size;
  if (offset >= place->used) {
    check_silence(*place, offset);
    return;
  }
  // Not across pages: that would be two accesses.
  const std::uint64_t room = std::min(place->used - offset, kPageSize - (place->start + offset) % kPageSize);
  const auto size = std::min<std::size_t>(room, 1 + input.next<std::uint8_t>() % 8);
  if (!write) {
    read_memory(*place, offset, size);
    return;
  }
  Bytes data(size);
  std::ranges::copy(input.bytes(size), data.begin());
  write_memory(*place, offset, data);
}

std::span<std::uint8_t> FunctionSession::slot_at(std::uint64_t address, bool& read_only) {
  for (const auto& [slot, placed] : slots_.placed) {
    if (!placed.range.contains(Gpa(address))) continue;
    read_only = placed.read_only;
    const std::uint64_t offset = address - placed.range.start.value;
    return {placed.host + offset, placed.range.size - offset};
  }
  return {};
}

void FunctionSession::read_memory(const Place& place, std::uint64_t offset, std::size_t size) {
  Bytes data(size, 0xa5), expected(size);
  bool read_only = false;
  if (const auto memory = slot_at(place.start + offset, read_only); !memory.empty()) {
    std::ranges::copy(memory.first(size), data.begin());
  } else {
    mmio_.read(place.start + offset, data);
  }
  for (std::size_t i = 0; i < size; ++i) {
    expected[i] = reference_.bar_byte(place.bar, offset + i);
    const bool pending = plan_.shows(PCI_CAP_ID_MSIX) && place.bar == plan_.msix->pba_bar && offset + i >= plan_.msix->pba_offset &&
                         offset + i < plan_.msix->pba_offset + plan_.msix->pba_size();
    if (pending && !reference_.interrupts_are_promised()) data[i] = expected[i];
  }
  require(data == expected, "BAR {} reads {} at {:#x}, not {}", place.bar, hex(data), offset, hex(expected));
}

void FunctionSession::write_memory(const Place& place, std::uint64_t offset, std::span<const std::uint8_t> data) {
  bool read_only = false;
  if (const auto memory = slot_at(place.start + offset, read_only); memory.empty() || read_only) {
    write_trapped(GuestWrite::Space::kMemory, place.start + offset, data);
  } else {
    std::ranges::copy(data, memory.begin());
  }
  reference_.write_bar(place.bar, offset, data);
}

void FunctionSession::write_ports(const Place& place, std::uint64_t offset, std::span<const std::uint8_t> data) {
  write_trapped(GuestWrite::Space::kPorts, place.start + offset, data);
  reference_.write_bar(place.bar, offset, data);
}

/// The kernel makes the write where it watches for it; otherwise it is an exit.
void FunctionSession::write_trapped(GuestWrite::Space space, std::uint64_t address, std::span<const std::uint8_t> data) {
  if (io_eventfds_.write({space, address, static_cast<unsigned>(data.size()), load_access(data)})) {
    device_.make_signalled_writes();
  } else {
    (space == GuestWrite::Space::kPorts ? ports_ : mmio_).write(address, data);
  }
}

/// A few registers, each with a few values, as drivers acknowledge and mask.
void FunctionSession::write_again_and_again(Input& input) {
  const auto choice = input.next<std::uint8_t>(), value = input.next<std::uint8_t>();
  const bool ports = choice % 4 == 0;
  const auto places = ports ? reference_.port_places() : reference_.memory_places();
  const Place* place = choose(input, places);
  if (place == nullptr) return;
  const std::uint64_t offset = choice / 4 % 8 * 8 % place->used;
  const Bytes data(std::size_t{1} << choice / 32 % (ports ? 3 : 4), value % 4);
  for (unsigned times = 0; times < vfio::RepeatedWrites::kHits; ++times) {
    ports ? write_ports(*place, offset, data) : write_memory(*place, offset, data);
  }
}

/// Past the end of what is smaller than a page.
void FunctionSession::check_silence(const Place& place, std::uint64_t offset) {
  bool read_only = false;
  std::array<std::uint8_t, 1> data{};
  if (!slot_at(place.start + offset, read_only).empty()) return;
  mmio_.write(place.start + offset, data);
  mmio_.read(place.start + offset, data);
  require(data[0] == 0xff, "past the end of BAR {}, at {:#x}, something reads {:#x}", place.bar, offset, data[0]);
}

/// Where nothing answers, above all where something did.
void FunctionSession::access_nothing(Input& input) {
  const Place page{0, draw_address(input) / kPageSize * kPageSize, kPageSize};
  const auto places = reference_.memory_places();
  if (page.start < kRamSize || std::ranges::any_of(places, [&](const Place& place) { return overlap(place, page); })) return;
  bool read_only = false;
  require(slot_at(page.start, read_only).empty(), "there is memory at {:#x}", page.start);
  for (std::uint64_t at = page.start; at < page.start + kPageSize; at += 256) {
    Bytes data(8);
    mmio_.read(at, data);
    require(data == Bytes(8, 0xff), "something answers at {:#x}", at);
  }
}

void FunctionSession::access_ports(Input& input) {
  const auto places = reference_.port_places();
  const Place* place = choose(input, places);
  if (place == nullptr) return;
  const std::size_t size = std::size_t{1} << input.next<std::uint8_t>() % 3;
  const std::uint64_t offset = input.next<std::uint8_t>() % place->size / size * size;
  Bytes data(size, 0xa5), expected(size);
  ports_.read(place->start + offset, data);
  for (std::size_t i = 0; i < size; ++i) expected[i] = reference_.bar_byte(place->bar, offset + i);
  require(data == expected, "ports of BAR {} read {} at {:#x}, not {}", place->bar, hex(data), offset, hex(expected));
  std::ranges::copy(input.bytes(size), data.begin());
  write_ports(*place, offset, data);
}

/// All of the MSI-X table and the PBA, and the control words.
void FunctionSession::read_structures() {
  read_config(FunctionPlan::kMsix, 4);
  for (std::uint16_t at = FunctionPlan::kMsi; at < FunctionPlan::kMsix; at = static_cast<std::uint16_t>(at + 4)) read_config(at, 4);
  if (!plan_.shows(PCI_CAP_ID_MSIX)) return;
  for (const Place& place : reference_.memory_places()) {
    if (contested(place)) continue;
    const auto read = [&](std::uint64_t start, std::uint64_t size) {
      for (std::uint64_t at = start; at < start + size; at += 8) read_memory(place, at, 8);
    };
    if (place.bar == plan_.msix->table_bar) read(plan_.msix->table_offset, plan_.msix->table_size());
    if (place.bar == plan_.msix->pba_bar) read(plan_.msix->pba_offset, plan_.msix->pba_size());
  }
}

// The device and the host

void FunctionSession::signal(std::uint16_t vector) {
  device_.signal(vector);
  reference_.signal(vector);
}

void FunctionSession::change_device(Input& input) {
  const auto choice = input.next<std::uint8_t>(), value = input.next<std::uint8_t>();
  const auto count = std::max<std::size_t>(plan_.bars.size(), 1);
  switch (choice % 8) {
    case 0:  // gone, or back: the monitor notices by a fault
      device_.gone = !device_.gone;
      reference_.set_gone(device_.gone);
      function_->handle_fault(false);
      break;
    case 1:
      if (device_.gone) break;
      device_.reset();
      reference_.reset_from_elsewhere();
      function_->handle_fault(false);
      break;
    case 2: {
      const auto places = reference_.memory_places();
      if (std::ranges::any_of(places, [this](const Place& place) { return contested(place); })) break;
      function_->handle_fault(true);
      reference_.distrust();
      break;
    }
    case 3: function_->handle_fault(false); break;
    case 4: {  // the device's own pending bits
      if (!plan_.shows(PCI_CAP_ID_MSIX)) break;
      const std::uint64_t at = plan_.msix->pba_offset + choice / 8 % plan_.msix->pba_size();
      device_.bar(plan_.msix->pba_bar)[at] = value;
      reference_.set_bar_byte(plan_.msix->pba_bar, at, value);
      break;
    }
    case 5: {
      if (!plan_.shows(PCI_CAP_ID_MSI) || !plan_.msi->maskable) break;
      const auto at = static_cast<std::uint16_t>(FunctionPlan::kMsi + plan_.msi->pending_offset() + choice / 8 % 4);
      device_.config().set<std::uint8_t>(at, value);
      reference_.set_config_byte(at, value);
      break;
    }
    default: {
      if (plan_.bars.empty()) break;
      const auto& bar = plan_.bars[choice / 8 % count];
      const std::uint64_t at = input.next<std::uint16_t>() % bar.size;
      device_.bar(bar.number)[at] = value;
      reference_.set_bar_byte(bar.number, at, value);
    }
  }
}

/// As the device sees it: by a write that stops it from decoding nothing of it may be mapped any more, and before it may do DMA the monitor
/// has to have been asked. A function-level reset takes place.
void FunctionSession::watch_config_write(std::uint64_t offset, std::span<const std::uint8_t> data) {
  const auto byte_at = [&](std::uint64_t at) { return at >= offset && at < offset + data.size() ? data[at - offset] : 0; };
  const bool command = offset == PCI_COMMAND;
  const bool express = plan_.shows(PCI_CAP_ID_EXP), advanced = plan_.shows(PCI_CAP_ID_AF), power = plan_.shows(PCI_CAP_ID_PM);
  const bool resets = (express && (byte_at(FunctionPlan::kExpress + 9) & 0x80) != 0) ||
                      (advanced && (byte_at(FunctionPlan::kAdvancedFeatures + 4) & 1) != 0);
  const bool sleeps = power && (byte_at(FunctionPlan::kPower + 4) & 3) != 0;
  const bool covers_power = offset <= FunctionPlan::kPower + 4 && FunctionPlan::kPower + 4 < offset + data.size();
  if (command || resets || (power && covers_power)) watch_memory_lock();
  const bool stops = resets || sleeps || (command && (data[0] & PCI_COMMAND_MEMORY) == 0);
  if (stops && slots_.placed.size() != 1) violation_ = "BARs are mapped while the device stops decoding them";
  if (stops && !dma_.mapped.empty()) violation_ = "BARs are mapped for other devices while the device stops decoding them";
  if (command && (data[0] & PCI_COMMAND_MASTER) != 0 && !asked_before_mastering_) violation_ = "a bus master before memory is mapped";
  if (resets) device_.config().set<std::uint16_t>(PCI_COMMAND, 0);
}

/// While the kernel has the memory of the function locked, it would put signalled writes off.
void FunctionSession::watch_memory_lock() {
  if (io_eventfds_.count() != 0) violation_ = "a register's writes can be overtaken";
}

// Comparison

/// Where two BARs answer, or a BAR and memory, or where no processor reaches, nothing is promised.
bool FunctionSession::contested(const Place& place) const {
  const bool io = std::ranges::any_of(plan_.bars, [&](const auto& bar) { return bar.number == place.bar && bar.io(); });
  const bool reachable = place.start < FakeMemorySlots::kEnd && place.size <= FakeMemorySlots::kEnd - place.start;
  if (!io && (place.start < kRamSize || !reachable)) return true;
  const auto others = io ? reference_.port_places() : reference_.memory_places();
  return std::ranges::any_of(others, [&](const Place& other) { return other.bar != place.bar && overlap(other, place); });
}

void FunctionSession::check() {
  require(violation_.empty(), "{}", violation_);
  require(router_.broken_rule.empty(), "router: {}", router_.broken_rule);
  asked_before_mastering_ = false;
  check_slots();
  check_interrupts();
  check_ioeventfds();
  journal_.take();
}

void FunctionSession::check_slots() {
  std::set<Stretch> expected, peers, found, mapped;
  std::vector<Place> open;
  for (const Place& place : reference_.memory_places()) {
    if (contested(place)) {
      open.push_back(place);
      continue;
    }
    for (const Stretch& stretch : reference_.direct(place)) {
      expected.insert(stretch);
      if (place.bar != FunctionReference::kRom) peers.insert(stretch);
    }
  }
  const auto is_open = [&](const Stretch& stretch) {
    const Place here{0, stretch.start, stretch.size};
    return std::ranges::any_of(open, [&](const Place& place) { return overlap(place, here); });
  };
  for (const auto& [number, placed] : slots_.placed) {
    const Stretch stretch{placed.range.start.value, placed.range.size};
    if (number != ram_slot_ && !is_open(stretch)) found.insert(stretch);
  }
  for (const auto& [start, memory] : dma_.mapped) {
    const Stretch stretch{start.value, memory.size()};
    if (!is_open(stretch)) mapped.insert(stretch);
  }
  const auto text = [](const std::set<Stretch>& stretches) {
    std::string list;
    for (const auto& stretch : stretches) list += fmt::format(" {:#x}/{:#x}", stretch.start, stretch.size);
    return list;
  };
  require(found == expected, "memory slots are{}, not{}", text(found), text(expected));
  require(mapped == peers, "mapped for other devices are{}, not{}", text(mapped), text(peers));
}

void FunctionSession::check_interrupts() {
  const auto delivered = sorted(router_.deliver()), due = sorted(reference_.take_messages());
  const auto attached = sorted(router_.attached()), live = sorted(reference_.live());
  require(attached == live, "attached are{}, not{}", words(attached), words(live));
  const bool raised = router_.take_level(kPins[0]), pin_due = reference_.take_pin();
  if (!reference_.interrupts_are_promised()) return;
  require(delivered == due, "the guest gets{}, not{}", words(delivered), words(due));
  require(raised == pin_due, "the pin is {}", raised ? "raised" : "silent");
  require(router_.has_level(kPins[0]) == reference_.pin_on(), "the pin is {}", reference_.pin_on() ? "off" : "on");
  const auto armed = function_->statistics().armed_vectors;
  require(armed == reference_.armed_vectors(), "{} vectors have a host interrupt, not {}", armed, reference_.armed_vectors());
  const auto kind = device_.kind_on();
  const bool on = reference_.pin_on() || reference_.msi_enabled() || reference_.msix_enabled();
  require(kind.has_value() == on, "the device's interrupts are {}", on ? "off" : "on");
  if (!on) return;
  auto wanted = vfio::IrqIndex::kIntx;
  if (reference_.msi_enabled()) wanted = vfio::IrqIndex::kMsi;
  if (reference_.msix_enabled()) wanted = vfio::IrqIndex::kMsix;
  require(*kind == wanted, "the device has interrupts of kind {}, not {}", static_cast<unsigned>(*kind), static_cast<unsigned>(wanted));
}

/// The kernel watches for writes to what answers, and for each that it watches for the device has one to make.
void FunctionSession::check_ioeventfds() {
  require(io_eventfds_.count() == device_.writes_on_signal(), "{} writes are watched for, and {} would be made", io_eventfds_.count(),
          device_.writes_on_signal());
  if (io_eventfds_.count() == 0) return;
  const auto memory = reference_.memory_places(), ports = reference_.port_places();
  for (const auto& [write, eventfd] : io_eventfds_.watched()) {
    const Place here{0, write.address, write.size};
    const bool answers = std::ranges::any_of(write.space == GuestWrite::Space::kPorts ? ports : memory,
                                             [&](const Place& place) { return overlap(place, here); });
    require(answers, "a write to {:#x} is watched for, where nothing is", write.address);
  }
}

void FunctionSession::compare_everything() {
  for (unsigned offset = 0; offset < 4096; offset += 4) read_config(static_cast<std::uint16_t>(offset), 4);
  read_structures();
  for (const Place& place : reference_.memory_places()) {
    if (contested(place)) continue;
    for (std::uint64_t at = 0; at + 8 <= place.used; at += 512) read_memory(place, at, 8);
  }
  for (const auto& bar : plan_.bars) {
    const auto expected = reference_.memory(bar.number);
    require(std::memcmp(device_.bar(bar.number).data(), expected.data(), bar.size) == 0, "the device's memory behind BAR {} differs", bar.number);
  }
}

}  // namespace strait::test
