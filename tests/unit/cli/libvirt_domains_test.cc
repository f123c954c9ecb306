// Domains in the forms that public documents have, what becomes of them, and what is left out. Beside each NAME.xml in
// tests/unit/cli/libvirt there are NAME.conf and NAME.left-out: what strait from-libvirt NAME.xml prints. After a change that is meant:
//   for d in *.xml; do strait from-libvirt $d -o ${d%.xml}.conf 2>${d%.xml}.left-out; done

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "cli/config_file.h"
#include "cli/libvirt/convert.h"
#include "cli/run_options.h"
#include "tests/fakes/temporary_directory.h"

namespace strait::libvirt {
namespace {
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> domains() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(STRAIT_DOMAINS)) {
    if (entry.path().extension() == ".xml") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

/// All that there is in a domain, counted without the code under test.
std::size_t parts_of(const pugi::xml_node& node) {
  std::size_t parts = 1 + static_cast<std::size_t>(std::ranges::distance(node.attributes()));
  bool text = false;
  for (const pugi::xml_node& child : node.children()) {
    if (child.type() == pugi::node_element) parts += parts_of(child);
    text = text || std::string_view(child.value()).find_first_not_of(" \t\n") != std::string_view::npos;
  }
  return parts + text;
}

class Domain : public testing::TestWithParam<fs::path> {
 protected:
  const fs::path path_ = GetParam();
  const std::string xml_ = read(path_);
  const Conversion result_ = convert(xml_, path_.filename());
};

TEST_P(Domain, BecomesThisConfiguration) { EXPECT_EQ(result_.config, read(fs::path(path_).replace_extension(".conf"))); }

TEST_P(Domain, LeavesThisOut) { EXPECT_EQ(report_of(result_), read(fs::path(path_).replace_extension(".left-out"))); }

TEST_P(Domain, IsAccountedForWhole) {
  pugi::xml_document tree;
  ASSERT_TRUE(tree.load_file(path_.c_str()));
  EXPECT_EQ(result_.account.used + result_.account.left_out, parts_of(tree.document_element()));
}

/// An attribute and an element that nobody knows, put into each element in turn: the list names it, or what it is in.
TEST_P(Domain, NothingIsDroppedSilently) {
  pugi::xml_document tree;
  ASSERT_TRUE(tree.load_file(path_.c_str()));
  struct Collect : pugi::xml_tree_walker {
    bool for_each(pugi::xml_node& node) override {
      if (node.type() == pugi::node_element) all.push_back(node);
      return true;
    }
    std::vector<pugi::xml_node> all;
  } elements;
  tree.traverse(elements);
  for (pugi::xml_node& element : elements.all) {
    pugi::xml_attribute attribute = element.append_attribute("x-odd");
    pugi::xml_node child = element.append_child("x-odd");
    std::ostringstream text;
    tree.save(text);
    const Conversion changed = convert(text.str(), "changed.xml");
    EXPECT_EQ(changed.account.left_out, result_.account.left_out + 2) << element.path();
    EXPECT_EQ(changed.config.size(), result_.config.size()) << "but for line numbers";
    element.remove_attribute(attribute);
    element.remove_child(child);
  }
}

TEST_P(Domain, NoReasonIsTooLongForATerminal) {
  for (const LeftOut& part : result_.left_out) EXPECT_LE(part.reason.size(), 94u) << part.reason;
}

const std::vector<ConfigName>& names_of_run() {
  using Kind = ConfigName::Kind;
  static const std::vector<ConfigName> names = {{"kernel", Kind::kValue},      {"initrd", Kind::kValue},     {"cmdline", Kind::kValue},
                                                {"memory", Kind::kValue},      {"cpus", Kind::kValue},       {"on-reboot", Kind::kValue},
                                                {"cpu-hide-kvm", Kind::kFlag}, {"device", Kind::kRepeatable}};
  return names;
}

/// run takes the file, with a kernel where the domain has none.
TEST_P(Domain, IsTakenByRun) {
  const ConfigFile file = parse_config(result_.config, "file", names_of_run());
  const bool has_kernel = std::ranges::count(file.settings, "kernel", &ConfigSetting::name) != 0;
  const test::TemporaryDirectory directory;
  const std::string conf = directory.write("conf", result_.config);
  std::vector<const char*> words = {"--config", conf.c_str()};
  if (!has_kernel) words.insert(words.end(), {"--kernel", "vmlinuz"});
  const RunOptions options = parse_run(words);
  EXPECT_EQ(static_cast<std::ptrdiff_t>(options.devices.size()), std::ranges::count(file.settings, "device", &ConfigSetting::name));
}

INSTANTIATE_TEST_SUITE_P(OfDocuments, Domain, testing::ValuesIn(domains()), [](const auto& domain) {
  std::string name = domain.param.stem();
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(Domains, AreTwelve) { EXPECT_EQ(domains().size(), 12u); }

}  // namespace
}  // namespace strait::libvirt
