#include "cli/libvirt/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <fmt/format.h>

#include "cli/libvirt/convert.h"
#include "tests/unit/error_of.h"

namespace strait::libvirt {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Conversion convert_with(const std::string& elements) {
  return convert(fmt::format("<domain type='kvm'><memory>524288</memory><os><kernel>/k</kernel></os>{}</domain>", elements), "d.xml");
}
std::string config_of(const std::string& elements) { return convert_with(elements).config; }
std::string report(const std::string& elements) { return report_of(convert_with(elements)); }
std::string error_of(const std::string& elements) {
  return test::error_of<UsageError>([&] { convert_with(elements); });
}

/// What taskset is given for this set of libvirt's.
std::string set(const std::string& cpuset) {
  const std::string config = config_of(fmt::format("<vcpu cpuset='{}'>1</vcpu>", cpuset));
  const auto start = config.find("taskset -c ") + 11;
  return config.substr(start, config.find(' ', start) - start);
}

TEST(Hugepages, AreSaidInACommentAndLeftOut) {
  const std::string one = "<memoryBacking><hugepages/></memoryBacking>";
  EXPECT_THAT(config_of(one), HasSubstr("\n# The domain's memory is of huge pages. strait has transparent ones,\n"));
  EXPECT_THAT(report(one), HasSubstr("and has no other kind\n    line 1: /domain/memoryBacking/hugepages\n"));
  EXPECT_THAT(config_of("<memoryBacking><hugepages><page size='1' unit='G' nodeset='0'/><page size='2048'/></hugepages></memoryBacking>"),
              HasSubstr(" of huge pages of 1G and 2M. "));
  EXPECT_THAT(config_of("<memoryBacking><locked/></memoryBacking>"), Not(HasSubstr("huge pages")));
  EXPECT_EQ(error_of("<memoryBacking><hugepages><page/></hugepages></memoryBacking>"),
            "d.xml, line 1: /domain/memoryBacking/hugepages/page: '' is no amount of memory; give a whole number");
  EXPECT_THAT(error_of("<memoryBacking><hugepages><page size='1000' unit='b'/></hugepages></memoryBacking>"),
              HasSubstr("1000 bytes are no page; "));
}

TEST(CpuSets, AreWrittenForTaskset) {
  EXPECT_EQ(set("3"), "3");
  EXPECT_EQ(set("0-3,8"), "0-3,8");
  EXPECT_EQ(set("1-4,^3,6"), "1-2,4,6") << "which taskset does not know";
  EXPECT_EQ(set(" 7, 5 , 6 "), "5-7");
  EXPECT_EQ(set("010"), "10") << "never octal";
  EXPECT_EQ(set("0-16383,^1"), "0,2-16383");
}

TEST(CpuSets, AreChecked) {
  for (const char* text : {"", "x", "1-", "-1", "3-1", "1,,2", "1,", "^1", "1-2,^1-2", "^", "16384", "0x1", "99999999999999999999"}) {
    EXPECT_EQ(error_of(fmt::format("<vcpu cpuset='{}'>1</vcpu>", text)),
              fmt::format("d.xml, line 1: /domain/vcpu: cpuset='{}' is no set of processors; give one such as 0-3,8, or 0-3,^2", text));
  }
}

TEST(Pinning, IsSaidInCommentsAndLeftOut) {
  const std::string domain =
      "<vcpu>2</vcpu><cputune>\n<vcpupin vcpu='0' cpuset='2,4'/>\n<vcpupin vcpu='1' cpuset='3'/>\n<emulatorpin cpuset='0-1'/></cputune>";
  EXPECT_THAT(config_of(domain), HasSubstr("# The domain keeps to some of the host's processors, which strait leaves to you.\n"
                                           "# Start it with\n"
                                           "#   taskset -c 0-1 strait run --config FILE\n"
                                           "\n"
                                           "# The domain pins the guest's processors, which strait leaves to you. When it\n"
                                           "# runs, and no other guest of strait's:\n"
                                           "#   taskset -pc 2,4 $(pgrep -wx vcpu0)\n"
                                           "#   taskset -pc 3 $(pgrep -wx vcpu1)\n"));
  EXPECT_THAT(report(domain), HasSubstr("  strait pins nothing itself; the file says what to run\n"
                                        "    line 2: /domain/cputune/vcpupin[1]\n"
                                        "    line 3: /domain/cputune/vcpupin[2]\n"
                                        "    line 4: /domain/cputune/emulatorpin\n"));
}

TEST(Pinning, OfAllThreadsIsThatOfWhatIsNotPinnedOneByOne) {
  const std::string pins = "<vcpu cpuset='4-7'>3</vcpu><cputune><vcpupin vcpu='1' cpuset='5'/>";
  EXPECT_THAT(config_of(pins + "</cputune>"),
              AllOf(HasSubstr("taskset -c 4-7 strait run"), HasSubstr("taskset -pc 5 $(pgrep -wx vcpu1)"), Not(HasSubstr("vcpu0"))));
  EXPECT_THAT(report(pins + "</cputune>"), HasSubstr("/domain/vcpu/@cpuset\n"));
  EXPECT_THAT(config_of(pins + "<emulatorpin cpuset='0'/></cputune>"),
              HasSubstr("taskset -c 0 strait run --config FILE\n"
                        "\n"
                        "# The domain pins the guest's processors, which strait leaves to you. When it\n"
                        "# runs, and no other guest of strait's:\n"
                        "#   taskset -pc 4-7 $(pgrep -wx vcpu0)\n"
                        "#   taskset -pc 5 $(pgrep -wx vcpu1)\n"
                        "#   taskset -pc 4-7 $(pgrep -wx vcpu2)\n"));
}

TEST(Pinning, IsOfProcessorsThatTheGuestHas) {
  const std::string domain = "<vcpu current='1'>2</vcpu><cputune><vcpupin vcpu='1' cpuset='5'/></cputune>";
  EXPECT_THAT(config_of(domain), Not(HasSubstr("taskset")));
  EXPECT_THAT(report(domain), HasSubstr("  the guest has no such processor\n    line 1: /domain/cputune/vcpupin\n"));
  EXPECT_THAT(error_of("<cputune><vcpupin vcpu='one' cpuset='5'/></cputune>"),
              HasSubstr("/vcpupin: vcpu='one' is no number of a processor; "));
  EXPECT_THAT(error_of("<cputune><vcpupin vcpu='0'/></cputune>"), HasSubstr("/vcpupin: no cpuset=; "));
}

TEST(Pinning, OtherTuningIsLeftOut) {
  EXPECT_THAT(
      report("<cputune><shares>1024</shares><vcpusched vcpus='0' scheduler='fifo'/><iothreadpin iothread='1' cpuset='0'/></cputune>"),
      AllOf(HasSubstr("in a cgroup, as with systemd-run\n    line 1: /domain/cputune/shares\n"),
            HasSubstr("chrt sets that of a thread\n    line 1: /domain/cputune/vcpusched\n"),
            HasSubstr("strait has no virtio devices\n    line 1: /domain/cputune/iothreadpin\n")));
}

TEST(Pinning, ByNumadIsLost) {
  EXPECT_THAT(report("<vcpu placement='auto'>1</vcpu>"),
              HasSubstr("strait asks no numad where its threads are best\n    line 1: /domain/vcpu/@placement\n"));
  EXPECT_THAT(report("<vcpu placement='static'>1</vcpu>"), Not(HasSubstr("placement"))) << "as always";
}

}  // namespace
}  // namespace strait::libvirt
