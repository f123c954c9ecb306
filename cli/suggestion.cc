#include "cli/suggestion.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace strait {
namespace {

std::string as_names_are_written(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of('-'), word.size()));
  std::string name(word);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    if (c == '_') c = '-';
  }
  return name;
}

/// How many letters must be put in, taken out or changed to make one of the other (Levenshtein's distance), by the rows of its table.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t changed = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string suggestion(std::string_view word, std::span<const std::string_view> names) {
  constexpr std::size_t kLongest = 40;  // a longer word is like none
  if (word.size() <= kLongest && !names.empty()) {
    const std::string ours = as_names_are_written(word);
    const auto apart = [&ours](std::string_view name) { return distance(ours, name); };
    const auto nearest = std::ranges::min_element(names, {}, apart);
    if (apart(*nearest) <= std::min<std::size_t>(2, ours.size() / 2)) return fmt::format("did you mean {}?", *nearest);
  }
  return fmt::format("there are {}", fmt::join(names, ", "));
}

}  // namespace strait
