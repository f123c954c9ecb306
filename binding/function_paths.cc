#include "binding/function_paths.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::binding {

std::string attribute_path(const host::Bdf& function, std::string_view name) {
  return fmt::format("bus/pci/devices/{}/{}", function.to_string(), name);
}

std::string interface_text(const host::Bdf& function, const std::string& interface, const char* name, const std::filesystem::path& sysfs) {
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
