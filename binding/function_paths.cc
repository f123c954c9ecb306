#include "binding/function_paths.h"

#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::binding {
namespace fs = std::filesystem;

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
  // A driver on top of the function's, like virtio-net, has the interface further down.
  for (const auto& place : {sysfs / attribute_path(function, "net") / interface, sysfs / "class/net" / interface}) {
    try {
      return read_text_file(place / name);
    } catch (const Error&) {
    }
  }
  return "";
}

}  // namespace strait::binding
