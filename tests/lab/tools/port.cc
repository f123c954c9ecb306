// port ADDRESS [VALUE]: in a guest, reads an I/O port of 32 bits and prints what it says, or writes it.

#include <sys/io.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  const auto port = static_cast<unsigned short>(std::strtoul(argv[1], nullptr, 0));
  if (::iopl(3) < 0) {
    std::perror("iopl");
    return 1;
  }
  if (argc == 3) {
    ::outl(static_cast<unsigned>(std::strtoul(argv[2], nullptr, 0)), port);
  } else {
    std::printf("0x%08X\n", ::inl(port));
  }
  return 0;
}
