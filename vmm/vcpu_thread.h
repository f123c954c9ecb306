#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "base/counter.h"
#include "base/cpu_set.h"
#include "devices/bus.h"
#include "kvm/coalesced_writes.h"
#include "kvm/vcpu.h"
#include "vmm/end_of_run.h"
#include "vmm/exit_times.h"

namespace strait {

/// What a vCPU's exits reach.
struct ExitTargets {
  Bus& mmio;
  Bus& ports;
  kvm::CoalescedWrites* coalesced = nullptr;  ///< none where the host cannot
  EndOfRun& end;
  /// KVM could not reach guest memory that it was given (-EFAULT): a BAR whose host mapping was withdrawn. Told how often that happened to
  /// this vCPU since it last got anywhere.
  std::function<void(unsigned)> on_fault;
};

/// How the host runs a vCPU's thread.
struct VcpuScheduling {
  CpuSet cpus;       ///< where; empty for anywhere
  int priority = 0;  ///< of SCHED_FIFO, 1 to 99; 0 for that of other programs
  bool dedicated = false;  ///< `cpus` are its own, and nowhere else it may run
};

/// The thread of one vCPU: enters the guest, and answers what comes out. Runs from construction until it goes.
class VcpuThread {
 public:
  /// Exit reasons are counted by their KVM number up to here; larger ones count as the last.
  static constexpr std::size_t kReasons = 48;

  VcpuThread(kvm::Vcpu& vcpu, const ExitTargets& targets, VcpuScheduling scheduling = {});
  ~VcpuThread();
  VcpuThread(const VcpuThread&) = delete;
  VcpuThread& operator=(const VcpuThread&) = delete;

  /// Asks the thread to end, without waiting; join() and the destructor wait.
  void stop();
  void join();
  /// Keeps the thread out of the guest and away from all devices until resume(); returns when it is, which takes as long as the access that
  /// it is in. False where that is longer than `patience`, as where nobody reads what the guest writes to its console. For whoever takes
  /// a device away. Not from the thread itself; one caller at a time.
  bool pause(std::chrono::milliseconds patience);
  void resume();
  /// Returns from KVM_RUN by exit reason; those that a signal caused are KVM_EXIT_INTR.
  const std::array<Counter, kReasons>& exits() const { return exits_; }
  const ExitTimes& exit_times() const { return exit_times_; }

 private:
  void run();
  bool settle();
  void park();
  void interrupt();
  void handle_exit();
  void handle_io();
  void handle_mmio();
  void handle_system_event();
  void handle_fault();
  void crash(std::string why);

  kvm::Vcpu& vcpu_;
  ExitTargets targets_;
  const VcpuScheduling scheduling_;
  std::array<Counter, kReasons> exits_;
  ExitTimes exit_times_;
  unsigned faults_in_a_row_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> finished_ = false;
  std::atomic<bool> pausing_ = false;
  std::atomic<bool> parked_ = false;
  std::jthread thread_;
};

/// The name of a KVM exit reason, as the KVM API document spells it without KVM_EXIT_, in lower case.
const char* exit_reason_name(std::size_t reason);

}  // namespace strait
