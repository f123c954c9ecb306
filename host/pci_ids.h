#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strait::host {

/// The names of vendors, devices and classes, from a file in the format of pci.ids(5). A name that it does not have is empty.
class PciIds {
 public:
  /// No names at all.
  PciIds() = default;
  /// Lines that make no sense are passed over, and so is what follows beneath them.
  explicit PciIds(std::string_view text);

  /// From the first of `files`, plain or gzipped, that can be read; without names where none can.
  static PciIds load(const std::vector<std::filesystem::path>& files = default_files());
  /// Where distributions have it.
  static std::vector<std::filesystem::path> default_files();

  bool empty() const { return names_.empty(); }
  std::string vendor(std::uint16_t vendor) const;
  std::string device(std::uint16_t vendor, std::uint16_t device) const;
  std::string subsystem(std::uint16_t vendor, std::uint16_t device, std::uint16_t subsystem_vendor, std::uint16_t subsystem_device) const;
  /// Of the subclass, or where that has none, of the base class; `class_code` is 0xBBSSPP.
  std::string class_name(std::uint32_t class_code) const;

 private:
  /// What a line names: its kind, and the numbers that lead to it.
  struct Key {
    enum class Kind : std::uint8_t { kVendor, kDevice, kSubsystem, kClass, kSubclass } kind;
    std::uint32_t numbers;            ///< vendor and device, or class and subclass
    std::uint32_t more_numbers = 0;   ///< subsystem vendor and device

    friend auto operator<=>(const Key&, const Key&) = default;
  };
  std::string find(const Key& key) const;

  std::map<Key, std::string> names_;
};

}  // namespace strait::host
