#include "vmm/board.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>

#include <fmt/format.h>

#include "base/error.h"
#include "boot/acpi/ports.h"
#include "boot/layout.h"
#include "devices/pci/bar.h"
#include "kvm/cpuid.h"

namespace strait {
namespace {

/// A fault may be a race that the next access no longer meets: only one that repeats means that a mapping is gone for good.
constexpr unsigned kFaultsToDistrust = 4;
constexpr std::chrono::seconds kPausePatience{1};
constexpr std::uint64_t kMaxRomSize = 16 * kMiB;

/// The quarter below 4 GiB where no RAM is: BARs, ECAM, IOAPIC, local APICs.
constexpr Range<Gpa> kUncached{boot::kLowRamEnd, kGiB};
static_assert(boot::kLowRamEnd.value == 3 * kGiB);

vfio::FunctionOptions function_options(const DeviceSpec& device) {
  vfio::FunctionOptions options{.rom = device.rom,
                                .rom_contents = {},
                                .direct = device.direct,
                                .dynamic_msix = device.dynamic_msix,
                                .multifunction = device.multifunction};
  if (!device.rom_file.empty()) {
    boot::naming("romfile " + device.rom_file, [&] {
      const auto file = boot::open_source(device.rom_file);
      if (file->size() == 0 || file->size() > kMaxRomSize) throw Error("is no expansion ROM: those have 1 byte to 16 MiB", "give another file");
      options.rom_contents.resize(file->size());
      file->read(0, options.rom_contents);
    });
  }
  return options;
}

/// Keeps vCPUs away from devices as long as it lives. Throws Error where one does not come out of what it does.
class Pause {
 public:
  explicit Pause(const std::vector<std::unique_ptr<VcpuThread>>& threads) : threads_(threads) {
    for (const auto& thread : threads_) {
      if (thread->pause(kPausePatience)) continue;
      resume();
      throw Error("a processor of the guest does not pause", "see that what reads strait's standard output goes on reading");
    }
  }
  ~Pause() { resume(); }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

 private:
  void resume() const {
    for (const auto& thread : threads_) thread->resume();
  }

  const std::vector<std::unique_ptr<VcpuThread>>& threads_;
};

}  // namespace

Board::Board(const BoardGround& ground) : ground_(ground) {
  make_vm();
  open_devices();
  make_vcpus();
}

void Board::make_vm() {
  vm_ = std::make_unique<kvm::Vm>(ground_.kvm, boot::kKvmTss, boot::kKvmIdentityMap);
  if (ground_.options.dedicated) mwait_ = vm_->leave_idling_to_guest();
  slots_ = std::make_unique<kvm::KvmMemorySlots>(*vm_);
  for (const auto& region : ground_.memory.regions()) slots_->add(region.start, region.host.bytes());
  router_ = std::make_unique<kvm::IrqRouter>(*vm_);
  unbatched_router_ = std::make_unique<kvm::UnbatchedRouter>(*router_);
  io_eventfds_ = std::make_unique<kvm::KvmIoEventfds>(*vm_);
  platform_ = std::make_unique<Platform>(*vm_, ground_.console, ground_.end,
                                         Platform::Config{ground_.options.exit_port, ground_.on_console_space, ground_.on_eject});
  ground_.clock.mark(PhaseClock::kVmMade);
}

void Board::open_devices() {
  pci::BarAllocator allocator(boot::kMmio32, ground_.plan.mmio64, boot::kBarPorts);
  if (!ground_.devices.empty()) assignments_ = open(ground_.devices);
  for (const auto& assignment : assignments_) {
    assignment->function().assign_addresses(allocator);
    assignment->attach(platform_->pci);
  }
  ground_.clock.mark(PhaseClock::kDevicesReady);
}

void Board::enter_container() {
  if (groups_) return;
  vfio::Container& container = *ground_.dma.container();
  groups_.emplace(container, [this](int group, bool joined) { joined ? vm_->add_vfio_group(group) : vm_->remove_vfio_group(group); });
  peer_slots_ = std::make_unique<vfio::PeerSlots>(*slots_, container);
}

void Board::leave_container() {
  peer_slots_.reset();
  groups_.reset();
}

std::vector<std::unique_ptr<Assignment>> Board::open(std::span<const DeviceSpec> devices) {
  enter_container();
  std::set<std::string> in_use;
  for (const auto& assignment : assignments_) in_use.insert(assignment->spec().bdf.to_string());
  std::vector<vfio::KernelDevice> opened = ground_.dma.open(devices, in_use);
  std::vector<std::unique_ptr<Assignment>> assignments;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    assignments.push_back(std::make_unique<Assignment>(devices[i], std::move(opened[i]), function_host(devices[i]), function_options(devices[i]),
                                                       all_of(ground_.options.pinning), ground_.loop, watch_handlers(devices[i])));
  }
  return assignments;
}

