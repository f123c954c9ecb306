// A libvirt domain: all of it is used or left out, the list names what is left out by paths and lines that are in it, and run takes the
// configuration.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "base/error.h"
#include "base/units.h"
#include "cli/amounts.h"
#include "cli/config_file.h"
#include "cli/cpu_options.h"
#include "cli/libvirt/convert.h"
#include "vmm/device_places.h"
#include "vmm/device_spec.h"
#include "vmm/pinning.h"

namespace {

using namespace strait;
using Kind = ConfigName::Kind;

const std::vector<ConfigName> kNames = {{"kernel", Kind::kValue},      {"initrd", Kind::kValue},     {"cmdline", Kind::kValue},
                                        {"memory", Kind::kValue},      {"cpus", Kind::kValue},       {"on-reboot", Kind::kValue},
                                        {"hugepages", Kind::kValue},   {"numa", Kind::kValue},       {"pin", Kind::kValue},
                                        {"rt", Kind::kValue},          {"cpu-hide-kvm", Kind::kFlag}, {"device", Kind::kRepeatable}};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

bool is_text(const pugi::xml_node& node) {
  const bool text = node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
  return text && std::string_view(node.value()).find_first_not_of(" \t\r\n") != std::string_view::npos;
}

/// The domain's elements, attributes and texts, by their paths as the list has them.
class Parts {
 public:
  explicit Parts(const pugi::xml_node& root) : all_(add(root, fmt::format("/{}", root.name()))) {}

  std::size_t all() const { return all_; }
  /// How many parts there are in the next one of that path; 0 where there is none.
  std::size_t take(const std::string& path) {
    std::deque<std::size_t>& sizes = sizes_[path];
    if (sizes.empty()) return 0;
    const std::size_t size = sizes.front();
    sizes.pop_front();
    return size;
  }

 private:
  std::size_t add(const pugi::xml_node& node, const std::string& path) {
    std::deque<std::size_t>& sizes = sizes_[shown(path, 400)];
    const std::size_t index = sizes.size();
    sizes.push_back(0);
    std::size_t size = 1;
    const auto add_one = [&](const std::string& suffix) {
      sizes_[shown(path + suffix, 400)].push_back(1);
      ++size;
    };
    for (const pugi::xml_attribute& attribute : node.attributes()) add_one(fmt::format("/@{}", attribute.name()));
    if (std::ranges::any_of(node.children(), is_text)) add_one("/text()");

    std::map<std::string, std::size_t> names, numbers;
    for (const pugi::xml_node& child : node.children()) names[child.name()] += child.type() == pugi::node_element;
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const std::string name = child.name();
      size += add(child, names[name] == 1 ? fmt::format("{}/{}", path, name) : fmt::format("{}/{}[{}]", path, name, ++numbers[name]));
    }
    return sizes_[shown(path, 400)][index] = size;
  }

  std::map<std::string, std::deque<std::size_t>> sizes_;
  std::size_t all_;
};

void check_account(const libvirt::Document::Account& account, const std::string& xml) {
  pugi::xml_document tree;
  require(static_cast<bool>(tree.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8)),
          "what is converted is XML");
  Parts parts(tree.document_element());
  require(account.used + account.left_out == parts.all(), "every part is used or left out");

  const auto lines = static_cast<std::size_t>(std::ranges::count(xml, '\n')) + 1;
  std::size_t named = 0;
  for (const libvirt::LeftOut& part : account.list) {
    require(part.line >= 1 && part.line <= lines, "a part that is left out has a line of the file");
    require(part.reason.empty() == (part.loss == libvirt::Loss::kUnknown), "and a reason, unless it is unknown");
    if (part.path == "/domain/os/kernel" && part.reason.starts_with("missing")) continue;
    const std::size_t size = parts.take(part.path);
    require(size != 0, "and a path that leads to it");
    named += size;
  }
  require(named == account.left_out, "what is left out is in the list");
}

/// As run takes it, but for files that it opens.
void check_values(const std::vector<ConfigSetting>& settings) {
  std::vector<DeviceSpec> devices;
  std::uint64_t memory = 0;
  unsigned cpus = 0;
  for (const ConfigSetting& setting : settings) {
    if (setting.name == "memory") memory = parse_memory_size(setting.value);
    if (setting.name == "cpus") cpus = parse_cpus(setting.value).cpus();
    if (setting.name == "hugepages") {
      require(setting.value == "off" || (setting.value == "2M" && memory % (2 * kMiB) == 0) || (setting.value == "1G" && memory % kGiB == 0),
              "memory is of whole pages");
    }
    if (setting.name == "pin") parse_pinning(setting.value, cpus);
    if (setting.name == "rt") parse_priority(setting.value);
    if (setting.name == "numa") require(parse_number(setting.value).has_value(), "a node is a number");
    if (setting.name == "on-reboot") require(setting.value == "reset" || setting.value == "exit", "a reboot boots or ends");
    if (setting.name == "device") std::ranges::move(DeviceSpec::parse_all(setting.value), std::back_inserter(devices));
  }
  place_devices(devices);
  std::ranges::sort(devices, {}, &DeviceSpec::bdf);
  require(std::ranges::adjacent_find(devices, {}, &DeviceSpec::bdf) == devices.end(), "each function comes once");
}

void check_config(const std::string& config) {
  try {
    const std::vector<ConfigSetting> settings = parse_config(config, "file", kNames).settings;
    for (const char* name : {"memory", "cpus"}) {
      require(std::ranges::count(settings, name, &ConfigSetting::name) == 1, "a configuration has memory and processors");
    }
    check_values(settings);
  } catch (const Error& error) {
    require(false, error.what());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string xml(reinterpret_cast<const char*>(data), size);
  try {
    const libvirt::Conversion result = libvirt::convert(xml, "file");
    check_account(result.account, xml);
    check_config(result.config);
  } catch (const UsageError& error) {
    const std::string_view message(error.what());
    require(message.starts_with("file") && message.find("; ") != message.npos, "every error has a place and a remedy");
    require(std::ranges::none_of(message, [](char c) { return static_cast<unsigned char>(c) < 0x20; }) && message.size() < 2000,
            "every error is a line");
  }
  return 0;
}
