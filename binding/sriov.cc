#include "binding/sriov.h"

#include <cerrno>
#include <functional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"
#include "binding/attempts.h"
#include "binding/function_paths.h"
#include "binding/lease.h"
#include "binding/obstacles.h"
#include "binding/undo.h"
#include "binding/vf_undo.h"
#include "host/pci_function.h"

namespace strait::binding {
namespace {

constexpr const char* kNumVfs = "sriov_numvfs";
constexpr const char* kAutoprobe = "sriov_drivers_autoprobe";

/// Puts right what a run left of the VF that was killed, as far as that can be done: it is about to go.
void settle_if_possible(const Lock& lock, const Host& host) {
  try {
    settle(lock, Records(host.state, host.procfs), host);
  } catch (const Error& error) {
    log::warning("{}", error.what());
  }
}

/// The locks of all VFs, so that nobody takes one meanwhile. Throws Error naming each that is in use.
std::vector<Lock> lock_all(const host::PciFunction& pf, const Host& host) {
  std::vector<Lock> locks;
  std::vector<std::string> uses;
  const auto look_up = host::interface_lookup();
  for (const host::VirtualFunction& vf : pf.virtual_functions()) {
    const std::string name = vf.bdf.to_string();
    auto lock = Lock::try_take(vf.bdf, host.run);
    if (!lock) {
      uses.push_back(fmt::format("{} by {}", name, lock_holder(vf.bdf, host.run).name()));
      continue;
    }
    if (const std::string user = user_of(vf.bdf, host, look_up); !user.empty()) {
      uses.push_back(fmt::format("{} {}", name, user));
    } else {
      settle_if_possible(*lock, host);
    }
    locks.push_back(std::move(*lock));
  }
  if (!uses.empty()) {
    throw Error(
        fmt::format("the number of VFs of {} cannot be changed while one is in use: {}", pf.bdf().to_string(), fmt::join(uses, "; ")),
        "end that use first");
  }
  return locks;
}

void check_count(const host::PciFunction& pf, unsigned count) {
  const std::string name = pf.bdf().to_string();
  const auto limit = pf.sriov_total_vfs();
  if (!limit) {
    throw Error(fmt::format("{} has no SR-IOV", name),
                "strait vf list shows the functions that have; some cards want it enabled in their firmware's set-up");
  }
  if (count > *limit) throw Error(fmt::format("{} cannot have {} VFs", name, count), fmt::format("it has at most {}", *limit));
  if (pf.driver().empty()) throw Error(fmt::format("{} has no driver, which VFs need", name), "bind the PF to its driver (modprobe)");
}

void write_count(const host::PciFunction& pf, unsigned count, const Host& host) {
  try {
    host.changes->write_attribute(attribute_path(pf.bdf(), kNumVfs), std::to_string(count));
  } catch (const Error& error) {
    if (error.code() != ENOENT && error.code() != EOPNOTSUPP) throw;
    throw Error(fmt::format("the driver {} of {} makes no VFs", pf.driver(), pf.bdf().to_string()), "bind the PF to a driver that does");
  }
}

/// VFs that went took with them what they had to be given back with. The caller has their locks.
void forget_vfs(const std::vector<host::VirtualFunction>& vfs, const Host& host) {
  const Records records(host.state, host.procfs);
  for (const host::VirtualFunction& vf : vfs) {
    for (const Owner owner : {Owner::kRun, Owner::kCommand}) records.remove(vf.bdf, owner);
  }
}

/// The VFs that a PF had, to make them anew where others cannot be had in their place.
class FormerVfs {
 public:
  FormerVfs(const host::PciFunction& pf, const Host& host) : pf_(pf), host_(host) {
    const host::VfTable table = host.changes->read_vfs(pf.bdf());
    for (const host::VirtualFunction& vf : pf.virtual_functions()) {
      const host::PciFunction function = pf.sibling(vf.bdf);
      const auto found = table.find(vf.index);
      host::VfSettings settings = found == table.end() ? host::VfSettings() : found->second;
      if (settings.mac && host_chose_mac(vf.bdf, *settings.mac, host.sysfs)) settings.mac.reset();
      vfs_.push_back({vf, {function.driver(), function.driver_override()}, std::move(settings)});
    }
  }

