#include "kvm/irq_router.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/log.h"
#include "base/syscall.h"

namespace strait::kvm {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

constexpr std::uint32_t kPicPins = 8;  // each of the two
constexpr std::uint32_t kIoapicPins = 24;
constexpr std::uint32_t kFirstMessageGsi = kIoapicPins;

/// GSI n is IOAPIC pin n and, below 16, PIC pin n; but the PIT's GSI 0 arrives at IOAPIC pin 2, where the MADT's override and
/// every operating system expect it (KVM's own table at first has pin 0). Part of every table, because each replaces the last.
std::vector<kvm_irq_routing_entry> pin_routes() {
  std::vector<kvm_irq_routing_entry> entries;
  const auto add = [&](std::uint32_t gsi, std::uint32_t chip, std::uint32_t pin) {
    kvm_irq_routing_entry entry = {};
    entry.gsi = gsi;
    entry.type = KVM_IRQ_ROUTING_IRQCHIP;
    entry.u.irqchip.irqchip = chip;
    entry.u.irqchip.pin = pin;
    entries.push_back(entry);
  };
  for (std::uint32_t gsi = 0; gsi < 2 * kPicPins; ++gsi) {
    add(gsi, gsi < kPicPins ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % kPicPins);
  }
  for (std::uint32_t gsi = 0; gsi < kIoapicPins; ++gsi) {
    if (gsi != 2) add(gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? 2 : gsi);
  }
  return entries;
}

}  // namespace

IrqRouter::IrqRouter(const Vm& vm)
    : vm_(vm), limit_(static_cast<std::size_t>(std::max(1024, vm.kvm().extension(KVM_CAP_IRQ_ROUTING))) - pin_routes().size()) {
  if (!commit()) throw Error("KVM refused the routes of the interrupt controllers' pins");
}

Gsi IrqRouter::allocate() {
  const std::lock_guard lock(mutex_);
  auto free = std::find_if(routes_.begin(), routes_.end(), [](const Route& route) { return !route.allocated; });
  if (free == routes_.end()) {
    if (routes_.size() >= limit_) throw Error(fmt::format("all {} interrupt routes of this host's KVM are in use", limit_));
    free = routes_.emplace(routes_.end());
  }
  free->allocated = true;
  return Gsi(kFirstMessageGsi + static_cast<std::uint32_t>(free - routes_.begin()));
}

void IrqRouter::release(Gsi gsi) {
  const std::lock_guard lock(mutex_);
  Route& route = routes_.at(gsi.value - kFirstMessageGsi);
  // The table may keep the stale route until the next commit: nothing signals it any more.
  dirty_ = dirty_ || route.message.has_value();
  route = {};
}

void IrqRouter::stage(Gsi gsi, const MsiMessage& message) {
  const std::lock_guard lock(mutex_);
  Route& route = routes_.at(gsi.value - kFirstMessageGsi);
  if (route.message == message) return;
  route.message = message;
  dirty_ = true;
}

bool IrqRouter::commit() {
  const std::lock_guard lock(mutex_);
  return !dirty_ || install();
}

bool IrqRouter::update() {
  const std::lock_guard lock(mutex_);
  return install();
}

bool IrqRouter::install() {
  std::vector<kvm_irq_routing_entry> entries = pin_routes();
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (!routes_[i].message) continue;
    kvm_irq_routing_entry entry = {};
    entry.gsi = kFirstMessageGsi + static_cast<std::uint32_t>(i);
    entry.type = KVM_IRQ_ROUTING_MSI;
    entry.u.msi.address_lo = static_cast<std::uint32_t>(routes_[i].message->address);
    entry.u.msi.address_hi = static_cast<std::uint32_t>(routes_[i].message->address >> 32);
    entry.u.msi.data = routes_[i].message->data;
    entries.push_back(entry);
  }
  std::vector<std::uint64_t> storage((sizeof(kvm_irq_routing) + entries.size() * sizeof(kvm_irq_routing_entry)) / 8 + 1);
  auto* table = reinterpret_cast<kvm_irq_routing*>(storage.data());
  table->nr = static_cast<std::uint32_t>(entries.size());
  std::memcpy(table->entries, entries.data(), entries.size() * sizeof entries[0]);
  routing_updates_.add();
  const int result = try_ioctl(vm_.fd(), KVM_SET_GSI_ROUTING, table);
  if (result < 0) {
    log::warning(guest_lines, "KVM refused a table of {} interrupt routes: {}", entries.size(), std::strerror(-result));
    return false;
  }
  dirty_ = false;
  return true;
}

bool IrqRouter::irqfd(Gsi gsi, int eventfd, std::uint32_t flags, int resample) {
  kvm_irqfd request = {};
  request.fd = static_cast<std::uint32_t>(eventfd);
  request.gsi = gsi.value;
  request.flags = flags;
  request.resamplefd = static_cast<std::uint32_t>(resample);
  irqfd_calls_.add();
  const int result = try_ioctl(vm_.fd(), KVM_IRQFD, &request);
  if (result < 0) log::warning(guest_lines, "KVM_IRQFD of GSI {} failed: {}", gsi.value, std::strerror(-result));
  return result >= 0;
}

bool IrqRouter::attach(Gsi gsi, int eventfd) { return irqfd(gsi, eventfd, 0); }
void IrqRouter::detach(Gsi gsi, int eventfd) { irqfd(gsi, eventfd, KVM_IRQFD_FLAG_DEASSIGN); }
bool IrqRouter::attach_level(Gsi gsi, int eventfd, int resample) { return irqfd(gsi, eventfd, KVM_IRQFD_FLAG_RESAMPLE, resample); }
void IrqRouter::detach_level(Gsi gsi, int eventfd) { detach(gsi, eventfd); }

}  // namespace strait::kvm
