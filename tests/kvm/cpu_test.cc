// What a vCPU is: CPUID, memory types, application processors, statistics.

#include "kvm/cpuid.h"
#include "kvm/statistics.h"
#include "tests/kvm/micro_guest.h"

namespace strait::test {
namespace {

using Cpu = KvmTest;

STRAIT_GUEST_CODE(cpuid_leaves, R"(
    mov eax, 1
    cpuid
    mov [0x3000], ebx
    mov [0x3004], ecx
    mov [0x3008], edx
    mov eax, 0x80000008
    cpuid
    mov [0x300c], eax
    mov [0x3010], ecx
    mov eax, 0x40000000
    cpuid
    mov [0x3014], ebx
    mov eax, 0xb
    mov ecx, 1
    cpuid
    mov [0x3018], ebx
    mov eax, 0
    cpuid
    mov [0x301c], eax
    out 0xf4, al)")

TEST_F(Cpu, TheGuestSeesItsCpuid) {
  MicroGuest guest(2);
  guest.run(cpuid_leaves());
  EXPECT_EQ(guest.result(0x00) >> 24, 0u) << "the APIC id of the first vCPU";
  EXPECT_EQ(guest.result(0x00) >> 16 & 0xff, 2u) << "logical processors of the package";
  EXPECT_TRUE(guest.result(0x04) >> 31 & 1) << "a hypervisor is present";
  EXPECT_TRUE(guest.result(0x04) >> 24 & 1) << "the APIC timer's TSC deadline mode";
  EXPECT_TRUE(guest.result(0x08) >> 28 & 1) << "more than one logical processor";
  EXPECT_EQ(guest.result(0x0c) & 0xff, 40u) << "physical address bits";
  EXPECT_EQ(guest.result(0x10) & 0xff, 1u) << "cores less one";
  EXPECT_EQ(guest.result(0x14), 0x4b4d564bu) << "KVMK...";
  if (guest.result(0x1c) >= 0xb) {
    EXPECT_EQ(guest.result(0x18), 2u) << "cores of the package in the extended topology";
  }
}

TEST_F(Cpu, MsrsAreAsFirmwareLeavesThem) {
  MicroGuest guest;
  kvm::Vcpu& vcpu = *guest.vcpus.front();
  vcpu.set_firmware_msrs({Gpa(3 * kGiB), kGiB}, 40);
  EXPECT_EQ(vcpu.msr(0x2ff), 0x806u) << "MTRRs enabled, default write-back";
  EXPECT_EQ(vcpu.msr(0x200), 0xc0000000u) << "from 3 GiB, uncached";
  EXPECT_EQ(vcpu.msr(0x201), 0xffc0000800u) << "1 GiB long in 40 address bits, valid";
  EXPECT_EQ(vcpu.msr(0x1a0).value_or(0) & 1, 1u) << "fast strings";
}

TEST_F(Cpu, AnUnknownMsrIsNothing) {
  MicroGuest guest;
  EXPECT_EQ(guest.vcpus.front()->msr(0x12345678), std::nullopt);
}

STRAIT_GUEST_CODE(start_other, R"(
    mov ebx, 0xfee00000
    mov dword ptr [ebx + 0xf0], 0x1ff           # the APIC is on
    mov dword ptr [ebx + 0x310], 0x01000000     # to APIC 1:
    mov dword ptr [ebx + 0x300], 0x4500         # INIT
    mov dword ptr [ebx + 0x310], 0x01000000
    mov dword ptr [ebx + 0x300], 0x4602         # start at 0x2000
  1:
    cmp dword ptr [0x3000], 0
    je 1b
    mov al, 0
    out 0xf4, al)")
STRAIT_GUEST_CODE(other, R"(
    mov eax, 1
    cpuid
    shr ebx, 24
    mov [0x3004], ebx
    mov dword ptr [0x3000], 1)")

TEST_F(Cpu, ASecondVcpuStartsByInitAndStartupIpi) {
  MicroGuest guest(2);
  guest.load(kApCode, other());
  EXPECT_EQ(guest.run(start_other()).code, exit_code::kVerdict);
  EXPECT_EQ(guest.result(4), 1u) << "its own APIC id";
}

STRAIT_GUEST_CODE(leave, "out 0xf4, al")

TEST_F(Cpu, StatisticsCountExits) {
  MicroGuest guest;
  guest.run(leave());
  const UniqueFd fd = guest.vcpus.front()->statistics();
  if (!fd) GTEST_SKIP() << "this host's KVM has no binary statistics";
  const auto statistics = kvm::read_statistics(fd.get());
  EXPECT_TRUE(statistics.contains("exits"));
  EXPECT_TRUE(kvm::read_statistics(-1).empty());
}

TEST_F(Cpu, CrashReportsNameTheRegisters) {
  MicroGuest guest;
  const std::string line = guest.vcpus.front()->describe();
  EXPECT_NE(line.find("rip 0x1000"), std::string::npos) << line;
  EXPECT_NE(line.find("rsp 0x8000"), std::string::npos) << line;
}

}  // namespace
}  // namespace strait::test