/// An error leaves the device in a state that nobody knows: the guest cannot go on with it.
DeviceWatch::Handlers Board::watch_handlers(const DeviceSpec& device) {
  const auto report_error = [this, name = device.bdf.to_string()] {
    ground_.end.end({.code = exit_code::kDeviceLost, .reason = name + " reported an uncorrectable error (AER)"});
  };
  return {.on_error = report_error, .on_request = [this, device] { ground_.on_request(device); }};
}

void Board::plug(std::span<const DeviceSpec> devices) {
  // Their BARs are the guest's to place, as with any device that comes later.
  std::vector<std::unique_ptr<Assignment>> coming = open(devices);
  {
    const Pause pause(threads_);
    for (auto& assignment : coming) {
      assignment->attach(platform_->pci);
      assignments_.push_back(std::move(assignment));
    }
  }
  for (const DeviceSpec& device : devices) platform_->slot_events.insert(device.address.slot);
  platform_->power.raise_event(boot::acpi::kSlotEvent);
}

void Board::ask_for(unsigned slot) {
  platform_->slot_events.want_back(slot);
  platform_->power.raise_event(boot::acpi::kSlotEvent);
}

void Board::unplug(unsigned slot) {
  const auto in_slot = [slot](const auto& assignment) { return assignment->spec().address.slot == slot; };
  std::vector<std::unique_ptr<Assignment>> leaving;
  {
    const Pause pause(threads_);
    for (const auto& assignment : assignments_) {
      if (!in_slot(assignment)) continue;
      add_counts(former_assignments_, nlohmann::json::array({assignment->metrics()}));
      assignment->withdraw();
    }
    platform_->slot_events.forget(slot);
    const auto rest = std::stable_partition(assignments_.begin(), assignments_.end(), std::not_fn(in_slot));
    std::move(rest, assignments_.end(), std::back_inserter(leaving));
    assignments_.erase(rest, assignments_.end());
  }
  // Closing takes as long as a reset, and the guest need not wait for it.
}

std::vector<DeviceSpec> Board::missing_devices() const {
  std::vector<DeviceSpec> missing;
  for (const auto& assignment : assignments_) {
    if (!assignment->answers()) missing.push_back(assignment->spec());
  }
  return missing;
}

std::vector<DeviceFacts> Board::facts() const {
  const auto now = std::chrono::steady_clock::now();
  std::vector<DeviceFacts> facts;
  for (const auto& assignment : assignments_) {
    const DeviceSpec& spec = assignment->spec();
    const bool plugged = started_ && assignment->attached() > *started_;
    const auto since = plugged ? assignment->attached() : started_.value_or(now);
    facts.push_back({.id = spec.bdf.to_string(),
                     .guest = spec.address.to_string(),
                     .leaving = false,
                     .wanted = false,
                     .plugged = plugged,
                     .on_bus = std::chrono::duration_cast<std::chrono::milliseconds>(now - since),
                     .function = assignment->function().facts()});
  }
  return facts;
}

