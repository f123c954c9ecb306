#include "kvm/cpuid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace strait::kvm {
namespace {

using Entries = std::vector<kvm_cpuid_entry2>;

kvm_cpuid_entry2 entry(std::uint32_t function, std::uint32_t eax = 0, std::uint32_t ebx = 0, std::uint32_t ecx = 0,
                       std::uint32_t edx = 0, std::uint32_t index = 0) {
  kvm_cpuid_entry2 made = {};
  made.function = function;
  made.index = index;
  made.eax = eax;
  made.ebx = ebx;
  made.ecx = ecx;
  made.edx = edx;
  return made;
}

Entries intel(std::initializer_list<kvm_cpuid_entry2> more = {}) {
  Entries entries = {entry(0, 0x1f, 0x756e6547, 0x6c65746e, 0x49656e69)};
  entries.insert(entries.end(), more);
  return entries;
}
Entries amd(std::initializer_list<kvm_cpuid_entry2> more = {}) {
  Entries entries = {entry(0, 0x10, 0x68747541, 0x444d4163, 0x69746e65)};
  entries.insert(entries.end(), more);
  return entries;
}

CpuidSpec spec(std::uint32_t apic_id, std::uint32_t cpus) {
  return {.apic_id = apic_id, .topology = {.sockets = 1, .cores = cpus, .threads = 1}, .physical_bits = 0, .tsc_deadline = false, .tsc_khz = 0};
}

std::optional<kvm_cpuid_entry2> find(const Entries& entries, std::uint32_t function, std::uint32_t index = 0) {
  const auto found = std::ranges::find_if(entries, [&](const auto& e) { return e.function == function && e.index == index; });
  return found == entries.end() ? std::nullopt : std::optional(*found);
}

TEST(Cpuid, WhatIsNotNamedStaysAsTheHostHasIt) {
  const Entries guest =
      guest_cpuid(intel({entry(7, 2, 0x12345678, 0x9abcdef0, 0x11223344), entry(0xd, 7, 1, 2, 3, 1)}), spec(1, 4));
  EXPECT_EQ(find(guest, 7)->ebx, 0x12345678u);
  EXPECT_EQ(find(guest, 7)->edx, 0x11223344u);
  EXPECT_EQ(find(guest, 0xd, 1)->ecx, 2u);
}

TEST(Cpuid, LeafOneTellsApicIdProcessorsAndHypervisor) {
  const Entries guest = guest_cpuid(intel({entry(1, 0x000806f8, 0xaabb0800, 0x00000201, 0x0f8bfbff)}), spec(5, 8));
  EXPECT_EQ(find(guest, 1)->eax, 0x000806f8u);
  EXPECT_EQ(find(guest, 1)->ebx, 0x05080800u);
  EXPECT_EQ(find(guest, 1)->ecx, 0x80000201u);
  EXPECT_EQ(find(guest, 1)->edx, 0x1f8bfbffu) << "HTT";
}

TEST(Cpuid, ASingleProcessorHasNoHtt) {
  const Entries guest = guest_cpuid(intel({entry(1, 0, 0, 0, 0x1f8bfbff)}), spec(0, 1));
  EXPECT_EQ(find(guest, 1)->edx, 0x0f8bfbffu);
  EXPECT_EQ(find(guest, 1)->ebx, 0x00010000u);
}

TEST(Cpuid, TheTscDeadlineTimerIsAskedForSeparately) {
  CpuidSpec with = spec(0, 1);
  with.tsc_deadline = true;
  EXPECT_EQ(find(guest_cpuid(intel({entry(1)}), with), 1)->ecx >> 24 & 1, 1u);
  EXPECT_EQ(find(guest_cpuid(intel({entry(1, 0, 0, 1u << 24)}), spec(0, 1)), 1)->ecx >> 24 & 1, 0u);
}

TEST(Cpuid, TheApicTimerNeverStops) { EXPECT_EQ(find(guest_cpuid(intel({entry(6)}), spec(0, 1)), 6)->eax, 4u); }

TEST(Cpuid, PhysicalBitsAreNarrowedWhereAsked) {
  CpuidSpec narrow = spec(0, 1);
  narrow.physical_bits = 39;
  const Entries host = amd({entry(0x80000008, 0x00303034)});
  EXPECT_EQ(find(guest_cpuid(host, narrow), 0x80000008)->eax, 0x00003027u) << "and nothing is left of what nested paging can map";
  EXPECT_EQ(find(guest_cpuid(host, spec(0, 1)), 0x80000008)->eax, 0x00303034u);
}

TEST(Cpuid, ExtendedTopologyHasSingleThreadCoresInOnePackage) {
  const Entries host = intel({entry(0xb, 1, 2, 0x100, 7, 0), entry(0xb, 4, 16, 0x201, 7, 1), entry(0x1f, 1, 2, 0x100, 7, 0)});
  const Entries guest = guest_cpuid(host, spec(4, 6));
  const auto threads = find(guest, 0xb, 0), cores = find(guest, 0xb, 1), end = find(guest, 0xb, 2);
  ASSERT_TRUE(threads && cores && end);
  EXPECT_EQ(threads->eax, 0u);
  EXPECT_EQ(threads->ebx, 1u);
  EXPECT_EQ(threads->ecx, 0x100u);
  EXPECT_EQ(cores->eax, 3u) << "six cores take three bits of the APIC id";
  EXPECT_EQ(cores->ebx, 6u);
  EXPECT_EQ(cores->ecx, 0x201u);
  EXPECT_EQ(end->ebx, 0u);
  for (const auto& level : {threads, cores, end}) {
    EXPECT_EQ(level->edx, 4u) << "the APIC id";
    EXPECT_EQ(level->flags, unsigned{KVM_CPUID_FLAG_SIGNIFCANT_INDEX});
  }
  EXPECT_FALSE(find(guest, 0x1f)) << "the host's dies are not the guest's";
  EXPECT_EQ(std::ranges::count(guest, 0xbu, &kvm_cpuid_entry2::function), 3);
}

TEST(TopologyTest, ApicIdsHaveBitsForEachLevel) {
  const Topology odd{.sockets = 2, .cores = 3, .threads = 2};
  EXPECT_EQ(odd.cpus(), 12u);
  const std::uint32_t ids[] = {0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13};
  for (std::uint32_t index = 0; index < 12; ++index) EXPECT_EQ(odd.apic_id(index), ids[index]);
  const Topology plain{.sockets = 1, .cores = 5, .threads = 1};
  for (std::uint32_t index = 0; index < 5; ++index) EXPECT_EQ(plain.apic_id(index), index);
}

TEST(Cpuid, ThreadsCoresAndSocketsAreToldInEveryLeaf) {
  const Topology topology{.sockets = 2, .cores = 3, .threads = 2};
  const CpuidSpec last{.apic_id = topology.apic_id(11), .topology = topology, .physical_bits = 0, .tsc_deadline = false, .tsc_khz = 0};
  const Entries on_intel = guest_cpuid(intel({entry(1), entry(4, 0x1c004121), entry(4, 0x1c03c163, 0, 0, 0, 1), entry(0xb)}), last);
  EXPECT_EQ(find(on_intel, 1)->ebx, 0x0d060000u);
  EXPECT_EQ(find(on_intel, 4, 0)->eax, 0x08004121u) << "the first level is shared by two threads";
  EXPECT_EQ(find(on_intel, 4, 1)->eax, 0x08014163u) << "the third by a socket";
  EXPECT_EQ(find(on_intel, 0xb, 0)->eax, 1u);
  EXPECT_EQ(find(on_intel, 0xb, 0)->ebx, 2u);
  EXPECT_EQ(find(on_intel, 0xb, 1)->eax, 3u);
  EXPECT_EQ(find(on_intel, 0xb, 1)->ebx, 6u);
  EXPECT_EQ(find(on_intel, 0xb, 1)->edx, 13u);
  const Entries on_amd = guest_cpuid(amd({entry(0x80000008), entry(0x8000001e)}), last);
  EXPECT_EQ(find(on_amd, 0x80000008)->ecx, 0x3005u);
  EXPECT_EQ(find(on_amd, 0x8000001e)->eax, 13u);
  EXPECT_EQ(find(on_amd, 0x8000001e)->ebx, 0x0102u) << "core 2, two threads";
  EXPECT_EQ(find(on_amd, 0x8000001e)->ecx, 1u) << "the second socket";
}

TEST(Cpuid, AHostWithoutExtendedTopologyGivesNone) { EXPECT_FALSE(find(guest_cpuid(intel({entry(1)}), spec(0, 2)), 0xb)); }

TEST(Cpuid, CachesBelowLevelThreeAreTheCoresOwn) {
  // EAX: type in 4:0, level in 7:5, sharing threads less one in 25:14, cores less one in 31:26.
  const Entries host = intel({entry(4, 0x1c004121, 0, 0, 0, 0), entry(4, 0x1c03c163, 0, 0, 0, 1), entry(4, 0, 0, 0, 0, 2)});
  const Entries guest = guest_cpuid(host, spec(0, 4));
  EXPECT_EQ(find(guest, 4, 0)->eax, 0x0c000121u);
  EXPECT_EQ(find(guest, 4, 1)->eax, 0x0c00c163u);
  EXPECT_EQ(find(guest, 4, 2)->eax, 0u) << "the end of the list stays that";
}

TEST(Cpuid, AmdsCachesLikewise) {
  const Entries guest =
      guest_cpuid(amd({entry(0x8000001d, 0x00004121, 0, 0, 0, 0), entry(0x8000001d, 0x0001c163, 0, 0, 0, 3)}), spec(0, 4));
  EXPECT_EQ(find(guest, 0x8000001d, 0)->eax, 0x00000121u);
  EXPECT_EQ(find(guest, 0x8000001d, 3)->eax, 0x0000c163u);
}

TEST(Cpuid, AmdCountsCoresInItsOwnLeaves) {
  const Entries host = amd({entry(0x80000001), entry(0x80000008, 0x3030), entry(0x8000001e, 9, 9, 9, 0)});
  const Entries guest = guest_cpuid(host, spec(2, 6));
  EXPECT_EQ(find(guest, 0x80000001)->ecx, 2u) << "CmpLegacy";
  EXPECT_EQ(find(guest, 0x80000008)->ecx, 0x3005u) << "APIC id bits, cores less one";
  EXPECT_EQ(find(guest, 0x8000001e)->eax, 2u);
  EXPECT_EQ(find(guest, 0x8000001e)->ebx, 2u);
  EXPECT_EQ(find(guest, 0x8000001e)->ecx, 0u);
}

TEST(Cpuid, IntelsReservedBitsStayZero) {
  const Entries guest = guest_cpuid(intel({entry(0x80000001), entry(0x80000008, 0x3027)}), spec(0, 4));
  EXPECT_EQ(find(guest, 0x80000001)->ecx, 0u);
  EXPECT_EQ(find(guest, 0x80000008)->ecx, 0u);
}

TEST(Cpuid, TheTimingLeafTellsTheTscsFrequency) {
  CpuidSpec known = spec(0, 1);
  known.tsc_khz = 2'450'000;
  const Entries guest =
      guest_cpuid(amd({entry(0x40000000, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d), entry(0x40000010, 1)}), known);
  EXPECT_EQ(find(guest, 0x40000000)->eax, 0x40000010u) << "the last hypervisor leaf";
  EXPECT_EQ(find(guest, 0x40000010)->eax, 2'450'000u);
  EXPECT_EQ(find(guest, 0x40000010)->ebx, 1'000'000u);
  EXPECT_EQ(std::ranges::count(guest, 0x40000010u, &kvm_cpuid_entry2::function), 1);
}

TEST(Cpuid, AnUnknownFrequencyIsNotTold) {
  const Entries guest = guest_cpuid(amd({entry(0x40000000, 0x40000001)}), spec(0, 1));
  EXPECT_EQ(find(guest, 0x40000000)->eax, 0x40000001u);
  EXPECT_FALSE(find(guest, 0x40000010));
}

TEST(Cpuid, DedicatedProcessorsAreTold) {
  CpuidSpec dedicated = spec(0, 1);
  dedicated.real_time = true;
  dedicated.mwait = MwaitLeaf{64, 64, 3, 0x2020};
  const Entries host = amd({entry(1), entry(5), entry(0x40000000, 0x40000001), entry(0x40000001, 0x01007afb)});
  const Entries guest = guest_cpuid(host, dedicated);
  EXPECT_EQ(find(guest, 0x40000001)->edx, 1u) << "KVM_HINTS_REALTIME";
  EXPECT_EQ(find(guest, 0x40000001)->eax, 0x01007afbu);
  EXPECT_EQ(find(guest, 1)->ecx >> 3 & 1, 1u) << "MONITOR";
  EXPECT_EQ(find(guest, 5)->edx, 0x2020u);
  const Entries other = guest_cpuid(host, spec(0, 1));
  EXPECT_EQ(find(other, 0x40000001)->edx, 0u);
  EXPECT_EQ(find(other, 1)->ecx >> 3 & 1, 0u);
  EXPECT_EQ(find(other, 5)->eax, 0u);
}

TEST(Cpuid, HiddenKvmIsAHypervisorWithoutLeaves) {
  CpuidSpec hidden = spec(0, 1);
  hidden.hide_kvm = true;
  hidden.tsc_khz = 2'450'000;
  const Entries host = amd({entry(1), entry(0x40000000, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d), entry(0x40000001, 0x01007afb), entry(0x40000100),
                            entry(0x80000000, 0x8000001e)});
  const Entries guest = guest_cpuid(host, hidden);
  EXPECT_EQ(find(guest, 1)->ecx >> 31, 1u) << "a hypervisor is present";
  EXPECT_TRUE(std::ranges::none_of(guest, [](const auto& e) { return e.function >> 28 == 4; }));
  EXPECT_TRUE(find(guest, 0x80000000)) << "and all else stays";
}

TEST(PhysicalAddressBits, AreTheLeafsOrWhatNestedPagingMapsWhereThatIsLess) {
  EXPECT_EQ(physical_address_bits(Entries{entry(0x80000008, 0x3030)}), 48u);
  EXPECT_EQ(physical_address_bits(Entries{entry(0x80000008, 0x00303034)}), 48u) << "52 bits, of which 48 can be mapped";
  EXPECT_EQ(physical_address_bits(Entries{entry(0x80000008, 0x00343030)}), 48u);
  EXPECT_EQ(physical_address_bits(Entries{}), 36u);
}

}  // namespace
}  // namespace strait::kvm
