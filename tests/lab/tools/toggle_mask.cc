// toggle_mask DEVICE FIRST[-LAST] COUNT: in a guest, masks and unmasks vectors of the function whose sysfs directory is DEVICE, each COUNT
// times, in its MSI-X table (PCI Express Base 6.0, 7.7.2) and past its driver. In the end they are unmasked.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr std::uint32_t kDwordsOfAnEntry = 4, kVectorControl = 3;

/// The MSI-X table up to and with the entry of `last`, or none.
volatile std::uint32_t* map_table(const std::string& device, std::uint32_t last) {
  std::array<std::uint8_t, 256> config{};
  const int file = ::open((device + "/config").c_str(), O_RDONLY);
  if (::read(file, config.data(), config.size()) != static_cast<ssize_t>(config.size())) return nullptr;
  std::uint8_t capability = config[0x34];
  while (capability >= 0x40 && config[capability] != 0x11) capability = config[capability + 1u];
  if (capability < 0x40) return nullptr;
  const std::uint32_t table = config[capability + 4u] | config[capability + 5u] << 8 | config[capability + 6u] << 16 | config[capability + 7u] << 24;
  const std::uint32_t offset = table & ~7u;
  const int bar = ::open((device + "/resource" + std::to_string(table & 7)).c_str(), O_RDWR);
  const auto page_size = static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE));
  const std::uint32_t length = offset % page_size + (last + 1) * 4 * kDwordsOfAnEntry;
  void* pages = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, bar, offset / page_size * page_size);
  return pages == MAP_FAILED ? nullptr : static_cast<volatile std::uint32_t*>(pages) + offset % page_size / 4;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  char* end = nullptr;
  const auto first = static_cast<std::uint32_t>(std::strtoul(argv[2], &end, 10));
  const auto last = *end == '-' ? static_cast<std::uint32_t>(std::strtoul(end + 1, nullptr, 10)) : first;
  volatile std::uint32_t* const table = map_table(argv[1], last);
  if (table == nullptr) {
    std::perror(argv[1]);
    return 1;
  }
  for (std::uint32_t vector = first; vector <= last; ++vector) {
    volatile std::uint32_t* const control = table + vector * kDwordsOfAnEntry + kVectorControl;
    for (int i = std::atoi(argv[3]); i > 0; --i) {
      *control = 1;
      *control = 0;
    }
  }
  return 0;
}
