#include "boot/bzimage.h"

#include <asm/bootparam.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "base/little_endian.h"
#include "base/units.h"
#include "boot/layout.h"

namespace strait::boot {
namespace {

constexpr std::size_t kHeaderOffset = 0x1f1;
static_assert(offsetof(boot_params, hdr) == kHeaderOffset);
static_assert(offsetof(setup_header, header) + kHeaderOffset == 0x202);
static_assert(offsetof(setup_header, init_size) + kHeaderOffset == 0x260);

constexpr std::uint16_t kBootFlag = 0xaa55;
constexpr std::uint32_t kHdrS = 0x53726448;
/// xloadflags, and with it the 64-bit entry, came with boot protocol 2.12 (Linux 3.8).
constexpr std::uint16_t kOldestProtocol = 0x020c;
/// Where the header ends is the target of the short jump at 0x200 (boot.rst, "jump"): 0x202 plus the byte at 0x201.
constexpr std::size_t kJumpOperand = 0x201;
constexpr std::size_t kJumpBase = 0x202;
/// Protocol 2.12 has fields up to handover_offset.
constexpr std::size_t kHeaderEndMin = 0x268;
/// The header may fill the zero page up to edd_mbr_sig_buffer.
constexpr std::size_t kHeaderEndMax = 0x290;
constexpr std::uint64_t kSectorSize = 512;
/// No kernel needs more before it has read the memory map; more is a corrupt header.
constexpr std::uint64_t kInitSizeMax = 2 * kGiB;

bool has(std::span<const std::uint8_t> head, std::size_t offset, std::string_view magic) {
  if (head.size() < offset + magic.size()) return false;
  return std::string_view(reinterpret_cast<const char*>(head.data()) + offset, magic.size()) == magic;
}

Error truncated(std::uint64_t needed, std::uint64_t file_size) {
  return Error(fmt::format("is truncated: its header says {} bytes, the file has {}", needed, file_size), "copy it again");
}

Error malformed(std::string_view what) { return Error(fmt::format("has a malformed header: {}", what)); }

setup_header copy_header(std::span<const std::uint8_t> head) { return load<setup_header>(head, kHeaderOffset); }

void check_entry(const setup_header& header) {
  if (header.version < kOldestProtocol) {
    throw Error(fmt::format("speaks boot protocol {}.{:02}, 2.12 is the oldest with a 64-bit entry", header.version >> 8,
                            header.version & 0xff), "use Linux 3.8 or later");
  }
  if ((header.loadflags & LOADED_HIGH) == 0) throw Error("is a zImage, which loads below 1 MiB", "build a bzImage");
  if ((header.xloadflags & XLF_KERNEL_64) == 0) throw Error("is a 32-bit kernel", "use an x86-64 kernel");
}

FileRange find_code(const setup_header& header, std::uint64_t file_size) {
  const std::uint64_t setup_size = ((header.setup_sects == 0 ? 4u : header.setup_sects) + 1u) * kSectorSize;
  const std::uint64_t code_size = std::uint64_t{header.syssize} * 16;
  if (code_size == 0) throw malformed("the kernel is 0 bytes long");
  // syssize is rounded up to 16 bytes, and a signature may follow the code.
  if (setup_size + code_size > file_size + 15) throw truncated(setup_size + code_size, file_size);
  return {setup_size, std::min(code_size, file_size - setup_size)};
}

FileRange find_payload(const setup_header& header, const FileRange& code) {
  if (header.payload_length == 0) return {};
  if (header.payload_offset > code.size || header.payload_length > code.size - header.payload_offset) {
    throw malformed(fmt::format("its payload of {} bytes at {} is outside the kernel's {} bytes", +header.payload_length,
                                +header.payload_offset, code.size));
  }
  return {code.offset + header.payload_offset, header.payload_length};
}

}  // namespace

KernelKind detect_kernel(std::span<const std::uint8_t> head) {
  if (has(head, 0, "\x7f" "ELF")) return KernelKind::kElf;
  if (has(head, 0x1fe, "\x55\xaa") && has(head, 0x202, "HdrS")) return KernelKind::kBzImage;
  return KernelKind::kOther;
}

std::string describe_other_file(std::span<const std::uint8_t> head) {
  if (head.empty()) return "is empty; copy it again";
  if (has(head, 0x38, "ARM\x64")) return "is for another machine: an ARM64 kernel; use an x86-64 kernel";
  if (has(head, 0x38, "RSC\x05")) return "is for another machine: a RISC-V kernel; use an x86-64 kernel";
  if (has(head, 0x24, "\x18\x28\x6f\x01")) return "is for another machine: an ARM zImage; use an x86-64 kernel";
  if (has(head, 0, "\x1f\x8b")) return "is a gzip file and no bzImage; unpack it first";
  if (has(head, 0, "\x27\x05\x19\x56")) return "is a U-Boot image; give the kernel's bzImage or vmlinux";
  if (has(head, 0, "MZ")) return "is an EFI program without a Linux boot header; give the kernel's bzImage or vmlinux";
  if (has(head, 0, "070701") || has(head, 0, "070702")) return "is a cpio archive, so more likely the initrd; give the bzImage";
  return "is no Linux kernel; give a bzImage (vmlinuz) or an ELF file (vmlinux)";
}

BzImage parse_bzimage(std::span<const std::uint8_t> head, std::uint64_t file_size) {
  if (detect_kernel(head) != KernelKind::kBzImage) throw Error(describe_other_file(head));
  const std::size_t header_end = kJumpBase + head[kJumpOperand];
  if (head.size() < kHeaderOffset + sizeof(setup_header)) throw truncated(kHeaderOffset + sizeof(setup_header), file_size);
  if (head.size() < header_end) throw truncated(header_end, file_size);
  if (header_end < kHeaderEndMin) throw malformed("it is shorter than boot protocol 2.12");
  if (header_end > kHeaderEndMax) throw malformed("it is longer than the zero page has room for");

  const setup_header header = copy_header(head);
  if (header.boot_flag != kBootFlag || header.header != kHdrS) throw malformed("its magic numbers are wrong");
  check_entry(header);

  BzImage image;
  const auto header_bytes = head.subspan(kHeaderOffset, header_end - kHeaderOffset);
  image.header.assign(header_bytes.begin(), header_bytes.end());
  image.protocol = header.version;
  image.code = find_code(header, file_size);
  image.payload = find_payload(header, image.code);
  image.init_size = header.init_size;
  image.preferred_address = header.pref_address;
  image.alignment = header.kernel_alignment;
  image.relocatable = header.relocatable_kernel != 0;
  image.cmdline_size = header.cmdline_size;
  image.initrd_address_max = header.initrd_addr_max;

  if (!std::has_single_bit(image.alignment)) throw malformed("its alignment is no power of two");
  if (image.preferred_address < kKernelArea.value || image.preferred_address >= kLowRamEnd.value) {
    throw malformed(fmt::format("it asks to be loaded at {:#x}", image.preferred_address));
  }
  if (image.init_size < image.code.size || image.init_size > kInitSizeMax) {
    throw malformed(fmt::format("it asks for {} bytes of memory for a kernel of {} bytes", image.init_size, image.code.size));
  }
  if (image.cmdline_size == 0) throw malformed("it allows no command line");
  return image;
}

}  // namespace strait::boot
