// The floors of the building (see ARCHITECTURE.md): includes only ever point down.
//
//     cli
//     vmm
//     vfio  kvm  binding
//     devices  boot  host
//     base

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strait {
namespace {
namespace fs = std::filesystem;

const std::map<std::string, int> kFloors = {{"cli", 4}, {"vmm", 3},     {"vfio", 2}, {"kvm", 2}, {"binding", 2},
                                            {"boot", 1}, {"devices", 1}, {"host", 1}, {"base", 0}};

struct Include {
  std::string file;    ///< where, from the project's root
  std::string target;  ///< what stands between the quotes or brackets
  bool quoted = false;
};

/// The include directive in `line`, if it is one.
std::optional<Include> include_in(std::string_view line, const std::string& file) {
  constexpr std::string_view kBlank = " \t";
  const auto skip = [&](std::string_view word) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
    if (!line.starts_with(word)) return false;
    line.remove_prefix(word.size());
    return true;
  };
  if (!skip("#") || !skip("include")) return std::nullopt;
  const bool quoted = skip("\"");
  if (!quoted && !skip("<")) return std::nullopt;
  return Include{file, std::string(line.substr(0, line.find_first_of("\">"))), quoted};
}

std::vector<Include> includes_of(const fs::path& file, const std::string& name) {
  std::vector<Include> found;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (auto include = include_in(line, name)) found.push_back(std::move(*include));
  }
  return found;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.find('/')); }

std::vector<Include> all_includes() {
  const fs::path root = STRAIT_SOURCE;
  std::vector<Include> all;
  for (const auto& [folder, floor] : kFloors) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cc" && extension != ".h") continue;
      const auto found = includes_of(entry.path(), fs::relative(entry.path(), root));
      all.insert(all.end(), found.begin(), found.end());
    }
  }
  return all;
}

class Layering : public testing::Test {
 protected:
  const std::vector<Include> includes_ = all_includes();
};

TEST_F(Layering, EveryFloorHasFiles) {
  for (const auto& [folder, floor] : kFloors) {
    EXPECT_TRUE(std::ranges::any_of(includes_, [&](const Include& i) { return folder_of(i.file) == folder; })) << folder;
  }
}

TEST_F(Layering, IncludesPointDown) {
  for (const Include& include : includes_) {
    if (!include.quoted) continue;
    const std::string from = folder_of(include.file), to = folder_of(include.target);
    ASSERT_TRUE(kFloors.contains(to)) << include.file << " includes \"" << include.target << "\", which is on no floor";
    EXPECT_TRUE(from == to || kFloors.at(to) < kFloors.at(from)) << include.file << " includes \"" << include.target << "\"";
  }
}

TEST_F(Layering, IncludesOfOursAreWrittenFromTheRoot) {
  for (const Include& include : includes_) {
    EXPECT_EQ(include.quoted, fs::exists(fs::path(STRAIT_SOURCE) / include.target)) << include.file << ": " << include.target;
  }
}

TEST_F(Layering, EachKernelInterfaceHasOneFolder) {
  const std::map<std::string, std::string> owners = {{"linux/kvm.h", "kvm"}, {"linux/vfio.h", "vfio"}};
  for (const Include& include : includes_) {
    if (const auto owner = owners.find(include.target); owner != owners.end()) {
      EXPECT_EQ(folder_of(include.file), owner->second) << include.file << " includes <" << include.target << ">";
    }
  }
}

/// Whoever needs KVM's structures takes them through the header that mends them for C++.
TEST_F(Layering, KvmsHeaderComesThroughOurs) {
  for (const Include& include : includes_) {
    if (include.target == "linux/kvm.h") {
      EXPECT_EQ(include.file, "kvm/uapi.h");
    }
  }
}

}  // namespace
}  // namespace strait
