#include "vmm/machine.h"

#include <algorithm>
#include <future>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "base/units.h"
#include "boot/acpi/ports.h"
#include "boot/layout.h"
#include "devices/pci/bar.h"
#include "host/limits.h"
#include "host/pci_function.h"
#include "kvm/cpuid.h"
#include "kvm/statistics.h"

namespace strait {
namespace {

/// A fault may be a race that the next access no longer meets: only one that repeats means that a mapping is gone for good.
constexpr unsigned kFaultsToDistrust = 4;
constexpr std::uint64_t kMaxRomSize = 16 * kMiB;

/// The quarter below 4 GiB where no RAM is: BARs, ECAM, IOAPIC, local APICs.
constexpr Range<Gpa> kUncached{boot::kLowRamEnd, kGiB};
static_assert(boot::kLowRamEnd.value == 3 * kGiB);

std::vector<std::uint32_t> apic_ids(std::uint32_t cpus) {
  std::vector<std::uint32_t> ids(cpus);
  for (std::uint32_t i = 0; i < cpus; ++i) ids[i] = i;
  return ids;
}

vfio::FunctionOptions function_options(const DeviceSpec& device) {
  vfio::FunctionOptions options{.rom = device.rom, .rom_contents = {}, .direct = device.direct};
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

}  // namespace

Machine::Machine(const RunOptions& options, ConsoleOutput& console, std::function<void()> on_console_space, EndOfRun& end, PhaseClock& clock)
    : options_(options), end_(end), clock_(clock) {
  host::check_available_memory(options.memory);
  join_groups();
  plan_ = plan_addresses(options.memory, kvm::physical_address_bits(kvm_.supported_cpuid()),
                         container_ ? container_->usable_ranges() : std::vector<Range<Iova>>{});

  memory_ = std::make_unique<GuestMemory>(plan_.ram);

  // The kernel is read beside the making of everything else, which mostly waits: for the device's reset, for RCU in KVM.
  std::future<boot::EntryState> kernel = std::async(std::launch::async, [this] { return load_kernel(); });
  make_vm(console, std::move(on_console_space));
  open_devices();
  make_vcpus();
  vcpus_.front()->set_entry_state(kernel.get());
}

boot::EntryState Machine::load_kernel() {
  boot::BootSpec spec = options_.boot;
  spec.acpi.apic_ids = apic_ids(options_.cpus);
  spec.acpi.mmio64 = plan_.mmio64;
  image_.emplace(boot::Image::open(std::move(spec)));
  const boot::EntryState entry = image_->load(*memory_);
  clock_.mark(PhaseClock::kKernelLoaded);
  return entry;
}

Machine::~Machine() {
  // Where the constructor's caller failed half-way, threads still wait for the end.
  end_.end({exit_code::kFailed, "the machine was taken apart"});
}

/// Everything that can be wrong with the devices is found here, before memory is touched.
void Machine::join_groups() {
  if (options_.devices.empty()) return;
  std::vector<host::PciFunction> functions;
  for (const DeviceSpec& device : options_.devices) {
    functions.emplace_back(device.bdf);
    host::check_assignable(functions.back());
  }
  host::check_memlock(options_.memory);
  container_ = std::make_unique<vfio::Container>();
  for (const host::PciFunction& function : functions) container_->join(*function.iommu_group(), function.bdf().to_string());
}

void Machine::make_vm(ConsoleOutput& console, std::function<void()> on_console_space) {
  vm_ = std::make_unique<kvm::Vm>(kvm_, boot::kKvmTss, boot::kKvmIdentityMap);
  slots_ = std::make_unique<kvm::KvmMemorySlots>(*vm_);
  for (const auto& region : memory_->regions()) slots_->add(region.start, region.host.bytes());
  router_ = std::make_unique<kvm::IrqRouter>(*vm_);
  platform_ = std::make_unique<Platform>(*vm_, console, end_, Platform::Config{options_.exit_port, std::move(on_console_space)});
  clock_.mark(PhaseClock::kVmMade);
}

void Machine::open_devices() {
  if (!container_) return;
  container_->observe_groups([this](int group, bool joined) { joined ? vm_->add_vfio_group(group) : vm_->remove_vfio_group(group); });
  peer_slots_ = std::make_unique<vfio::PeerSlots>(*slots_, *container_);
  pci::BarAllocator allocator(boot::kMmio32, plan_.mmio64, boot::kBarPorts);
  const std::vector<unsigned> slots = assign_slots(options_.devices);
  for (std::size_t i = 0; i < options_.devices.size(); ++i) {
    const DeviceSpec& device = options_.devices[i];
    const std::string name = device.bdf.to_string();
    const unsigned group = *host::PciFunction(device.bdf).iommu_group();
    devices_.push_back(std::make_unique<vfio::KernelDevice>(name, container_->open_device(group, name)));
    watch_host_events(*devices_.back());
    functions_.push_back(std::make_unique<vfio::AssignedFunction>(*devices_.back(), function_host(device, slots[i]), function_options(device)));
    functions_.back()->assign_addresses(allocator);
    platform_->pci.attach(slots[i], 0, *functions_.back());
  }
  clock_.mark(PhaseClock::kDevicesReady);
}

vfio::FunctionHost Machine::function_host(const DeviceSpec& device, unsigned slot) {
  vfio::FunctionInterrupts::Pins pins{};
  for (unsigned pin = 0; pin < pins.size(); ++pin) pins[pin] = boot::acpi::intx_gsi(slot, pin);
  // A device alone has no peers.
  MemorySlots& slots = *slots_;
  MemorySlots& bar_slots = device.peers && options_.devices.size() > 1 ? *peer_slots_ : slots;
  return {slots, bar_slots, platform_->mmio, platform_->ports, *router_, pins, [this] { return mapping_->wait(); }};
}

/// The remover of a device waits, holding the kernel's device locks, until we have let go; an error leaves the device in a state that nobody
/// knows. Either way the guest cannot go on with it.
void Machine::watch_host_events(vfio::AssignedDevice& device) {
  const std::pair<vfio::IrqIndex, const char*> kinds[] = {{vfio::IrqIndex::kError, "reported an uncorrectable error (AER)"},
                                                          {vfio::IrqIndex::kRequest, "is wanted back by the host"}};
  for (const auto& [index, what] : kinds) {
    if (device.irq_info(index).count == 0) continue;
    UniqueFd eventfd = make_eventfd();
    const int fd = eventfd.get();
    if (device.set_irqs(index, 0, {&fd, 1}) != 0) continue;
    host_events_.push_back({std::move(eventfd), fmt::format("{} {}", device.name(), what)});
  }
}

void Machine::make_vcpus() {
  const auto limit = static_cast<std::uint32_t>(kvm_.extension(KVM_CAP_MAX_VCPUS));
  if (options_.cpus > limit) throw Error(fmt::format("this host's KVM allows {} vCPUs in a guest, not {}", limit, options_.cpus), "give a smaller --cpus");
  const std::vector<kvm_cpuid_entry2> supported = kvm_.supported_cpuid();
  for (std::uint32_t id = 0; id < options_.cpus; ++id) {
    vcpus_.push_back(std::make_unique<kvm::Vcpu>(*vm_, id));
    kvm::Vcpu& vcpu = *vcpus_.back();
    vcpu.set_cpuid(kvm::guest_cpuid(supported, {.apic_id = id,
                                                .cpus = options_.cpus,
                                                .physical_bits = plan_.physical_bits,
                                                .tsc_deadline = kvm_.extension(KVM_CAP_TSC_DEADLINE_TIMER) > 0,
                                                .tsc_khz = vcpu.tsc_khz()}));
    vcpu.set_firmware_msrs(kUncached, plan_.physical_bits);
  }
  kvm_coalesced_mmio_ring* ring = vcpus_.front()->coalesced_ring();
  if (ring != nullptr && vm_->coalesce_writes(Port(pci::RootBus::kPortsStart), 4)) coalesced_.emplace(ring);
}

void Machine::start() {
  const ExitTargets targets{.mmio = platform_->mmio,
                            .ports = platform_->ports,
                            .coalesced = coalesced_ ? &*coalesced_ : nullptr,
                            .end = end_,
                            .on_fault = [this](unsigned times) {
                              for (const auto& function : functions_) function->handle_fault(times >= kFaultsToDistrust);
                            }};
  clock_.mark(PhaseClock::kFirstEntry);
  if (container_) mapping_ = std::make_unique<BackgroundMapping>(*memory_, *container_, end_, clock_);
  for (const auto& vcpu : vcpus_) threads_.push_back(std::make_unique<VcpuThread>(*vcpu, targets));
  image_->settle();
}

void Machine::stop() {
  for (const auto& thread : threads_) thread->stop();
  for (const auto& thread : threads_) thread->join();
  if (mapping_) mapping_->stop();
}

void Machine::add_to(nlohmann::json& metrics) const {
  nlohmann::json& exits = metrics["userspace_exits"];
  std::uint64_t total = 0;
  for (const auto& thread : threads_) {
    for (std::size_t reason = 0; reason < thread->exits().size(); ++reason) {
      const std::uint64_t count = thread->exits()[reason].value();
      if (count == 0) continue;
      auto& entry = exits["by_reason"][exit_reason_name(reason)];
      entry = (entry.is_null() ? 0 : entry.get<std::uint64_t>()) + count;
      total += count;
    }
  }
  exits["total"] = total;
  for (const auto* bus : {&platform_->ports, &platform_->mmio}) {
    for (const auto& [name, count] : bus->counts()) {
      if (count != 0) exits["by_device"][name == "none" ? (bus == &platform_->ports ? "no port" : "no mmio") : name] = count;
    }
  }
  for (const auto& vcpu : vcpus_) {
    nlohmann::json statistics;
    const UniqueFd fd = vcpu->statistics();
    for (const auto& [name, value] : kvm::read_statistics(fd.get())) {
      if (name.find("exits") != std::string::npos || name == "irq_injections") statistics[name] = value;
    }
    metrics["kvm"].push_back(statistics);
  }
  metrics["irq_routing"] = {{"set_gsi_routing_calls", router_->routing_updates()}, {"irqfd_calls", router_->irqfd_calls()}};
  metrics["memory_slot_updates"] = slots_->updates();
  if (container_) {
    const auto dma = container_->statistics();
    metrics["dma"] = {{"map_calls", dma.map_calls}, {"bytes", dma.bytes}, {"map_ns", dma.nanoseconds}};
  }
  metrics["devices"] = nlohmann::json::array();
  for (const auto& function : functions_) {
    const auto counts = function->statistics();
    metrics["devices"].push_back({{"name", function->name()},
                                  {"config_accesses", counts.config_accesses},
                                  {"bar_traps", counts.bar_traps},
                                  {"msix_table_traps", counts.msix_table_traps},
                                  {"route_updates", counts.route_updates},
                                  {"mapping_updates", counts.mapping_updates},
                                  {"armed_vectors", counts.armed_vectors}});
  }
  metrics["guest"] = {{"memory_bytes", memory_->size()},
                      {"cpus", vcpus_.size()},
                      {"physical_bits", plan_.physical_bits},
                      {"protocol", image_->report().protocol},
                      {"mmio64_start", plan_.mmio64.start.value},
                      {"mmio64_bytes", plan_.mmio64.size}};
}

}  // namespace strait
