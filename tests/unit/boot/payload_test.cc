#include "boot/payload.h"

#include <random>

#include "base/units.h"
#include "tests/unit/boot/kernel_builder.h"
#include "tests/unit/boot/throws.h"

namespace strait::boot {
namespace {

using namespace test;

/// Half random, half repetitive, so that every packer has something to do.
Bytes sample(std::size_t size) {
  std::mt19937 random(1);
  Bytes content(size);
  for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::uint8_t>(i / 4096 % 2 == 0 ? random() : i / 64);
  return content;
}

struct Format {
  PayloadFormat format;
  Bytes (*pack)(const Bytes&);
  std::size_t size = 300 * kKiB;
};

class Packed : public testing::TestWithParam<Format> {};

TEST_P(Packed, ComesBackAsItWas) {
  const Bytes content = sample(GetParam().size);
  const Bytes packed = GetParam().pack(content);
  EXPECT_EQ(detect_payload(packed), GetParam().format);
  EXPECT_TRUE(can_unpack(GetParam().format));
  const MappedRegion unpacked = unpack_payload(packed);
  ASSERT_GE(unpacked.size(), content.size());
  EXPECT_TRUE(std::equal(content.begin(), content.end(), unpacked.data()));
}

TEST_P(Packed, AWrongSizeIsAnError) {
  Bytes packed = GetParam().pack(sample(5000));
  for (const std::uint32_t size : {4999u, 5001u, 1u}) {
    patch(packed, packed.size() - 4, size);
    EXPECT_ERROR(unpack_payload(packed), "corrupt");
  }
}

TEST_P(Packed, AnAbsurdSizeIsRefusedBeforeMemoryIsTaken) {
  Bytes packed = GetParam().pack(sample(5000));
  for (const std::uint32_t size : {0xffffffffu, 0x20000001u, 0u}) {
    patch(packed, packed.size() - 4, size);
    EXPECT_ERROR(unpack_payload(packed), "it announces " + std::to_string(size) + " bytes");
  }
}

TEST_P(Packed, EveryTruncationIsAnErrorAndNoCrash) {
  const Bytes packed = GetParam().pack(sample(5000));
  for (std::size_t size = 0; size < packed.size(); size += size < 64 ? 1 : 61) {
    Bytes part(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(error_of([&] { unpack_payload(part); }), "") << size;
    // The same with the right size after it.
    part.resize(size + 4);
    patch(part, size, std::uint32_t{5000});
    EXPECT_NE(error_of([&] { unpack_payload(part); }), "") << size;
  }
}

TEST_P(Packed, FlippedBitsNeverCrash) {
  const Bytes packed = GetParam().pack(sample(5000));
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) {
    Bytes broken = packed;
    broken[random() % (broken.size() - 4)] ^= static_cast<std::uint8_t>(1u << random() % 8);
    error_of([&] { unpack_payload(broken); });
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Packed,
                         testing::Values(Format{PayloadFormat::kGzip, pack_gzip}, Format{PayloadFormat::kXz, pack_xz},
                                         Format{PayloadFormat::kZstd, pack_zstd}, // More than one block.
                                         Format{PayloadFormat::kLz4, pack_lz4, 9 * kMiB}),
                         [](const auto& format) { return std::string(name(format.param.format)); });

TEST(Payload, AnUnpackedElfIsCopied) {
  const Bytes elf = make_elf();
  Bytes payload = elf;
  payload.resize(elf.size() + 4);
  patch(payload, elf.size(), static_cast<std::uint32_t>(elf.size()));
  const MappedRegion unpacked = unpack_payload(payload);
  EXPECT_TRUE(std::equal(elf.begin(), elf.end(), unpacked.data()));
  patch(payload, elf.size(), static_cast<std::uint32_t>(elf.size() - 1));
  EXPECT_ERROR(unpack_payload(payload), "longer than announced");
}

TEST(Payload, Lz4FramesMayBeConcatenated) {
  const Bytes half = sample(1000);
  Bytes first = pack_lz4(half);
  first.resize(first.size() - 4);
  Bytes second = pack_lz4(half);
  patch(second, second.size() - 4, std::uint32_t{2000});
  const MappedRegion unpacked = unpack_payload(concatenate({first, second}));
  EXPECT_TRUE(std::equal(half.begin(), half.end(), unpacked.data() + 1000));
}

TEST(Payload, WhatCannotBeUnpackedIsNamedWithTheWayOut) {
  const auto unpack = [](const Bytes& magic) { return error_of([&] { unpack_payload(concatenate({magic, Bytes(100)})); }); };
  using testing::AllOf;
  using testing::HasSubstr;
  EXPECT_THAT(unpack(bytes("BZh9")), AllOf(HasSubstr("(bzip2)"), HasSubstr("--kernel-entry bzimage")));
  EXPECT_THAT(unpack({0x5d, 0, 0}), HasSubstr("(lzma)"));
  EXPECT_THAT(unpack(bytes("\x89" "LZO")), HasSubstr("(lzo)"));
  EXPECT_THAT(unpack(bytes("????")), HasSubstr("(an unknown format)"));
  EXPECT_ERROR(unpack_payload({}), "an unknown format");
}

TEST(Payload, TooShortIsCorrupt) { EXPECT_ERROR(unpack_payload(Bytes{0x28, 0xb5, 0x2f, 0xfd}), "too short"); }

}  // namespace
}  // namespace strait::boot
