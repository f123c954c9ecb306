#pragma once

#include <cstdint>
#include <span>

/// A guest program of a few 16-bit instructions in Intel syntax, assembled with the test. Jumps in it are relative, so it runs
/// anywhere. What runs to its end sleeps there, at label 9.
///
///     STRAIT_GUEST_CODE(spin, "1: jmp 1b")
///     guest.load(kCodeStart, spin());
#define STRAIT_GUEST_CODE(name, code)                                                                    \
  asm(".pushsection .rodata\n.code16\n.intel_syntax noprefix\n.balign 32\nstrait_code_" #name ":\n" code \
      "\n9: cli\nhlt\njmp 9b\n"                                                                          \
      "strait_code_end_" #name ":\n.att_syntax prefix\n.code64\n.popsection");                           \
  extern "C" const std::uint8_t strait_code_##name[];                                                    \
  extern "C" const std::uint8_t strait_code_end_##name[];                                                \
  static std::span<const std::uint8_t> name() { return {strait_code_##name, strait_code_end_##name}; }
