#include "boot/bzimage.h"

#include "tests/unit/boot/kernel_builder.h"
#include "tests/unit/boot/throws.h"

namespace strait::boot {
namespace {

using namespace test;

BzImage parse(const Bytes& file) {
  return parse_bzimage(std::span(file).first(std::min<std::size_t>(file.size(), 4096)), file.size());
}

/// A valid image with one field overwritten.
template <typename T>
Bytes with(std::size_t offset, T value) {
  Bytes image = make_bzimage(bytes("payload."));
  patch(image, offset, value);
  return image;
}

TEST(BzImage, SaysWhereEverythingIs) {
  const Bytes file = make_bzimage(bytes("payload."));
  const BzImage image = parse(file);
  EXPECT_EQ(image.protocol, 0x020f);
  EXPECT_EQ(image.code, (FileRange{kCodeOffset, file.size() - kCodeOffset}));
  EXPECT_EQ(image.payload, (FileRange{kCodeOffset + 0x200, 8}));
  EXPECT_EQ(image.init_size, 0x100000u);
  EXPECT_EQ(image.preferred_address, 0x1000000u);
  EXPECT_EQ(image.alignment, 0x200000u);
  EXPECT_TRUE(image.relocatable);
  EXPECT_EQ(image.cmdline_size, 2047u);
  EXPECT_EQ(image.initrd_address_max, 0x7fffffffu);
}

TEST(BzImage, TheHeaderIsAsLongAsItsJumpSays) {
  const Bytes file = make_bzimage(bytes("payload."));
  const BzImage image = parse(file);
  ASSERT_EQ(image.header.size(), 0x202u + 0x6a - 0x1f1);
  EXPECT_TRUE(std::equal(image.header.begin(), image.header.end(), file.begin() + 0x1f1));
}

TEST(BzImage, NoSetupSectorsMeanFour) { EXPECT_EQ(parse(with(kSetupSects, std::uint8_t{0})).code.offset, kCodeOffset); }

TEST(BzImage, ASignatureAfterTheCodeIsNoPartOfIt) {
  Bytes file = make_bzimage(bytes("payload."));
  const std::size_t code = file.size() - kCodeOffset;
  file.resize(file.size() + 1000);
  EXPECT_EQ(parse(file).code.size, code);
}

TEST(BzImage, NoPayloadIsAllowed) { EXPECT_EQ(parse(with(kPayloadLength, std::uint32_t{0})).payload.size, 0u); }

TEST(BzImage, TruncationIsToldWithBothSizes) {
  Bytes file = make_bzimage(Bytes(1000, 1));
  const std::size_t whole = file.size();
  file.resize(whole - 100);
  EXPECT_ERROR(parse(file), "is truncated: its header says " + std::to_string(whole) + " bytes, the file has " +
                                std::to_string(whole - 100));
  file.resize(0x230);
  EXPECT_ERROR(parse(file), "is truncated");
  file.resize(0x200);
  EXPECT_ERROR(parse(file), "is no Linux kernel");
}

TEST(BzImage, EveryTruncationIsAnErrorAndNoCrash) {
  const Bytes whole = make_bzimage(bytes("payload."));
  for (std::size_t size = 0; size + 16 < whole.size(); ++size) {
    EXPECT_NE(error_of([&] { parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))); }), "") << size;
  }
}

TEST(BzImage, RefusesOldProtocolsAnd32BitKernels) {
  EXPECT_ERROR(parse(with(kVersion, std::uint16_t{0x020b})), "speaks boot protocol 2.11");
  EXPECT_ERROR(parse(with(kXloadflags, std::uint16_t{0})), "is a 32-bit kernel");
  EXPECT_ERROR(parse(with(kLoadflags, std::uint8_t{0})), "is a zImage");
}

TEST(BzImage, RefusesHeadersThatContradictThemselves) {
  EXPECT_ERROR(parse(with(kSyssize, std::uint32_t{0})), "0 bytes long");
  EXPECT_ERROR(parse(with(kPayloadOffset, std::uint32_t{0xffffffff})), "payload");
  EXPECT_ERROR(parse(with(kPayloadLength, std::uint32_t{0xffffffff})), "payload");
  EXPECT_ERROR(parse(with(kAlignment, std::uint32_t{0x300000})), "alignment");
  EXPECT_ERROR(parse(with(kAlignment, std::uint32_t{0})), "alignment");
  EXPECT_ERROR(parse(with(kPrefAddress, std::uint64_t{0x8000})), "asks to be loaded at 0x8000");
  EXPECT_ERROR(parse(with(kPrefAddress, ~std::uint64_t{0})), "asks to be loaded");
  EXPECT_ERROR(parse(with(kInitSize, std::uint32_t{16})), "asks for 16 bytes");
  EXPECT_ERROR(parse(with(kInitSize, std::uint32_t{0xffffffff})), "asks for");
  EXPECT_ERROR(parse(with(kCmdlineSize, std::uint32_t{0})), "no command line");
  EXPECT_ERROR(parse(with(kJump, std::uint8_t{0xff})), "longer than the zero page");
  EXPECT_ERROR(parse(with(kJump, std::uint8_t{0x10})), "shorter than boot protocol 2.12");
}

TEST(DetectKernel, KnowsBzImageAndElf) {
  EXPECT_EQ(detect_kernel(make_bzimage(bytes("x"))), KernelKind::kBzImage);
  EXPECT_EQ(detect_kernel(make_elf()), KernelKind::kElf);
  EXPECT_EQ(detect_kernel(bytes("hello")), KernelKind::kOther);
  EXPECT_EQ(detect_kernel({}), KernelKind::kOther);
}

TEST(DescribeOtherFile, NamesWhatItKnows) {
  const auto at = [](std::size_t offset, std::string_view magic) {
    Bytes file(4096);
    for (std::size_t i = 0; i < magic.size(); ++i) file[offset + i] = static_cast<std::uint8_t>(magic[i]);
    return describe_other_file(file);
  };
  using testing::HasSubstr;
  EXPECT_THAT(at(0x38, "ARM\x64"), HasSubstr("ARM64"));
  EXPECT_THAT(at(0x38, "RSC\x05"), HasSubstr("RISC-V"));
  EXPECT_THAT(at(0x24, "\x18\x28\x6f\x01"), HasSubstr("ARM zImage"));
  EXPECT_THAT(at(0, "\x1f\x8b"), HasSubstr("gzip"));
  EXPECT_THAT(at(0, "\x27\x05\x19\x56"), HasSubstr("U-Boot"));
  EXPECT_THAT(at(0, "MZ"), HasSubstr("EFI"));
  EXPECT_THAT(at(0, "070701"), HasSubstr("initrd"));
  EXPECT_THAT(at(0, "hello"), HasSubstr("no Linux kernel"));
  EXPECT_EQ(describe_other_file({}), "is empty; copy it again");
}

}  // namespace
}  // namespace strait::boot
