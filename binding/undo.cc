#include "binding/undo.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/syscall.h"
#include "binding/function_paths.h"
#include "binding/obstacles.h"
#include "host/network_interface.h"
#include "host/pci_function.h"

namespace strait::binding {
namespace fs = std::filesystem;
using Json = nlohmann::json;
namespace {

/// The driver's part of undoing.
class DriverUndo {
 public:
  DriverUndo(const host::Bdf& bdf, const DriverBefore& before, const Host& host)
      : function_(bdf, host.sysfs), before_(before), host_(host), name_(bdf.to_string()) {}

  void run() {
    const bool ours = is_ours(function_.driver_override());
    if (function_.driver() == kVfioPci && before_.driver != kVfioPci) {
      if (!ours) return leave("its driver_override has been changed by somebody else");
      unbind();
    }
    const std::string driver = function_.driver();
    if (driver.empty() && !before_.driver.empty()) {
      if (!ours) return leave("its driver_override has been changed by somebody else");
      probe();
    } else if (driver != before_.driver) {
      leave(fmt::format("somebody else has bound it to {}", driver));
    }
    set_override(before_.driver_override);
  }

 private:
  bool is_ours(const std::string& text) const { return text == kVfioPci || text == before_.driver || text == before_.driver_override; }

  void leave(const std::string& why) const { log::warning("{} stays as it is: {}", name_, why); }

  void set_override(const std::string& text) {
    const std::string now = function_.driver_override();
    if (now == text || !is_ours(now)) return;
    // A line that is empty removes it.
    host_.changes->write_attribute(attribute_path(function_.bdf(), "driver_override"), text + "\n");
  }

  void unbind() {
    check_idle(function_.bdf(), host_);
    // Named before it is free, so that no other driver gets it in between. A VF gets none without, where its PF's autoprobe is off.
    set_override(before_.driver);
    host_.changes->write_attribute(attribute_path(function_.bdf(), "driver/unbind"), name_);
  }

  void probe() {
    std::error_code error;
    if (!fs::exists(host_.sysfs / "bus/pci/drivers" / before_.driver, error)) host_.changes->load_module(before_.driver);
    set_override(before_.driver);
    host_.changes->write_attribute("bus/pci/drivers_probe", name_);
    if (function_.driver() != before_.driver) {
      throw Error(fmt::format("{} was bound to {}, which does not take it back", name_, before_.driver),
                  fmt::format("see the kernel's log (dmesg), then 'strait release {}' tries again", name_));
    }
  }

  host::PciFunction function_;
  const DriverBefore& before_;
  const Host& host_;
  std::string name_;
};

/// The function's interfaces, of which a driver that takes its time is to make `count`.
std::vector<std::string> await_interfaces(const host::Bdf& function, std::size_t count, const fs::path& sysfs) {
  for (int left = 250;; --left) {
    const auto names = host::interfaces_of(function, sysfs);
    if (names.size() >= count) return names;
    if (left == 0) {
      throw Error(fmt::format("the driver of {} has not made its network interface", function.to_string()),
                  fmt::format("see the kernel's log (dmesg), then 'strait release {}' tries again", function.to_string()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// The one of `names` that the configuration is of: its name may be another now, but the port of the card is the same.
std::string interface_of(const Json& config, const host::Bdf& function, const std::vector<std::string>& names, const fs::path& sysfs) {
  const auto has_port = [&](const std::string& name) { return interface_port(function, name, sysfs) == config.at("dev_port"); };
  if (const auto same = std::ranges::find(names, config.at("name").get<std::string>()); same != names.end() && has_port(*same)) {
    return *same;
  }
  const auto found = std::ranges::find_if(names, has_port);
  return found == names.end() ? names.front() : *found;
}

void undo_interfaces(const Record& record, const Host& host) {
  if (record.interfaces.empty() || !record.driver) return;
  if (host::PciFunction(record.function, host.sysfs).driver() != record.driver->driver) return;
  auto names = await_interfaces(record.function, record.interfaces.size(), host.sysfs);
  for (const Json& config : record.interfaces) {
    const std::string name = interface_of(config, record.function, names, host.sysfs);
    host.changes->restore_interface(name, config);
    std::erase(names, name);
  }
}

void undo_attributes(const Record& record, const Host& host) {
  for (auto one = record.attributes.rbegin(); one != record.attributes.rend(); ++one) {
    std::error_code error;
    if (!fs::exists(host.sysfs / one->path, error)) continue;
    if (read_text_file(host.sysfs / one->path) != one->ours || one->before == one->ours) continue;
    host.changes->write_attribute(one->path, one->before);
  }
}

/// A bind or a release that was interrupted: on vfio-pci, with the override that strait bind leaves, it is bound.
bool is_half_done(const Record& record, const Host& host) {
  if (!record.driver || record.driver->driver == kVfioPci) return false;
  const host::PciFunction function(record.function, host.sysfs);
  return function.driver() != kVfioPci || (!record.driver->driver.empty() && function.driver_override() == record.driver->driver);
}

bool exists(const host::Bdf& function, const Host& host) {
  std::error_code error;
  return fs::exists(host.sysfs / "bus/pci/devices" / function.to_string(), error);
}

}  // namespace

void undo(const Record& record, const Host& host) {
  if (!exists(record.function, host)) {
    log::warning("{} is not there any more: nothing of it is restored", record.function.to_string());
    return;
  }
  if (identity_of(record.function, host.sysfs) != record.identity) {
    log::warning("{} is another device than the one that strait took: nothing of it is restored", record.function.to_string());
    return;
  }
  if (record.vf && exists(record.vf->pf, host)) host.changes->restore_vf(*record.vf);
  if (record.driver) DriverUndo(record.function, *record.driver, host).run();
  undo_interfaces(record, host);
  undo_attributes(record, host);
}

bool settle(const Lock& lock, const Records& records, const Host& host) {
  bool found = false;
  if (const auto run = records.load(lock.function(), Owner::kRun)) {
    undo(*run, host);
    records.remove(lock.function(), Owner::kRun);
    found = true;
  }
  const auto command = records.load(lock.function(), Owner::kCommand);
  if (!command || (exists(lock.function(), host) && !is_half_done(*command, host))) return found;
  undo(*command, host);
  records.remove(lock.function(), Owner::kCommand);
  return true;
}

}  // namespace strait::binding
