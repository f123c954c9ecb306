#include "cli/given_options.h"

#include <iterator>

#include <fmt/format.h>

#include "cli/config_file.h"
#include "cli/parse.h"

namespace strait {
namespace {
namespace po = boost::program_options;

constexpr const char* kConfig = "config";

std::vector<ConfigName> names_of(const po::options_description& options) {
  using enum ConfigName::Kind;
  std::vector<ConfigName> names;
  for (const auto& option : options.options()) {
    if (option->long_name() == kConfig) continue;
    const auto& value = *option->semantic();
    names.push_back({option->long_name(), value.max_tokens() == 0 ? kFlag : value.is_composing() ? kRepeatable : kValue});
  }
  return names;
}

std::vector<std::string> texts_of(const boost::any& value) {
  if (const auto* text = boost::any_cast<std::string>(&value)) return {*text};
  if (const auto* texts = boost::any_cast<std::vector<std::string>>(&value)) return *texts;
  return {""};  // a flag
}

}  // namespace

std::string GivenOptions::Value::located(const std::string& message) const {
  if (place_.empty()) return message;
  return fmt::format("{}: {}", place_, message.starts_with("--") ? message.substr(2) : message);
}

GivenOptions::GivenOptions(Words words, const po::options_description& options) {
  const po::variables_map line = parse_words(words, options);
  std::map<std::string, std::vector<Value>> from_line;
  for (const auto& [name, value] : line) {
    for (const std::string& text : texts_of(value.value())) from_line[name].emplace_back(text, "", "");
  }

  const std::vector<ConfigName> names = names_of(options);
  if (line.count(kConfig) != 0) {
    const ConfigFile file = read_config(line[kConfig].as<std::string>(), names);
    for (const ConfigSetting& setting : file.settings) {
      values_[setting.name].emplace_back(setting.value, file.directory, file.place(setting.line));
    }
  }
  for (auto& [name, values] : from_line) {
    const auto known = std::ranges::find(names, name, &ConfigName::name);
    if (known == names.end() || known->kind != ConfigName::Kind::kRepeatable) values_[name].clear();
    std::ranges::move(values, std::back_inserter(values_[name]));
  }
}

}  // namespace strait
