#include "boot/loader.h"

#include <asm/bootparam.h>

#include <filesystem>

#include "base/little_endian.h"
#include "base/units.h"
#include "tests/unit/boot/kernel_builder.h"
#include "tests/unit/boot/throws.h"

namespace strait::boot {
namespace {

using namespace test;

constexpr std::uint64_t kEntry = 0x1000040;

/// A kernel with data, a hole of zeroes in the file, and zero-initialised data after it.
Bytes kernel_elf(const Bytes& notes = {}) {
  ElfSpec spec;
  spec.entry = kEntry;
  spec.segments = {{0x1000000, Bytes(8192, 0x90), 0},
                   {0x1200000, concatenate({Bytes(4096, 0x11), Bytes(40960), Bytes(4096, 0x22)}), 0x40000}};
  spec.notes = notes;
  return make_elf(spec);
}

GuestMemory make_memory(std::uint64_t size = 64 * kMiB) { return GuestMemory(ram_ranges(size, {})); }

Bytes read(const GuestMemory& memory, Gpa start, std::uint64_t size) {
  const auto slice = *memory.slice(start, size);
  return {slice.begin(), slice.end()};
}

boot_params params_of(const GuestMemory& memory) { return load<boot_params>(*memory.slice(kZeroPage, sizeof(boot_params))); }

class LoaderTest : public testing::Test {
 protected:
  LoaderTest() { ::setenv("STRAIT_CACHE", (directory_.path() + "/cache").c_str(), 1); }
  ~LoaderTest() override { ::unsetenv("STRAIT_CACHE"); }

  BootSpec spec_for(const Bytes& kernel) const {
    BootSpec spec;
    spec.kernel_path = directory_.file("kernel", kernel);
    spec.cmdline = "console=ttyS0";
    return spec;
  }
  BootSpec bzimage() const { return spec_for(make_bzimage(pack_zstd(kernel_elf()))); }
  std::string name(const std::string& file) const { return directory_.path() + "/" + file; }

  void expect_kernel_in(const GuestMemory& memory) const {
    EXPECT_EQ(read(memory, Gpa{0x1000000}, 8192), Bytes(8192, 0x90));
    EXPECT_EQ(read(memory, Gpa{0x1200000}, 0x40000),
              concatenate({Bytes(4096, 0x11), Bytes(40960), Bytes(4096, 0x22), Bytes(0x40000 - 49152)}));
  }

