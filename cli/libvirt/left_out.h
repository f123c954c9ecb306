#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strait::libvirt {

/// What it means to the guest that a part of the domain is left out.
enum class Loss {
  kLost,     ///< strait has nothing like it, or the user has to do it otherwise
  kNone,     ///< strait does so in any case, or it says nothing about the guest
  kUnknown,  ///< nobody here knows the name
};

/// A part of the domain that the configuration does not show: an element with all that is in it, an attribute, or an element's text.
struct LeftOut {
  std::size_t line = 0;  ///< from 1
  std::string path;      ///< an XPath that names it: /domain/devices/hostdev[2]/@managed
  Loss loss = Loss::kUnknown;
  std::string reason;
};

/// Why a part is left out that nothing has asked for.
struct Reason {
  Loss loss;
  std::string_view text;
};

/// The reason for a path without indexes, such as /domain/devices/graphics: from the table of what libvirt's format has and strait has not.
/// "unknown" for what is not in it.
Reason reason_for(std::string_view path);

/// What is printed about it all: the parts by reason, what is lost first.
std::string report_of(const std::vector<LeftOut>& parts);

}  // namespace strait::libvirt
