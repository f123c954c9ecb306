#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/little_endian.h"
#include "host/inventory.h"
#include "tests/fakes/fake_sysfs.h"

namespace strait::test {

/// A small server: a network card with two virtual functions, a disk, a graphics card whose two functions share a group, a USB controller
/// and the bridges above them.
class FakeMachine {
 public:
  FakeMachine() {
    namespace fs = std::filesystem;
    add("0000:00:1c.0", "pcieport", 9, "0x060400", "0x8086", "0xa110", {.pin = 1, .msi = 1, .msix = 0});
    add("0000:00:1f.0", "lpc_ich", 13, "0x060100", "0x8086", "0xa149", {.pin = 0, .msi = 0, .msix = 0});
    add("0000:00:14.0", "xhci_hcd", 3, "0x0c0330", "0x8086", "0xa12f", {.pin = 1, .msi = 8, .msix = 0});
    add("0000:01:00.0", "nouveau", 1, "0x030000", "0x10de", "0x1c82", {.pin = 1, .msi = 1, .msix = 0}, "bus");
    add("0000:01:00.1", "snd_hda_intel", 1, "0x040300", "0x10de", "0x0fb9", {.pin = 2, .msi = 1, .msix = 0}, "bus");
    add("0000:02:00.0", "igb", 14, "0x020000", "0x8086", "0x1521", {.pin = 1, .msi = 1, .msix = 10}, "flr bus");
    add("0000:02:10.0", "vfio-pci", 30, "0x020000", "0x8086", "0x1520", {.pin = 0, .msi = 0, .msix = 3}, "flr");
    add("0000:02:10.4", "", 31, "0x020000", "0x8086", "0x1520", {.pin = 0, .msi = 0, .msix = 3}, "flr");
    add("0000:03:00.0", "nvme", 15, "0x010802", "0x144d", "0xa808", {.pin = 1, .msi = 32, .msix = 33}, "flr bus");
    sysfs_.make_vf("0000:02:00.0", 0, "0000:02:10.0");
    sysfs_.make_vf("0000:02:00.0", 1, "0000:02:10.4");
    sysfs_.set("0000:02:00.0", "sriov_totalvfs", "7\n");
    sysfs_.set("0000:02:00.0", "sriov_drivers_autoprobe", "0\n");
    sysfs_.set("0000:02:00.0", "numa_node", "0\n");
    sysfs_.add_interface("0000:02:00.0", "enp2s0f0");
    sysfs_.set("0000:02:00.0", "net/enp2s0f0/speed", "1000\n");
    fs::create_directories(sysfs_.root() / "class/iommu/dmar0");
    names_ = files_.write("pci.ids",
                          "10de  NVIDIA Corporation\n"
                          "\t0fb9  GP107GL High Definition Audio Controller\n"
                          "\t1c82  GP107 [GeForce GTX 1050 Ti]\n"
                          "144d  Samsung Electronics Co Ltd\n"
                          "\ta808  NVMe SSD Controller SM981/PM981/PM983\n"
                          "8086  Intel Corporation\n"
                          "\t1520  I350 Ethernet Controller Virtual Function\n"
                          "\t1521  I350 Gigabit Network Connection\n"
                          "\t\t8086 0001  Ethernet Server Adapter I350-T4\n"
                          "\ta110  100 Series/C230 Series Chipset Family PCI Express Root Port #1\n"
                          "\ta12f  100 Series/C230 Series Chipset Family USB 3.0 xHCI Controller\n"
                          "\ta149  C236 Chipset LPC/eSPI Controller\n"
                          "C 01  Mass storage controller\n"
                          "\t08  Non-Volatile memory controller\n"
                          "C 02  Network controller\n"
                          "\t00  Ethernet controller\n"
                          "C 03  Display controller\n"
                          "\t00  VGA compatible controller\n"
                          "C 04  Multimedia controller\n"
                          "\t03  Audio device\n"
                          "C 06  Bridge\n"
                          "\t01  ISA bridge\n"
                          "\t04  PCI bridge\n"
                          "C 0c  Serial bus controller\n"
                          "\t03  USB controller\n");
  }

  FakeSysfs& sysfs() { return sysfs_; }
  const std::filesystem::path& root() const { return sysfs_.root(); }

  /// Of all functions, or of all but bridges.
  host::Inventory inventory(bool with_bridges = false, bool with_names = true) const {
    std::vector<host::Bdf> functions = host::all_functions(root());
    if (!with_bridges) std::erase_if(functions, [this](const host::Bdf& bdf) { return host::is_bridge(bdf, root()); });
    host::InventorySources sources{.sysfs = root(), .pci_ids = {}, .interface = interface};
    if (with_names) sources.pci_ids = {names_};
    return host::take_inventory(functions, sources);
  }

  static std::optional<host::NetworkInterface> interface(const std::string& name) {
    if (name != "enp2s0f0") return std::nullopt;
    host::NetworkInterface interface;
    interface.name = name;
    interface.mac = "a0:36:9f:12:34:56";
    interface.mtu = 1500;
    interface.up = interface.carrier = interface.default_route = true;
    interface.addresses = {"192.0.2.10/24", "2001:db8::a236:9fff:fe12:3456/64", "fe80::a236:9fff:fe12:3456/64"};
    return interface;
  }

 private:
  void add(const std::string& bdf, const std::string& driver, int group, const std::string& device_class, const std::string& vendor,
           const std::string& device, const host::PciInterrupts& interrupts, const std::string& reset = "") {
    sysfs_.add(bdf, driver, group, device_class);
    sysfs_.set(bdf, "vendor", vendor + "\n");
    sysfs_.set(bdf, "device", device + "\n");
    sysfs_.set(bdf, "subsystem_vendor", "0x8086\n");
    sysfs_.set(bdf, "subsystem_device", "0x0001\n");
    sysfs_.set(bdf, "revision", "0x01\n");
    sysfs_.set(bdf, "numa_node", "-1\n");
    sysfs_.set(bdf, "reset_method", reset + "\n");
    sysfs_.set(bdf, "config", config_of(interrupts, device == "0x1520"));
  }
  /// Configuration space with MSI and MSI-X, as far as there are any. A virtual function's vendor and device read as all ones.
  static std::string config_of(const host::PciInterrupts& interrupts, bool is_virtual) {
    std::string config(256, '\0');
    const std::span<std::uint8_t> bytes(reinterpret_cast<std::uint8_t*>(config.data()), config.size());
    store<std::uint32_t>(bytes, 0x00, is_virtual ? 0xffffffff : 0xa1108086);
    store<std::uint16_t>(bytes, 0x06, 0x10);
    bytes[0x3d] = static_cast<std::uint8_t>(*interrupts.pin);
    std::size_t link = 0x34;
    const auto add_capability = [&](std::uint8_t at, std::uint8_t id, std::uint16_t control) {
      bytes[link] = at;
      bytes[at] = id;
      store(bytes, at + 2u, control);
      link = at + 1u;
    };
    std::uint16_t log = 0;
    while (1u << log < *interrupts.msi) ++log;
    if (*interrupts.msi != 0) add_capability(0x50, 0x05, static_cast<std::uint16_t>(log << 1));
    if (*interrupts.msix != 0) add_capability(0x70, 0x11, static_cast<std::uint16_t>(*interrupts.msix - 1));
    return config;
  }

  FakeSysfs sysfs_;
  TemporaryDirectory files_;
  std::filesystem::path names_;
};

}  // namespace strait::test
