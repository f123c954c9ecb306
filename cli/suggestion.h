#pragma once

#include <span>
#include <string>
#include <string_view>

namespace strait {

/// What to do about a `word` that is none of `names`: "did you mean NAME?" where one is much like it (a letter or two apart; case,
/// underscores and leading dashes do not count), else "there are NAME, NAME, ...". Pure.
std::string suggestion(std::string_view word, std::span<const std::string_view> names);

}  // namespace strait
