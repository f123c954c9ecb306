// What a guest's instructions make of vCPU exits: ports, MMIO, string instructions, odd sizes.

#include "base/little_endian.h"
#include "base/units.h"
#include "tests/kvm/micro_guest.h"

namespace strait::test {
namespace {

using Exits = KvmTest;

/// Where tests put a device of their own: past RAM, in the page that follows it and elsewhere.
constexpr Gpa kDeviceAfterRam{kRamSize};
constexpr std::uint16_t kTestPort = 0x540;

struct Access {
  std::uint64_t offset;
  std::uint64_t value;
  std::size_t size;
  friend bool operator==(const Access&, const Access&) = default;
};

/// Notes writes and answers reads with the bytes offset, offset + 1, ...
class RecordingDevice : public CallbackDevice {
 public:
  RecordingDevice() {
    on_read = [this](std::uint64_t offset, std::span<std::uint8_t> data) {
      reads.push_back({offset, 0, data.size()});
      for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(offset++);
    };
    on_write = [this](std::uint64_t offset, std::span<const std::uint8_t> data) {
      writes.push_back({offset, load_access(data), data.size()});
    };
  }
  std::vector<Access> reads, writes;
};

STRAIT_GUEST_CODE(verdict_7, "mov al, 7; out 0xf4, al")

TEST_F(Exits, AByteToTheExitPortIsTheVerdict) {
  MicroGuest guest;
  const Outcome outcome = guest.run(verdict_7());
  EXPECT_EQ(outcome.code, exit_code::kVerdict + 7);
  EXPECT_EQ(outcome.reason, "the guest's verdict is 7");
}

STRAIT_GUEST_CODE(verdict_200, "mov al, 200; out 0xf4, al")

TEST_F(Exits, AVerdictAbove31Is31) {
  MicroGuest guest;
  EXPECT_EQ(guest.run(verdict_200()).code, exit_code::kVerdict + 31);
}

STRAIT_GUEST_CODE(port_sizes, R"(
    mov dx, 0x540
    mov eax, 0x44332211
    out dx, al
    out dx, ax
    out dx, eax
    xor eax, eax
    in al, dx
    mov [0x3000], eax
    in ax, dx
    mov [0x3004], eax
    in eax, dx
    mov [0x3008], eax
    mov dx, 0x700           # nobody's
    in eax, dx
    mov [0x300c], eax
    out 0xf4, al)")

TEST_F(Exits, PortsAreReadAndWrittenInTheGuestsSizes) {
  MicroGuest guest;
  RecordingDevice device;
  guest.platform.ports.insert(kTestPort, 4, device, "test");
  guest.run(port_sizes());
  EXPECT_EQ(device.writes, (std::vector<Access>{{0, 0x11, 1}, {0, 0x2211, 2}, {0, 0x44332211, 4}}));
  EXPECT_EQ(device.reads, (std::vector<Access>{{0, 0, 1}, {0, 0, 2}, {0, 0, 4}}));
  EXPECT_EQ(guest.result(0), 0u);
  EXPECT_EQ(guest.result(4), 0x0100u);
  EXPECT_EQ(guest.result(8), 0x03020100u);
  EXPECT_EQ(guest.result(12), 0xffffffffu) << "a port of nobody reads as all ones";
}

STRAIT_GUEST_CODE(string_io, R"(
    cld
    mov si, 0x3000
    mov cx, 40
    mov dx, 0x540
    rep outsb
    mov si, 0x3000
    mov cx, 3
    rep outsd
    mov di, 0x3100
    mov cx, 40
    rep insb
    mov di, 0x3200
    mov cx, 5
    rep insw
    out 0xf4, al)")

TEST_F(Exits, StringInstructionsMoveEveryElement) {
  MicroGuest guest;
  RecordingDevice device;
  std::uint8_t next = 0;
  device.on_read = [&next](std::uint64_t, std::span<std::uint8_t> data) {
    for (std::uint8_t& byte : data) byte = ++next;
  };
  guest.platform.ports.insert(kTestPort, 4, device, "test");
  for (std::uint8_t i = 0; i < 40; ++i) guest.memory.write_object(kResults + i, static_cast<std::uint8_t>(100 + i));
  guest.run(string_io());

  ASSERT_EQ(device.writes.size(), 43u);
  for (std::uint64_t i = 0; i < 40; ++i) EXPECT_EQ(device.writes[i], (Access{0, 100 + i, 1}));
  EXPECT_EQ(device.writes[40], (Access{0, 0x67666564, 4}));
  EXPECT_EQ(device.writes[42], (Access{0, 0x6f6e6d6c, 4}));
  const auto read = *guest.memory.slice(kResults + 0x100, 40);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(read[i], i + 1) << i;
  EXPECT_EQ(load<std::uint16_t>(*guest.memory.slice(kResults + 0x208, 2)), 40 + 9 + ((40 + 10) << 8));
}

STRAIT_GUEST_CODE(hello, R"(
    mov si, 0x3000
    mov cx, 6
    mov dx, 0x3f8
    rep outsb
    mov al, 0
    out 0xf4, al)")

TEST_F(Exits, TheSerialPortSaysHello) {
  MicroGuest guest;
  constexpr std::uint8_t kText[] = {'h', 'e', 'l', 'l', 'o', '\n'};
  guest.memory.write(kResults, kText);
  EXPECT_EQ(guest.run(hello()).code, exit_code::kVerdict);
  EXPECT_EQ(guest.console.text(), "hello\n");
}

STRAIT_GUEST_CODE(mmio_sizes, R"(
    mov ebx, 0x200000
    mov eax, 0x88776655
    mov [ebx], al
    mov [ebx + 8], ax
    mov [ebx + 16], eax
    mov al, [ebx + 3]
    mov [0x3000], al
    mov ax, [ebx + 4]
    mov [0x3004], ax
    mov eax, [ebx + 0x20]
    mov [0x3008], eax
    movq mm0, [ebx + 0x40]
    movq [0x3010], mm0
    movq [ebx + 0x48], mm0
    out 0xf4, al)")

TEST_F(Exits, MmioIsReadAndWrittenInTheGuestsSizes) {
  MicroGuest guest;
  RecordingDevice device;
  guest.platform.mmio.insert(kDeviceAfterRam.value, kPageSize, device, "test");
  guest.run(mmio_sizes());
  EXPECT_EQ(device.writes,
            (std::vector<Access>{{0, 0x55, 1}, {8, 0x6655, 2}, {16, 0x88776655, 4}, {0x48, 0x4746454443424140, 8}}));
  EXPECT_EQ(device.reads, (std::vector<Access>{{3, 0, 1}, {4, 0, 2}, {0x20, 0, 4}, {0x40, 0, 8}}));
  EXPECT_EQ(guest.result(0), 3u);
  EXPECT_EQ(guest.result(4), 0x0504u);
  EXPECT_EQ(guest.result(8), 0x23222120u);
  EXPECT_EQ(guest.result(0x10), 0x43424140u);
  EXPECT_EQ(guest.result(0x14), 0x47464544u);
}

STRAIT_GUEST_CODE(mmio_across, R"(
    mov eax, 0x44332211
    mov ebx, 0x1fffff
    mov [ebx], eax
    mov eax, [ebx]
    mov [0x3000], eax
    mov ebx, 0x200fff
    mov [ebx], eax
    out 0xf4, al)")

TEST_F(Exits, AnAccessAcrossAPageArrivesInOddPieces) {
  MicroGuest guest;
  RecordingDevice first, second;
  guest.platform.mmio.insert(kDeviceAfterRam.value, kPageSize, first, "first");
  guest.platform.mmio.insert(kDeviceAfterRam.value + kPageSize, kPageSize, second, "second");
  guest.run(mmio_across());
  // One byte to RAM, three to the device behind it; then one to the first device's page and three to the second's.
  EXPECT_EQ(first.writes, (std::vector<Access>{{0, 0x443322, 3}, {0xfff, 0x11, 1}}));
  EXPECT_EQ(first.reads, (std::vector<Access>{{0, 0, 3}}));
  EXPECT_EQ(second.writes, (std::vector<Access>{{0, 0x020100, 3}}));
  EXPECT_EQ(guest.result(), 0x02010011u);
}

STRAIT_GUEST_CODE(no_mmio, R"(
    mov ebx, 0xd0000000
    mov dword ptr [ebx], 1
    mov eax, [ebx]
    mov [0x3000], eax
    out 0xf4, al)")

TEST_F(Exits, MemoryOfNobodyReadsAsAllOnes) {
  MicroGuest guest;
  guest.run(no_mmio());
  EXPECT_EQ(guest.result(), 0xffffffffu);
}

STRAIT_GUEST_CODE(config_reads, R"(
    mov ecx, 100
  1:
    mov eax, 0x80000000     # 00:00.0, register 0: vendor and device
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    in eax, dx
    mov [0x3000], eax
    mov eax, 0x80000008     # register 8: class and revision
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    in eax, dx
    mov [0x3004], eax
    mov ebx, [0x3010]       # each round must read the same as the first
    cmp ebx, 0
    jne 2f
    mov eax, [0x3000]
    mov [0x3010], eax
    mov eax, [0x3004]
    mov [0x3014], eax
  2:
    mov eax, [0x3000]
    cmp eax, [0x3010]
    jne 3f
    mov eax, [0x3004]
    cmp eax, [0x3014]
    jne 3f
    dec ecx
    jnz 1b
    mov al, 0
    out 0xf4, al
    jmp 9f
  3:
    mov al, 1
    out 0xf4, al)")

TEST_F(Exits, AConfigurationAddressArrivesBeforeItsDataAccess) {
  MicroGuest guest;
  EXPECT_EQ(guest.run(config_reads()).code, exit_code::kVerdict);
  EXPECT_EQ(guest.result(0x14) >> 16, 0x0600u) << "the class of a host bridge";
  // Where KVM coalesces, only the data accesses and the verdict come out.
  EXPECT_EQ(guest.exits(KVM_EXIT_IO), guest.coalesced ? 201u : 401u);
}

}  // namespace
}  // namespace strait::test
