#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strait {

/// A cpio archive (newc format, as the kernel unpacks initramfs images) with one executable file `path`, relative and at most a few directories
/// deep, and the directories above it. Pure.
std::vector<std::uint8_t> make_cpio(std::string_view path, std::string_view content);

/// The shell script that runs `command`: a single word is a shell command line as it stands, several are a program and its arguments, each
/// quoted. Pure.
std::string command_script(std::span<const std::string> command);

}  // namespace strait
