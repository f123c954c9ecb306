#pragma once

#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "host/checks/host_view.h"
#include "tests/fakes/fake_sysfs.h"
#include "tests/fakes/temporary_directory.h"

namespace strait::test {

/// A host for the checks: an Intel machine of bare metal, booted with nothing special, whose processor and firmware have everything, whose
/// modules are loaded, and whose user may open everything; with no PCI functions. A test takes away what it is about.
class FakeHost {
 public:
  FakeHost() {
    view_.sysfs = sysfs_.root();
    view_.procfs = files_.path() / "proc";
    view_.dev = files_.path() / "dev";
    view_.modules = files_.path() / "modules";
    view_.open_device = [this](const std::filesystem::path& path) {
      const auto found = devices_.find(path.lexically_relative(view_.dev));
      return found == devices_.end() ? host::OpenedDevice{.error = ENOENT} : found->second;
    };
    view_.network_interface = [this](const std::string& name) {
      const auto found = interfaces_.find(name);
      return found == interfaces_.end() ? std::nullopt : std::optional(found->second);
    };
    view_.user = "alice";
    view_.cpuid_virtualisation = true;
    view_.locked.limit = 1ull << 30;
    cpu("GenuineIntel", "fpu vmx sse2");
    boot("root=/dev/sda1 quiet");
    procfs("sys/kernel/osrelease", "6.12.1\n");
    procfs("interrupts", "            CPU0\n   8:          0  IR-IO-APIC    8-edge      rtc0\n");
    sysfs("firmware/acpi/tables/DMAR", std::string(48, '\1'));
    sysfs("class/iommu/dmar0/intel-iommu/ecap", "f020df\n");
    sysfs("class/iommu/dmar0/intel-iommu/cap", "8d2078c106f0466\n");
    sysfs("kernel/iommu_groups/0/type", "DMA-FQ\n");
    sysfs("class/misc/kvm/dev", "10:232\n");
    for (const char* name : {"kvm", "kvm_intel", "vfio_pci", "vfio_iommu_type1"}) load(name);
    for (const char* name : {"kvm", "vfio/vfio"}) device(name);
  }

  void cpu(const std::string& vendor, const std::string& flags) {
    procfs("cpuinfo", "processor\t: 0\nvendor_id\t: " + vendor + "\nflags\t\t: " + flags + "\n\nprocessor\t: 1\nflags\t\t: none\n");
  }
  void boot(const std::string& words) { procfs("cmdline", words + "\n"); }
  void load(const std::string& module) { sysfs("module/" + module + "/initstate", "live\n"); }
  void unload(const std::string& module) { remove("module/" + module); }
  /// What is in a list (modules.dep, modules.builtin) of the running kernel's modules.
  void list_modules(const std::string& list, const std::string& lines) { files_.write("modules/6.12.1/" + list, lines); }
  /// A file in /dev, and what opening it brings; `error` is errno's.
  void device(const std::string& name, int error = 0, const std::string& group = "") { devices_[name] = {error, group}; }
  /// KVM found nothing to use.
  void no_kvm() {
    no_device("kvm");
    remove("class/misc/kvm");
  }
  void no_device(const std::string& name) { devices_.erase(name); }
  void device_file(const std::string& name) { files_.write("dev/" + name, ""); }

  /// An interface of the function, in this network namespace.
  void interface(const std::string& bdf, const std::string& name, bool up, bool carrier) {
    sysfs_.add_interface(bdf, name);
    interfaces_[name].up = up;
    interfaces_[name].carrier = carrier;
  }

  void sysfs(const std::string& name, const std::string& text) {
    const auto path = sysfs_.root() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void procfs(const std::string& name, const std::string& text) { files_.write("proc/" + name, text); }
  void remove(const std::string& name) { std::filesystem::remove_all(sysfs_.root() / name); }
  void remove_procfs(const std::string& name) { std::filesystem::remove_all(view_.procfs / name); }

  FakeSysfs& functions() { return sysfs_; }
  host::HostView& view() { return view_; }

 private:
  FakeSysfs sysfs_;
  TemporaryDirectory files_;
  std::map<std::string, host::OpenedDevice> devices_;
  std::map<std::string, host::NetworkInterface> interfaces_;
  host::HostView view_;
};

}  // namespace strait::test
