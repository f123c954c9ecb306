#include "vfio/kernel_device.h"

#include <linux/vfio.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include <fmt/format.h>

#include "base/little_endian.h"
#include "base/log.h"
#include "base/syscall.h"
#include "vfio/capability_chain.h"

namespace strait::vfio {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

/// VFIO_DEVICE_GET_REGION_INFO with its capabilities: asked for twice, because their length is known only then. Empty where the device
/// has no such region.
std::vector<std::uint8_t> region_info(int fd, unsigned index) {
  std::vector<std::uint8_t> bytes(sizeof(vfio_region_info));
  for (;;) {
    vfio_region_info request = {};
    request.argsz = static_cast<std::uint32_t>(bytes.size());
    request.index = index;
    store(std::span(bytes), 0, request);
    if (try_ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, bytes.data()) < 0) return {};
    const auto answer = load<vfio_region_info>(bytes);
    if (answer.argsz <= bytes.size()) return bytes;
    bytes.assign(answer.argsz, 0);
  }
}

}  // namespace

std::vector<Area> read_mappable_areas(std::span<const std::uint8_t> info_bytes) {
  const auto info = load<vfio_region_info>(info_bytes);
  if ((info.flags & VFIO_REGION_INFO_FLAG_MMAP) == 0) return {};
  std::vector<Area> areas = {{{}, info.size}};
  if ((info.flags & VFIO_REGION_INFO_FLAG_CAPS) == 0) return areas;
  for_each_capability(info_bytes, info.cap_offset, [&](std::uint16_t id, std::uint32_t offset) {
    if (id != VFIO_REGION_INFO_CAP_SPARSE_MMAP || offset + sizeof(vfio_region_info_cap_sparse_mmap) > info_bytes.size()) return;
    const auto list = load<vfio_region_info_cap_sparse_mmap>(info_bytes, offset);
    std::size_t at = offset + sizeof list;
    areas.clear();
    for (std::uint32_t i = 0; i < list.nr_areas && at + sizeof(vfio_region_sparse_mmap_area) <= info_bytes.size(); ++i) {
      const auto area = load<vfio_region_sparse_mmap_area>(info_bytes, at);
      areas.push_back({Strong<RegionOffsetTag, std::uint64_t>(area.offset), area.size});
      at += sizeof area;
    }
  });
  return areas;
}

KernelDevice::KernelDevice(std::string name, UniqueFd fd) : name_(std::move(name)), fd_(std::move(fd)) {
  vfio_device_info info = {};
  info.argsz = sizeof info;
  checked_ioctl(fd_.get(), VFIO_DEVICE_GET_INFO, &info, "VFIO_DEVICE_GET_INFO");
  if ((info.flags & VFIO_DEVICE_FLAGS_PCI) == 0) throw Error(fmt::format("{} is no PCI device to VFIO", name_));
  resets_alone_ = (info.flags & VFIO_DEVICE_FLAGS_RESET) != 0;

  for (unsigned index = 0; index < std::min(kRegions, info.num_regions); ++index) {
    const std::vector<std::uint8_t> bytes = region_info(fd_.get(), index);
    if (bytes.empty()) continue;
    const auto answer = load<vfio_region_info>(bytes);
    file_offsets_[index] = answer.offset;
    RegionInfo& region = regions_[index];
    region.size = answer.size;
    region.readable = (answer.flags & VFIO_REGION_INFO_FLAG_READ) != 0;
    region.writable = (answer.flags & VFIO_REGION_INFO_FLAG_WRITE) != 0;
    region.mappable_areas = read_mappable_areas(bytes);
  }
  if (regions_[kConfigRegion].size < 256) throw Error(fmt::format("{} has no configuration space in VFIO", name_));
}

const RegionInfo& KernelDevice::region(unsigned index) const {
  static const RegionInfo kNone;
  return index < kRegions ? regions_[index] : kNone;
}

bool KernelDevice::read(unsigned region, std::uint64_t offset, std::span<std::uint8_t> data) {
  const auto at = static_cast<off_t>(file_offsets_.at(region) + offset);
  if (::pread(fd_.get(), data.data(), data.size(), at) == static_cast<ssize_t>(data.size())) return true;
  fill_ones(data);
  return false;
}

bool KernelDevice::write(unsigned region, std::uint64_t offset, std::span<const std::uint8_t> data) {
  const auto at = static_cast<off_t>(file_offsets_.at(region) + offset);
  return ::pwrite(fd_.get(), data.data(), data.size(), at) == static_cast<ssize_t>(data.size());
}

