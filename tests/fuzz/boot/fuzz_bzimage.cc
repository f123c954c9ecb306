// A kernel file's first bytes. The input is the number of bytes that follow them (4 bytes), then those first bytes.

#include <algorithm>

#include "base/error.h"
#include "base/little_endian.h"
#include "boot/bzimage.h"
#include "boot/layout.h"
#include "boot/linux.h"
#include "tests/fuzz/boot/require.h"

namespace {

using namespace strait;
using namespace strait::boot;
using fuzz::require;

bool lies_within(const FileRange& inner, const FileRange& outer) {
  return inner.offset >= outer.offset && inner.size <= outer.size && inner.offset - outer.offset <= outer.size - inner.size;
}

void check(const BzImage& image, std::uint64_t file_size) {
  require(lies_within(image.code, {0, file_size}), "the code lies within the file");
  require(image.payload.size == 0 || lies_within(image.payload, image.code), "the payload lies within the code");
  require(image.init_size >= image.code.size, "the kernel's memory has room for its code");
  require(image.preferred_address >= kKernelArea.value, "the kernel leaves the first MiB alone");
  require(image.preferred_address + image.init_size < std::uint64_t{1} << 33, "the kernel's end does not wrap");
  ZeroPageInput input;
  input.setup_header = image.header;
  require(zero_page(input).size() == 4096, "the header fits in the zero page");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::span<const std::uint8_t> input(data, size);
  const auto head = input.subspan(4, std::min<std::size_t>(size - 4, 4096));
  const std::uint64_t file_size = head.size() + std::uint64_t{load<std::uint32_t>(input)};
  require(!describe_other_file(head).empty(), "there is something to say about every file");
  try {
    check(parse_bzimage(head, file_size), file_size);
  } catch (const Error& error) {
    require(error.what()[0] != '\0', "every error says something");
  }
  return 0;
}
