#pragma once

#include <string>
#include <string_view>

namespace strait::libvirt {

/// Writes a file of options (cli/config_file.h), line by line.
class ConfigText {
 public:
  /// Lines of their own, with a # before each.
  void comment(std::string_view text);
  void blank() { text_ += '\n'; }
  /// `value` has no line ends.
  void set(std::string_view name, std::string_view value);
  void set_flag(std::string_view name);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace strait::libvirt
