#include "kvm/io_eventfds.h"

#include <cstring>

#include "base/log.h"
#include "base/syscall.h"

namespace strait::kvm {
namespace {

/// Lines that the guest can cause again and again.
log::Budget guest_lines;

int io_eventfd(const Vm& vm, const GuestWrite& write, int eventfd, std::uint32_t flags) {
  kvm_ioeventfd request = {};
  request.datamatch = write.value;
  request.addr = write.address;
  request.len = write.size;
  request.fd = eventfd;
  request.flags = flags | KVM_IOEVENTFD_FLAG_DATAMATCH | (write.space == GuestWrite::Space::kPorts ? KVM_IOEVENTFD_FLAG_PIO : 0u);
  return try_ioctl(vm.fd(), KVM_IOEVENTFD, &request);
}

}  // namespace

bool KvmIoEventfds::add(const GuestWrite& write, int eventfd) {
  const int result = io_eventfd(vm_, write, eventfd, 0);
  if (result < 0) log::warning(guest_lines, "KVM_IOEVENTFD at {:#x} failed: {}", write.address, std::strerror(-result));
  return result >= 0;
}

void KvmIoEventfds::remove(const GuestWrite& write, int eventfd) { io_eventfd(vm_, write, eventfd, KVM_IOEVENTFD_FLAG_DEASSIGN); }

}  // namespace strait::kvm
