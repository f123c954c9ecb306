#include "vmm/machine.h"

#include <algorithm>
#include <chrono>
#include <future>

#include <fmt/format.h>

#include "base/error.h"
#include "base/held_signals.h"
#include "base/log.h"
#include "base/syscall.h"
#include "host/limits.h"
#include "host/pci_function.h"
#include "kvm/cpuid.h"
#include "vmm/device_groups.h"
#include "vmm/device_places.h"

namespace strait {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

/// How long a guest may take to let go of a device that its user wants out, and of one that the host waits for: five seconds of it a slot's
/// attention button asks for, and the driver of a card that is gone already waits for the answers to its last commands.
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::seconds kUrgentPatience{20};
/// How soon to ask again: a guest hears its first events before it has found its devices, and does nothing about them.
constexpr std::chrono::seconds kReminder{1};
/// How soon to try again where a processor of the guest does not pause, because nobody reads what it writes to the console.
constexpr std::chrono::seconds kRetryPause{2};

/// Where devices can come there is a way for each slot; otherwise only for those that may have to go.
std::uint32_t hotplug_slots(const RunOptions& options) {
  constexpr std::uint32_t kAllButTheHostBridge = ~1u;
  if (!options.control_socket.empty()) return kAllButTheHostBridge;
  std::uint32_t slots = 0;
  for (const DeviceSpec& device : options.devices) slots |= 1u << device.address.slot;
  return slots;
}

/// The host's memory bandwidth is used up well before this many threads zero pages.
constexpr unsigned kMaxPrefaultThreads = 16;

/// Before the guest runs, every processor may help.
unsigned foreground_threads(const RunOptions& options) {
  return options.prefault_threads != 0 ? options.prefault_threads : std::min(host::usable_cpus(), kMaxPrefaultThreads);
}

/// Beside the guest, one is left for it.
unsigned background_threads(const RunOptions& options) {
  return options.prefault_threads != 0 ? options.prefault_threads : std::clamp(host::usable_cpus() - 1, 1u, kMaxPrefaultThreads);
}

unsigned slot_of(const DeviceSpec& device) { return device.address.slot; }

std::vector<std::uint32_t> apic_ids(const Topology& topology) {
  std::vector<std::uint32_t> ids(topology.cpus());
  for (std::uint32_t i = 0; i < ids.size(); ++i) ids[i] = topology.apic_id(i);
  return ids;
}

}  // namespace

Machine::Machine(const RunOptions& options, Placement placement, ConsoleOutput& console, std::function<void()> on_console_space, EndOfRun& end,
                 EventLoop& loop, PhaseClock& clock)
    : options_(options),
      end_(end),
      loop_(loop),
      clock_(clock),
      devices_(options.devices),
      placement_(std::move(placement)),
      dma_(options.memory),
      ejected_(make_eventfd()),
      removals_(loop, [this](unsigned slot) { give_up(slot); }),
      reminders_(loop, [this](unsigned slot) { remind(slot); }),
      retries_(loop, [this](unsigned slot) { release(slot); }) {
  // Everything that can be wrong with the devices is found here, before memory is touched.
  if (!devices_.empty()) dma_.join(devices_);
  plan_ = plan_addresses(options.memory, kvm::physical_address_bits(kvm_.supported_cpuid()),
                         devices_.empty() ? std::vector<Range<Iova>>{} : dma_.container()->usable_ranges(), page_size(options.huge_pages));
  memory_ = std::make_unique<GuestMemory>(plan_.ram, options.huge_pages);
  bind(*memory_, placement_);
  if (options.prefault) prefault();
  loop_.add(ejected_.get(), [this] { release_ejected(); });
  ground_.emplace(BoardGround{.options = options_,
                              .kvm = kvm_,
                              .plan = plan_,
                              .placement = placement_,
                              .memory = *memory_,
                              .devices = devices_,
                              .dma = dma_,
                              .console = console,
                              .on_console_space = std::move(on_console_space),
                              .on_eject =
                                  [this](std::uint32_t slots) {
                                    ejected_slots_ |= slots;
                                    signal_eventfd(ejected_.get());
                                  },
                              .on_request = [this](const DeviceSpec& device) { give_back(device); },
                              .end = end_,
                              .loop = loop,
                              .clock = clock_});
  make_board(boot::MemoryState::kZero);
}

Machine::~Machine() {
  // Where the constructor's caller failed half-way, threads still wait for the end.
  end_.end({.code = exit_code::kFailed, .reason = "the machine was taken apart"});
  loop_.remove(ejected_.get());
}

