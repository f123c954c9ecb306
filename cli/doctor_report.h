#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/bdf.h"
#include "host/checks/check.h"

namespace strait {

/// What `strait doctor` found, and about whom.
struct Diagnosis {
  std::string kernel = {};                         ///< release
  std::string user = {};                           ///< whose rights were looked at
  std::optional<host::Bdf> device = std::nullopt;  ///< nothing where only the host was looked at
  std::vector<host::Check> checks = {};            ///< in the order of their kinds

  /// 0 where nothing failed; else the one of the first kind that did: 10 for kCpu, 11 for kKvm, and so on.
  int exit_code() const;
};

/// A line a check, at most 80 columns; cause and remedy below what is not right.
std::string as_text(const Diagnosis& diagnosis, bool colour);
/// One object.
std::string as_json(const Diagnosis& diagnosis);
/// The lines of configuration that put right what failed or warns, under comments that name their files; empty where there is nothing to
/// do.
std::string as_config(const Diagnosis& diagnosis);

}  // namespace strait
