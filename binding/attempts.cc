#include "binding/attempts.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace strait::binding {

void Attempts::failed(const std::exception& error) {
  const bool is_ours = dynamic_cast<const Error*>(&error) != nullptr;
  // What else a step may throw comes of a record that does not have what it must.
  std::string line = is_ours ? error.what() : fmt::format("the record is damaged ({})", error.what());
  if (std::ranges::find(failures_, line) == failures_.end()) failures_.push_back(std::move(line));
}

void Attempts::finish(const std::string& remedy) const {
  if (!all_well()) throw Error(fmt::format("{}", fmt::join(failures_, "; also: ")), remedy);
}

}  // namespace strait::binding
