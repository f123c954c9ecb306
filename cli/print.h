#pragma once

#include <string_view>

namespace strait {

/// Writes all of `text` to standard output, at once: a command has succeeded only where its words have arrived. Throws Error where they
/// cannot be written: the disk is full, or nobody reads. (SIGPIPE ends the process first, unless it is ignored.)
void print(std::string_view text);

}  // namespace strait
