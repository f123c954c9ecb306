#include "binding/undo.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/syscall.h"
#include "binding/attempts.h"
#include "binding/function_paths.h"
#include "binding/obstacles.h"
#include "binding/vf_undo.h"
#include "host/pci_function.h"

namespace strait::binding {
namespace fs = std::filesystem;
using Json = nlohmann::json;
namespace {

/// The driver's part of undoing. The function's driver_override tells how far it is: strait's from before the function was taken until
/// everything that hangs on the driver is as it was.
class DriverUndo {
 public:
  DriverUndo(const host::Bdf& bdf, const DriverBefore& before, const Host& host)
      : function_(bdf, host.sysfs), before_(before), host_(host), name_(bdf.to_string()) {}

  /// Gives the function back to its driver, unless it is somebody else's by now.
  void give_back() {
    const std::string now = function_.driver();
    if (now == before_.driver) return;
    if (!now.empty() && now != kVfioPci) return leave(fmt::format("somebody else has bound it to {}", now));
    if (!is_ours() && function_.driver_override() != before_.driver_override) {
      return leave("its driver_override has been changed by somebody else");
    }
    if (!now.empty()) unbind();
    if (!before_.driver.empty()) probe();
  }
  /// Whether the function is on that driver again by strait's doing, with nobody else's since.
  bool is_given_back() const { return function_.driver() == before_.driver && is_ours(); }

  bool is_left() const { return left_; }

  void override_back() {
    if (is_ours()) set_override(before_.driver_override);
  }

 private:
  bool is_ours() const {
    const std::string now = function_.driver_override();
    return now == kVfioPci || (!now.empty() && now == before_.driver);
  }

  void leave(const std::string& why) {
    log::warning("{} stays as it is: {}", name_, why);
    left_ = true;
  }

  void set_override(const std::string& text) {
    if (function_.driver_override() == text) return;
    // A line that is empty removes it.
    host_.changes->write_attribute(attribute_path(function_.bdf(), "driver_override"), text + "\n");
  }

  void unbind() {
    // Named before it is free, so that no other driver gets it in between. A VF gets none without, where its PF's autoprobe is off.
    set_override(before_.driver.empty() ? std::string(kVfioPci) : before_.driver);
    host_.changes->write_attribute(attribute_path(function_.bdf(), "driver/unbind"), name_);
  }

  void probe() {
    std::error_code error;
    if (!fs::exists(host_.sysfs / "bus/pci/drivers" / before_.driver, error)) host_.changes->load_module(before_.driver);
    set_override(before_.driver);
    host_.changes->write_attribute("bus/pci/drivers_probe", name_);
    if (function_.driver() != before_.driver) {
      throw Error(fmt::format("{} was bound to {}, which does not take it back", name_, before_.driver), "see the kernel's log (dmesg)");
    }
  }

