// port STEP...: in a guest, one after the other: ADDRESS reads an I/O port of 32 bits and prints what it says, ADDRESS=VALUE writes it,
// ADDRESS:VALUE reads it until it says that.

#include <sys/io.h>
#include <x86intrin.h>

#include <cstdio>
#include <cstdlib>
#include <span>

namespace {

/// Waits for a moment without its kernel, and without leaving the guest.
void spin() {
  const auto start = __rdtsc();
  while (__rdtsc() - start < 1'000'000) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (::iopl(3) < 0) {
    std::perror("iopl");
    return 1;
  }
  for (const char* step : std::span(argv, static_cast<std::size_t>(argc)).subspan(1)) {
    char* rest = nullptr;
    const auto port = static_cast<unsigned short>(std::strtoul(step, &rest, 0));
    const auto value = *rest == '\0' ? 0 : static_cast<unsigned>(std::strtoul(rest + 1, nullptr, 0));
    switch (*rest) {
      case '\0': std::printf("0x%08X\n", ::inl(port)); break;
      case '=': ::outl(value, port); break;
      case ':':
        while (::inl(port) != value) spin();
        break;
      default: return 2;
    }
  }
  return 0;
}
