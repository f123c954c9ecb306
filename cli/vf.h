#pragma once

#include "cli/command.h"

namespace strait {

/// `strait vf create|list|set|remove`: virtual functions of a card with SR-IOV.
int run_vf(Words words);
std::string vf_help();

}  // namespace strait
