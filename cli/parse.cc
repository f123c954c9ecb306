#include "cli/parse.h"

#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"

namespace strait {
namespace po = boost::program_options;
namespace {

/// What takes the words that no argument does, so that they can be named. No option is called so.
constexpr const char* kSurplus = "words too many";

}  // namespace

po::variables_map parse_words(Words words, const po::options_description& options, const po::positional_options_description& positional) {
  po::options_description all(options);
  all.add_options()(kSurplus, po::value<std::vector<std::string>>());
  po::positional_options_description arguments(positional);
  if (arguments.max_total_count() != std::numeric_limits<unsigned>::max()) arguments.add(kSurplus, -1);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(std::vector<std::string>(words.begin(), words.end()))
                  .options(all)
                  .positional(arguments)
                  .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                  .run(),
              values);
    if (values.contains(kSurplus)) {
      throw UsageError(fmt::format("'{}' is one word too many", values[kSurplus].as<std::vector<std::string>>().front()),
                       "strait COMMAND --help lists arguments and options; an option's value comes right behind it");
    }
    return values;
  } catch (const po::error& error) {
    throw UsageError(error.what(), "strait COMMAND --help lists the options");
  }
}

std::string text_of(const po::options_description& options) {
  std::ostringstream text;
  text << options;
  return text.str();
}

}  // namespace strait