/// A signal that ends the run, where it is held, ends this as well, and the run soon after.
void Machine::prefault() {
  const auto start = std::chrono::steady_clock::now();
  memory_->prefault(foreground_threads(options_), &HeldSignals::is_pending);
  prefault_time_ = std::chrono::steady_clock::now() - start;
  memory_is_present_ = true;
  clock_.mark(PhaseClock::kMemoryReady);
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
    spec.acpi.apic_ids = apic_ids(options_.topology);
    spec.acpi.mmio64 = plan_.mmio64;
    spec.acpi.hotplug_slots = hotplug_slots(options_);
    image_.emplace(boot::Image::open(std::move(spec)));
  }
  const boot::EntryState entry = image_->load(*memory_, memory);
  clock_.mark(PhaseClock::kKernelLoaded);
  return entry;
}

void Machine::start() {
  clock_.mark(PhaseClock::kFirstEntry);
  dma_.map(*memory_, memory_is_present_ ? 0 : background_threads(options_), {.on_present = [this] { clock_.mark(PhaseClock::kMemoryReady); },
                      .on_mapped = [this] { clock_.mark(PhaseClock::kDmaMapped); },
                      .on_failure =
                          [this](const std::string& why) {
                            if (end_.end({.code = exit_code::kFailed, .reason = why})) log::error("{}", why);
                          },
                      .is_over = [this] { return end_.ended(); }});
  board_->start(entry_);
  image_->settle();
}

void Machine::stop() { board_->stop(); }

void Machine::require_devices() {
  for (const DeviceSpec& device : board_->missing_devices()) {
    if (is_leaving(device)) continue;
    end_.end({.code = exit_code::kDeviceLost, .reason = device.bdf.to_string() + " is gone, and so cannot be reset for another boot"});
  }
}

void Machine::reboot() {
  add_counts(past_boards_, board_->metrics());
  ++reboots_;
  board_.reset();
  // All are closed, and those that were to go do not come back. Nor does one that the host took this very moment.
  const std::uint32_t ejected = ejected_slots_.exchange(0);
  std::erase_if(devices_, [&](const DeviceSpec& device) {
    const unsigned slot = device.address.slot;
    const bool leaves = is_leaving(device) || (ejected >> slot & 1) != 0 || !host::is_on_vfio(device.bdf);
    if (leaves) tell_return(device);
    return leaves;
  });
  for (unsigned slot = 0; slot < 32; ++slot) {
    removals_.finish(slot);
    retries_.finish(slot);
  }
  wanted_slots_ = 0;
  dma_.leave_all_but(devices_);
  make_board(boot::MemoryState::kUsed);
}

void Machine::add_device(const DeviceSpec& device) {
  if (device.device_fd || device.group_fd || device.container_fd) {
    throw UsageError(fmt::format("{}: descriptors are handed over when strait starts, not later", device.bdf.to_string()), "leave them out");
  }
  std::vector<DeviceSpec> devices = devices_;
  for (const DeviceSpec& one : expand_groups({&device, 1})) {
    if (std::ranges::find(devices_, one.bdf, &DeviceSpec::bdf) != devices_.end()) {
      throw Error(fmt::format("{} is assigned already", one.bdf.to_string()), "name one that is not");
    }
    devices.push_back(one);
  }
  place_devices(devices);
  const std::span added = std::span(devices).subspan(devices_.size());
  for (const DeviceSpec& one : added) {
    if (std::ranges::find(devices_, one.address.slot, slot_of) != devices_.end()) {
      throw Error(fmt::format("slot {:x} of the guest's bus is taken", one.address.slot), "give another addr=, or none");
    }
  }
  try {
    dma_.join(added);
    if (!ram_is_mappable(plan_, dma_.container()->usable_ranges())) {
      throw Error(fmt::format("the IOMMU of {} does not reach all of the guest's memory", device.bdf.to_string()),
                  "assign it when the guest starts: its memory is placed to suit the devices that it has then");
    }
    dma_.map(*memory_, memory_is_present_ ? 0 : background_threads(options_), {.on_present = [] {},
                        .on_mapped = [] {},
                        .on_failure = [](const std::string& why) { log::error("{}; until it is removed the device can do no DMA", why); },
                        .is_over = [this] { return end_.ended(); }});
    board_->plug(added);
  } catch (...) {
    leave_unused_groups();
    throw;
  }
  devices_ = std::move(devices);
}

void Machine::remove_device(const host::Bdf& bdf) {
  const auto found = std::ranges::find(devices_, bdf, &DeviceSpec::bdf);
  if (found == devices_.end()) throw Error(fmt::format("{} is not assigned", bdf.to_string()), "strait ctl SOCKET info lists the devices that are");
  ask_for(found->address.slot, kPatience);
}

