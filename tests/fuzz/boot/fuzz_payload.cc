// A packed kernel: the payload of a bzImage with its size behind it.

#include <algorithm>

#include "base/error.h"
#include "base/little_endian.h"
#include "boot/byte_source.h"
#include "boot/payload.h"
#include "tests/fuzz/boot/require.h"

namespace {

using namespace strait;
using namespace strait::boot;
using fuzz::require;

/// More is announced by inputs that would only make the fuzzer slow.
constexpr std::uint32_t kBoring = 1u << 24;
constexpr std::uint32_t kRefused = 1u << 30;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> payload(data, size);
  const PayloadFormat format = detect_payload(payload);
  require(!name(format).empty(), "every format has a name");
  const std::uint32_t announced = size >= 4 ? load<std::uint32_t>(payload, size - 4) : 0;
  if (announced > kBoring && announced < kRefused) return 0;
  try {
    const MappedRegion unpacked = unpack_payload(payload);
    require(can_unpack(format), "only known formats are unpacked");
    require(unpacked.size() >= announced, "the result is as long as announced");
    require(all_zero(unpacked.bytes().subspan(announced)), "nothing is written past the announced end");
  } catch (const Error& error) {
    require(error.what()[0] != '\0', "every error says something");
  }
  return 0;
}
