#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace strait::boot::test {

/// What the Error says that `body` throws; "" where it throws none.
template <typename Body>
std::string error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace strait::boot::test

#define EXPECT_ERROR(statement, text) \
  EXPECT_THAT(strait::boot::test::error_of([&] { (void)(statement); }), testing::HasSubstr(text))
