#include "binding/function_paths.h"

#include <array>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::binding {
namespace fs = std::filesystem;
namespace {

/// Where sysfs may have one of the function's interfaces: a driver on top of the function's, like virtio-net, has it further down.
std::array<fs::path, 2> places_of(const host::Bdf& function, const std::string& interface, const fs::path& sysfs) {
  return {sysfs / attribute_path(function, "net") / interface, sysfs / "class/net" / interface};
}

}  // namespace

std::string attribute_path(const host::Bdf& function, std::string_view name) {
  return fmt::format("bus/pci/devices/{}/{}", function.to_string(), name);
}

std::vector<fs::path> device_files_of(const host::PciFunction& function, const fs::path& sysfs) {
  std::vector<fs::path> files;
  std::error_code error;
  if (const auto group = function.iommu_group(); group && function.on_vfio()) files.push_back(fs::path("vfio") / std::to_string(*group));
  for (const auto& entry : fs::directory_iterator(sysfs / attribute_path(function.bdf(), "vfio-dev"), error)) {
    files.push_back("vfio/devices" / entry.path().filename());
  }
  for (const auto& entry : fs::directory_iterator(sysfs / attribute_path(function.bdf(), "uio"), error)) {
    files.push_back(entry.path().filename());
  }
  return files;
}

std::string interface_text(const host::Bdf& function, const std::string& interface, const char* name, const fs::path& sysfs) {
  for (const fs::path& place : places_of(function, interface, sysfs)) {
    try {
      return read_text_file(place / name);
    } catch (const Error&) {
    }
  }
  return "";
}

std::string interface_device(const host::Bdf& function, const std::string& interface, const fs::path& sysfs) {
  std::error_code error;
  const fs::path top = fs::canonical(sysfs / attribute_path(function, ""), error);
  for (const fs::path& place : places_of(function, interface, sysfs)) {
    const fs::path device = fs::canonical(place / "device", error);
    if (!error) return device.lexically_relative(top);
  }
  return "";
}

}  // namespace strait::binding
