// A file of options: what is read from it, written anew, reads the same; every error has a place.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/config_file.h"

namespace {

using namespace strait;
using Kind = ConfigName::Kind;

const std::vector<ConfigName> kNames = {{"kernel", Kind::kValue},      {"cmdline", Kind::kValue}, {"memory", Kind::kValue},
                                        {"device", Kind::kRepeatable}, {"verbose", Kind::kFlag},  {"no-kernel-cache", Kind::kFlag}};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

const ConfigName& known(const ConfigSetting& setting) {
  const auto found = std::ranges::find(kNames, setting.name, &ConfigName::name);
  require(found != kNames.end(), "only known names are set");
  return *found;
}

void check(const ConfigFile& file, std::string_view text) {
  unsigned last = 0;
  for (const ConfigSetting& setting : file.settings) {
    require(setting.line > last, "a line sets one thing, in order");
    require(setting.line <= std::ranges::count(text, '\n') + 1u, "every line is in the file");
    last = setting.line;
    const Kind kind = known(setting).kind;
    require(kind != Kind::kFlag || setting.value.empty(), "flags have no value");
    const auto others = std::ranges::count(file.settings, setting.name, &ConfigSetting::name) - 1;
    require(kind == Kind::kRepeatable || others == 0, "only what is repeatable comes twice");
    require(text.find(setting.name) != text.npos, "nothing is set that the file does not name");
  }
}

/// The settings as a file of their own, in the plainest form.
std::string written(const std::vector<ConfigSetting>& settings) {
  std::string text;
  for (const ConfigSetting& setting : settings) {
    text += known(setting).kind == Kind::kFlag ? setting.name : config_line(setting.name, setting.value);
    text += '\n';
  }
  return text;
}

bool same(const std::vector<ConfigSetting>& one, const std::vector<ConfigSetting>& other) {
  const auto agree = [](const ConfigSetting& a, const ConfigSetting& b) { return a.name == b.name && a.value == b.value; };
  return std::ranges::equal(one, other, agree);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const ConfigFile file = parse_config(text, "file", kNames);
    check(file, text);
    require(same(parse_config(written(file.settings), "file", kNames).settings, file.settings), "what is written reads the same");
    require(same(parse_config(std::string(text) + "\n", "file", kNames).settings, file.settings), "a newline more sets nothing");
  } catch (const UsageError& error) {
    const std::string_view message(error.what());
    require(message.starts_with("file:") && message.find("; ") != message.npos, "every error has a place and a remedy");
    require(message.find('\n') == message.npos && message.size() < 1000, "every error is a line");
  }
  return 0;
}
