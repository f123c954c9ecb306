// port STEP...: in a guest, one after the other: ADDRESS reads an I/O port of 32 bits and prints what it says, ADDRESS=VALUE writes it.

#include <sys/io.h>

#include <cstdio>
#include <cstdlib>
#include <span>

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
      default: return 2;
    }
  }
  return 0;
}
