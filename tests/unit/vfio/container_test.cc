#include "vfio/container.h"

#include <gtest/gtest.h>
#include <linux/vfio.h>

#include <cerrno>

#include "base/little_endian.h"

namespace strait::vfio {
namespace {

/// An answer to VFIO_IOMMU_GET_INFO, with the capabilities that the kernel appends to it.
class Answer {
 public:
  Answer() : bytes_(sizeof(vfio_iommu_type1_info)) { set_info(0); }

  Answer& ranges(std::initializer_list<vfio_iova_range> list) {
    const auto at = append(VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, sizeof(vfio_iommu_type1_info_cap_iova_range));
    store(std::span(bytes_), at + sizeof(vfio_info_cap_header), static_cast<std::uint32_t>(list.size()));
    for (const vfio_iova_range& range : list) {
      bytes_.resize(bytes_.size() + sizeof range);
      store(std::span(bytes_), bytes_.size() - sizeof range, range);
    }
    return *this;
  }
  Answer& other_capability() {
    append(VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, 32);
    return *this;
  }
  Answer& cut(std::size_t bytes) {
    bytes_.resize(bytes_.size() - bytes);
    return *this;
  }
  Answer& link_to_itself() {
    store(std::span(bytes_), last_ + 4, static_cast<std::uint32_t>(last_));
    return *this;
  }
  std::vector<Range<Iova>> read() const { return read_iova_ranges(bytes_); }

 private:
  void set_info(std::uint32_t first) {
    vfio_iommu_type1_info info = {};
    info.argsz = static_cast<std::uint32_t>(bytes_.size());
    info.flags = first != 0 ? VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS : VFIO_IOMMU_INFO_PGSIZES;
    info.cap_offset = first;
    store(std::span(bytes_), 0, info);
  }
  std::size_t append(std::uint16_t id, std::size_t size) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + size);
    vfio_info_cap_header header = {};
    header.id = id;
    header.version = 1;
    store(std::span(bytes_), at, header);
    if (last_ == 0) {
      set_info(static_cast<std::uint32_t>(at));
    } else {
      store(std::span(bytes_), last_ + 4, static_cast<std::uint32_t>(at));
    }
    last_ = at;
    return at;
  }

  std::vector<std::uint8_t> bytes_;
  std::size_t last_ = 0;
};

using Ranges = std::vector<Range<Iova>>;

TEST(IovaRanges, TheUsualTwoOfAnX86HostLeaveTheMsiWindowOut) {
  EXPECT_EQ(Answer().ranges({{0, 0xfedfffff}, {0xfef00000, (1ull << 48) - 1}}).read(),
            (Ranges{{Iova(0), 0xfee00000}, {Iova(0xfef00000), (1ull << 48) - 0xfef00000}}));
}

TEST(IovaRanges, AreFoundBehindOtherCapabilities) {
  EXPECT_EQ(Answer().other_capability().ranges({{0, 0xfff}}).read(), (Ranges{{Iova(0), 0x1000}}));
}

TEST(IovaRanges, TheLastByteOf64BitsIsGivenUp) {
  EXPECT_EQ(Answer().ranges({{0xfef00000, ~0ull}}).read(), (Ranges{{Iova(0xfef00000), ~0ull - 0xfef00000}}));
  EXPECT_EQ(Answer().ranges({{0, ~0ull}}).read(), (Ranges{{Iova(0), ~0ull}}));
}

TEST(IovaRanges, AKernelThatDoesNotTellNamesNone) {
  EXPECT_EQ(Answer().read(), Ranges{});
  EXPECT_EQ(Answer().other_capability().read(), Ranges{});
}

TEST(IovaRanges, BackwardRangesAreIgnored) {
  EXPECT_EQ(Answer().ranges({{0x2000, 0x1000}, {0, 0xfff}}).read(), (Ranges{{Iova(0), 0x1000}}));
}

TEST(IovaRanges, AnAnswerThatIsCutShortIsReadAsFarAsItGoes) {
  EXPECT_EQ(Answer().ranges({{0, 0xfff}, {0x2000, 0x2fff}}).cut(4).read(), (Ranges{{Iova(0), 0x1000}}));
}

/// Fails with `code`, `times` times.
std::function<int()> busy(int code, int times) {
  return [code, times]() mutable {
    if (times-- == 0) return 7;
    errno = code;
    return -1;
  };
}

TEST(OpenWhenFree, AMomentsLookBySomebodyElseIsWaitedOut) {
  EXPECT_EQ(open_when_free(busy(EBUSY, 0)), 7);
  EXPECT_EQ(open_when_free(busy(EBUSY, 3)), 7);
}

TEST(OpenWhenFree, AUserWhoStaysIsNot) {
  EXPECT_EQ(open_when_free(busy(EBUSY, 1000), std::chrono::milliseconds(20)), -1);
  EXPECT_EQ(errno, EBUSY);
}

TEST(OpenWhenFree, OtherErrorsStay) {
  EXPECT_EQ(open_when_free(busy(EACCES, 1)), -1);
  EXPECT_EQ(errno, EACCES);
}

TEST(IovaRanges, ALoopEnds) { EXPECT_FALSE(Answer().ranges({{0, 0xfff}}).link_to_itself().read().empty()); }

}  // namespace
}  // namespace strait::vfio
