#include "vfio/container.h"

#include <fcntl.h>
#include <linux/vfio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "base/little_endian.h"
#include "base/log.h"
#include "base/syscall.h"
#include "host/limits.h"
#include "vfio/capability_chain.h"
#include "vfio/handed_over.h"

namespace strait::vfio {
namespace {

UniqueFd open_container() {
  constexpr const char* kPath = "/dev/vfio/vfio";
  UniqueFd fd(::open(kPath, O_RDWR | O_CLOEXEC));
  if (fd) return fd;
  const int code = errno;
  const std::string attempt = std::string("opening ") + kPath;
  if (code == ENOENT || code == ENODEV) throw Error::from_errno(code, attempt, "load the module: modprobe vfio-pci");
  throw Error::from_errno(code, attempt, "run as root, or give your user access to /dev/vfio/vfio and the group's file beside it");
}

UniqueFd open_group(unsigned group, const std::string& name) {
  const std::string path = fmt::format("/dev/vfio/{}", group);
  UniqueFd fd(open_when_free([&path] { return ::open(path.c_str(), O_RDWR | O_CLOEXEC); }));
  if (fd) return fd;
  const int code = errno;
  const std::string attempt = fmt::format("opening {} for {}", path, name);
  switch (code) {
    case EBUSY:
      throw Error::from_errno(code, attempt, fmt::format("another program is using a device of IOMMU group {}: 'fuser -v {}' names it", group, path));
    case EACCES:
    case EPERM:
      throw Error::from_errno(code, attempt, fmt::format("give your user access: chown USER {}", path));
    case ENOENT:
      throw Error::from_errno(code, attempt, fmt::format("bind {} to vfio-pci first", name));
    default: throw Error::from_errno(code, attempt);
  }
}

std::uint32_t group_flags(int group_fd) {
  vfio_group_status status = {};
  status.argsz = sizeof status;
  checked_ioctl(group_fd, VFIO_GROUP_GET_STATUS, &status, "VFIO_GROUP_GET_STATUS");
  return status.flags;
}

void check_viable(std::uint32_t flags, unsigned group) {
  if ((flags & VFIO_GROUP_FLAGS_VIABLE) == 0) {
    throw Error(fmt::format("IOMMU group {} is not viable: a host driver holds a function of it", group),
                fmt::format("bind every function in /sys/kernel/iommu_groups/{}/devices to vfio-pci or to no driver", group));
  }
}

/// VFIO refuses an IOMMU without interrupt remapping: a device could forge interrupts. It does so with EPERM in one call or the other.
[[noreturn]] void refuse_iommu(int code, unsigned group, const char* attempt) {
  if (code == EPERM) {
    throw Error::from_errno(code, fmt::format("{} for IOMMU group {}", attempt, group),
                            "this host's IOMMU has no interrupt remapping: enable it (x2APIC and VT-d or AMD-Vi in the firmware set-up, no "
                            "intremap=off on the kernel command line)");
  }
  throw Error::from_errno(code, fmt::format("{} for IOMMU group {}", attempt, group));
}

/// What to do where vfio-pci does not open a function because of the token that came with it, or did not.
std::string opening_remedy(int code, bool token_given) {
  if (code == EACCES) {
    return std::string(token_given ? "its vf-token is not this card's" : "it needs a vf-token=UUID") +
           ": all users of the physical function and of its virtual ones must give the same, the physical function's first";
  }
  if (code == EINVAL && token_given) return "leave out its vf-token: that is for SR-IOV with the physical function on vfio-pci, too";
  return {};
}

/// A container gets its IOMMU with its first group, and answers for it from then on.
bool has_iommu(int container_fd) {
  vfio_iommu_type1_info info = {};
  info.argsz = sizeof info;
  return try_ioctl(container_fd, VFIO_IOMMU_GET_INFO, &info) == 0;
}

}  // namespace

int open_when_free(const std::function<int()>& open, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const int fd = open();
    if (fd >= 0 || errno != EBUSY || std::chrono::steady_clock::now() >= deadline) return fd;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

std::vector<Range<Iova>> read_iova_ranges(std::span<const std::uint8_t> info_bytes) {
  std::vector<Range<Iova>> ranges;
  const auto info = load<vfio_iommu_type1_info>(info_bytes);
  if ((info.flags & VFIO_IOMMU_INFO_CAPS) == 0) return ranges;
  for_each_capability(info_bytes, info.cap_offset, [&](std::uint16_t id, std::uint32_t offset) {
    if (id != VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE || offset + sizeof(vfio_iommu_type1_info_cap_iova_range) > info_bytes.size()) return;
    const auto list = load<vfio_iommu_type1_info_cap_iova_range>(info_bytes, offset);
    std::size_t at = offset + sizeof list;
    for (std::uint32_t i = 0; i < list.nr_iovas && at + sizeof(vfio_iova_range) <= info_bytes.size(); ++i, at += sizeof(vfio_iova_range)) {
      const auto range = load<vfio_iova_range>(info_bytes, at);
      // Both ends are inclusive, and AMD's last range ends at 2^64-1: without its last byte, no range's end wraps around.
      const std::uint64_t last = std::min(range.end, ~0ull - 1);
      if (last >= range.start) ranges.push_back({Iova(range.start), last - range.start + 1});
    }
  });
  return ranges;
}

Container::Container(std::optional<int> handed_over)
    : fd_(handed_over ? take_container(*handed_over) : open_container()),
      came_with_iommu_(has_iommu(fd_.get())),
      has_iommu_(came_with_iommu_) {
  if (try_ioctl(fd_.get(), VFIO_GET_API_VERSION) != VFIO_API_VERSION) throw Error("this host's VFIO speaks another API version");
  if (try_ioctl(fd_.get(), VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) <= 0) {
    throw Error("this host's VFIO has no type 1 IOMMU back end", "load it: modprobe vfio_iommu_type1");
  }
}

Container::Observation::Observation(Container& container, GroupObserver observer) : container_(container) {
  container_.observer_ = std::move(observer);
  for (const auto& [number, group] : container_.groups_) container_.observer_(group.get(), true);
}

Container::Observation::~Observation() {
  for (const auto& [number, group] : container_.groups_) container_.observer_(group.get(), false);
  container_.observer_ = nullptr;
}

void Container::join(unsigned group, const std::string& name, std::optional<int> handed_over) {
  if (groups_.contains(group)) return;
  UniqueFd opened = handed_over ? take_group(*handed_over, group, name) : open_group(group, name);
  const std::uint32_t flags = group_flags(opened.get());
  check_viable(flags, group);
  if ((flags & VFIO_GROUP_FLAGS_CONTAINER_SET) == 0) {
    attach(opened.get(), group);
  } else if (!came_with_iommu_) {
    throw Error(fmt::format("IOMMU group {}, handed over for {}, is in a container that was not", group, name),
                "hand that over, too: container-fd=N");
  }
  const auto joined = groups_.emplace(group, std::move(opened)).first;
  if (observer_) observer_(joined->second.get(), true);
}

void Container::leave_all_but(const std::set<unsigned>& groups) {
  std::erase_if(groups_, [&](const auto& entry) {
    const bool leaves = !groups.contains(entry.first);
    if (leaves && observer_) observer_(entry.second.get(), false);
    return leaves;
  });
}

void Container::attach(int group_fd, unsigned group) {
  int container = fd_.get();
  if (const int result = try_ioctl(group_fd, VFIO_GROUP_SET_CONTAINER, &container); result < 0) {
    refuse_iommu(-result, group, "VFIO_GROUP_SET_CONTAINER");
  }
  if (has_iommu_) return;
  if (const int result = try_ioctl(fd_.get(), VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU); result < 0) {
    refuse_iommu(-result, group, "VFIO_SET_IOMMU");
  }
  has_iommu_ = true;
}

void Container::keep_device(unsigned group, const std::string& name, int handed_over) {
  kept_devices_.emplace(name, take_device(handed_over, groups_.at(group).get(), name));
}

UniqueFd Container::open_device(unsigned group, const std::string& name, const std::string& vf_token) {
  const auto kept = kept_devices_.find(name);
  UniqueFd fd = kept != kept_devices_.end() ? std::move(kept->second) : UniqueFd();
  if (!fd) {
    const std::string request = vf_token.empty() ? name : fmt::format("{} vf_token={}", name, vf_token);
    const int opened = try_ioctl(groups_.at(group).get(), VFIO_GROUP_GET_DEVICE_FD, request.c_str());
    if (opened < 0) throw Error::from_errno(-opened, fmt::format("opening {} through VFIO", name), opening_remedy(-opened, !vf_token.empty()));
    fd = UniqueFd(opened);
  }
  // The kernel resets a device with its first open and its last close. Who handed this one over did the one, and may have it open still.
  if (kept != kept_devices_.end()) try_ioctl(fd.get(), VFIO_DEVICE_RESET);
  return fd;
}

std::optional<int> Container::group_fd(unsigned group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? std::nullopt : std::optional(found->second.get());
}

std::vector<Range<Iova>> Container::usable_ranges() const {
  vfio_iommu_type1_info probe = {};
  probe.argsz = sizeof probe;
  if (try_ioctl(fd_.get(), VFIO_IOMMU_GET_INFO, &probe) < 0 || probe.argsz <= sizeof probe) return {};
  std::vector<std::uint8_t> bytes(probe.argsz);
  store(std::span(bytes), 0, probe);
  if (try_ioctl(fd_.get(), VFIO_IOMMU_GET_INFO, bytes.data()) < 0) return {};
  return read_iova_ranges(bytes);
}

void Container::map(Iova start, std::span<std::uint8_t> memory) {
  const std::lock_guard lock(mutex_);
  vfio_iommu_type1_dma_map request = {};
  request.argsz = sizeof request;
  request.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
  request.vaddr = reinterpret_cast<std::uint64_t>(memory.data());
  request.iova = start.value;
  request.size = memory.size();
  const auto before = std::chrono::steady_clock::now();
  const int result = try_ioctl(fd_.get(), VFIO_IOMMU_MAP_DMA, &request);
  nanoseconds_.add(static_cast<std::uint64_t>((std::chrono::steady_clock::now() - before) / std::chrono::nanoseconds(1)));
  map_calls_.add();
  if (result < 0) {
    throw Error::from_errno(-result, fmt::format("mapping {} bytes for DMA at {:#x}", memory.size(), start.value),
                            result == -ENOMEM ? "where RLIMIT_MEMLOCK is what is short, " + host::memlock_remedy(bytes_.value() + memory.size()) : "");
  }
  bytes_.add(memory.size());
}

void Container::unmap(const Range<Iova>& range) {
  const std::lock_guard lock(mutex_);
  vfio_iommu_type1_dma_unmap request = {};
  request.argsz = sizeof request;
  request.iova = range.start.value;
  request.size = range.size;
  if (const int result = try_ioctl(fd_.get(), VFIO_IOMMU_UNMAP_DMA, &request); result < 0) {
    log::warning("unmapping {} bytes of DMA at {:#x}: {}", range.size, range.start.value, std::strerror(-result));
  }
}

DmaSpace::Statistics Container::statistics() const { return {map_calls_.value(), bytes_.value(), nanoseconds_.value()}; }

}  // namespace strait::vfio