  host::PciFunction function_;
  const DriverBefore& before_;
  const Host& host_;
  std::string name_;
  bool left_ = false;
};

/// The function's interfaces, of which a driver that takes its time is to make `count`: those that there are after some seconds. Throws Error
/// where it made none.
std::vector<std::string> await_interfaces(const host::Bdf& function, std::size_t count, HostChanges& changes) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  for (;;) {
    auto names = changes.settled_interfaces(function);
    const bool late = std::chrono::steady_clock::now() > deadline;
    if (names.size() >= count || (late && !names.empty())) return names;
    if (late) {
      throw Error(fmt::format("the driver of {} has not made its network interface", function.to_string()), "see the kernel's log (dmesg)");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Which of `names` each configuration is of, empty where none is: a name may be another now, but it is of the same device, and of that the
/// same port. The kernel may count buses of USB or virtio differently, though: then the port tells, and the name.
std::vector<std::string> assign_names(const std::vector<Json>& configs, const host::Bdf& function, std::vector<std::string> names,
                                      const fs::path& sysfs) {
  constexpr int kDevice = 4, kPort = 2, kName = 1;
  const auto likeness = [&](const Json& config, const std::string& name) {
    return (interface_device(function, name, sysfs) == config.value("device", std::string()) ? kDevice : 0) +
           (interface_text(function, name, "dev_port", sysfs) == config.at("dev_port").get<std::string>() ? kPort : 0) +
           (name == config.at("name").get<std::string>() ? kName : 0);
  };
  // What is certain first. Where one is missing, nothing is left to guess.
  const int least = names.size() < configs.size() ? kDevice + kPort : 0;
  std::vector<std::string> assigned(configs.size());
  for (const int wanted : {kDevice + kPort + kName, kDevice + kPort, least}) {
    for (std::size_t i = 0; i < configs.size(); ++i) {
      if (!assigned[i].empty() || names.empty()) continue;
      const auto best = std::ranges::max_element(names, {}, [&](const std::string& name) { return likeness(configs[i], name); });
      if (likeness(configs[i], *best) < wanted) continue;
      assigned[i] = *best;
      names.erase(best);
    }
  }
  return assigned;
}

void undo_interfaces(const Record& record, const Host& host, Attempts& attempts) {
  if (record.interfaces.empty()) return;
  std::vector<std::string> names;
  if (!attempts([&] { names = await_interfaces(record.function, record.interfaces.size(), *host.changes); })) return;
  attempts([&] { names = assign_names(record.interfaces, record.function, std::move(names), host.sysfs); });
  for (std::size_t i = 0; i < record.interfaces.size(); ++i) {
    const Json& config = record.interfaces[i];
    attempts([&] {
      if (i < names.size() && !names[i].empty()) return host.changes->restore_interface(names[i], config);
      // What somebody made on top of the driver's own, like a second interface of a radio, no driver makes again.
      log::warning("{}: the driver has not made {} again", record.function.to_string(), config.at("name").get<std::string>());
    });
  }
}

void undo_attribute(const AttributeBefore& attribute, const Host& host) {
  std::error_code error;
  if (!fs::exists(host.sysfs / attribute.path, error)) return;
  if (read_text_file(host.sysfs / attribute.path) != attribute.ours || attribute.before == attribute.ours) return;
  host.changes->write_attribute(attribute.path, attribute.before);
}

/// The driver, with the interfaces that it makes.
void undo_driver(const Record& record, const Host& host, Attempts& attempts) {
  DriverUndo driver(record.function, *record.driver, host);
  attempts([&] { driver.give_back(); });
  if (driver.is_given_back()) undo_interfaces(record, host, attempts);
  // While anything is left to do, the function stays marked as strait's.
  if (attempts.all_well() && (driver.is_given_back() || driver.is_left())) attempts([&] { driver.override_back(); });
}

/// Whether the function that the record is about is there.
bool is_there(const Record& record, const Host& host) {
  std::error_code error;
  return fs::exists(host.sysfs / "bus/pci/devices" / record.function.to_string(), error) &&
         identity_of(record.function, host.sysfs) == record.identity;
}

/// What strait bind bound stays, even where it was killed before it could say so of each function.
bool is_complete(const Record& record, const Records& records) {
  if (record.complete || !record.batch || record.batch->first == record.function) return record.complete;
  const auto first = records.load(record.batch->first, Owner::kCommand);
  return first && first->complete && first->batch && first->batch->token == record.batch->token;
}

}  // namespace

void undo(const Record& record, const Host& host) {
  const std::string name = record.function.to_string();
  if (!is_there(record, host)) {
    log::warning("{} is gone, or another device than the one that strait took: nothing of it is restored", name);
    return;
  }
  // Nothing is changed under a process that has it, not even at its PF.
  if (record.vf || record.driver) check_idle(record.function, host);
  Attempts attempts, driver;
  std::optional<VfUndo> vf;
  if (record.vf) vf.emplace(record, host);
  if (vf) vf->before_driver(attempts);
  if (record.driver) undo_driver(record, host, driver);
  if (vf && driver.all_well()) vf->after_driver(attempts);
  attempts([&] { driver.finish(); });
  for (auto one = record.attributes.rbegin(); one != record.attributes.rend(); ++one) {
    attempts([&] { undo_attribute(*one, host); });
  }
  attempts.finish(fmt::format("then 'strait release {}' tries again; to leave it as it is, remove {}", name,
                              Records(host.state, host.procfs).path_of(record.function, record.owner).native()));
}

void undo_and_remove(Record record, const Records& records, const Host& host) {
  if (record.complete) {
    record.complete = false;
    try {
      records.save(record);
    } catch (const Error& error) {
      log::debug("{}", error.what());
    }
  }
  undo(record, host);
  records.remove(record.function, record.owner);
}

bool settle(const Lock& lock, const Records& records, const Host& host) {
  const host::Bdf& function = lock.function();
  records.tidy(function);
  bool found = false;
  Attempts attempts;
  for (const Owner owner : {Owner::kRun, Owner::kCommand}) {
    attempts([&] {
      auto record = records.load(function, owner);
      if (!record) return;
      if (is_there(*record, host) && is_complete(*record, records)) {
        if (!std::exchange(record->complete, true)) records.save(*record);
        return;
      }
      found = true;
      undo_and_remove(*record, records, host);
    });
  }
  attempts.finish();
  return found;
}

}  // namespace strait::binding
