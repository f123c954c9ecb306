#include "host/checks/host_view.h"

#include <cpuid.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ranges>
#include <system_error>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

std::optional<std::string> read(const fs::path& path) {
  try {
    return read_text_file(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// The name that `id` has as third field of a file such as /etc/group: that of a group or a user. glibc's own look-up is none for a
/// static program.
std::string name_of_id(const char* file, unsigned id) {
  const std::string text = read(file).value_or("");
  for (const auto part : std::views::split(std::string_view(text), '\n')) {
    const std::string_view line(part.begin(), part.end());
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second != std::string_view::npos && line.substr(second).starts_with(fmt::format(":{}:", id)))
      return std::string(line.substr(0, first));
  }
  return fmt::format("{}", id);
}

OpenedDevice open_device_file(const fs::path& path) {
  OpenedDevice opened;
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) opened.error = errno;
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && status.st_gid != 0 && (status.st_mode & 060) == 060) {
    opened.group = name_of_id("/etc/group", status.st_gid);
  }
  return opened;
}

/// CPUID 1, ECX bit 5 (VMX) and CPUID 0x80000001, ECX bit 2 (SVM).
bool cpuid_has_virtualisation() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0 && ((c >> 5) & 1) != 0) return true;
  return __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && ((c >> 2) & 1) != 0;
}

/// The value of the first "KEY : VALUE" line of /proc/cpuinfo.
std::string cpuinfo_value(const HostView& host, std::string_view key) {
  const auto text = host.read_procfs("cpuinfo");
  if (!text) return {};
  for (const auto line : std::views::split(std::string_view(*text), '\n')) {
    const std::string_view entry(line.begin(), line.end());
    const auto colon = entry.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view name = entry.substr(0, colon);
    while (name.ends_with('\t') || name.ends_with(' ')) name.remove_suffix(1);
    if (name == key) return std::string(entry.substr(std::min(colon + 2, entry.size())));
  }
  return {};
}

bool has_word(std::string_view words, char separator, std::string_view wanted) {
  for (const auto word : std::views::split(words, separator)) {
    if (std::string_view(word.begin(), word.end()) == wanted) return true;
  }
  return false;
}

}  // namespace

HostView HostView::real() {
  HostView host;
  host.open_device = open_device_file;
  host.network_interface = interface_lookup();
  host.cpuid_virtualisation = cpuid_has_virtualisation();
  host.user = name_of_id("/etc/passwd", ::getuid());
  host.locked = locked_memory();
  return host;
}

std::optional<std::string> HostView::read_sysfs(const fs::path& name) const { return read(sysfs / name); }
std::optional<std::string> HostView::read_procfs(const fs::path& name) const { return read(procfs / name); }

bool HostView::booted_with(std::string_view word) const { return has_word(read_procfs("cmdline").value_or(""), ' ', word); }

bool HostView::booted_with(std::string_view key, std::string_view value) const {
  const std::string line = read_procfs("cmdline").value_or("");
  for (const auto part : std::views::split(std::string_view(line), ' ')) {
    const std::string_view word(part.begin(), part.end());
    const auto equals = word.find('=');
    if (equals != std::string_view::npos && word.substr(0, equals) == key && has_word(word.substr(equals + 1), ',', value)) return true;
  }
  return false;
}

HostView::Vendor HostView::cpu_vendor() const {
  const std::string vendor = cpuinfo_value(*this, "vendor_id");
  if (vendor == "GenuineIntel") return Vendor::kIntel;
  return vendor == "AuthenticAMD" || vendor == "HygonGenuine" ? Vendor::kAmd : Vendor::kOther;
}

bool HostView::cpu_flag(std::string_view flag) const { return has_word(cpuinfo_value(*this, "flags"), ' ', flag); }

bool HostView::kvm_runs() const {
  std::error_code error;
  return fs::exists(sysfs / "class/misc/kvm", error);
}

std::string HostView::kernel_release() const { return read_procfs("sys/kernel/osrelease").value_or(""); }

std::pair<unsigned, unsigned> HostView::kernel_version() const {
  const std::string release = kernel_release();
  std::pair<unsigned, unsigned> version;
  const char* const end = release.data() + release.size();
  const char* const dot = std::from_chars(release.data(), end, version.first).ptr;
  if (dot != end && *dot == '.') std::from_chars(dot + 1, end, version.second);
  return version;
}

std::optional<std::string> HostView::module_parameter(std::string_view module, std::string_view name) const {
  return read_sysfs(fs::path("module") / module / "parameters" / name);
}

std::optional<bool> HostView::module_switch(std::string_view module, std::string_view name) const {
  const auto text = module_parameter(module, name);
  if (!text) return std::nullopt;
  return *text == "Y" || *text == "1";
}

}  // namespace strait::host
