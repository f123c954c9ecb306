#pragma once

#include "binding/host.h"

namespace strait::binding {

/// Changes the host that this process runs on. One thread.
class KernelHost final : public HostChanges {
 public:
  explicit KernelHost(std::filesystem::path sysfs = "/sys", std::filesystem::path devfs = "/dev", std::string modprobe = "modprobe",
                      std::filesystem::path procfs = "/proc");

  void write_attribute(const std::filesystem::path& path, std::string_view text) override;
  void load_module(const std::string& module) override;
  /// Where the descriptors of other processes may not be seen it tries to open an IOMMU group, which only one may, and knows of no other.
  std::string opener_of(const std::filesystem::path& node) override;
  bool is_claimed(const std::filesystem::path& node) override;
  nlohmann::json read_interface(const std::string& name) override;
  /// Waits for udev some seconds: else it might rename an interface once more.
  std::vector<std::string> settled_interfaces(const host::Bdf& function) override;
  void restore_interface(const std::string& name, const nlohmann::json& config) override;
  host::VfTable read_vfs(const host::Bdf& pf) override;
  void change_vf(const host::Bdf& pf, unsigned index, const host::VfSettings& settings) override;

 private:
  std::filesystem::path sysfs_;
  std::filesystem::path devfs_;
  std::string modprobe_;
  std::filesystem::path procfs_;
};

}  // namespace strait::binding