int KernelDevice::io_eventfd(const RegisterWrite& write, int eventfd) {
  static_assert(VFIO_DEVICE_IOEVENTFD_8 == 1 && VFIO_DEVICE_IOEVENTFD_64 == 8, "the flag of a width is the width");
  vfio_device_ioeventfd request = {};
  request.argsz = sizeof request;
  request.flags = write.size;
  request.offset = file_offsets_.at(write.region) + write.offset;
  request.data = write.value;
  request.fd = eventfd;
  return try_ioctl(fd_.get(), VFIO_DEVICE_IOEVENTFD, &request);
}

int KernelDevice::connect_write(const RegisterWrite& write, int eventfd) { return io_eventfd(write, eventfd); }
void KernelDevice::disconnect_write(const RegisterWrite& write) { io_eventfd(write, -1); }

MappedRegion KernelDevice::map(unsigned region, const Area& area, std::uint64_t alignment) {
  const RegionInfo& info = regions_.at(region);
  const int protection = (info.readable ? PROT_READ : 0) | (info.writable ? PROT_WRITE : 0);
  return MappedRegion::shared(fd_.get(), file_offsets_[region] + area.start.value, area.size, protection, alignment, area.start.value);
}

IrqInfo KernelDevice::irq_info(IrqIndex index) const {
  vfio_irq_info info = {};
  info.argsz = sizeof info;
  info.index = static_cast<std::uint32_t>(index);
  if (try_ioctl(fd_.get(), VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 || (info.flags & VFIO_IRQ_INFO_EVENTFD) == 0) return {};
  return {.count = info.count, .dynamic = (info.flags & VFIO_IRQ_INFO_NORESIZE) == 0};
}

int KernelDevice::set_irqs(IrqIndex index, std::uint32_t start, std::span<const int> eventfds) {
  return connect_eventfds(index, VFIO_IRQ_SET_ACTION_TRIGGER, start, eventfds);
}

int KernelDevice::unmask_with(IrqIndex index, int eventfd) { return connect_eventfds(index, VFIO_IRQ_SET_ACTION_UNMASK, 0, {&eventfd, 1}); }

int KernelDevice::connect_eventfds(IrqIndex index, std::uint32_t action, std::uint32_t start, std::span<const int> eventfds) {
  std::vector<std::uint64_t> storage((sizeof(vfio_irq_set) + eventfds.size_bytes() + 7) / 8);
  auto* request = reinterpret_cast<vfio_irq_set*>(storage.data());
  request->argsz = static_cast<std::uint32_t>(sizeof(vfio_irq_set) + eventfds.size_bytes());
  request->flags = VFIO_IRQ_SET_DATA_EVENTFD | action;
  request->index = static_cast<std::uint32_t>(index);
  request->start = start;
  request->count = static_cast<std::uint32_t>(eventfds.size());
  std::memcpy(request->data, eventfds.data(), eventfds.size_bytes());
  return try_ioctl(fd_.get(), VFIO_DEVICE_SET_IRQS, request);
}

void KernelDevice::disable_irqs(IrqIndex index) {
  vfio_irq_set request = {};
  request.argsz = sizeof request;
  request.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
  request.index = static_cast<std::uint32_t>(index);
  if (const int result = try_ioctl(fd_.get(), VFIO_DEVICE_SET_IRQS, &request); result < 0) {
    log::warning(guest_lines, "{}: turning interrupts off: {}", name_, std::strerror(-result));
  }
}

std::vector<ReachedFunction> KernelDevice::reached_by_bus_reset() const {
  // How many there are is known after a first question; should more come, the answer is of the first.
  std::vector<std::uint8_t> bytes(sizeof(vfio_pci_hot_reset_info));
  for (unsigned attempt = 0; attempt < 2; ++attempt) {
    store(std::span(bytes), offsetof(vfio_pci_hot_reset_info, argsz), static_cast<std::uint32_t>(bytes.size()));
    const int result = try_ioctl(fd_.get(), VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, bytes.data());
    if (result == 0) return read_reached_functions(bytes);
    if (result != -ENOSPC) break;
    bytes.assign(sizeof(vfio_pci_hot_reset_info) + load<vfio_pci_hot_reset_info>(bytes).count * sizeof(vfio_pci_dependent_device), 0);
  }
  return {};
}

int KernelDevice::reset_bus(std::span<const int> groups) {
  std::vector<std::uint64_t> storage((sizeof(vfio_pci_hot_reset) + groups.size_bytes() + 7) / 8);
  auto* request = reinterpret_cast<vfio_pci_hot_reset*>(storage.data());
  request->argsz = static_cast<std::uint32_t>(sizeof(vfio_pci_hot_reset) + groups.size_bytes());
  request->count = static_cast<std::uint32_t>(groups.size());
  std::memcpy(request->group_fds, groups.data(), groups.size_bytes());
  return try_ioctl(fd_.get(), VFIO_DEVICE_PCI_HOT_RESET, request);
}

}  // namespace strait::vfio
