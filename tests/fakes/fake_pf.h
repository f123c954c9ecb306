#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "tests/fakes/fake_kernel.h"

namespace strait::test {

/// A FakeKernel with a card that has VFs: 0000:03:00.0 of the driver igb and its VFs 0000:03:10.0 to .6, of which it makes as many as
/// sriov_numvfs says. It forgets a VF's settings with the VF.
class FakePf final : public binding::HostChanges {
 public:
  static constexpr const char* kPf = "0000:03:00.0";
  static constexpr unsigned kLimit = 7;

  explicit FakePf(FakeSysfs& sysfs) : sysfs_(sysfs), kernel_(sysfs) {
    kernel_.add(kPf, "igb", 30);
    sysfs_.set(kPf, "sriov_totalvfs", std::to_string(kLimit) + "\n");
    sysfs_.set(kPf, "sriov_numvfs", "0\n");
    sysfs_.set(kPf, "sriov_drivers_autoprobe", "1\n");
    kernel_.have_driver("vfio-pci");
    kernel_.have_driver("igbvf");
  }

  static std::string vf(unsigned index) { return fmt::format("0000:03:10.{}", index); }
  std::string attribute(const char* name) const { return read_text_file(sysfs_.root() / "bus/pci/devices" / kPf / name); }
  std::string driver(unsigned index) const { return kernel_.driver(vf(index)); }

  void write_attribute(const std::filesystem::path& path, std::string_view text) override {
    if (path.filename() == "sriov_numvfs") return make_vfs(static_cast<unsigned>(std::stoul(std::string(text))));
    kernel_.write_attribute(path, text);
  }
  void load_module(const std::string& module) override {
    kernel_.missing_modules_ = missing_modules_;
    kernel_.load_module(module);
  }
  std::string opener_of(const std::filesystem::path& node) override {
    kernel_.open_groups_ = open_groups_;
    return kernel_.opener_of(node);
  }
  bool is_claimed(const std::filesystem::path&) override { return false; }
  nlohmann::json read_interface(const std::string& name) override { return kernel_.read_interface(name); }
  std::vector<std::string> settled_interfaces(const host::Bdf& function) override { return kernel_.settled_interfaces(function); }
  /// The VF's driver tells its PF of an address that it is given.
  void restore_interface(const std::string& name, const nlohmann::json& config) override {
    kernel_.restore_interface(name, config);
    if (!vf_with_interface_ || !config.contains("mac")) return;
    host::MacAddress& mac = table_[*vf_with_interface_].mac.emplace();
    for (std::size_t i = 0; i < mac.size(); ++i) mac[i] = config["mac"][i];
  }
  host::VfTable read_vfs(const host::Bdf&) override { return table_; }
  void change_vf(const host::Bdf&, unsigned index, const host::VfSettings& settings) override {
    for (const auto& [key, value] : host::vf_setting_words(settings)) {
      binding::fault_point();
      changes_.push_back(key + "=" + value);
      if (key == refused_) throw Error(fmt::format("setting {}={} for VF {} of eth0: Operation not supported", key, value, index));
      host::set_vf_setting(table_[index], key, value, "");
    }
  }
  host::VfTable table_;
  std::vector<std::string> changes_;            ///< to settings, all that were asked for
  std::optional<unsigned> vf_with_interface_;  ///< whose driver tells the PF what its MAC address is
  std::set<std::string> missing_modules_;
  std::set<unsigned> open_groups_;      ///< a VF's is 31 + its number
  std::string refused_;                 ///< a setting that the driver does not know
  std::set<unsigned> refused_numbers_;  ///< of VFs, which the driver does not make
  bool refuses_vfs_ = false;

 private:
  void make_vfs(unsigned count) {
    namespace fs = std::filesystem;
    binding::fault_point();
    if (refuses_vfs_) throw Error::from_errno(EOPNOTSUPP, "writing sriov_numvfs");
    if (refused_numbers_.contains(count)) throw Error::from_errno(ENOMEM, "writing sriov_numvfs");
    if (count != 0 && !table_.empty()) throw Error::from_errno(EBUSY, "writing sriov_numvfs");
    for (const auto& [index, settings] : std::exchange(table_, {})) {
      fs::remove(sysfs_.root() / "devices/pci0000:00" / kPf / fmt::format("virtfn{}", index));
      fs::remove(sysfs_.root() / "bus/pci/devices" / vf(index));
      fs::remove_all(sysfs_.root() / "devices/pci0000:00" / vf(index));
      fs::remove_all(sysfs_.root() / "kernel/iommu_groups" / std::to_string(31 + index));
    }
    for (unsigned index = 0; index < count; ++index) {
      kernel_.add(vf(index), attribute("sriov_drivers_autoprobe") == "1" ? "igbvf" : "", static_cast<int>(31 + index));
      sysfs_.make_vf(kPf, index, vf(index));
      host::VfSettings& settings = table_[index];
      settings.mac.emplace();
      settings.vlan = settings.vlan_qos = 0;
      settings.vlan_protocol = 0x8100;
      settings.spoofchk = true;
    }
    sysfs_.set(kPf, "sriov_numvfs", std::to_string(count) + "\n");
  }

  FakeSysfs& sysfs_;
  FakeKernel kernel_;
};

}  // namespace strait::test
