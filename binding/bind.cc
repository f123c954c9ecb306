#include "binding/bind.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <list>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "binding/attempts.h"
#include "binding/lease.h"
#include "binding/obstacles.h"
#include "binding/undo.h"
#include "host/pci_function.h"

namespace strait::binding {
namespace {

/// Undoes and removes both records of a function. False where it has none.
bool release_one(const host::Bdf& function, const Records& records, const Host& host) {
  const Lock lock = Lock::take(function, host);
  Attempts attempts;
  bool found = false;
  attempts([&] { found = settle(lock, records, host); });
  attempts([&] {
    auto record = records.load(function, Owner::kCommand);
    if (!record || !record->complete) return;
    found = true;
    undo_and_remove(*record, records, host);
  });
  attempts.finish();
  return found;
}

/// Where a bind of several was killed when it had noted that it is complete in the first of its records alone: in the others, too, before
/// that one goes.
void complete_others(const host::Bdf& first, const Records& records, const Host& host) {
  for (const host::Bdf& function : records.functions()) {
    if (function == first) continue;
    try {
      const auto record = records.load(function, Owner::kCommand);
      if (record && !record->complete && record->batch && record->batch->first == first) settle(Lock::take(function, host), records, host);
    } catch (const Error& error) {
      log::debug("{}", error.what());
    }
  }
}

/// Tells one bind from another.
std::string make_token() {
  return fmt::format("{}-{}", ::getpid(), std::chrono::steady_clock::now().time_since_epoch().count());
}

/// Whether a record is of an interface with this name or alternative name. One that is damaged is of none; whoever needs it is told.
bool had_interface(const Records& records, const host::Bdf& function, Owner owner, const std::string& name) {
  try {
    const auto record = records.load(function, owner);
    return record && std::ranges::any_of(record->interfaces, [&](const nlohmann::json& interface) {
             const nlohmann::json others = interface.value("altnames", nlohmann::json::array());
             return interface.value("name", "") == name || std::ranges::find(others, nlohmann::json(name)) != others.end();
           });
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

void bind(const std::vector<host::Bdf>& functions, bool force, const Host& host) {
  // In one order for everybody, so that no two wait for each other.
  const std::set<host::Bdf> ordered(functions.begin(), functions.end());
  for (const host::Bdf& function : ordered) identity_of(function, host.sysfs);  // All of them are there.
  std::list<Lease> leases;
  for (const host::Bdf& function : ordered) leases.emplace_back(function, Owner::kCommand, host);
  for (const Lease& lease : leases) {
    check_bindable(lease.function(), force, host);
    for (const std::string& loss : losses_of(lease.function(), host)) log::warning("{}", loss);
  }
  const auto on_host = std::ranges::find_if(ordered, [&](const host::Bdf& one) { return !host::is_on_vfio(one, host.sysfs); });
  if (on_host == ordered.end()) return;
  const Batch batch{.first = *on_host, .token = make_token()};
  for (Lease& lease : leases) lease.remember_driver(batch);
  for (Lease& lease : leases) lease.bind();
  for (Lease& lease : leases) lease.complete();
  for (Lease& lease : leases) lease.keep();
}

void release(const std::vector<host::Bdf>& functions, const Host& host) {
  const Records records(host.state, host.procfs);
  for (const host::Bdf& function : functions) {
    complete_others(function, records, host);
    if (!release_one(function, records, host)) {
      throw Error(fmt::format("strait has not taken {}", function.to_string()),
                  "there is nothing to release; strait devices shows who has it");
    }
  }
}

std::vector<host::Bdf> release_stale(const Host& host, const std::function<void(const std::string&)>& complain) {
  const Records records(host.state, host.procfs);
  std::vector<host::Bdf> done;
  for (const host::Bdf& function : records.functions_with_files()) {
    try {
      const auto lock = Lock::try_take(function, host.run);
      if (lock && settle(*lock, records, host)) done.push_back(function);
    } catch (const std::exception& error) {
      complain(error.what());
    }
  }
  return done;
}

std::vector<host::Bdf> taken(const Host& host) { return Records(host.state, host.procfs).functions(); }

std::vector<host::Bdf> taken_with_interface(const std::string& name, const Host& host) {
  const Records records(host.state, host.procfs);
  auto functions = records.functions();
  std::erase_if(functions, [&](const host::Bdf& function) {
    return !had_interface(records, function, Owner::kCommand, name) && !had_interface(records, function, Owner::kRun, name);
  });
  return functions;
}

}  // namespace strait::binding
