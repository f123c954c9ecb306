#include "cli/libvirt/config_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/config_file.h"

namespace strait::libvirt {
void ConfigText::comment(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    text_ += fmt::format("# {}\n", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void ConfigText::set(std::string_view name, std::string_view value) { text_ += config_line(name, value) + '\n'; }

void ConfigText::set_flag(std::string_view name) { text_ += fmt::format("{}\n", name); }

}  // namespace strait::libvirt
