#include "boot/loader.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.h"
#include "base/units.h"
#include "boot/linux.h"
#include "boot/pvh.h"

namespace strait::boot {
namespace {

/// boot.rst, "64-bit Boot Protocol": the entry is this far into the protected-mode code.
constexpr std::uint64_t kEntry64 = 0x200;
/// Later archives in an initramfs start at a multiple of this (Linux buffer-format.rst).
constexpr std::uint64_t kCpioAlignment = 4;

std::string_view protocol_name(Kernel::Protocol protocol) {
  switch (protocol) {
    case Kernel::Protocol::kLinuxElf: return "linux-elf64";
    case Kernel::Protocol::kLinuxBzImage: return "linux-bzimage64";
    case Kernel::Protocol::kPvh: return "pvh";
  }
  return "";
}

/// Rounded up, so that the number is enough.
std::uint64_t mib(std::uint64_t bytes) { return align_up(bytes, kMiB) / kMiB; }

/// The end of the RAM that starts at address 0.
Gpa low_ram_end(const GuestMemory& memory) {
  const auto& regions = memory.regions();
  if (regions.empty() || regions[0].start != Gpa{0} || regions[0].range().end() <= kKernelArea) {
    throw Error("the guest has no memory at 1 MiB", "give it more --memory");
  }
  return regions[0].range().end();
}

/// The host bytes of a range that a kernel asks for.
std::span<std::uint8_t> kernel_slice(const GuestMemory& memory, const Range<Gpa>& range, const std::string& path) {
  const auto slice = memory.slice(range.start, range.size);
  if (slice && range.end() <= kLowRamEnd) return *slice;
  if (range.end() > kLowRamEnd) {
    throw Error(fmt::format("kernel {} wants to be loaded at {:#x} to {:#x}, where a guest has no RAM", path,
                            range.start.value, range.end().value), "use a kernel that is linked below 3 GiB");
  }
  throw Error(fmt::format("kernel {} needs memory up to {} MiB, the guest has {} MiB", path, mib(range.end().value),
                          memory.size() / kMiB), "give it more --memory");
}

void zero(const GuestMemory& memory, const Range<Gpa>& range) {
  if (const auto slice = memory.slice(range.start, range.size)) std::ranges::fill(*slice, std::uint8_t{0});
}

void check_cmdline(const BootSpec& spec, const Kernel& kernel) {
  std::uint64_t limit = kCommandLineSize - 1;
  if (kernel.bzimage()) limit = std::min<std::uint64_t>(limit, kernel.bzimage()->cmdline_size);
  if (spec.cmdline.size() > limit) {
    throw Error(fmt::format("the command line has {} characters, kernel {} takes {}", spec.cmdline.size(), spec.kernel_path,
                            limit), "shorten --cmdline");
  }
  if (spec.cmdline.find('\0') != std::string::npos) {
    throw Error("the command line contains a NUL character", "remove it from --cmdline");
  }
}

}  // namespace

Image Image::open(BootSpec spec) {
  Kernel kernel = Kernel::open(spec.kernel_path, spec.entry, spec.use_cache);
  check_cmdline(spec, kernel);
  Image image(std::move(spec), std::move(kernel));
  const std::string& initrd = image.spec_.initrd_path;
  if (!initrd.empty()) {
    naming("initrd " + initrd, [&] {
      image.initrd_ = open_source(initrd);
      if (image.initrd_->size() == 0) throw Error("is empty", "make it again");
    });
  }
  return image;
}

Range<Gpa> Image::load_elf(const GuestMemory& memory, MemoryState state) {
  const ByteSource& bytes = kernel_.bytes();
  const ElfKernel& elf = *kernel_.elf();
  Gpa start = elf.memory_end();
  for (const ElfSegment& segment : elf.segments) {
    start = std::min(start, segment.memory.start);
    const auto target = kernel_slice(memory, segment.memory, kernel_.path());
    naming("kernel " + kernel_.path(), [&] {
      const auto from_file = target.first(segment.file.size);
      if (state == MemoryState::kZero) return bytes.read_over_zeroes(segment.file.offset, from_file);
      bytes.read(segment.file.offset, from_file);
      std::ranges::fill(target.subspan(segment.file.size), std::uint8_t{0});
    });
  }
  return {start, elf.memory_end() - start};
}

Range<Gpa> Image::load_bzimage(const GuestMemory& memory) {
  const BzImage& image = *kernel_.bzimage();
  // A relocatable kernel that finds itself below its preferred address moves up there: no other place is worth trying.
  const Range<Gpa> range{Gpa{image.preferred_address}, image.init_size};
  const auto target = kernel_slice(memory, range, kernel_.path());
  naming("kernel " + kernel_.path(), [&] { kernel_.bytes().read(image.code.offset, target.first(image.code.size)); });
  return range;
}

Range<Gpa> Image::load_initrd(const GuestMemory& memory, Gpa kernel_end) {
  const std::uint64_t file_size = initrd_ ? initrd_->size() : 0;
  const std::uint64_t extra_offset = align_up(file_size, kCpioAlignment);
  const std::uint64_t size = spec_.extra_initrd.empty() ? file_size : extra_offset + spec_.extra_initrd.size();
  if (size == 0) return {};

  Gpa limit = low_ram_end(memory);
  if (kernel_.bzimage()) limit = std::min(limit, Gpa{kernel_.bzimage()->initrd_address_max} + 1);
  const std::uint64_t top = align_down(limit.value, kPageSize);
  const std::uint64_t bottom = align_up(kernel_end.value, kPageSize);
  const std::uint64_t room = top > bottom ? top - bottom : 0;
  if (size > room) {
    throw Error(fmt::format("initrd {} does not fit: it takes {} bytes, and {} bytes of memory are free above the kernel",
                            initrd_ ? spec_.initrd_path : "of strait's own", size, room),
                "give the guest more --memory, or make the initrd smaller");
  }
  const Range<Gpa> range{Gpa{align_down(top - size, kPageSize)}, size};
  const auto target = *memory.slice(range.start, range.size);
  if (initrd_) naming("initrd " + spec_.initrd_path, [&] { initrd_->read(0, target.first(file_size)); });
  if (!spec_.extra_initrd.empty()) {
    std::ranges::fill(target.subspan(file_size, extra_offset - file_size), std::uint8_t{0});
    std::ranges::copy(spec_.extra_initrd, target.begin() + static_cast<std::ptrdiff_t>(extra_offset));
  }
  return range;
}

void Image::write_acpi(const GuestMemory& memory) {
  memory.write(kAcpiTables.start, build_acpi(spec_.acpi, kAcpiTables.start));
}

void Image::write_zero_page(const GuestMemory& memory, const std::vector<E820Entry>& e820) {
  std::array<std::uint8_t, 32> seed{};
  const bool has_seed = ::getrandom(seed.data(), seed.size(), GRND_NONBLOCK) == static_cast<ssize_t>(seed.size());
  if (has_seed) memory.write(kSetupData, rng_seed_data(seed));

  ZeroPageInput input;
  input.setup_header = kernel_.bzimage()->header;
  if (kernel_.protocol() == Kernel::Protocol::kLinuxBzImage) input.code = report_.kernel.start;
  input.command_line = kCommandLine;
  input.initrd = report_.initrd;
  input.rsdp = kAcpiTables.start;
  if (has_seed) input.setup_data = kSetupData;
  input.e820 = e820;
  memory.write(kZeroPage, zero_page(input));
}

EntryState Image::load(const GuestMemory& memory, MemoryState state) {
  low_ram_end(memory);  // throws where there is none
  // What a guest that ran before left in the first pages is not what a BIOS would leave.
  if (state == MemoryState::kUsed) zero(memory, {Gpa{0}, kGdt.value});

  const bool is_bzimage = kernel_.protocol() == Kernel::Protocol::kLinuxBzImage;
  report_.protocol = protocol_name(kernel_.protocol());
  report_.kernel = is_bzimage ? load_bzimage(memory) : load_elf(memory, state);
  report_.initrd = load_initrd(memory, report_.kernel.end());

  std::vector<std::uint8_t> cmdline(spec_.cmdline.begin(), spec_.cmdline.end());
  cmdline.push_back(0);
  memory.write(kCommandLine, cmdline);
  write_acpi(memory);

  std::vector<Range<Gpa>> ram;
  for (const auto& region : memory.regions()) ram.push_back(region.range());
  std::vector<E820Entry> e820 = e820_map(ram);
  e820.insert(e820.end(), spec_.extra_e820.begin(), spec_.extra_e820.end());

  if (kernel_.protocol() == Kernel::Protocol::kPvh) {
    write_start_info(memory, kCommandLine, report_.initrd, kAcpiTables.start, e820);
    EntryState entry = prepare_entry(memory, EntryMode::kProtected32);
    entry.rip = kernel_.elf()->pvh_entry->value;
    entry.rbx = kPvhStartInfo.value;
    return entry;
  }
  write_zero_page(memory, e820);
  EntryState entry = prepare_entry(memory, EntryMode::kLong64);
  entry.rip = is_bzimage ? report_.kernel.start.value + kEntry64 : kernel_.elf()->entry.value;
  entry.rsi = kZeroPage.value;
  return entry;
}

}  // namespace strait::boot