InterruptRouter& Board::router_of(const DeviceSpec& device) {
  if (!device.irqfds) {
    if (!user_router_) user_router_ = std::make_unique<kvm::UserIrqRouter>(*vm_, *router_);
    return *user_router_;
  }
  return device.batched ? static_cast<InterruptRouter&>(*router_) : *unbatched_router_;
}

vfio::FunctionHost Board::function_host(const DeviceSpec& device) {
  vfio::FunctionInterrupts::Pins pins{};
  for (unsigned pin = 0; pin < pins.size(); ++pin) pins[pin] = boot::acpi::intx_gsi(device.address.slot, pin);
  // A device alone has no peers, if no other can come.
  const bool has_peers = ground_.devices.size() > 1 || !ground_.options.control_socket.empty();
  MemorySlots& slots = *slots_;
  MemorySlots& bar_slots = device.peers && has_peers ? *peer_slots_ : slots;
  IoEventfds* io_eventfds = device.io_eventfds ? io_eventfds_.get() : nullptr;
  return {slots, bar_slots, platform_->mmio, platform_->ports, router_of(device), pins, [this] { return ground_.dma.wait(); }, io_eventfds};
}

void Board::make_vcpus() {
  const Topology& topology = ground_.options.topology;
  const std::uint32_t cpus = topology.cpus();
  const auto limit = static_cast<std::uint32_t>(ground_.kvm.extension(KVM_CAP_MAX_VCPUS));
  if (cpus > limit) throw Error(fmt::format("this host's KVM allows {} vCPUs in a guest, not {}", limit, cpus), "give a smaller --cpus");
  const std::vector<kvm_cpuid_entry2> supported = ground_.kvm.supported_cpuid();
  const auto mwait = mwait_ ? std::optional(kvm::host_mwait_leaf()) : std::nullopt;
  for (std::uint32_t index = 0; index < cpus; ++index) {
    const std::uint32_t apic_id = topology.apic_id(index);
    vcpus_.push_back(std::make_unique<kvm::Vcpu>(*vm_, index, apic_id));
    kvm::Vcpu& vcpu = *vcpus_.back();
    vcpu.set_cpuid(kvm::guest_cpuid(supported, {.apic_id = apic_id,
                                                .topology = topology,
                                                .physical_bits = ground_.plan.physical_bits,
                                                .tsc_deadline = ground_.kvm.extension(KVM_CAP_TSC_DEADLINE_TIMER) > 0,
                                                .tsc_khz = vcpu.tsc_khz(),
                                                .real_time = ground_.options.dedicated,
                                                .mwait = mwait,
                                                .hide_kvm = ground_.options.hide_kvm}));
    vcpu.set_firmware_msrs(kUncached, ground_.plan.physical_bits, mwait_);
  }
  kvm_coalesced_mmio_ring* ring = vcpus_.front()->coalesced_ring();
  if (ring != nullptr && vm_->coalesce_writes(Port(pci::RootBus::kPortsStart), 4)) coalesced_.emplace(ring);
}

void Board::start(const boot::EntryState& entry) {
  vcpus_.front()->set_entry_state(entry);
  started_ = std::chrono::steady_clock::now();
  const ExitTargets targets{.mmio = platform_->mmio,
                            .ports = platform_->ports,
                            .coalesced = coalesced_ ? &*coalesced_ : nullptr,
                            .end = ground_.end,
                            .on_fault = [this](unsigned times) {
                              for (const auto& device : assignments_) device->function().handle_fault(times >= kFaultsToDistrust);
                            }};
  for (std::size_t i = 0; i < vcpus_.size(); ++i) {
    threads_.push_back(std::make_unique<VcpuThread>(*vcpus_[i], targets,
                                                    VcpuScheduling{.cpus = ground_.placement.vcpus[i],
                                                                   .priority = ground_.options.priority,
                                                                   .dedicated = ground_.options.dedicated}));
  }
}

void Board::stop() {
  for (const auto& thread : threads_) thread->stop();
  for (const auto& thread : threads_) thread->join();
}

}  // namespace strait
