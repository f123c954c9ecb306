#include "binding/vf_pool.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "binding/vf_change.h"
#include "host/pci_function.h"

namespace strait::binding {
namespace {

/// For the others that take a VF of the same PF, each of which unbinds and binds.
constexpr std::chrono::seconds kPatience{60};
/// For a command that has a VF only to change it, or to put right what a killed run left.
constexpr std::chrono::seconds kMoment{1};

/// A VF as its PF knows it.
struct Place {
  host::Bdf pf;
  unsigned index = 0;
};

std::optional<Place> place_of(const host::Bdf& function, const Host& host) {
  const host::PciFunction pci(function, host.sysfs);
  const auto pf = pci.physical_function();
  const auto index = pci.vf_index();
  return pf && index ? std::optional(Place{*pf, *index}) : std::nullopt;
}

/// On vfio-pci. It is noted first how a VF is set: not only what is about to be set, since a guest's driver may change its MAC address.
Lease bound(Lease lease, const std::optional<Place>& vf, const Host& host) {
  const host::VfTable table = vf ? host.changes->read_vfs(vf->pf) : host::VfTable();
  if (const auto now = table.find(vf ? vf->index : 0); now != table.end()) {
    lease.remember_vf({.pf = vf->pf, .index = vf->index, .settings = to_json(now->second)});
  }
  lease.bind();
  return lease;
}

std::vector<host::VirtualFunction> vfs_of(const host::Bdf& pf, const Host& host) {
  const host::PciFunction function(pf, host.sysfs);
  const std::string name = pf.to_string();
  if (!function.sriov_total_vfs()) {
    throw Error(fmt::format("{} has no SR-IOV, and so no VFs", name), "strait vf list shows the functions that have");
  }
  auto vfs = function.virtual_functions();
  if (vfs.empty()) throw Error(fmt::format("{} has no VFs", name), fmt::format("make some: strait vf create {} N", name));
  return vfs;
}

host::Bdf vf_of(const host::Bdf& pf, unsigned index, const Host& host) {
  const auto vfs = vfs_of(pf, host);
  const auto found = std::ranges::find(vfs, index, &host::VirtualFunction::index);
  if (found == vfs.end()) {
    throw Error(fmt::format("{} has no VF {}: there are {}, from 0 on", pf.to_string(), index, vfs.size()),
                fmt::format("strait vf list {} shows them", pf.to_string()));
  }
  return found->bdf;
}

/// The VFs of a PF that may be taken, and why the others were not.
class Pool {
 public:
  Pool(const host::Bdf& pf, std::span<const host::Bdf> others, const Host& host) : pf_(pf), others_(others), host_(host) {}

  /// The first that is free, on vfio-pci.
  std::optional<std::pair<Lease, unsigned>> take() {
    reasons_.clear();
    locked_ = false;
    for (const host::VirtualFunction& vf : vfs_of(pf_, host_)) {
      if (std::ranges::find(others_, vf.bdf) != others_.end()) {
        reasons_.push_back(fmt::format("{} is assigned by its address", vf.bdf.to_string()));
      } else if (auto lease = try_take(vf)) {
        return std::pair(std::move(*lease), vf.index);
      }
    }
    return std::nullopt;
  }
  /// Whether another process had one, if only to look after it.
  bool locked() const { return locked_; }

  Error none_is_free() const {
    constexpr std::size_t kShown = 3;
    const auto shown = std::span(reasons_).first(std::min(reasons_.size(), kShown));
    const std::string more = reasons_.size() > kShown ? fmt::format(" (and {} more)", reasons_.size() - kShown) : "";
    return Error(fmt::format("no VF of {} is free: {}{}", pf_.to_string(), fmt::join(shown, "; "), more),
                 fmt::format("end what uses one, or have more: strait vf remove {0}, then strait vf create {0} N", pf_.to_string()));
  }

 private:
  std::optional<Lease> try_take(const host::VirtualFunction& vf) {
    try {
      if (auto lock = Lock::try_take(vf.bdf, host_.run)) {
        return bound(Lease(std::move(*lock), Owner::kRun, host_), Place{pf_, vf.index}, host_);
      }
      locked_ = true;
      reasons_.push_back(fmt::format("{} is in use by another {}", vf.bdf.to_string(), lock_holder(vf.bdf, host_.run).name()));
    } catch (const Error& error) {
      reasons_.emplace_back(error.what());
    }
    return std::nullopt;
  }

  const host::Bdf pf_;
  const std::span<const host::Bdf> others_;
  const Host& host_;
  std::vector<std::string> reasons_;
  bool locked_ = false;
};

}  // namespace

Lease take_function(const host::Bdf& function, const host::VfSettings& settings, const Host& host) {
  const auto vf = place_of(function, host);
  if (!settings.empty() && !vf) {
    throw Error(fmt::format("{} is no VF: nobody enforces settings on it", function.to_string()),
                "leave mac= and its kind out, or name a VF, as strait vf list shows them");
  }
  Lease lease = bound(Lease(function, Owner::kRun, host), vf, host);
  // Settings come last: a driver of the host's would change the MAC address.
  if (vf) host.changes->change_vf(vf->pf, vf->index, settings);
  return lease;
}

Lease take_vf(const host::Bdf& pf, std::optional<unsigned> index, const host::VfSettings& settings, std::span<const host::Bdf> others,
              const Host& host) {
  if (index) return take_function(vf_of(pf, *index, host), settings, host);
  // Whoever changes the number of VFs has this lock, too.
  const Lock lock = Lock::take(pf, host.run, kPatience);
  Pool pool(pf, others, host);
  const auto deadline = std::chrono::steady_clock::now() + kMoment;
  for (;;) {
    if (auto taken = pool.take()) {
      host.changes->change_vf(pf, taken->second, settings);
      return std::move(taken->first);
    }
    if (!pool.locked() || std::chrono::steady_clock::now() > deadline) throw pool.none_is_free();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace strait::binding