  /// As many, with their drivers and what the PF had set for them, once `silence` has seen to it that drivers are not probed by themselves.
  /// What fails is logged.
  void make_anew(const std::function<void()>& silence) const {
    if (vfs_.empty()) return;
    Attempts attempts;
    attempts(silence);
    attempts([&] { write_count(pf_, static_cast<unsigned>(vfs_.size()), host_); });
    for (const Former& former : vfs_) {
      attempts([&] {
        if (!former.settings.empty()) host_.changes->change_vf(pf_.bdf(), former.vf.index, former.settings);
      });
      attempts([&] { bind_again(former); });
    }
    try {
      attempts.finish();
    } catch (const Error& error) {
      log::error("the former VFs of {} are not as they were: {}", pf_.bdf().to_string(), error.what());
    }
  }

 private:
  struct Former {
    host::VirtualFunction vf;
    DriverBefore driver;
    host::VfSettings settings;
  };

  void bind_again(const Former& former) const {
    const std::string override_path = attribute_path(former.vf.bdf, "driver_override");
    if (!former.driver.driver.empty()) {
      host_.changes->write_attribute(override_path, former.driver.driver + "\n");
      host_.changes->write_attribute("bus/pci/drivers_probe", former.vf.bdf.to_string());
    }
    if (former.driver.driver != former.driver.driver_override) {
      host_.changes->write_attribute(override_path, former.driver.driver_override + "\n");
    }
    // What strait bind has noted of the one before goes for this.
    const Records records(host_.state, host_.procfs);
    if (auto record = records.load(former.vf.bdf, Owner::kCommand)) {
      record->identity = identity_of(former.vf.bdf, host_.sysfs);
      records.save(*record);
    }
  }

  const host::PciFunction& pf_;
  const Host& host_;
  std::vector<Former> vfs_;
};

/// Has the kernel bind host drivers to new VFs, or not, until the lease ends.
void set_autoprobe(const host::PciFunction& pf, bool probe, Lease& lease, const Host& host) {
  if (!pf.sriov_drivers_autoprobe().has_value()) return;
  const std::string autoprobe = attribute_path(pf.bdf(), kAutoprobe), wanted = probe ? "1" : "0";
  lease.remember_attribute(autoprobe, wanted);
  if (pf.sriov_drivers_autoprobe() != probe) host.changes->write_attribute(autoprobe, wanted);
}

/// Host drivers for the VFs that have none, but for those that another process is about to take.
void probe_vfs(const host::PciFunction& pf, Lease& lease, const Host& host) {
  for (const host::VirtualFunction& vf : pf.virtual_functions()) {
    if (!pf.sibling(vf.bdf).driver().empty()) continue;
    const auto lock = Lock::try_take(vf.bdf, host.run);
    if (!lock) continue;
    set_autoprobe(pf, true, lease, host);
    host.changes->write_attribute("bus/pci/drivers_probe", vf.bdf.to_string());
  }
}

}  // namespace

bool set_vf_count(const host::Bdf& bdf, unsigned count, bool probe, const Host& host) {
  const host::PciFunction pf(bdf, host.sysfs);
  check_count(pf, count);
  // A run's: where this is killed, the next to come sets back what is only for the moment.
  Lease lease(bdf, Owner::kRun, host);
  const auto before = pf.virtual_functions();
  if (before.size() == count) {
    if (probe) probe_vfs(pf, lease, host);
    lease.release();
    return false;
  }
  const std::vector<Lock> locks = lock_all(pf, host);
  if (count > 0) set_autoprobe(pf, probe, lease, host);
  const FormerVfs former(pf, host);
  // The kernel changes the number by way of none.
  if (!before.empty()) write_count(pf, 0, host);
  try {
    if (count > 0) write_count(pf, count, host);
  } catch (const Error&) {
    former.make_anew([&] { set_autoprobe(pf, false, lease, host); });
    throw;
  }
  forget_vfs(before, host);
  lease.release();
  return true;
}

}  // namespace strait::binding
