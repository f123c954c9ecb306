#include "cli/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"
#include "base/unique_fd.h"
#include "cli/suggestion.h"

namespace strait {
namespace {

constexpr std::size_t kSizeMax = 1u << 20;
constexpr std::string_view kBlank = " \t";
constexpr std::string_view kQuotes = "\"'";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // some editors begin a file with it

std::string_view without_leading_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text;
}

std::string_view trimmed(std::string_view text) {
  text = without_leading_blanks(text);
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

bool is_end_or_comment(std::string_view rest) { return rest.empty() || rest.front() == '#'; }

/// A line, cut up. Its errors do not know where it is.
struct Line {
  std::string_view name;
  std::optional<std::string> value;  ///< none where there is no =
};

/// What is between the quotation marks that `text` begins with.
std::string unquoted(std::string_view text) {
  const char mark = text.front();
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == mark) {
      if (const auto rest = without_leading_blanks(text.substr(i + 1)); !is_end_or_comment(rest)) {
        throw UsageError(fmt::format("'{}' stands behind the value's closing {}", shown(rest), mark),
                         "put the whole value between quotation marks, and a backslash before a \" within \"...\"");
      }
      return value;
    }
    const bool escapes = mark == '"' && text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escapes) ++i;
    value += text[i];
  }
  throw UsageError(fmt::format("the value begins with {} and has no other to close it", mark),
                   "a setting ends with its line; close it there");
}

/// A value that is not quoted: as it stands, without a comment.
std::string_view bare(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || kBlank.contains(text[i - 1]))) return trimmed(text.substr(0, i));
  }
  return trimmed(text);
}

Line cut_up(std::string_view text) {
  const auto name_end = std::min(text.find_first_of(" \t="), text.size());
  Line line{text.substr(0, name_end), std::nullopt};
  std::string_view rest = without_leading_blanks(text.substr(name_end));
  if (line.name.empty()) throw UsageError("there is no name before the =", "write NAME = VALUE");
  if (is_end_or_comment(rest)) return line;
  if (rest.front() != '=') throw UsageError(fmt::format("there is no = behind '{}'", shown(line.name)), "write NAME = VALUE");

  rest = without_leading_blanks(rest.substr(1));
  const bool quoted = !rest.empty() && kQuotes.contains(rest.front());
  line.value = quoted ? unquoted(rest) : std::string(bare(rest));
  if (!quoted && line.value->empty()) {
    throw UsageError(fmt::format("there is no value behind '{} ='", shown(line.name)), "give one; \"\" is the empty one");
  }
  return line;
}

/// Terminals obey what is not text, and nobody wrote it on purpose.
void check_is_text(std::string_view line) {
  const auto odd = std::ranges::find_if(line, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
  if (odd == line.end()) return;
  throw UsageError(fmt::format("there is a byte {:#04x}, which is not text", static_cast<unsigned char>(*odd)),
                   "give a file of options, lines NAME = VALUE");
}

const ConfigName& find_name(std::string_view name, std::span<const ConfigName> names) {
  const auto found = std::ranges::find(names, name, &ConfigName::name);
  if (found != names.end()) return *found;
  if (name == "config") throw UsageError("a file of options cannot name another", "take this line out");
  std::vector<std::string_view> known;
  for (const ConfigName& one : names) known.push_back(one.name);
  throw UsageError(fmt::format("'{}' is no option", shown(name)), suggestion(name, known));
}

/// The setting that a line makes; nothing for a flag that is off.
std::optional<ConfigSetting> make_setting(Line line, const ConfigName& name) {
  if (name.kind != ConfigName::Kind::kFlag) {
    if (!line.value) throw UsageError(fmt::format("{} needs a value", name.name), fmt::format("write {} = VALUE", name.name));
    return ConfigSetting{name.name, std::move(*line.value)};
  }
  if (!line.value || *line.value == "on") return ConfigSetting{name.name, {}};
  if (*line.value == "off") return std::nullopt;
  throw UsageError(fmt::format("{} = {}: neither on nor off", name.name, shown(*line.value)),
                   fmt::format("write {}, alone in its line, or {} = off", name.name, name.name));
}

/// Puts the lines together, one after the other.
class Parser {
 public:
  Parser(ConfigFile& file, std::span<const ConfigName> names) : file_(file), names_(names), first_lines_(names.size()) {}

  void take(std::string_view text) {
    ++line_;
    try {
      if (text.ends_with('\r')) text.remove_suffix(1);
      check_is_text(text);
      text = trimmed(text);
      if (!is_end_or_comment(text)) take_setting(cut_up(text));
    } catch (const UsageError& error) {
      throw UsageError(fmt::format("{}: {}", file_.place(line_), error.what()));
    }
  }

 private:
  void take_setting(Line line) {
    const ConfigName& name = find_name(line.name, names_);
    unsigned& first = first_lines_[static_cast<std::size_t>(&name - names_.data())];
    if (first != 0 && name.kind != ConfigName::Kind::kRepeatable) {
      throw UsageError(fmt::format("{} is there already, in line {}", name.name, first), "keep one of them");
    }
    if (first == 0) first = line_;
    if (auto setting = make_setting(std::move(line), name)) {
      setting->line = line_;
      file_.settings.push_back(std::move(*setting));
    }
  }

  ConfigFile& file_;
  const std::span<const ConfigName> names_;
  std::vector<unsigned> first_lines_;  ///< of each name; 0 where it has not come yet
  unsigned line_ = 0;
};

std::string read_text(int fd, const std::string& path) {
  std::string text;
  if (const int error = read_all(fd, text, kSizeMax + 1)) {
    throw UsageError(fmt::format("--config {}: it cannot be read: {}", path, std::strerror(error)), "give a file of options");
  }
  if (text.size() > kSizeMax) {
    throw UsageError(fmt::format("--config {}: it is larger than {} MiB", path, kSizeMax >> 20),
                     "give a file of options, lines NAME = VALUE");
  }
  return text;
}

}  // namespace

std::string ConfigFile::place(unsigned line) const { return fmt::format("{}:{}", name, line); }

ConfigFile parse_config(std::string_view text, std::string name, std::span<const ConfigName> names) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  ConfigFile file{std::move(name), {}, {}};
  Parser parser(file, names);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    parser.take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return file;
}

ConfigFile read_config(const std::string& path, std::span<const ConfigName> names) {
  if (path == "-") {
    throw UsageError("--config -: standard input is the guest's console",
                     "give a file; a shell's <(COMMAND) is one, and ./- a file of that name");
  }
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat status = {};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    throw UsageError(fmt::format("--config {}: it cannot be opened: {}", path, std::strerror(errno)),
                     "give a file of options that you may read");
  }
  if (S_ISDIR(status.st_mode)) throw UsageError(fmt::format("--config {}: it is a directory", path), "give a file of options");
  ConfigFile file = parse_config(read_text(fd.get(), path), path, names);
  if (S_ISREG(status.st_mode)) file.directory = std::filesystem::path(path).parent_path();
  return file;
}

std::string config_line(std::string_view name, std::string_view value) {
  check_is_text(value);
  const bool stands_alone = !value.empty() && value == trimmed(value) && !kQuotes.contains(value.front()) && !value.contains('#');
  if (stands_alone) return fmt::format("{} = {}", name, value);
  std::string quoted;
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fmt::format("{} = \"{}\"", name, quoted);
}

}  // namespace strait
