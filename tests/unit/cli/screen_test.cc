#include "cli/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace strait {
namespace {

using testing::ElementsAre;

TEST(ScreenTest, WidthIsInCharacters) {
  EXPECT_EQ(columns_of(""), 0u);
  EXPECT_EQ(columns_of("card"), 4u);
  EXPECT_EQ(columns_of("├─ Société"), 10u);
}

TEST(ScreenTest, WhatIsTooLongIsCut) {
  EXPECT_EQ(cut("network card", 12), "network card");
  EXPECT_EQ(cut("network card", 11), "network...") << "no blank before the dots";
  EXPECT_EQ(cut("network card", 10), "network...");
  EXPECT_EQ(cut("Société Générale", 9), "Sociét...") << "never inside a character";
  EXPECT_EQ(cut("card", 3), "...");
  EXPECT_EQ(cut("card", 2), "..");
  EXPECT_EQ(cut("card", 0), "");
  EXPECT_EQ(cut("\xa9\xa9\xa9 card", 4), "\xa9\xa9\xa9...") << "bytes that begin no character take no room";
}

TEST(ScreenTest, LinesBreakAtSpaces) {
  EXPECT_THAT(wrap("one two  three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(wrap("one two", 7), ElementsAre("one two"));
  EXPECT_THAT(wrap("an overlong-word here", 6), ElementsAre("an", "ove...", "here"));
  EXPECT_THAT(wrap("", 8), ElementsAre());
  EXPECT_THAT(wrap("  ", 8), ElementsAre());
}

TEST(ScreenTest, AParagraphHangsBehindItsIndent) {
  const std::string words = "x" + std::string(68, 'x') + " one two";
  EXPECT_EQ(hang(words, 7, 7), std::string(69, 'x') + " one\n       two");
  EXPECT_EQ(hang(words, 0, 2), words) << "77 columns";
  EXPECT_EQ(hang("a " + std::string(90, 'y') + " b", 4, 2), "a\n  " + std::string(90, 'y') + "\n  b") << "a command is never cut";
  EXPECT_EQ(hang("né " + std::string(73, 'z'), 4, 4), "né " + std::string(73, 'z')) << "in characters";
  EXPECT_EQ(hang("", 4, 4), "");
}

/// Standard output is no terminal under ctest, and may be one elsewhere: only what the environment decides.
TEST(ScreenTest, TheEnvironmentDecides) {
  const auto unicode = [](const char* all, const char* characters, const char* language) {
    ::setenv("LC_ALL", all, 1);
    ::setenv("LC_CTYPE", characters, 1);
    ::setenv("LANG", language, 1);
    return Screen::of_standard_output().unicode;
  };
  EXPECT_TRUE(unicode("", "", "de_DE.UTF-8"));
  EXPECT_TRUE(unicode("", "C.utf8", "C"));
  EXPECT_FALSE(unicode("C", "C.utf8", "C.utf8"));
  EXPECT_FALSE(unicode("", "", ""));
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(Screen::of_standard_output().colour);
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG", "NO_COLOR"}) ::unsetenv(name);
}

}  // namespace
}  // namespace strait