void Machine::ask_for(unsigned slot, std::chrono::seconds patience) {
  removals_.start(slot, patience);
  remind(slot);
}

void Machine::remind(unsigned slot) {
  if (!removals_.under_way(slot)) return;
  board_->ask_for(slot);
  reminders_.start(slot, kReminder);
}

/// The host's remover waits, holding the kernel's device locks, until we have let go.
void Machine::give_back(const DeviceSpec& device) {
  const std::uint32_t bit = 1u << device.address.slot;
  if ((wanted_slots_ & bit) != 0) return;
  wanted_slots_ |= bit;
  log::warning("{} is wanted back by the host; asking the guest to let go", device.bdf.to_string());
  ask_for(device.address.slot, kUrgentPatience);
}

void Machine::release_ejected() {
  drain_eventfd(ejected_.get());
  const std::uint32_t slots = ejected_slots_.exchange(0);
  for (unsigned slot = 0; slot < 32; ++slot) {
    if ((slots >> slot & 1) != 0) release(slot);
  }
}

void Machine::release(unsigned slot) {
  const auto in_slot = [slot](const DeviceSpec& device) { return device.address.slot == slot; };
  if (std::ranges::none_of(devices_, in_slot)) return;
  try {
    board_->unplug(slot);
  } catch (const Error& error) {
    log::warning(guest_lines, "the device in slot {:x} cannot be given back yet: {}", slot, error.what());
    ejected_slots_ |= 1u << slot;
    retries_.start(slot, kRetryPause);
    return;
  }
  ejected_slots_ &= ~(1u << slot);
  for (const DeviceSpec& device : devices_) {
    if (in_slot(device)) tell_return(device);
  }
  std::erase_if(devices_, in_slot);
  leave_unused_groups();
  removals_.finish(slot);
  wanted_slots_ &= ~(1u << slot);
}

void Machine::leave_unused_groups() {
  if (devices_.empty()) board_->leave_container();
  dma_.leave_all_but(devices_);
}

/// A guest that is asked by the host and does not let go cannot go on: the device is taken away. Where only its user asked, it keeps it.
void Machine::give_up(unsigned slot) {
  const auto found = std::ranges::find(devices_, slot, slot_of);
  if (found == devices_.end()) return;
  const std::string name = found->bdf.to_string();
  if ((wanted_slots_ >> slot & 1) != 0) {
    end_.end({.code = exit_code::kDeviceLost, .reason = name + " is wanted back by the host, and the guest does not let go"});
  } else {
    log::warning("the guest does not let go of {}", name);
    board_->ask_no_longer_for(slot);
  }
}

void Machine::tell_return(const DeviceSpec& device) const {
  const bool wanted = (wanted_slots_ >> device.address.slot & 1) != 0;
  log::write(wanted ? log::Level::kWarning : log::Level::kInfo, device.bdf.to_string() + " was given back to the host");
}

std::vector<DeviceFacts> Machine::facts() const {
  std::vector<DeviceFacts> facts = board_->facts();
  for (DeviceFacts& one : facts) {
    const auto device = std::ranges::find(devices_, one.id, [](const DeviceSpec& spec) { return spec.bdf.to_string(); });
    if (device == devices_.end()) continue;
    one.leaving = is_leaving(*device);
    one.wanted = (wanted_slots_ >> device->address.slot & 1) != 0;
  }
  return facts;
}

void Machine::add_to(nlohmann::json& metrics) {
  nlohmann::json counts = past_boards_;
  add_counts(counts, board_->metrics());
  metrics.update(counts);
  if (vfio::Container* container = dma_.container()) {
    const auto dma = container->statistics();
    metrics["dma"] = {{"map_calls", dma.map_calls}, {"bytes", dma.bytes}, {"map_ns", dma.nanoseconds}};
  }
  metrics["guest"] = {{"memory_bytes", memory_->size()},
                      {"numa_node", placement_.node ? nlohmann::json(*placement_.node) : nlohmann::json()},
                      {"huge_pages", name_of(options_.huge_pages)},
                      {"prefault_ns", prefault_time_.count()},
                      {"cpus", options_.topology.cpus()},
                      {"physical_bits", plan_.physical_bits},
                      {"protocol", image_->report().protocol},
                      {"mmio64_start", plan_.mmio64.start.value},
                      {"mmio64_bytes", plan_.mmio64.size},
                      {"reboots", reboots_}};
}

}  // namespace strait
