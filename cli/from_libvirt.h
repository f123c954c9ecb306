#pragma once

#include <string>

#include "cli/command.h"

namespace strait {

/// `strait from-libvirt`: makes a file of options out of a libvirt domain. Throws UsageError and Error.
int run_from_libvirt(Words words);
std::string from_libvirt_help();

}  // namespace strait
