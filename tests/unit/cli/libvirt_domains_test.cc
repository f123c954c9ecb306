// Domains that public documents show, what becomes of them, and what is left out. Beside each NAME.xml in tests/domains there are NAME.conf
// and NAME.left-out: what strait from-libvirt NAME.xml prints. After a change that is meant:
//   for d in *.xml; do strait from-libvirt $d -o ${d%.xml}.conf 2>${d%.xml}.left-out; done

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <pugixml.hpp>

#include "cli/config_file.h"
#include "cli/libvirt/convert.h"
#include "cli/run_options.h"
#include "tests/fakes/temporary_directory.h"

namespace strait::libvirt {
namespace {
namespace fs = std::filesystem;

using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

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

/// What a domain's list names, looked for in its XML by the paths: elements, attributes and texts, without the code under test.
class Listed {
 public:
  Listed(const std::vector<LeftOut>& list, const pugi::xml_document& tree) : tree_(tree) {
    for (const LeftOut& part : list) {
      // XPath takes declarations of namespaces for no attributes.
      const auto declaration = part.path.find("/@xmlns");
      parts_.push_back(declaration == part.path.npos ? tree.select_node(part.path.c_str())
                                                     : attribute(part.path.substr(0, declaration), part.path.substr(declaration + 2)));
      if (!parts_.back()) missing_.push_back(part.path);
    }
  }

  /// Paths that lead to nothing.
  const std::vector<std::string>& missing() const { return missing_; }
  bool names(const pugi::xml_attribute& wanted, pugi::xml_node of) const {
    return names(of) || std::ranges::any_of(parts_, [&](const pugi::xpath_node& part) { return part.attribute() == wanted && wanted; });
  }
  /// The node, or what it is in.
  bool names(pugi::xml_node wanted) const {
    for (; wanted; wanted = wanted.parent()) {
      if (std::ranges::any_of(parts_, [&](const pugi::xpath_node& part) { return !part.attribute() && part.node() == wanted; }))
        return true;
    }
    return false;
  }
  /// How many elements, attributes and texts there are, and how many of them the list names.
  std::pair<std::size_t, std::size_t> count() const {
    std::size_t all = 0, named = 0;
    count(tree_.document_element(), all, named);
    return {all, named};
  }

 private:
  pugi::xpath_node attribute(const std::string& path, const std::string& name) const {
    const pugi::xml_node node = tree_.select_node(path.c_str()).node();
    return {node.attribute(name.c_str()), node};
  }
  void count(const pugi::xml_node& node, std::size_t& all, std::size_t& named) const {
    const auto add = [&](bool is_named) {
      ++all;
      named += is_named;
    };
    add(names(node));
    for (const pugi::xml_attribute& one : node.attributes()) add(names(one, node));
    if (const pugi::xml_node text = node.find_child([](const pugi::xml_node& child) { return child.type() == pugi::node_pcdata; })) {
      add(names(text));
    }
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() == pugi::node_element) count(child, all, named);
    }
  }

  const pugi::xml_document& tree_;
  std::vector<pugi::xpath_node> parts_;
  std::vector<std::string> missing_;
};

std::string as_text(const pugi::xml_document& tree) {
  std::ostringstream text;
  tree.save(text, "", pugi::format_raw);
  return text.str();
}

class Domain : public testing::TestWithParam<fs::path> {
 protected:
  const fs::path path_ = GetParam();
  const std::string xml_ = read(path_);
  const Conversion result_ = convert(xml_, path_.filename());
};

TEST_P(Domain, BecomesThisConfiguration) { EXPECT_EQ(result_.config, read(fs::path(path_).replace_extension(".conf"))); }

TEST_P(Domain, LeavesThisOut) { EXPECT_EQ(report_of(result_), read(fs::path(path_).replace_extension(".left-out"))); }

TEST_P(Domain, NamesItsSource) { EXPECT_THAT(xml_.substr(0, xml_.find("-->")), AllOf(StartsWith("<!-- "), HasSubstr("\n     https://"))); }

TEST_P(Domain, IsAccountedForWhole) {
  pugi::xml_document tree;
  ASSERT_TRUE(tree.load_file(path_.c_str()));
  const Listed listed(result_.account.list, tree);
  const auto [all, named] = listed.count();
  EXPECT_EQ(result_.account.used + result_.account.left_out, all);
  EXPECT_EQ(result_.account.left_out, named);
  EXPECT_THAT(listed.missing(), AnyOf(IsEmpty(), ElementsAre("/domain/os/kernel"))) << "the one path that is of something missing";
}

/// An attribute and an element that nobody knows, put into each element in turn: the list names each, or what it is in, and nothing else
/// changes.
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
  const Conversion before = convert(as_text(tree), "domain.xml");  // all of it in one line, so that no line numbers change
  for (pugi::xml_node& element : elements.all) {
    pugi::xml_attribute attribute = element.append_attribute("x-odd");
    pugi::xml_node child = element.append_child("x-odd");
    const Conversion changed = convert(as_text(tree), "domain.xml");
    const Listed listed(changed.account.list, tree);
    EXPECT_TRUE(listed.names(attribute, element)) << element.path() << "/@x-odd";
    EXPECT_TRUE(listed.names(child)) << element.path() << "/x-odd";
    EXPECT_EQ(changed.account.left_out, before.account.left_out + 2) << element.path();
    EXPECT_EQ(changed.config, before.config) << element.path();
    element.remove_attribute(attribute);
    element.remove_child(child);
  }
}

TEST_P(Domain, NoReasonIsTooLongForATerminal) {
  for (const LeftOut& part : result_.account.list) EXPECT_LE(part.reason.size(), 94u) << part.reason;
}

const std::vector<ConfigName>& names_of_run() {
  using Kind = ConfigName::Kind;
  static const std::vector<ConfigName> names = {{"kernel", Kind::kValue},      {"initrd", Kind::kValue},     {"cmdline", Kind::kValue},
                                                {"memory", Kind::kValue},      {"cpus", Kind::kValue},       {"on-reboot", Kind::kValue},
                                                {"hugepages", Kind::kValue},   {"numa", Kind::kValue},       {"pin", Kind::kValue},
                                                {"rt", Kind::kValue},          {"cpu-hide-kvm", Kind::kFlag}, {"device", Kind::kRepeatable}};
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
