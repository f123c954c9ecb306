#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strait {

/// An option that a file of options may set, by the name that it has on the command line, without dashes.
struct ConfigName {
  enum class Kind { kFlag, kValue, kRepeatable };

  std::string name;
  Kind kind = Kind::kValue;
};

/// One line of the file.
struct ConfigSetting {
  std::string name;
  std::string value;  ///< without its quotation marks; empty for a flag
  unsigned line = 0;  ///< counted from 1
};

/// A file of options, as --config names it. It is text, a setting to a line:
///
///     # A comment has a line of its own, or stands behind a blank at the end of one.
///     kernel  = vmlinuz
///     cmdline = "console=ttyS0 root=/dev/ram0"
///     device  = 0000:01:10.0,rombar=off
///     verbose
///
/// Blanks around name and value do not count. A value goes to the end of the line, blanks, quotation marks and = within it included; one
/// that is empty, or begins with a blank or quotation mark, or has a # behind a blank, is put between quotation marks. Between "..." a
/// backslash makes the next " or \ an ordinary character, and before anything else is one itself; between '...' all characters are
/// ordinary. A flag stands alone, or is on or off. No setting spans two lines. A name comes once, unless it is repeatable.
struct ConfigFile {
  std::string name;                     ///< as it was given, for messages
  std::filesystem::path directory;      ///< what relative paths in it start from; empty for the current directory
  std::vector<ConfigSetting> settings;  ///< in the order of the file, without flags that are off

  /// Where a setting is, for messages: "FILE:LINE".
  std::string place(unsigned line) const;
};

/// Throws UsageError that begins with the place: what is wrong, and what is right. Pure.
ConfigFile parse_config(std::string_view text, std::string name, std::span<const ConfigName> names);

/// Reads the file `path`, of at most a MiB. One that is no regular file, such as a shell's <(...), has no directory. Throws UsageError.
ConfigFile read_config(const std::string& path, std::span<const ConfigName> names);

/// The line, without its newline, that sets `name` to `value`, between quotation marks where it has to be. Throws UsageError where the
/// value has what such a file cannot: control characters. Pure.
std::string config_line(std::string_view name, std::string_view value);

}  // namespace strait
