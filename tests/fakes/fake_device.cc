#include "tests/fakes/fake_device.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/syscall.h"
#include "base/units.h"
#include "devices/pci/capabilities.h"

namespace strait::test {

using vfio::Area;
using vfio::IrqIndex;

std::string hex(std::span<const std::uint8_t> data) {
  std::string text = "0x";
  for (auto byte = data.rbegin(); byte != data.rend(); ++byte) text += fmt::format("{:02x}", *byte);
  return text;
}

FakeDevice::FakeDevice(const ConfigBuilder& config, Journal* journal) : journal_(journal) {
  std::copy(config.bytes().begin(), config.bytes().end(), config_.bytes().begin());
  regions_[vfio::kConfigRegion] = {
      .size = config.bytes().size(), .readable = true, .writable = true, .mappable_areas = {}};
  config_.set_writable<std::uint16_t>(PCI_COMMAND, 0x0547);
  for (const pci::Capability& capability : pci::walk_capabilities(config.bytes())) {
    if (capability.id == PCI_CAP_ID_PM) config_.set_writable<std::uint16_t>(capability.offset + PCI_PM_CTRL, 0x0103);
    if (capability.id == PCI_CAP_ID_EXP) config_.set_writable<std::uint16_t>(capability.offset + PCI_EXP_DEVCTL, 0x7fff);
  }
}

void FakeDevice::add_bar(unsigned bar, std::uint64_t size, std::uint32_t flags) {
  add_bar(bar, size, flags, (flags & kIo) != 0 ? std::vector<Area>{} : std::vector<Area>{{{}, size}});
}

void FakeDevice::add_bar(unsigned bar, std::uint64_t size, std::uint32_t flags, std::vector<Area> mappable) {
  const auto at = static_cast<std::uint16_t>(PCI_BASE_ADDRESS_0 + 4 * bar);
  const std::uint64_t mask = ~(size - 1);
  config_.set<std::uint32_t>(at, flags);
  config_.set_writable<std::uint32_t>(at, static_cast<std::uint32_t>(mask));
  if ((flags & 6) == kMemory64) config_.set_writable<std::uint32_t>(at + 4, static_cast<std::uint32_t>(mask >> 32));
  regions_[bar] = {
      .size = size, .readable = true, .writable = true, .mappable_areas = std::move(mappable)};

  const std::uint64_t room = align_up(size, kPageSize);
  files_.at(bar) = UniqueFd(::memfd_create("bar", MFD_CLOEXEC));
  if (!files_[bar] || ::ftruncate(files_[bar].get(), static_cast<off_t>(room)) != 0) throw Error::from_errno(errno, "memfd");
  memory_[bar] = MappedRegion::shared(files_[bar].get(), 0, room, PROT_READ | PROT_WRITE, kPageSize);
}

void FakeDevice::set_msix(std::uint32_t vectors, bool dynamic, std::uint32_t host_has) {
  kinds_[2] = {.count = vectors, .dynamic = dynamic};
  host_has_ = host_has;
}

void FakeDevice::set_msi(std::uint32_t vectors, std::uint32_t host_has) {
  kinds_[1] = {.count = vectors, .dynamic = false};
  host_has_ = host_has;
}

void FakeDevice::signal(std::uint32_t vector) {
  const bool masked = intx_masked();
  const std::lock_guard lock(mutex_);
  if (vector >= eventfds_.size() || !eventfds_[vector]) return;
  if (on_ == IrqIndex::kIntx && masked) return;
  intx_masked_ = on_ == IrqIndex::kIntx;
  signal_eventfd(eventfds_[vector].get());
}

void FakeDevice::set_reports() {
  for (const IrqIndex kind : {IrqIndex::kError, IrqIndex::kRequest}) kinds_[static_cast<unsigned>(kind)] = {.count = 1, .dynamic = false};
}

void FakeDevice::report(IrqIndex kind) {
  const std::lock_guard lock(mutex_);
  if (const UniqueFd& eventfd = reports_.at(static_cast<unsigned>(kind))) signal_eventfd(eventfd.get());
}

bool FakeDevice::intx_masked() {
  const std::lock_guard lock(mutex_);
  if (unmask_ && drain_eventfd(unmask_.get()) != 0) intx_masked_ = false;
  return intx_masked_;
}

bool FakeDevice::has_eventfd(std::uint32_t vector) const {
  const std::lock_guard lock(mutex_);
  return vector < eventfds_.size() && eventfds_[vector];
}

std::optional<IrqIndex> FakeDevice::kind_on() const {
  const std::lock_guard lock(mutex_);
  return on_;
}

bool FakeDevice::read(unsigned region, std::uint64_t offset, std::span<std::uint8_t> data) {
  if (gone || offset + data.size() > regions_.at(region).size) {
    fill_ones(data);
    constexpr std::uint64_t kAt = PCI_COMMAND + 1;  // of INTx Disable, which the kernel has in its own memory
    constexpr std::uint8_t kIntxDisable = PCI_COMMAND_INTX_DISABLE >> 8;
    if (region == vfio::kConfigRegion && kAt - offset < data.size() && (config_.get<std::uint8_t>(kAt) & kIntxDisable) == 0) {
      data[kAt - offset] &= static_cast<std::uint8_t>(~kIntxDisable);
    }
    return false;
  }
  if (region == vfio::kConfigRegion) {
    config_.read(static_cast<std::uint16_t>(offset), data);
  } else {
    note("read BAR {} {:#x}/{}", region, offset, data.size());
    std::copy_n(bar(region).begin() + static_cast<std::ptrdiff_t>(offset), data.size(), data.begin());
  }
  return true;
}

bool FakeDevice::write(unsigned region, std::uint64_t offset, std::span<const std::uint8_t> data) {
  if (gone || offset + data.size() > regions_.at(region).size) return false;
  if (region == vfio::kConfigRegion) {
    note("config {:#x} <- {}", offset, hex(data));
    if (on_config_write) on_config_write(offset, data);
    config_.write(static_cast<std::uint16_t>(offset), data);
  } else {
    note("write BAR {} {:#x} <- {}", region, offset, hex(data));
    std::copy(data.begin(), data.end(), bar(region).begin() + static_cast<std::ptrdiff_t>(offset));
  }
  return true;
}

int FakeDevice::connect_write(const vfio::RegisterWrite& write, int eventfd) {
  note("on signal BAR {} {:#x}/{} <- {:#x}", write.region, write.offset, write.size, write.value);
  if (gone || refuses_writes_on_signal || write.offset + write.size > regions_.at(write.region).size) return -EINVAL;
  writes_on_signal_.emplace_back(write, ::dup(eventfd));
  return 0;
}

void FakeDevice::disconnect_write(const vfio::RegisterWrite& write) {
  note("no signal BAR {} {:#x}/{} <- {:#x}", write.region, write.offset, write.size, write.value);
  make_signalled_writes();
  std::erase_if(writes_on_signal_, [&write](const auto& entry) { return entry.first == write; });
}

void FakeDevice::make_signalled_writes() {
  for (const auto& [write, eventfd] : writes_on_signal_) {
    if (drain_eventfd(eventfd.get()) == 0) continue;
    std::array<std::uint8_t, 8> data{};
    store(std::span<std::uint8_t>(data), 0, write.value);
    this->write(write.region, write.offset, std::span(data).first(write.size));
  }
}

MappedRegion FakeDevice::map(unsigned region, const Area& area, std::uint64_t alignment) {
  note("map BAR {} {:#x}/{:#x}", region, area.start.value, area.size);
  if (refuses_mapping) throw Error("this device does not like to be mapped");
  return MappedRegion::shared(files_.at(region).get(), area.start.value, area.size, PROT_READ | PROT_WRITE, alignment,
                              area.start.value);
}

vfio::IrqInfo FakeDevice::irq_info(IrqIndex index) const {
  const auto number = static_cast<unsigned>(index);
  return number < kinds_.size() ? kinds_[number] : vfio::IrqInfo{};
}

/// As vfio_pci_set_msi_trigger does it: the first call enables as many vectors as it reaches to, later ones may pass that only
/// where the set is dynamic; another kind has to be off.
int FakeDevice::set_irqs(IrqIndex index, std::uint32_t start, std::span<const int> eventfds) {
  ++irq_calls_;
  std::string list;
  for (const int fd : eventfds) list += fd < 0 ? " none" : " eventfd";
  note("irqs {} from {}:{}", static_cast<unsigned>(index), start, list);
  if (on_irq_change) on_irq_change();
  const std::lock_guard lock(mutex_);
  const auto end = static_cast<std::uint32_t>(start + eventfds.size());
  if (index == IrqIndex::kError || index == IrqIndex::kRequest) {
    if (gone || end != 1 || irq_info(index).count == 0) return -EINVAL;
    reports_[static_cast<unsigned>(index)] = UniqueFd(::dup(eventfds[0]));
    return 0;
  }
  if (gone || end > irq_info(index).count || (on_ && on_ != index)) return -EINVAL;
  if (end > host_has_) return static_cast<int>(host_has_);
  if (!eventfds_.empty() && end > eventfds_.size() && !irq_info(index).dynamic) return -EINVAL;
  on_ = index;
  if (end > eventfds_.size()) eventfds_.resize(end);
  for (std::size_t i = 0; i < eventfds.size(); ++i) {
    eventfds_[start + i] = eventfds[i] < 0 ? UniqueFd() : UniqueFd(::dup(eventfds[i]));
  }
  return 0;
}

int FakeDevice::unmask_with(IrqIndex index, int eventfd) {
  note("irqs {} unmasked by an eventfd", static_cast<unsigned>(index));
  const std::lock_guard lock(mutex_);
  if (gone || on_ != index || index != IrqIndex::kIntx) return -EINVAL;
  unmask_ = UniqueFd(::dup(eventfd));
  return 0;
}

void FakeDevice::disable_irqs(IrqIndex index) {
  ++irq_calls_;
  note("irqs {} off", static_cast<unsigned>(index));
  if (on_irq_change) on_irq_change();
  const std::lock_guard lock(mutex_);
  if (on_ != index) return;
  on_.reset();
  eventfds_.clear();
  unmask_ = {};
  intx_masked_ = false;
}

void FakeDevice::reset() { config_.set<std::uint16_t>(PCI_COMMAND, 0); }

}  // namespace strait::test
