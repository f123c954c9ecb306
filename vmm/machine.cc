#include "vmm/machine.h"

#include <future>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "host/limits.h"
#include "host/pci_function.h"
#include "kvm/cpuid.h"

namespace strait {
namespace {

std::vector<std::uint32_t> apic_ids(std::uint32_t cpus) {
  std::vector<std::uint32_t> ids(cpus);
  for (std::uint32_t i = 0; i < cpus; ++i) ids[i] = i;
  return ids;
}

/// Of a device that host::check_assignable() has passed.
unsigned group_of(const DeviceSpec& device) { return host::PciFunction(device.bdf).iommu_group().value(); }

}  // namespace

Machine::Machine(const RunOptions& options, ConsoleOutput& console, std::function<void()> on_console_space, EndOfRun& end, EventLoop& loop,
                 PhaseClock& clock)
    : options_(options), end_(end), clock_(clock) {
  host::check_available_memory(options.memory);
  join_groups();
  plan_ = plan_addresses(options.memory, kvm::physical_address_bits(kvm_.supported_cpuid()),
                         container_ ? container_->usable_ranges() : std::vector<Range<Iova>>{});
  memory_ = std::make_unique<GuestMemory>(plan_.ram);
  ground_.emplace(BoardGround{.options = options_,
                              .kvm = kvm_,
                              .plan = plan_,
                              .memory = *memory_,
                              .container = container_.get(),
                              .before_bus_mastering = [this] { return mapping_->wait(); },
                              .console = console,
                              .on_console_space = std::move(on_console_space),
                              .end = end_,
                              .loop = loop,
                              .clock = clock_});
  make_board(boot::MemoryState::kZero);
}

Machine::~Machine() {
  // Where the constructor's caller failed half-way, threads still wait for the end.
  end_.end({.code = exit_code::kFailed, .reason = "the machine was taken apart"});
}

/// Everything that can be wrong with the devices is found here, before memory is touched.
void Machine::join_groups() {
  if (options_.devices.empty()) return;
  for (const DeviceSpec& device : options_.devices) host::check_assignable(host::PciFunction(device.bdf));
  host::check_memlock(options_.memory);
  container_ = std::make_unique<vfio::Container>(options_.devices.front().container_fd);
  // Those handed over first: a group that somebody else has open cannot be opened for another device of it.
  for (const bool handed_over : {true, false}) {
    for (const DeviceSpec& device : options_.devices) {
      if (device.group_fd.has_value() == handed_over) container_->join(group_of(device), device.bdf.to_string(), device.group_fd);
    }
  }
  for (const DeviceSpec& device : options_.devices) {
    if (device.device_fd) container_->keep_device(group_of(device), device.bdf.to_string(), *device.device_fd);
  }
}

/// The kernel is read beside the making of everything else, which mostly waits: for the device's reset, for RCU in KVM.
void Machine::make_board(boot::MemoryState memory) {
  std::future<boot::EntryState> kernel = std::async(std::launch::async, [this, memory] { return load_kernel(memory); });
  board_ = std::make_unique<Board>(*ground_);
  entry_ = kernel.get();
}

boot::EntryState Machine::load_kernel(boot::MemoryState memory) {
  if (!image_) {
    boot::BootSpec spec = options_.boot;
    spec.acpi.apic_ids = apic_ids(options_.cpus);
    spec.acpi.mmio64 = plan_.mmio64;
    image_.emplace(boot::Image::open(std::move(spec)));
  }
  const boot::EntryState entry = image_->load(*memory_, memory);
  clock_.mark(PhaseClock::kKernelLoaded);
  return entry;
}

void Machine::start() {
  clock_.mark(PhaseClock::kFirstEntry);
  if (container_ && !mapping_) mapping_ = std::make_unique<BackgroundMapping>(*memory_, *container_, end_, clock_);
  board_->start(entry_);
  image_->settle();
}

void Machine::stop() { board_->stop(); }

void Machine::reboot() {
  add_counts(past_boards_, board_->metrics());
  ++reboots_;
  board_.reset();
  make_board(boot::MemoryState::kUsed);
}

void Machine::add_to(nlohmann::json& metrics) const {
  nlohmann::json counts = past_boards_;
  add_counts(counts, board_->metrics());
  metrics.update(counts);
  if (container_) {
    const auto dma = container_->statistics();
    metrics["dma"] = {{"map_calls", dma.map_calls}, {"bytes", dma.bytes}, {"map_ns", dma.nanoseconds}};
  }
  metrics["guest"] = {{"memory_bytes", memory_->size()},
                      {"cpus", options_.cpus},
                      {"physical_bits", plan_.physical_bits},
                      {"protocol", image_->report().protocol},
                      {"mmio64_start", plan_.mmio64.start.value},
                      {"mmio64_bytes", plan_.mmio64.size},
                      {"reboots", reboots_}};
}

}  // namespace strait
