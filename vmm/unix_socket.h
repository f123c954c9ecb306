#pragma once

#include <string>

#include "base/unique_fd.h"

namespace strait {

/// Connects a stream socket to the socket file `path`. Returns none, and errno says why, where nobody listens. Throws Error where the path is
/// longer than such a path can be (107 bytes).
UniqueFd connect_unix(const std::string& path);
/// Listens at `path`, which only this user may then connect to. The file must not exist. Throws Error.
UniqueFd listen_unix(const std::string& path);

}  // namespace strait
