#include "cli/from_libvirt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Line = std::vector<const char*>;

constexpr const char* kDomain = "<domain type='kvm'><memory unit='GiB'>1</memory><os><kernel>/k</kernel></os></domain>";

class FromLibvirt : public testing::Test {
 protected:
  std::string read(const std::string& name) const {
    std::ifstream file(directory_.path() / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const test::TemporaryDirectory directory_;
  const std::string domain_ = directory_.write("d.xml", kDomain);
  const std::string output_ = directory_.path() / "d.conf";
};

TEST_F(FromLibvirt, WritesTheConfigurationToStandardOutputAndTheListToStandardError) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_from_libvirt(Line{domain_.c_str()}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("\nkernel = /k\n"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), domain_ + ": 8 elements, attributes and texts are used, 0 are not.\n");
}

TEST_F(FromLibvirt, WritesAFileInItsPlace) {
  directory_.write("d.conf", std::string(10'000, 'x'));
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_from_libvirt(Line{"-o", output_.c_str(), domain_.c_str()}), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  testing::internal::GetCapturedStderr();
  EXPECT_THAT(read("d.conf"), testing::EndsWith("memory = 1G\ncpus = 1\n"));
}

TEST_F(FromLibvirt, NothingIsWrittenWhereTheDomainIsWrong) {
  const std::string wrong = directory_.write("wrong.xml", "<domain>");
  EXPECT_THAT(test::error_of<UsageError>([&] {
                run_from_libvirt(Line{wrong.c_str(), "--output", output_.c_str()});
              }),
              StartsWith(wrong + ", line 1, column "));
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(FromLibvirt, NeverWritesOverTheDomain) {
  EXPECT_EQ(test::error_of<UsageError>([&] {
              run_from_libvirt(Line{domain_.c_str(), "-o", domain_.c_str()});
            }),
            "-o " + domain_ + " is the domain itself; give another file");
  EXPECT_EQ(read("d.xml"), kDomain);
}

TEST_F(FromLibvirt, FilesThatCannotBeReadOrWritten) {
  const auto error = [](const Line& words) { return test::error_of<Error>([&] { run_from_libvirt(words); }); };
  EXPECT_EQ(error({"/nonexistent/d.xml"}),
            "opening /nonexistent/d.xml: No such file or directory; give a domain that you may read, as virsh dumpxml NAME prints it");
  EXPECT_THAT(error({directory_.path().c_str()}), HasSubstr(": Is a directory; give a domain that you may read"));
  EXPECT_EQ(error({domain_.c_str(), "-o", "/nonexistent/d.conf"}),
            "opening /nonexistent/d.conf: No such file or directory; give a file that can be written");
  EXPECT_EQ(error({domain_.c_str(), "-o", "/dev/full"}),
            "writing /dev/full: No space left on device; make room there, or give another -o FILE");
  EXPECT_THAT(error({"/dev/zero"}), StartsWith("/dev/zero: larger than 4 MiB"));
}

TEST_F(FromLibvirt, TakesOneDomain) {
  for (const Line& words : {Line{}, Line{"a.xml", "b.xml"}}) {
    EXPECT_EQ(test::error_of<UsageError>([&] { run_from_libvirt(words); }),
              "from-libvirt needs one domain; strait from-libvirt DOMAIN.xml, and virsh dumpxml NAME makes it");
  }
  EXPECT_THAT(test::error_of<UsageError>([&] { run_from_libvirt(Line{"--frob", "a.xml"}); }), HasSubstr("--frob"));
}

}  // namespace
}  // namespace strait
