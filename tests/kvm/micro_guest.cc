#include "tests/kvm/micro_guest.h"

#include <array>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "boot/layout.h"
#include "kvm/cpuid.h"

namespace strait::test {
namespace {

constexpr Range<Gpa> kRam[] = {{Gpa(0), kRamSize}};

// Real-mode segments as raw descriptors: base 0; code of 64 KiB, data of 4 GiB.
constexpr std::uint64_t kCodeSegment = 0x00009b000000ffff;
constexpr std::uint64_t kFlatDataSegment = 0x008f93000000ffff;
constexpr std::uint64_t kTaskSegment = 0x00008b000000ffff;

boot::EntryState real_mode_state() {
  boot::EntryState state;
  state.rip = kCodeStart.value;
  state.rsp = 0x8000;
  state.cr0 = 0x10;  // ET, which is always set
  state.code = {.selector = 0, .descriptor = kCodeSegment};
  state.data = {.selector = 0, .descriptor = kFlatDataSegment};
  state.task = {.selector = 0, .descriptor = kTaskSegment};
  return state;
}

}  // namespace

MicroGuest::MicroGuest(std::uint32_t cpus, bool idles_inside)
    : memory(kRam),
      vm(kvm, boot::kKvmTss, boot::kKvmIdentityMap),
      slots(vm),
      router(vm),
      platform(vm, console, end, Platform::Config{.exit_port = kExitPort, .on_console_space = {}, .on_eject = {}}) {
  if (idles_inside) vm.leave_idling_to_guest();
  slots.add(Gpa(0), memory.regions().front().host.bytes());
  const auto supported = kvm.supported_cpuid();
  for (std::uint32_t id = 0; id < cpus; ++id) {
    vcpus.push_back(std::make_unique<kvm::Vcpu>(vm, id, id));
    const kvm::CpuidSpec spec{.apic_id = id, .topology = {.sockets = 1, .cores = cpus, .threads = 1}, .physical_bits = 40, .tsc_deadline = true, .tsc_khz = 0};
    vcpus.back()->set_cpuid(kvm::guest_cpuid(supported, spec));
  }
  vcpus.front()->set_entry_state(real_mode_state());
  kvm_coalesced_mmio_ring* ring = vcpus.front()->coalesced_ring();
  if (ring != nullptr && vm.coalesce_writes(Port(pci::RootBus::kPortsStart), 4)) coalesced.emplace(ring);
  const std::array<std::uint8_t, 6> idt_pointer = {0xff, 0x03};  // limit 0x3ff, base 0
  memory.write(kIdtPointer, idt_pointer);
}

MicroGuest::~MicroGuest() { stop(); }

void MicroGuest::set_handler(std::uint8_t vector, std::span<const std::uint8_t> code) {
  memory.write(kHandler, code);
  memory.write_object(Gpa(4u * vector), static_cast<std::uint32_t>(kHandler.value));
}

void MicroGuest::start() {
  const ExitTargets targets{.mmio = platform.mmio,
                            .ports = platform.ports,
                            .coalesced = coalesced ? &*coalesced : nullptr,
                            .end = end,
                            .on_fault = on_fault};
  for (const auto& vcpu : vcpus) threads.push_back(std::make_unique<VcpuThread>(*vcpu, targets, scheduling));
}

void MicroGuest::stop() {
  for (const auto& thread : threads) thread->stop();
  for (const auto& thread : threads) thread->join();
}

Outcome MicroGuest::wait() {
  const bool ended = eventually([this] { return end.ended(); });
  stop();
  if (!ended) {
    std::string registers;
    for (const auto& vcpu : vcpus) registers += "\nvCPU " + std::to_string(vcpu->index()) + ": " + vcpu->describe();
    ADD_FAILURE() << "the guest did not end" << registers;
    return {.code = -1, .reason = "no end"};
  }
  return end.outcome();
}

Outcome MicroGuest::run(std::span<const std::uint8_t> code) {
  load(kCodeStart, code);
  start();
  return wait();
}

std::uint32_t MicroGuest::result(std::uint64_t offset) const {
  auto& place = *reinterpret_cast<std::uint32_t*>(memory.slice(kResults + offset, 4)->data());
  return std::atomic_ref(place).load();
}

void MicroGuest::set_result(std::uint64_t offset, std::uint32_t value) const {
  auto& place = *reinterpret_cast<std::uint32_t*>(memory.slice(kResults + offset, 4)->data());
  std::atomic_ref(place).store(value);
}

std::uint64_t MicroGuest::exits(std::size_t reason) const {
  std::uint64_t total = 0;
  for (const auto& thread : threads) total += thread->exits().at(reason).value();
  return total;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + MicroGuest::kPatience;
  for (unsigned tries = 0; !condition(); ++tries) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (tries < 1000) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }
  return true;
}

void KvmTest::SetUp() {
  try {
    const kvm::Kvm kvm;
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
}

}  // namespace strait::test
