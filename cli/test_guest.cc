#include "cli/test_guest.h"

#include <fmt/format.h>

namespace strait {
namespace {

constexpr std::uint32_t kDirectory = 0040755;
constexpr std::uint32_t kExecutable = 0100755;

/// One member: 13 hexadecimal fields, the name with its NUL, the content; name and content each end on a multiple of four (cpio(5)).
void append_member(std::string& archive, std::string_view name, std::uint32_t mode, std::string_view content) {
  const auto pad = [&archive] { archive.append((4 - archive.size() % 4) % 4, '\0'); };
  archive += fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}", 0, mode, 0, 0, 1, 0, content.size(),
                         0, 0, 0, 0, name.size() + 1, 0);
  archive += name;
  archive += '\0';
  pad();
  archive += content;
  pad();
}

std::string quote(std::string_view word) {
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  quoted += '\'';
  return quoted;
}

}  // namespace

std::vector<std::uint8_t> make_cpio(std::string_view path, std::string_view content) {
  std::string archive;
  for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    append_member(archive, path.substr(0, slash), kDirectory, {});
  }
  append_member(archive, path, kExecutable, content);
  append_member(archive, "TRAILER!!!", 0, {});
  return {archive.begin(), archive.end()};
}

std::string command_script(std::span<const std::string> command) {
  std::string script;
  for (const std::string& word : command) {
    if (!script.empty()) script += ' ';
    script += command.size() == 1 ? word : quote(word);
  }
  script += '\n';
  return script;
}

}  // namespace strait
