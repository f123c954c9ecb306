#include "host/pci_ids.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>

#include "host/printable.h"

namespace strait::host {
namespace {

constexpr std::size_t kSizeMax = 64 << 20;

/// Takes `digits` hexadecimal digits and the blanks behind them from the front of `line`.
std::optional<std::uint32_t> take_number(std::string_view& line, std::size_t digits) {
  std::uint32_t value = 0;
  if (line.size() <= digits || line[digits] != ' ') return std::nullopt;
  const auto [end, problem] = std::from_chars(line.data(), line.data() + digits, value, 16);
  if (problem != std::errc() || end != line.data() + digits) return std::nullopt;
  line.remove_prefix(std::min(line.find_first_not_of(' ', digits), line.size()));
  return value;
}

/// The file's content, unpacked where it is gzipped; nothing where it cannot be read.
std::optional<std::string> read_file(const std::filesystem::path& path) {
  const std::unique_ptr<std::remove_pointer_t<gzFile>, decltype(&gzclose)> file(::gzopen(path.c_str(), "rbe"), ::gzclose);
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 65536> chunk;
  for (;;) {
    const int size = ::gzread(file.get(), chunk.data(), chunk.size());
    if (size < 0 || text.size() > kSizeMax) return std::nullopt;
    if (size == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

PciIds::PciIds(std::string_view text) {
  using Kind = Key::Kind;
  bool in_classes = false;
  constexpr std::uint64_t kNone = ~0ull;
  std::uint64_t top = kNone, below = kNone;  // the numbers that the lines beneath belong to
  const auto add = [this](Key key, std::string_view name) { names_.emplace(key, printable(name)); };
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto depth = std::min(line.find_first_not_of('\t'), line.size());
    line.remove_prefix(depth);
    if (depth == 0) {
      in_classes = line.starts_with("C ");
      if (in_classes) line.remove_prefix(2);
      const auto number = take_number(line, in_classes ? 2 : 4);
      top = number ? *number : kNone;
      below = kNone;
      if (number) add({in_classes ? Kind::kClass : Kind::kVendor, *number}, line);
    } else if (depth == 1 && top != kNone) {
      const auto number = take_number(line, in_classes ? 2 : 4);
      below = number ? top << (in_classes ? 8 : 16) | *number : kNone;
      if (number) add({in_classes ? Kind::kSubclass : Kind::kDevice, static_cast<std::uint32_t>(below)}, line);
    } else if (depth == 2 && below != kNone && !in_classes) {
      const auto vendor = take_number(line, 4), device = take_number(line, 4);
      if (vendor && device) add({Kind::kSubsystem, static_cast<std::uint32_t>(below), *vendor << 16 | *device}, line);
    }
  }
}

std::vector<std::filesystem::path> PciIds::default_files() {
  return {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids.gz", "/usr/share/hwdata/pci.ids.gz"};
}

PciIds PciIds::load(const std::vector<std::filesystem::path>& files) {
  for (const auto& file : files) {
    if (const auto text = read_file(file)) {
      PciIds ids(*text);
      if (!ids.empty()) return ids;
    }
  }
  return {};
}

std::string PciIds::find(const Key& key) const {
  const auto found = names_.find(key);
  return found == names_.end() ? std::string() : found->second;
}

std::string PciIds::vendor(std::uint16_t vendor) const { return find({Key::Kind::kVendor, vendor}); }

std::string PciIds::device(std::uint16_t vendor, std::uint16_t device) const {
  return find({Key::Kind::kDevice, std::uint32_t{vendor} << 16 | device});
}

std::string PciIds::subsystem(std::uint16_t vendor, std::uint16_t device, std::uint16_t subsystem_vendor,
                              std::uint16_t subsystem_device) const {
  return find({Key::Kind::kSubsystem, std::uint32_t{vendor} << 16 | device, std::uint32_t{subsystem_vendor} << 16 | subsystem_device});
}

std::string PciIds::class_name(std::uint32_t class_code) const {
  const std::string name = find({Key::Kind::kSubclass, class_code >> 8});
  return name.empty() ? find({Key::Kind::kClass, class_code >> 16}) : name;
}

}  // namespace strait::host
