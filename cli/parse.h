#pragma once

#include <string>

#include <boost/program_options.hpp>

#include "cli/command.h"

namespace strait {

/// Reads the words of a command's options, none of which may be abbreviated, and of its arguments, where `positional` names them. Throws
/// UsageError.
boost::program_options::variables_map parse_words(Words words, const boost::program_options::options_description& options,
                                                  const boost::program_options::positional_options_description& positional = {});

/// The list of options for a help screen.
std::string text_of(const boost::program_options::options_description& options);

}  // namespace strait