  TemporaryDirectory directory_;
};

TEST_F(LoaderTest, ABzImageIsUnpackedAndItsElfEntered) {
  Image image = Image::open(bzimage());
  const GuestMemory memory = make_memory();
  const EntryState state = image.load(memory);
  EXPECT_EQ(state.mode, EntryMode::kLong64);
  EXPECT_EQ(state.rip, kEntry);
  EXPECT_EQ(state.rsi, kZeroPage.value);
  expect_kernel_in(memory);
  EXPECT_EQ(image.report().protocol, "linux-elf64");
  EXPECT_EQ(image.report().kernel, (Range<Gpa>{Gpa{0x1000000}, 0x240000}));

  const boot_params params = params_of(memory);
  EXPECT_EQ(params.hdr.header, 0x53726448u);
  EXPECT_EQ(params.hdr.code32_start, 0u);
  EXPECT_EQ(params.hdr.cmd_line_ptr, kCommandLine.value);
  EXPECT_EQ(params.acpi_rsdp_addr, kAcpiTables.start.value);
  EXPECT_EQ(read(memory, kCommandLine, 14), bytes(std::string_view("console=ttyS0\0", 14)));
  EXPECT_EQ(read(memory, kAcpiTables.start, 8), bytes("RSD PTR "));
}

TEST_F(LoaderTest, EveryPackingThatLinuxUses) {
  for (const auto& pack : {pack_gzip, pack_xz, pack_zstd, pack_lz4}) {
    BootSpec spec = spec_for(make_bzimage(pack(kernel_elf())));
    spec.use_cache = false;
    Image image = Image::open(spec);
    const GuestMemory memory = make_memory();
    image.load(memory);
    expect_kernel_in(memory);
  }
}

TEST_F(LoaderTest, TheSecondTimeTheKernelComesFromTheCache) {
  Image first = Image::open(bzimage());
  EXPECT_FALSE(first.kernel().came_from_cache());
  first.load(make_memory());
  first.settle();
  Image second = Image::open(bzimage());
  EXPECT_TRUE(second.kernel().came_from_cache());
  const GuestMemory memory = make_memory();
  EXPECT_EQ(second.load(memory).rip, kEntry);
  expect_kernel_in(memory);
}

TEST_F(LoaderTest, AnotherKernelIsNotTakenForTheCachedOne) {
  Image::open(bzimage()).settle();
  Bytes other = kernel_elf();
  other.back() ^= 1;
  EXPECT_FALSE(Image::open(spec_for(make_bzimage(pack_zstd(other)))).kernel().came_from_cache());
}

TEST_F(LoaderTest, AKernelThatChangedMeanwhileIsNotCached) {
  Image image = Image::open(bzimage());
  spec_for(make_bzimage(pack_zstd(kernel_elf())));
  image.settle();
  EXPECT_FALSE(Image::open(bzimage()).kernel().came_from_cache());
}

TEST_F(LoaderTest, WithoutTheCacheNothingIsKept) {
  BootSpec spec = bzimage();
  spec.use_cache = false;
  Image::open(spec).settle();
  EXPECT_FALSE(std::filesystem::exists(name("cache")));
}

TEST_F(LoaderTest, ARebootFindsTheSameMemory) {
  for (const bool use_cache : {true, false}) {
    BootSpec spec = bzimage();
    spec.use_cache = use_cache;
    spec.initrd_path = directory_.file("initrd", Bytes(10001, 7));
    spec.extra_initrd = bytes("070701");
    Image image = Image::open(spec);
    const GuestMemory memory = make_memory();
    const EntryState first = image.load(memory);
    image.settle();
    const Bytes kernel = read(memory, Gpa{0x1000000}, 0x240000);
    const Bytes initrd = read(memory, image.report().initrd.start, image.report().initrd.size);
    const Bytes low = read(memory, Gpa{0}, kSetupData.value);

    const auto everything = *memory.slice(Gpa{0}, 64 * kMiB);
    std::ranges::fill(everything, std::uint8_t{0xaa});
    const EntryState second = image.load(memory, MemoryState::kUsed);
    EXPECT_EQ(second.rip, first.rip);
    expect_kernel_in(memory);
    EXPECT_EQ(read(memory, image.report().initrd.start, image.report().initrd.size), initrd);
    // Page 0 and the zero page; the GDT's page has bytes after the GDT that nobody reads.
    EXPECT_EQ(read(memory, Gpa{0}, kGdt.value), Bytes(low.begin(), low.begin() + 4096));
    EXPECT_EQ(read(memory, kZeroPage, 4096), Bytes(low.end() - 4096, low.end()));
  }
}

TEST_F(LoaderTest, TheInitrdLiesAsHighAsItMay) {
  BootSpec spec = bzimage();
  spec.initrd_path = directory_.file("initrd", Bytes(10000, 7));
  Image image = Image::open(spec);
  const GuestMemory memory = make_memory();
  image.load(memory);
  EXPECT_EQ(image.report().initrd, (Range<Gpa>{Gpa{64 * kMiB - 12288}, 10000}));
  EXPECT_EQ(read(memory, image.report().initrd.start, 10000), Bytes(10000, 7));
  EXPECT_EQ(params_of(memory).hdr.ramdisk_image, image.report().initrd.start.value);
  EXPECT_EQ(params_of(memory).hdr.ramdisk_size, 10000u);
}

TEST_F(LoaderTest, TheInitrdStaysBelowWhatTheKernelReaches) {
  Bytes kernel = make_bzimage(pack_zstd(kernel_elf()));
  patch(kernel, kInitrdMax, std::uint32_t{0x1ffffff});
  BootSpec spec = spec_for(kernel);
  spec.initrd_path = directory_.file("initrd", Bytes(4096, 7));
  Image image = Image::open(spec);
  image.load(make_memory());
  EXPECT_EQ(image.report().initrd.start, Gpa{0x1fff000});
}

TEST_F(LoaderTest, ASecondArchiveFollowsAtAMultipleOfFour) {
  BootSpec spec = bzimage();
  spec.initrd_path = directory_.file("initrd", Bytes(4097, 7));
  spec.extra_initrd = bytes("070701");
  Image image = Image::open(spec);
  const GuestMemory memory = make_memory();
  image.load(memory);
  EXPECT_EQ(image.report().initrd.size, 4100u + 6);
  EXPECT_EQ(read(memory, image.report().initrd.start, 4106), concatenate({Bytes(4097, 7), Bytes(3), bytes("070701")}));
}

TEST_F(LoaderTest, TheSecondArchiveMayBeTheOnlyOne) {
  BootSpec spec = bzimage();
  spec.extra_initrd = bytes("070701");
  Image image = Image::open(spec);
  const GuestMemory memory = make_memory();
  image.load(memory);
  EXPECT_EQ(read(memory, image.report().initrd.start, 6), bytes("070701"));
}

TEST_F(LoaderTest, TheClassicEntryLoadsTheWholeBzImage) {
  BootSpec spec = bzimage();
  spec.entry = KernelEntry::kBzImage;
  Image image = Image::open(spec);
  const GuestMemory memory = make_memory();
  const EntryState state = image.load(memory);
  EXPECT_EQ(image.report().protocol, "linux-bzimage64");
  EXPECT_EQ(state.rip, 0x1000200u);
  EXPECT_EQ(state.rsi, kZeroPage.value);
  EXPECT_EQ(read(memory, Gpa{0x1000000}, 0x200), Bytes(0x200, 0xcc));
  EXPECT_EQ(params_of(memory).hdr.code32_start, 0x1000000u);
}

TEST_F(LoaderTest, WhatCannotBeUnpackedUnpacksItself) {
  for (const Bytes& payload : {bytes("BZh91AY&SY......"), bytes("something else.."), pack_gzip(bytes("no ELF file here"))}) {
    const Bytes kernel = make_bzimage(payload);
    EXPECT_EQ(Image::open(spec_for(kernel)).kernel().protocol(), Kernel::Protocol::kLinuxBzImage);
    BootSpec forced = spec_for(kernel);
    forced.entry = KernelEntry::kElf;
    EXPECT_ERROR(Image::open(forced), "--kernel-entry bzimage");
  }
}

TEST_F(LoaderTest, ACorruptPayloadIsAnErrorForItWouldBeOneInTheGuestToo) {
  Bytes payload = pack_zstd(kernel_elf());
  payload[payload.size() / 2] ^= 0xff;
  payload[payload.size() / 2 + 1] ^= 0xff;
  EXPECT_ERROR(Image::open(spec_for(make_bzimage(payload))), "kernel " + name("kernel") + " has a corrupt zstd payload");
}

TEST_F(LoaderTest, AnElfFileIsEnteredByPvh) {
  BootSpec spec = spec_for(kernel_elf(pvh_note(0x1000080)));
  spec.initrd_path = directory_.file("initrd", Bytes(100, 7));
  Image image = Image::open(spec);
  const GuestMemory memory = make_memory();
  const EntryState state = image.load(memory);
  EXPECT_EQ(image.report().protocol, "pvh");
  EXPECT_EQ(state.mode, EntryMode::kProtected32);
  EXPECT_EQ(state.rip, 0x1000080u);
  EXPECT_EQ(state.rbx, kPvhStartInfo.value);
  expect_kernel_in(memory);
  EXPECT_EQ(load<std::uint32_t>(*memory.slice(kPvhStartInfo, 4)), 0x336ec578u);
  EXPECT_EQ(load<std::uint64_t>(*memory.slice(kPvhModules, 8)), image.report().initrd.start.value);
}

TEST_F(LoaderTest, AnElfFileWithoutPvhSaysWhatToDo) {
  EXPECT_ERROR(Image::open(spec_for(kernel_elf())), "is an ELF file without a PVH entry; build it with CONFIG_PVH=y");
  BootSpec spec = spec_for(kernel_elf(pvh_note(0x1000080)));
  spec.entry = KernelEntry::kBzImage;
  EXPECT_ERROR(Image::open(spec), "is an ELF file");
}

TEST_F(LoaderTest, MissingAndWrongFilesAreNamed) {
  BootSpec spec = bzimage();
  spec.initrd_path = name("nowhere");
  EXPECT_ERROR(Image::open(spec), "initrd " + name("nowhere") + " cannot be opened: No such file");
  spec.initrd_path = directory_.path();
  EXPECT_ERROR(Image::open(spec), "is not a regular file");
  spec.initrd_path = directory_.file("empty", {});
  EXPECT_ERROR(Image::open(spec), "initrd " + name("empty") + " is empty");
  spec = BootSpec{};
  spec.kernel_path = name("nowhere");
  EXPECT_ERROR(Image::open(spec), "kernel " + name("nowhere") + " cannot be opened");
  EXPECT_ERROR(Image::open(spec_for(bytes("a text"))), "kernel " + name("kernel") + " is no Linux kernel");
}

TEST_F(LoaderTest, TheCommandLinesLimitIsTheKernels) {
  BootSpec spec = bzimage();
  spec.cmdline = std::string(2047, 'x');
  Image::open(spec);
  spec.cmdline += 'x';
  EXPECT_ERROR(Image::open(spec), "the command line has 2048 characters");
  spec.cmdline = std::string("a\0b", 3);
  EXPECT_ERROR(Image::open(spec), "NUL");
}

TEST_F(LoaderTest, TooLittleMemoryIsToldWithTheAmountNeeded) {
  BootSpec spec = bzimage();
  Image image = Image::open(spec);
  EXPECT_ERROR(image.load(make_memory(16 * kMiB)), "needs memory up to 17 MiB, the guest has 16 MiB; give it more --memory");
  EXPECT_ERROR(image.load(make_memory(kMiB)), "no memory at 1 MiB");
  spec.entry = KernelEntry::kBzImage;
  EXPECT_ERROR(Image::open(spec).load(make_memory(16 * kMiB)), "needs memory up to 17 MiB");
}

TEST_F(LoaderTest, AnInitrdThatDoesNotFitIsToldWithBothSizes) {
  BootSpec spec = bzimage();
  spec.initrd_path = directory_.file("initrd", Bytes(kMiB, 7));
  Image image = Image::open(spec);
  EXPECT_ERROR(image.load(make_memory(19 * kMiB)),
               "does not fit: it takes 1048576 bytes, and 786432 bytes of memory are free above the kernel");
}

TEST_F(LoaderTest, AnInitrdThatShrankIsAnErrorAndNoCrash) {
  BootSpec spec = bzimage();
  spec.initrd_path = directory_.file("initrd", Bytes(100000, 7));
  Image image = Image::open(spec);
  directory_.file("initrd", Bytes(10, 7));
  EXPECT_ERROR(image.load(make_memory()), "initrd " + name("initrd") + " is truncated: it had 100000 bytes");
}

TEST_F(LoaderTest, ExtraEntriesOfTheMemoryMapAreTold) {
  BootSpec spec = bzimage();
  spec.extra_e820 = {{{Gpa{0xd0000000}, 0x1000}, E820Type::kReserved}};
  Image image = Image::open(spec);
  const GuestMemory memory = make_memory();
  image.load(memory);
  const boot_params params = params_of(memory);
  EXPECT_EQ(params.e820_table[params.e820_entries - 1].addr, 0xd0000000u);
}

}  // namespace
}  // namespace strait::boot
