#include "cli/parse.h"

#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"

namespace strait {
namespace po = boost::program_options;

po::variables_map parse_words(Words words, const po::options_description& options, const po::positional_options_description& positional) {
  try {
    po::variables_map values;
    po::store(po::command_line_parser(std::vector<std::string>(words.begin(), words.end()))
                  .options(options)
                  .positional(positional)
                  .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                  .run(),
              values);
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
