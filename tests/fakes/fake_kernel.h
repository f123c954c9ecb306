#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/syscall.h"
#include "binding/fault_point.h"
#include "binding/host.h"
#include "host/network_interface.h"
#include "tests/fakes/fake_sysfs.h"

namespace strait::test {

/// What a kernel makes of writes to sysfs: drivers come and go, and their network interfaces with them. All that it knows is in the files
/// of a FakeSysfs, so that it outlives a process that is killed. A function's own driver is the one that it was added with.
class FakeKernel final : public binding::HostChanges {
 public:
  static constexpr const char* kBdf = "0000:01:10.0";

  explicit FakeKernel(FakeSysfs& sysfs) : sysfs_(sysfs) {}

  /// A network card with the driver igbvf and the interface `name`.
  void add_card(const std::string& bdf, int group, const std::string& name) {
    add(bdf, "igbvf", group);
    put(device(bdf) / "net" / name / "config", R"({"mtu":9000,"name":")" + name + R"("})");
  }
  void add(const std::string& bdf, const std::string& driver, int group, const std::string& device_class = "0x020000") {
    sysfs_.add(bdf, driver, group, device_class);
    sysfs_.set(bdf, "vendor", "0x8086\n");
    sysfs_.set(bdf, "device", "0x10ca\n");
    sysfs_.set(bdf, "subsystem_vendor", "0x8086\n");
    sysfs_.set(bdf, "subsystem_device", "0xa03c\n");
    sysfs_.set(bdf, "driver_override", "(null)\n");
    sysfs_.set(bdf, "own_driver", driver);
  }
  void have_driver(const std::string& name) { std::filesystem::create_directories(sysfs_.root() / "bus/pci/drivers" / name); }

  /// Everything that binding changes, as text.
  std::string state(const std::string& bdf = kBdf) const {
    std::string text = "driver " + driver(bdf) + ", override " + read(device(bdf) / "driver_override");
    for (const std::string& name : interfaces(bdf)) text += ", " + name + " " + read(device(bdf) / "net" / name / "config");
    return text;
  }
  std::string driver(const std::string& bdf = kBdf) const {
    std::error_code error;
    return std::filesystem::read_symlink(device(bdf) / "driver", error).filename();
  }

  void write_attribute(const std::filesystem::path& path, std::string_view text) override {
    binding::fault_point();
    if (path.filename() == "drivers_probe") return probe(std::string(text));
    if (path.filename() == "unbind") return unbind(std::string(text));
    std::string value(text);
    if (value.ends_with('\n')) value.pop_back();
    if (path.filename() == "driver_override" && value.empty()) value = "(null)";
    put(sysfs_.root() / path, value + "\n");
  }
  void load_module(const std::string& module) override {
    binding::fault_point();
    if (missing_modules_.contains(module)) throw Error("the module " + module + " cannot be loaded");
    have_driver(module);
  }
  std::string opener_of(const std::filesystem::path& node) override {
    const bool group = node.parent_path() == "vfio" && open_groups_.contains(static_cast<unsigned>(std::stoul(node.filename())));
    return group || open_files_.contains(node) ? "a process" : "";
  }
  bool is_claimed(const std::filesystem::path& node) override { return claimed_.contains(node); }
  nlohmann::json read_interface(const std::string& name) override {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(sysfs_.root() / "devices")) {
      if (entry.path().filename() == name) return nlohmann::json::parse(read(entry.path() / "config"));
    }
    throw Error("there is no network interface " + name);
  }
  std::vector<std::string> settled_interfaces(const host::Bdf& function) override {
    return host::interfaces_of(function, sysfs_.root());
  }
  void restore_interface(const std::string& name, const nlohmann::json& config) override {
    namespace fs = std::filesystem;
    for (const auto& entry : fs::directory_iterator(sysfs_.root() / "devices/pci0000:00")) {
      const fs::path now = entry.path() / "net" / name, then = entry.path() / "net" / config.at("name").get<std::string>();
      if (!fs::exists(now)) continue;
      binding::fault_point();
      if (now != then) fs::rename(now, then);
      binding::fault_point();
      nlohmann::json own = config;
      own.erase("device");
      own.erase("dev_port");
      own.erase("addr_assign_type");
      put(then / "config", own.dump());
    }
  }
  host::VfTable read_vfs(const host::Bdf&) override { return vfs_; }
  void change_vf(const host::Bdf&, unsigned index, const host::VfSettings& settings) override {
    for (const auto& [key, value] : host::vf_setting_words(settings)) {
      binding::fault_point();
      host::set_vf_setting(vfs_[index], key, value, "");
    }
  }

  host::VfTable vfs_;
  std::set<unsigned> open_groups_;
  std::set<std::string> open_files_, claimed_;  ///< below /dev
  std::set<std::string> missing_modules_;
  std::map<std::string, std::string> made_ = {{"eth7", ""}};  ///< the interfaces that igbvf makes, and what links to their devices say
  std::set<std::string> broken_drivers_;  ///< that take no function

 private:
  std::filesystem::path device(const std::string& bdf) const { return sysfs_.root() / "devices/pci0000:00" / bdf; }
  static std::string read(const std::filesystem::path& path) { return read_text_file(path); }
  static void put(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::set<std::string> interfaces(const std::string& bdf) const {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(device(bdf) / "net", error)) names.insert(entry.path().filename());
    return names;
  }

  void probe(const std::string& bdf) {
    namespace fs = std::filesystem;
    if (!driver(bdf).empty()) return;
    const std::string override_name = read(device(bdf) / "driver_override"), own = read(device(bdf) / "own_driver");
    const bool overridden = override_name != "(null)";
    const fs::path autoprobe = device(bdf) / "physfn/sriov_drivers_autoprobe";
    if (!overridden && fs::exists(autoprobe) && read(autoprobe) == "0") return;
    const std::string name = overridden ? override_name : own;
    const fs::path directory = sysfs_.root() / "bus/pci/drivers" / name;
    if (name.empty() || !fs::exists(directory) || broken_drivers_.contains(name)) return;
    fs::create_symlink(directory, device(bdf) / "driver");
    if (name != "igbvf") return;
    for (const auto& [interface, its_device] : made_) {
      const fs::path net = device(bdf) / "net" / interface;
      put(net / "config", nlohmann::json{{"mtu", 1500}, {"name", interface}}.dump());
      put(net / "dev_port", "0\n");
      if (!its_device.empty()) fs::create_symlink(its_device, net / "device");
    }
  }
  void unbind(const std::string& bdf) {
    std::filesystem::remove(device(bdf) / "driver");
    std::filesystem::remove_all(device(bdf) / "net");
  }

  FakeSysfs& sysfs_;
};

}  // namespace strait::test
