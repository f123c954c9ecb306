#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/counter.h"
#include "base/unique_fd.h"
#include "vfio/dma_space.h"

namespace strait::vfio {

/// The IOVA ranges in an answer to VFIO_IOMMU_GET_INFO (struct vfio_iommu_type1_info with its capabilities), empty where it names none. `info`
/// holds at least the structure. Pure.
std::vector<Range<Iova>> read_iova_ranges(std::span<const std::uint8_t> info);

/// What `open` returns, a descriptor, or -1 with errno: made again while that is EBUSY, for as long as `patience`. Only one process may have a
/// group's file open, and who looks whether it is in use opens it for a moment.
int open_when_free(const std::function<int()>& open, std::chrono::milliseconds patience = std::chrono::milliseconds(200));

/// A VFIO container with the type 1 (v2) IOMMU back end and the groups in it (Documentation/driver-api/vfio.rst): one DMA space for
/// all devices of a guest. Closing order, which the kernel wants: devices, then groups, then the container.
class Container : public DmaSpace {
 public:
  /// Told of each group that joins or leaves, by its descriptor.
  using GroupObserver = std::function<void(int group_fd, bool joined)>;

  /// Opens /dev/vfio/vfio, or takes `handed_over`, a descriptor of it that may hold groups already. Throws Error with the remedy.
  explicit Container(std::optional<int> handed_over = {});

  /// Brings an IOMMU group in, unless it is in already; `name` is the function it is for. Throws Error with the remedy: no permission,
  /// busy, not viable, no interrupt remapping. `handed_over` is taken in place of the group's file; it may be in the container that was
  /// handed over, and nobody can tell whether it is in another that has an IOMMU.
  void join(unsigned group, const std::string& name, std::optional<int> handed_over = {});
  /// Closes every group whose number is not in `groups`. Their devices are closed.
  void leave_all_but(const std::set<unsigned>& groups);
  /// Has `observer` told of every group in the container, and of those that leave, as long as this lives; at its end all leave. One at a time.
  class Observation {
   public:
    Observation(Container& container, GroupObserver observer);
    ~Observation();
    Observation(const Observation&) = delete;
    Observation& operator=(const Observation&) = delete;

   private:
    Container& container_;
  };
  /// Opens the function `name` (full PCI address) of a group that has joined. The kernel resets it, where it can, on this first open
  /// and on the last close. `vf_token`, a UUID or empty, is what the users of a physical function and of its virtual functions have in
  /// common where the physical function is on vfio-pci, too: its user sets it, theirs must know it. Throws Error with the remedy.
  UniqueFd open_device(unsigned group, const std::string& name, const std::string& vf_token = {});
  /// Keeps `handed_over`, the function `name` of a group that was in the container when that was handed over: the first open_device() is
  /// spared opening it. Throws Error.
  void keep_device(unsigned group, const std::string& name, int handed_over);

  /// The descriptor of a group in the container that joined here.
  std::optional<int> group_fd(unsigned group) const;

  std::vector<Range<Iova>> usable_ranges() const override;
  void map(Iova start, std::span<std::uint8_t> memory) override;
  void unmap(const Range<Iova>& range) override;
  Statistics statistics() const override;

 private:
  void attach(int group_fd, unsigned group);

  UniqueFd fd_;
  const bool came_with_iommu_;  ///< somebody else put groups into it
  bool has_iommu_;
  std::map<unsigned, UniqueFd> groups_;
  std::map<std::string, UniqueFd> kept_devices_;  ///< by name; none of those that are opened by now
  GroupObserver observer_;
  std::mutex mutex_;
  Counter map_calls_, bytes_, nanoseconds_;
};

}  // namespace strait::vfio
