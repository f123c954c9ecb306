// A libvirt domain: all of it is used or left out, with a path and a line that are in it, and the configuration is one that run's parser
// takes.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <pugixml.hpp>

#include "base/error.h"
#include "cli/config_file.h"
#include "cli/libvirt/convert.h"

namespace {

using namespace strait;
using Kind = ConfigName::Kind;

const std::vector<ConfigName> kNames = {{"kernel", Kind::kValue},      {"initrd", Kind::kValue},     {"cmdline", Kind::kValue},
                                        {"memory", Kind::kValue},      {"cpus", Kind::kValue},       {"on-reboot", Kind::kValue},
                                        {"cpu-hide-kvm", Kind::kFlag}, {"device", Kind::kRepeatable}};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

bool is_text(const pugi::xml_node& node) {
  const bool text = node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
  return text && std::string_view(node.value()).find_first_not_of(" \t\r\n") != std::string_view::npos;
}

/// Elements, attributes and texts.
std::size_t parts_of(const pugi::xml_node& node) {
  std::size_t parts = 1 + static_cast<std::size_t>(std::ranges::distance(node.attributes()));
  bool text = false;
  for (const pugi::xml_node& child : node.children()) {
    if (child.type() == pugi::node_element) parts += parts_of(child);
    text = text || is_text(child);
  }
  return parts + (text ? 1 : 0);
}

std::vector<ConfigSetting> settings_of(const std::string& config) {
  try {
    return parse_config(config, "file", kNames).settings;
  } catch (const UsageError& error) {
    require(false, error.what());
    return {};
  }
}

void check(const libvirt::Conversion& result, const std::string& xml) {
  pugi::xml_document tree;
  require(static_cast<bool>(tree.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8)),
          "what is converted is XML");
  require(result.account.used + result.account.left_out == parts_of(tree.document_element()), "every part is used or left out");

  const auto lines = static_cast<std::size_t>(std::ranges::count(xml, '\n')) + 1;
  for (const libvirt::LeftOut& part : result.left_out) {
    require(part.line >= 1 && part.line <= lines, "a part that is left out has a line of the file");
    require(part.path.starts_with("/domain"), "and a path from the root");
    require(part.reason.empty() == (part.loss == libvirt::Loss::kUnknown), "and a reason, unless it is unknown");
  }
  const std::vector<ConfigSetting> settings = settings_of(result.config);
  for (const char* name : {"memory", "cpus"}) {
    require(std::ranges::count(settings, name, &ConfigSetting::name) == 1, "a configuration has memory and processors");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string xml(reinterpret_cast<const char*>(data), size);
  try {
    check(libvirt::convert(xml, "file"), xml);
  } catch (const UsageError& error) {
    const std::string_view message(error.what());
    require(message.starts_with("file") && message.find("; ") != message.npos, "every error has a place and a remedy");
    require(std::ranges::none_of(message, [](char c) { return static_cast<unsigned char>(c) < 0x20; }) && message.size() < 2000,
            "every error is a line");
  }
  return 0;
}
