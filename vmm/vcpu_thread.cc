#include "vmm/vcpu_thread.h"

#include <pthread.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"

namespace strait {
namespace {

/// Wakes a vCPU thread out of KVM_RUN, or out of a write to a slow console. Its handler does nothing.
int kick_signal() { return SIGRTMIN; }

void install_kick_handler() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  ::sigaction(kick_signal(), &action, nullptr);
}

/// The mask was inherited through exec, and may be anything.
void unblock_kicks() {
  sigset_t kicks;
  ::sigemptyset(&kicks);
  ::sigaddset(&kicks, kick_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &kicks, nullptr);
}

}  // namespace

VcpuThread::VcpuThread(kvm::Vcpu& vcpu, const ExitTargets& targets, VcpuScheduling scheduling)
    : vcpu_(vcpu), targets_(targets), scheduling_(std::move(scheduling)) {
  install_kick_handler();
  thread_ = std::jthread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), fmt::format("vcpu{}", vcpu.index()).c_str());
}

VcpuThread::~VcpuThread() { join(); }

void VcpuThread::join() {
  stop();
  // The first signal may arrive just before a blocking call other than KVM_RUN: repeat until the thread is out.
  while (!finished_) {
    interrupt();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (thread_.joinable()) thread_.join();
}

void VcpuThread::stop() {
  stopping_ = true;
  if (!finished_) interrupt();
  resume();
}

void VcpuThread::interrupt() {
  vcpu_.kick();
  ::pthread_kill(thread_.native_handle(), kick_signal());
}

bool VcpuThread::pause(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  pausing_ = true;
  while (!parked_ && !finished_) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    interrupt();
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

void VcpuThread::resume() {
  if (!stopping_) vcpu_.clear_kick();
  pausing_ = false;
  pausing_.notify_all();
}

void VcpuThread::park() {
  parked_ = true;
  pausing_.wait(true);
  parked_ = false;
}

/// What was possible when the run began may no longer be: a processor went offline, a cgroup lost it. False where the guest is not to be
/// entered.
bool VcpuThread::settle() {
  const auto& [cpus, priority, dedicated] = scheduling_;
  if (!cpus.empty()) {
    // In a VM's first KVM_RUN the kernel starts a thread of its own (since Linux 6.14), which runs where its maker does for as long as the VM
    // lives. That must not be here.
    vcpu_.run_nowhere();
    if (const int result = set_thread_affinity(cpus); result < 0) {
      const std::string why = fmt::format("vCPU {} is not pinned to CPU {}: {}", vcpu_.index(), to_string(cpus), std::strerror(-result));
      if (!dedicated) {
        log::warning("{}", why);
        return true;
      }
      // It would keep the processor of others for itself.
      if (targets_.end.end({.code = exit_code::kFailed, .reason = why})) log::error("{}; see that this CPU is online and in strait's cpuset", why);
      return false;
    }
  }
  const int result = priority == 0 ? 0 : set_thread_priority(priority);
  if (result < 0) log::warning("vCPU {} has no real-time priority {}: {}", vcpu_.index(), priority, std::strerror(-result));
  return true;
}

void VcpuThread::run() {
  unblock_kicks();
  if (!settle()) stopping_ = true;
  while (!stopping_ && !targets_.end.ended()) {
    if (pausing_) {
      park();
      continue;
    }
    const int result = vcpu_.run();
    const ExitTimes::Timer timer(exit_times_);
    if (result == 0) {
      exits_[std::min<std::size_t>(vcpu_.area().exit_reason, kReasons - 1)].add();
      faults_in_a_row_ = 0;
      handle_exit();
    } else {
      exits_[KVM_EXIT_INTR].add();
      if (result == -EFAULT) {
        handle_fault();
      } else if (result != -EINTR && result != -EAGAIN) {
        crash(fmt::format("KVM_RUN: {}", std::strerror(-result)));
      }
    }
  }
  finished_ = true;
}

void VcpuThread::handle_exit() {
  if (targets_.coalesced != nullptr) targets_.coalesced->drain(targets_.ports);
  kvm_run& area = vcpu_.area();
  switch (area.exit_reason) {
    case KVM_EXIT_IO: handle_io(); break;
    case KVM_EXIT_MMIO: handle_mmio(); break;
    case KVM_EXIT_SYSTEM_EVENT: handle_system_event(); break;
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN: break;
    case KVM_EXIT_SHUTDOWN: crash("the guest crashed: triple fault"); break;
    case KVM_EXIT_FAIL_ENTRY:
      crash(fmt::format("the processor refused to enter the guest, hardware reason {:#x}", area.fail_entry.hardware_entry_failure_reason));
      break;
    case KVM_EXIT_INTERNAL_ERROR:
      crash(fmt::format("KVM internal error {}{}", area.internal.suberror, area.internal.suberror == 1 ? " (an instruction it cannot emulate)" : ""));
      break;
    default: crash(fmt::format("KVM left the guest for a reason that strait does not know: {}", area.exit_reason));
  }
}

void VcpuThread::handle_io() {
  kvm_run& area = vcpu_.area();
  auto* data = reinterpret_cast<std::uint8_t*>(&area) + area.io.data_offset;
  for (std::uint32_t i = 0; i < area.io.count; ++i, data += area.io.size) {
    if (area.io.direction == KVM_EXIT_IO_OUT) {
      targets_.ports.write(area.io.port, {data, area.io.size});
    } else {
      targets_.ports.read(area.io.port, {data, area.io.size});
    }
  }
}

void VcpuThread::handle_mmio() {
  auto& mmio = vcpu_.area().mmio;
  const std::size_t size = std::min<std::size_t>(mmio.len, sizeof mmio.data);
  if (mmio.is_write != 0) {
    targets_.mmio.write(mmio.phys_addr, {mmio.data, size});
  } else {
    targets_.mmio.read(mmio.phys_addr, {mmio.data, size});
  }
}

void VcpuThread::handle_system_event() {
  switch (vcpu_.area().system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN: targets_.end.end({.reason = "the guest powered off"}); break;
    case KVM_SYSTEM_EVENT_RESET: targets_.end.end({.reason = "the guest asked for a reboot", .reboot = true}); break;
    case KVM_SYSTEM_EVENT_CRASH: targets_.end.end({.code = exit_code::kGuestPanic, .reason = "the guest panicked"}); break;
    default: break;
  }
}

void VcpuThread::handle_fault() {
  targets_.on_fault(faults_in_a_row_);
  // With the mapping gone the access comes back as a trap. What keeps faulting is no BAR; give others time before giving up.
  if (++faults_in_a_row_ > 1000) {
    crash("the guest reached for memory that the host no longer has (KVM_RUN: Bad address)");
  } else if (faults_in_a_row_ > 10) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void VcpuThread::crash(std::string why) {
  if (targets_.end.end({.code = exit_code::kGuestCrashed, .reason = why})) log::error("vCPU {}: {}; {}", vcpu_.index(), why, vcpu_.describe());
  stopping_ = true;
}

const char* exit_reason_name(std::size_t reason) {
  switch (reason) {
    case KVM_EXIT_IO: return "io";
    case KVM_EXIT_MMIO: return "mmio";
    case KVM_EXIT_HLT: return "hlt";
    case KVM_EXIT_INTR: return "intr";
    case KVM_EXIT_SHUTDOWN: return "shutdown";
    case KVM_EXIT_SYSTEM_EVENT: return "system_event";
    case KVM_EXIT_INTERNAL_ERROR: return "internal_error";
    case KVM_EXIT_FAIL_ENTRY: return "fail_entry";
    case KVM_EXIT_IRQ_WINDOW_OPEN: return "irq_window_open";
    default: return "other";
  }
}

}  // namespace strait
