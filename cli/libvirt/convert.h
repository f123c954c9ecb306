#pragma once

#include <string>
#include <string_view>

#include "cli/libvirt/document.h"

namespace strait::libvirt {

/// What becomes of a domain.
struct Conversion {
  std::string name;    ///< of the domain's file
  std::string config;  ///< a file of options for strait run --config
  Document::Account account;
};

/// `xml` is a libvirt domain (https://libvirt.org/formatdomain.html), `name` what messages call it. All of it is either in the
/// configuration, or true of every guest of strait's, or in the list of what is left out. Throws UsageError where the domain is none, or
/// says what cannot be.
Conversion convert(std::string_view xml, const std::string& name);

/// What is said of it: how much of the domain is used, and the list of what is left out.
std::string report_of(const Conversion& conversion);

}  // namespace strait::libvirt
