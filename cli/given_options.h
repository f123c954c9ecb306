#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/program_options.hpp>

#include "base/error.h"
#include "cli/command.h"

namespace strait {

/// What a command line says, and the file that its --config names, wherever on it that stands. The command line wins; of options that may
/// be repeated, the file's come first and the command line's are added. Paths in the file start from its directory.
class GivenOptions {
 public:
  /// Of `options`, those without a value are flags, the composing ones may be repeated, and the file may have all but --config. Throws
  /// UsageError.
  GivenOptions(Words words, const boost::program_options::options_description& options);

  bool has(const std::string& name) const { return values_.contains(name); }

  /// What one option was given, once.
  class Value {
   public:
    Value(std::string text, std::filesystem::path directory, std::string place)
        : text_(std::move(text)), directory_(std::move(directory)), place_(std::move(place)) {}

    const std::string& text() const { return text_; }
    /// `path`, part of the value, as a path from the current directory.
    std::string path(const std::string& path) const { return path.empty() ? path : (directory_ / path).string(); }
    std::string path() const { return path(text_); }

    /// What is wrong with it, with the place.
    std::string located(const std::string& message) const;

   private:
    std::string text_;
    std::filesystem::path directory_;
    std::string place_;  ///< "FILE:LINE"; empty for the command line
  };

  /// Calls `use(const Value&)` for each time that the option was given. Errors of a value in the file begin with its place.
  template <typename Use>
  void with(const std::string& name, Use&& use) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return;
    for (const Value& value : found->second) {
      try {
        use(value);
      } catch (const UsageError& error) {
        throw UsageError(value.located(error.what()));
      } catch (const Error& error) {
        throw Error(value.located(error.what()));
      }
    }
  }

 private:
  std::map<std::string, std::vector<Value>> values_;
};

}  // namespace strait
