#include "boot/payload.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/little_endian.h"
#include "base/units.h"

namespace strait::boot {
namespace {

using Input = std::span<const std::uint8_t>;
using Output = std::span<std::uint8_t>;

/// Ten times the largest distribution kernel: a header that announces more is corrupt.
constexpr std::uint64_t kUnpackedMax = 512 * kMiB;
/// Every format but gzip has it appended by the kernel's build; gzip's own trailer ends with the same number.
constexpr std::size_t kSizeField = 4;

/// LZ4's legacy frame (LZ4 Frame Format, "Legacy frame"): the magic, then blocks of a length and up to 8 MiB unpacked.
constexpr std::uint32_t kLz4LegacyMagic = 0x184c2102;
constexpr std::size_t kLz4LegacyBlock = 8 * kMiB;

bool starts_with(Input bytes, Input magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

Error corrupt(std::string_view format, std::string_view why) {
  return Error(fmt::format("has a corrupt {} payload: {}", format, why), "copy the kernel again, or reinstall its package");
}

/// Each unpacker returns how many bytes it wrote, at most output.size().

std::size_t gunzip(Input input, Output output) {
  z_stream stream{};
  stream.next_in = const_cast<Bytef*>(input.data());  // zlib's type predates const; it only reads
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = output.data();
  stream.avail_out = static_cast<uInt>(output.size());
  constexpr int kGzipWrapper = 16;
  if (inflateInit2(&stream, MAX_WBITS + kGzipWrapper) != Z_OK) throw Error("cannot be unpacked: zlib found no memory");
  const int result = inflate(&stream, Z_FINISH);
  const std::string why = stream.msg != nullptr ? stream.msg : "it ends too early or is longer than announced";
  inflateEnd(&stream);
  if (result != Z_STREAM_END) throw corrupt("gzip", why);
  return stream.total_out;
}

std::size_t unxz(Input input, Output output) {
  constexpr std::uint64_t kMemoryLimit = 512 * kMiB;
  std::uint64_t memory_limit = kMemoryLimit;
  std::size_t in = 0, out = 0;
  const lzma_ret result =
      lzma_stream_buffer_decode(&memory_limit, 0, nullptr, input.data(), &in, input.size(), output.data(), &out, output.size());
  if (result != LZMA_OK) throw corrupt("xz", fmt::format("liblzma's error {}", static_cast<int>(result)));
  return out;
}

std::size_t unzstd(Input input, Output output) {
  const std::size_t result = ZSTD_decompress(output.data(), output.size(), input.data(), input.size());
  if (ZSTD_isError(result)) throw corrupt("zstd", ZSTD_getErrorName(result));
  return result;
}

std::size_t unlz4(Input input, Output output) {
  std::size_t in = 0, out = 0;
  while (input.size() - in >= sizeof(std::uint32_t)) {
    const auto length = load<std::uint32_t>(input, in);
    in += sizeof length;
    if (length == kLz4LegacyMagic) continue;  // frames may be concatenated
    if (length > input.size() - in) throw corrupt("lz4", "a block is longer than the payload");
    const std::size_t room = std::min(output.size() - out, kLz4LegacyBlock);
    const int result = LZ4_decompress_safe(reinterpret_cast<const char*>(input.data() + in),
                                           reinterpret_cast<char*>(output.data() + out), static_cast<int>(length),
                                           static_cast<int>(room));
    if (result < 0) throw corrupt("lz4", "a block does not unpack");
    in += length;
    out += static_cast<std::size_t>(result);
  }
  if (in != input.size()) throw corrupt("lz4", "bytes are left over");
  return out;
}

std::size_t copy(Input input, Output output) {
  if (input.size() > output.size()) throw corrupt("plain", "it is longer than announced");
  std::ranges::copy(input, output.begin());
  return input.size();
}

std::size_t unpack(PayloadFormat format, Input payload, Output output) {
  const Input without_size = payload.first(payload.size() - kSizeField);
  switch (format) {
    case PayloadFormat::kPlainElf: return copy(without_size, output);
    case PayloadFormat::kGzip: return gunzip(payload, output);
    case PayloadFormat::kXz: return unxz(without_size, output);
    case PayloadFormat::kZstd: return unzstd(without_size, output);
    case PayloadFormat::kLz4: return unlz4(without_size, output);
    default: return 0;
  }
}

}  // namespace

PayloadFormat detect_payload(std::span<const std::uint8_t> payload) {
  struct Magic {
    PayloadFormat format;
    std::size_t size;
    std::uint8_t bytes[6];
  };
  static constexpr Magic kMagics[] = {
      {PayloadFormat::kPlainElf, 4, {0x7f, 'E', 'L', 'F'}},
      {PayloadFormat::kGzip, 3, {0x1f, 0x8b, 0x08}},
      {PayloadFormat::kXz, 6, {0xfd, '7', 'z', 'X', 'Z', 0x00}},
      {PayloadFormat::kZstd, 4, {0x28, 0xb5, 0x2f, 0xfd}},
      {PayloadFormat::kLz4, 4, {0x02, 0x21, 0x4c, 0x18}},
      {PayloadFormat::kBzip2, 3, {'B', 'Z', 'h'}},
      {PayloadFormat::kLzma, 3, {0x5d, 0x00, 0x00}},
      {PayloadFormat::kLzo, 4, {0x89, 'L', 'Z', 'O'}},
  };
  for (const Magic& magic : kMagics) {
    if (starts_with(payload, {magic.bytes, magic.size})) return magic.format;
  }
  return PayloadFormat::kUnknown;
}

bool can_unpack(PayloadFormat format) {
  return format == PayloadFormat::kPlainElf || format == PayloadFormat::kGzip || format == PayloadFormat::kXz ||
         format == PayloadFormat::kZstd || format == PayloadFormat::kLz4;
}

std::string_view name(PayloadFormat format) {
  switch (format) {
    case PayloadFormat::kUnknown: break;
    case PayloadFormat::kPlainElf: return "not packed";
    case PayloadFormat::kGzip: return "gzip";
    case PayloadFormat::kXz: return "xz";
    case PayloadFormat::kZstd: return "zstd";
    case PayloadFormat::kLz4: return "lz4";
    case PayloadFormat::kBzip2: return "bzip2";
    case PayloadFormat::kLzma: return "lzma";
    case PayloadFormat::kLzo: return "lzo";
  }
  return "an unknown format";
}

MappedRegion unpack_payload(std::span<const std::uint8_t> payload) {
  const PayloadFormat format = detect_payload(payload);
  if (!can_unpack(format)) {
    throw Error(fmt::format("has a payload packed in a way that strait cannot unpack ({})", name(format)),
                "start it with --kernel-entry bzimage, so that it unpacks itself");
  }
  if (payload.size() < 2 * kSizeField) throw corrupt(name(format), "it is too short");
  const auto announced = load<std::uint32_t>(payload, payload.size() - kSizeField);
  if (announced == 0 || announced > kUnpackedMax) {
    throw corrupt(name(format), fmt::format("it announces {} bytes", announced));
  }
  // Huge pages where the host gives them: the buffer is written once from end to end, and faults are most of the cost.
  MappedRegion output = MappedRegion::anonymous(align_up(announced, kPageSize), kHugePageSize);
  ::madvise(output.data(), output.size(), MADV_HUGEPAGE);
  const std::size_t written = unpack(format, payload, output.bytes().first(announced));
  if (written != announced) {
    throw corrupt(name(format), fmt::format("it announces {} bytes and unpacks to {}", announced, written));
  }
  return output;
}

}  // namespace strait::boot
