#include "binding/lease.h"

#include <unistd.h>

#include <exception>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/syscall.h"
#include "binding/function_paths.h"
#include "binding/undo.h"
#include "host/network_interface.h"
#include "host/pci_function.h"

namespace strait::binding {
namespace fs = std::filesystem;
namespace {

/// The configurations of all interfaces that go with the driver.
std::vector<nlohmann::json> read_interfaces(const host::Bdf& function, const Host& host) {
  std::vector<nlohmann::json> configs;
  for (const std::string& name : host::interfaces_of(function, host.sysfs)) {
    configs.push_back(host.changes->read_interface(name));
    configs.back()["device"] = interface_device(function, name, host.sysfs);
    configs.back()["dev_port"] = interface_text(function, name, "dev_port", host.sysfs);
    configs.back()["addr_assign_type"] = interface_text(function, name, "addr_assign_type", host.sysfs);
  }
  return configs;
}

void load_vfio(const Host& host) {
  const fs::path driver = host.sysfs / "bus/pci/drivers" / kVfioPci;
  std::error_code error;
  if (fs::exists(driver, error)) return;
  host.changes->load_module(std::string(kVfioPci));
  if (!fs::exists(driver, error)) throw Error("the kernel has no driver vfio-pci", "'modprobe vfio-pci' and the kernel's log say why");
}

}  // namespace

Lease::Lease(const host::Bdf& function, Owner owner, const Host& host) : Lease(Lock::take(function, host), owner, host) {}

Lease::Lease(Lock lock, Owner owner, const Host& host) : host_(host), records_(host.state, host.procfs), lock_(std::move(lock)) {
  record_.function = lock_->function();
  settle(*lock_, records_, host_);
  record_.owner = owner;
  record_.pid = ::getpid();
  record_.identity = identity_of(function(), host_.sysfs);
}

Lease::Lease(Lease&& other) noexcept
    : host_(std::move(other.host_)),
      records_(std::move(other.records_)),
      lock_(std::exchange(other.lock_, std::nullopt)),
      record_(std::move(other.record_)),
      saved_(other.saved_) {}

Lease::~Lease() {
  try {
    release();
  } catch (const std::exception& error) {
    log::error("{}", error.what());
  }
}

void Lease::save() {
  records_.save(record_);
  saved_ = true;
}

void Lease::remember_vf(const VfBefore& before) {
  record_.vf = before;
  save();
}

void Lease::remember_attribute(const std::string& path, const std::string& ours) {
  const std::string before = read_text_file(host_.sysfs / path);
  if (before == ours) return;
  record_.attributes.push_back(AttributeBefore{path, before, ours});
  save();
}

void Lease::remember_driver(const std::optional<Batch>& batch) {
  const host::PciFunction pci(function(), host_.sysfs);
  if (pci.on_vfio()) return;
  record_.batch = batch;
  record_.driver = DriverBefore{pci.driver(), pci.driver_override()};
  record_.interfaces = read_interfaces(function(), host_);
  save();
}

void Lease::bind() {
  if (!record_.driver) return;
  load_vfio(host_);
  const std::string name = function().to_string();
  const host::PciFunction pci(function(), host_.sysfs);
  host_.changes->write_attribute(attribute_path(function(), "driver_override"), kVfioPci);
  if (!pci.driver().empty()) host_.changes->write_attribute(attribute_path(function(), "driver/unbind"), name);
  host_.changes->write_attribute("bus/pci/drivers_probe", name);
  if (pci.driver() != kVfioPci) {
    throw Error(fmt::format("vfio-pci does not take {}", name), "the kernel's log (dmesg) says why");
  }
}

void Lease::release() {
  if (!lock_) return;
  const Lock lock = *std::exchange(lock_, std::nullopt);
  if (saved_) undo_and_remove(record_, records_, host_);
}

void Lease::complete() {
  if (!saved_) return;
  Record complete = record_;
  complete.complete = true;
  records_.save(complete);
  record_ = std::move(complete);
}

void Lease::keep() { lock_.reset(); }

}  // namespace strait::binding
