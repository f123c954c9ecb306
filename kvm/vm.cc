#include "kvm/vm.h"

#include "base/syscall.h"

namespace strait::kvm {

Vm::Vm(const Kvm& kvm, Gpa tss, Gpa identity_map) : kvm_(kvm) {
  fd_ = UniqueFd(checked_ioctl(kvm.fd(), KVM_CREATE_VM, 0UL, "creating a virtual machine (KVM_CREATE_VM)"));
  // Intel without unrestricted guest needs both; the identity map first, because it may not follow the first vCPU.
  std::uint64_t address = identity_map.value;
  checked_ioctl(fd_.get(), KVM_SET_IDENTITY_MAP_ADDR, &address, "KVM_SET_IDENTITY_MAP_ADDR");
  checked_ioctl(fd_.get(), KVM_SET_TSS_ADDR, tss.value, "KVM_SET_TSS_ADDR");
  checked_ioctl(fd_.get(), KVM_CREATE_IRQCHIP, "KVM_CREATE_IRQCHIP");
  kvm_pit_config pit = {};
  // The dummy speaker port: without it every read of port 0x61, which calibration loops spin on, is an exit to us.
  pit.flags = KVM_PIT_SPEAKER_DUMMY;
  checked_ioctl(fd_.get(), KVM_CREATE_PIT2, &pit, "KVM_CREATE_PIT2");
}

bool Vm::leave_idling_to_guest() const {
  kvm_enable_cap request = {};
  request.cap = KVM_CAP_X86_DISABLE_EXITS;
  request.args[0] = kvm_.idle_exits();
  checked_ioctl(fd_.get(), KVM_ENABLE_CAP, &request, "KVM_CAP_X86_DISABLE_EXITS");
  return (request.args[0] & KVM_X86_DISABLE_EXITS_MWAIT) != 0;
}

void Vm::set_irq(Gsi gsi, bool asserted) const {
  kvm_irq_level level = {};
  level.irq = gsi.value;
  level.level = asserted;
  try_ioctl(fd_.get(), KVM_IRQ_LINE, &level);
}

void Vm::signal_msi(const MsiMessage& message) const {
  kvm_msi request = {};
  request.address_lo = static_cast<std::uint32_t>(message.address);
  request.address_hi = static_cast<std::uint32_t>(message.address >> 32);
  request.data = message.data;
  try_ioctl(fd_.get(), KVM_SIGNAL_MSI, &request);
}

bool Vm::coalesce_writes(Port port, std::uint32_t size) const {
  if (kvm_.extension(KVM_CAP_COALESCED_PIO) <= 0) return false;
  kvm_coalesced_mmio_zone zone = {};
  zone.addr = port.value;
  zone.size = size;
  zone.pio = 1;
  return try_ioctl(fd_.get(), KVM_REGISTER_COALESCED_MMIO, &zone) == 0;
}

void Vm::add_vfio_group(int group_fd) {
  if (!vfio_device_) {
    kvm_create_device create = {};
    create.type = KVM_DEV_TYPE_VFIO;
    checked_ioctl(fd_.get(), KVM_CREATE_DEVICE, &create, "creating KVM's VFIO device");
    vfio_device_ = UniqueFd(static_cast<int>(create.fd));
  }
  const std::int32_t fd = group_fd;
  kvm_device_attr attribute = {};
  attribute.group = KVM_DEV_VFIO_GROUP;
  attribute.attr = KVM_DEV_VFIO_GROUP_ADD;
  attribute.addr = reinterpret_cast<std::uint64_t>(&fd);
  checked_ioctl(vfio_device_.get(), KVM_SET_DEVICE_ATTR, &attribute, "telling KVM of the VFIO group");
}

void Vm::remove_vfio_group(int group_fd) {
  const std::int32_t fd = group_fd;
  kvm_device_attr attribute = {};
  attribute.group = KVM_DEV_VFIO_GROUP;
  attribute.attr = KVM_DEV_VFIO_GROUP_DEL;
  attribute.addr = reinterpret_cast<std::uint64_t>(&fd);
  if (vfio_device_) try_ioctl(vfio_device_.get(), KVM_SET_DEVICE_ATTR, &attribute);
}

}  // namespace strait::kvm
