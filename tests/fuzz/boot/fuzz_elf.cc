// An ELF kernel: headers, segments and notes.

#include <vector>

#include "base/error.h"
#include "boot/elf.h"
#include "boot/layout.h"
#include "tests/fuzz/boot/require.h"

namespace {

using namespace strait;
using namespace strait::boot;
using fuzz::require;

void check(const ElfKernel& kernel, const SpanSource& file) {
  require(!kernel.segments.empty(), "there is something to load");
  require(kernel.file_end() <= file.size(), "what loading needs is in the file");
  for (std::size_t i = 0; i < kernel.segments.size(); ++i) {
    const ElfSegment& segment = kernel.segments[i];
    require(segment.memory.start >= kKernelArea, "segments leave the first MiB alone");
    require(segment.memory.end() > segment.memory.start, "segments do not wrap");
    require(segment.memory.end() <= kernel.memory_end(), "the kernel's end is behind every segment");
    require(segment.file.size <= segment.memory.size, "segments have room for their bytes");
    for (std::size_t j = 0; j < i; ++j) {
      require(!segment.memory.overlaps(kernel.segments[j].memory), "segments do not overlap");
    }
    // Both ways of reading agree; neither fails.
    std::vector<std::uint8_t> bytes(segment.file.size), over_zeroes(segment.file.size);
    file.read(segment.file.offset, bytes);
    file.read_over_zeroes(segment.file.offset, over_zeroes);
    require(bytes == over_zeroes, "zeroes that are not written are zeroes");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const SpanSource file({data, size});
  try {
    check(parse_elf(file), file);
  } catch (const Error& error) {
    require(error.what()[0] != '\0', "every error says something");
  }
  return 0;
}
