#include "host/checks/kernel_module.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/syscall.h"

namespace strait::host {
namespace fs = std::filesystem;
namespace {

constexpr const char* kModulesLoadFile = "/etc/modules-load.d/strait.conf";

std::string with_underscores(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '-', '_');
  return text;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// Whether a list of the modules' files (modules.builtin: a path a line; modules.dep: a path, a colon, and what it needs) has `name`.
bool lists(const fs::path& file, std::string_view name) {
  std::string text;
  try {
    text = read_text_file(file);
  } catch (const Error&) {
    return false;
  }
  for (const auto part : std::views::split(std::string_view(text), '\n')) {
    std::string_view line(part.begin(), part.end());
    line = line.substr(0, line.find(':'));
    line.remove_prefix(line.rfind('/') + 1);  // none is npos, and npos + 1 is 0
    if (with_underscores(line.substr(0, line.find(".ko"))) == name) return true;
  }
  return false;
}

Check missing(const HostView& host, Check check) {
  const std::string release = host.kernel_release();
  check.status = Status::kFailed;
  check.finding = "neither loaded nor there to be loaded";
  if (is_there(host.modules / release)) {
    check.cause = fmt::format("kernel {} was built without it, or its package is not installed", release);
    check.remedy =
        "install the package with all modules of this kernel (Debian: linux-image-amd64 instead of linux-image-cloud-amd64; "
        "Ubuntu: linux-modules-extra), or boot a kernel that has it";
  } else {
    check.cause = fmt::format("the running kernel, {}, has no modules ({} is missing): an upgrade removed them, or it was built without",
                              release, (host.modules / release).string());
    check.remedy = "reboot into the kernel that is installed, or boot one that has the module";
  }
  return check;
}

Check loadable(Check check, Status status, std::string_view module) {
  check.status = status;
  check.finding = "not loaded yet, can be";
  check.cause = "nothing has asked for it since the host was booted";
  check.remedy = fmt::format("modprobe {}; at every boot: a line '{}' in {}", module, module, kModulesLoadFile);
  check.settings = {{kModulesLoadFile, std::string(module)}};
  return check;
}

Check check_module(const HostView& host, std::string_view module, Status not_loaded) {
  const Check check = {.kind = CheckKind::kModules, .name = fmt::format("module {}", module), .finding = "loaded"};
  switch (module_state(host, module)) {
    case ModuleState::kLoaded: return check;
    case ModuleState::kLoadable: return loadable(check, not_loaded, module);
    case ModuleState::kMissing: return missing(host, check);
    case ModuleState::kBuiltIn: break;
  }
  Check built_in = check;
  built_in.finding = "built into the kernel";
  return built_in;
}

Check check_kvm_module(const HostView& host) {
  const bool intel = host.cpu_vendor() == HostView::Vendor::kIntel;
  Check check = check_module(host, intel ? "kvm_intel" : "kvm_amd", Status::kFailed);
  if (check.status == Status::kOk) {
    if (const auto nested = host.module_switch(intel ? "kvm_intel" : "kvm_amd", "nested")) {
      check.finding += *nested ? ", nested on" : ", nested off";
    }
  } else if (host.kvm_runs()) {
    // Such as pKVM or PVM, which need neither.
    return {.kind = CheckKind::kModules, .name = check.name, .status = Status::kNote, .finding = "not used: KVM has another back end"};
  } else if (check.settings.empty() && !host.cpu_flag("vmx") && !host.cpu_flag("svm")) {
    check.cause += "; without virtualisation by the processor it would not load";
  }
  return check;
}

/// VFIO asks for its back end itself. Where iommufd stands in for the container there is no back end of this name.
Check check_type1(const HostView& host) {
  Check check = check_module(host, "vfio_iommu_type1", Status::kNote);
  if (check.status == Status::kNote) {
    check.finding = "not loaded yet; vfio loads it";
    check.cause = check.remedy = {};
    check.settings.clear();
  } else if (check.status == Status::kFailed && is_there(host.dev / "iommu") && is_there(host.dev / "vfio/vfio")) {
    return {
        .kind = CheckKind::kModules, .name = check.name, .status = Status::kNote, .finding = "not there; iommufd has to stand in for it"};
  } else if (check.status == Status::kFailed && module_state(host, "vfio-pci") == ModuleState::kMissing) {
    check.cause = "as with vfio-pci";
    check.remedy = "see module vfio-pci";
  }
  return check;
}

}  // namespace

ModuleState module_state(const HostView& host, std::string_view name) {
  const std::string module = with_underscores(name);
  const fs::path directory = host.modules / host.kernel_release();
  if (lists(directory / "modules.builtin", module)) return ModuleState::kBuiltIn;
  // What is built in has a directory as well, but only if it has parameters; initstate is a module's alone.
  if (is_there(host.sysfs / "module" / module)) {
    return is_there(host.sysfs / "module" / module / "initstate") ? ModuleState::kLoaded : ModuleState::kBuiltIn;
  }
  return lists(directory / "modules.dep", module) ? ModuleState::kLoadable : ModuleState::kMissing;
}

std::vector<Check> check_modules(const HostView& host) {
  return {check_kvm_module(host), check_module(host, "vfio-pci", Status::kWarning), check_type1(host)};
}

}  // namespace strait::host
