#include "binding/vf_pool.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "binding/obstacles.h"
#include "binding/undo.h"
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

/// How a VF is set; nothing where its PF does not tell.
std::optional<host::VfSettings> settings_of(const Place& vf, const Host& host) {
  const host::VfTable table = host.changes->read_vfs(vf.pf);
  const auto found = table.find(vf.index);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

/// Puts the function on vfio-pci and, where it is a VF, sets it. The caller has asked check_bindable().
void bind_and_set(Lease& lease, const std::optional<Place>& vf, const host::VfSettings& settings, const Host& host) {
  // It is noted first how a VF is set: not only what is about to be set, since a guest's driver may change its MAC address.
  const auto before = vf ? settings_of(*vf, host) : std::nullopt;
  VfBefore note;
  if (before) {
    note = {.pf = vf->pf, .index = vf->index, .settings = *before, .ours = host::changes(*before, settings)};
    lease.remember_vf(note);
  }
  lease.remember_driver();
  lease.bind();
  // Settings come last: a driver of the host's would change the MAC address.
  if (vf) host.changes->change_vf(vf->pf, vf->index, settings);
  // The driver may have changed others with them.
  const auto after = before ? settings_of(*vf, host) : std::nullopt;
  if (after && host::changes(*before, *after) != note.ours) {
    note.ours = host::changes(*before, *after);
    lease.remember_vf(note);
  }
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

/// The VFs of a PF that may be taken, and why the others were not.
class Pool {
 public:
  Pool(const host::Bdf& pf, std::span<const host::Bdf> others, const Host& host) : pf_(pf), others_(others), host_(host) {}

  /// The first that is free, bound and set.
  std::optional<Lease> take(const host::VfSettings& settings) {
    reasons_.clear();
    locked_ = false;
    for (const host::VirtualFunction& vf : vfs_of(pf_, host_)) {
      if (std::ranges::find(others_, vf.bdf) != others_.end()) {
        reasons_.push_back(fmt::format("{} is assigned by its address", vf.bdf.to_string()));
      } else if (auto lease = try_take(vf.bdf)) {
        // What fails from here on would fail with any other.
        bind_and_set(*lease, Place{pf_, vf.index}, settings, host_);
        return lease;
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
  std::optional<Lease> try_take(const host::Bdf& vf) {
    auto lock = Lock::try_take(vf, host_.run);
    if (!lock) {
      locked_ = true;
      return not_free(vf, "is in use by another " + lock_holder(vf, host_.run).name());
    }
    std::optional<Lease> lease;
    try {
      lease.emplace(std::move(*lock), Owner::kRun, host_);
    } catch (const Error& error) {
      return not_free(vf, fmt::format("was left by a run that was killed, and cannot be put right: {}", error.what()));
    }
    if (const std::string user = user_of(vf, host_, host::interface_lookup()); !user.empty()) return not_free(vf, "is in use " + user);
    try {
      check_bindable(vf, false, host_);
    } catch (const InUse& error) {
      reasons_.emplace_back(error.what());
      return std::nullopt;
    }
    return lease;
  }
  std::nullopt_t not_free(const host::Bdf& vf, const std::string& why) {
    reasons_.push_back(fmt::format("{} {}", vf.to_string(), why));
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
  Lease lease(function, Owner::kRun, host);
  check_bindable(function, false, host);
  bind_and_set(lease, vf, settings, host);
  return lease;
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

Lease take_vf(const host::Bdf& pf, std::optional<unsigned> index, const host::VfSettings& settings, std::span<const host::Bdf> others,
              const Host& host) {
  if (index) return take_function(vf_of(pf, *index, host), settings, host);
  // Whoever changes the number of VFs has this lock, too.
  const Lock lock = Lock::take(pf, host, kPatience);
  Pool pool(pf, others, host);
  const auto deadline = std::chrono::steady_clock::now() + kMoment;
  for (;;) {
    if (auto lease = pool.take(settings)) return std::move(*lease);
    if (!pool.locked() || std::chrono::steady_clock::now() > deadline) throw pool.none_is_free();
    wait_a_moment(host, std::chrono::milliseconds(50));
  }
}

void set_vf(const host::Bdf& pf, unsigned index, const host::VfSettings& settings, const Host& host) {
  const Lock lock = Lock::take(vf_of(pf, index, host), host, kMoment);
  settle(lock, Records(host.state, host.procfs), host);
  host.changes->change_vf(pf, index, settings);
}

}  // namespace strait::binding
