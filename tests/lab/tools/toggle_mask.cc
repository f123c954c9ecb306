// toggle_mask DEVICE VECTOR COUNT: in a guest, masks and unmasks a vector of the function whose sysfs directory is DEVICE, COUNT times, in its
// MSI-X table (PCI Express Base 6.0, 7.7.2) and past its driver.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

/// The vector control word of a vector, or none.
volatile std::uint32_t* vector_control(const std::string& device, std::uint32_t vector) {
  std::array<std::uint8_t, 256> config{};
  const int file = ::open((device + "/config").c_str(), O_RDONLY);
  if (::read(file, config.data(), config.size()) != static_cast<ssize_t>(config.size())) return nullptr;
  std::uint8_t capability = config[0x34];
  while (capability >= 0x40 && config[capability] != 0x11) capability = config[capability + 1u];
  if (capability < 0x40) return nullptr;
  const std::uint32_t table = config[capability + 4u] | config[capability + 5u] << 8 | config[capability + 6u] << 16 | config[capability + 7u] << 24;
  const std::uint32_t offset = (table & ~7u) + vector * 16 + 12;
  const int bar = ::open((device + "/resource" + std::to_string(table & 7)).c_str(), O_RDWR);
  const auto page_size = static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE));
  void* page = ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, bar, offset / page_size * page_size);
  return page == MAP_FAILED ? nullptr : static_cast<volatile std::uint32_t*>(page) + offset % page_size / 4;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  volatile std::uint32_t* const control = vector_control(argv[1], static_cast<std::uint32_t>(std::atoi(argv[2])));
  if (control == nullptr) {
    std::perror(argv[1]);
    return 1;
  }
  for (int i = std::atoi(argv[3]); i > 0; --i) {
    *control = 1;
    *control = 0;
  }
  return 0;
}
