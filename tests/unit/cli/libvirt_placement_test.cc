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

/// What pin = says for this set of libvirt's.
std::string set(const std::string& cpuset) {
  const std::string config = config_of(fmt::format("<cputune><vcpupin vcpu='0' cpuset='{}'/></cputune>", cpuset));
  const auto start = config.find("pin = 0:") + 8;
  return config.substr(start, config.find('\n', start) - start);
}

std::string backing(const std::string& pages) { return "<memoryBacking><hugepages>" + pages + "</hugepages></memoryBacking>"; }

TEST(Hugepages, AreOfTheSizeThatTheDomainSays) {
  EXPECT_THAT(config_of(backing("")), HasSubstr("\n# Of the host's default size, which is taken to be 2M.\nhugepages = 2M\n"));
  EXPECT_THAT(report(backing("")), Not(HasSubstr("hugepages")));
  EXPECT_THAT(config_of(backing("<page size='2048'/>")), HasSubstr("\n\nhugepages = 2M\n"));
  EXPECT_THAT(config_of(backing("<page size='4' unit='KiB'/>")), HasSubstr("\nhugepages = off\n")) << "pages that are not huge";
  const std::string two = backing("<page size='1' unit='G' nodeset='0'/><page size='2048'/>");
  EXPECT_THAT(config_of(two), HasSubstr("# The smallest of the domain's.\nhugepages = 2M\n"));
  EXPECT_THAT(report(two), HasSubstr("memory of one kind\n    line 1: /domain/memoryBacking/hugepages/page[1]/@nodeset\n"));
  EXPECT_THAT(config_of("<memoryBacking><locked/></memoryBacking>"), Not(HasSubstr("hugepages")));
}

TEST(Hugepages, OfWhichTheMemoryCannotBeAreLeftOut) {
  EXPECT_THAT(report(backing("<page size='1' unit='G'/>")),
              HasSubstr("the memory is no multiple of 1G; with another memory =, write hugepages = 1G\n    line 1: /domain/memoryBacking/hugepages\n"));
  EXPECT_THAT(report(backing("<page size='16' unit='M'/>")), HasSubstr("huge pages of 2M and 1G, as x86 has\n"));
  EXPECT_EQ(error_of(backing("<page/>")), "d.xml, line 1: /domain/memoryBacking/hugepages/page: '' is no amount of memory; give a whole number");
  EXPECT_THAT(error_of(backing("<page size='1000' unit='b'/>")), HasSubstr("1000 bytes are no page; "));
}

TEST(Numatune, OfOneNodeIsNuma) {
  EXPECT_THAT(config_of("<numatune><memory mode='strict' nodeset='1'/></numatune>"), HasSubstr("\nnuma = 1\n"));
  EXPECT_THAT(config_of("<numatune><memory nodeset='1'/></numatune>"), HasSubstr("\nnuma = 1\n")) << "strict unless it says otherwise";
  for (const char* memory : {"mode='preferred' nodeset='1'", "mode='strict' nodeset='0-1'", "placement='auto'"}) {
    const std::string domain = fmt::format("<numatune><memory {}/></numatune>", memory);
    EXPECT_THAT(report(domain), HasSubstr("from one node of the host, numa =, or from any\n    line 1: /domain/numatune/memory\n")) << memory;
    EXPECT_THAT(config_of(domain), Not(HasSubstr("numa ="))) << memory;
  }
  EXPECT_THAT(error_of("<numatune><memory nodeset='x'/></numatune>"), HasSubstr("nodeset='x' is no set of nodes; "));
}

TEST(CpuSets, AreWrittenAsLinuxHasThem) {
  EXPECT_EQ(set("3"), "3");
  EXPECT_EQ(set("0-3,8"), "0-3,8");
  EXPECT_EQ(set("1-4,^3,6"), "1-2,4,6");
  EXPECT_EQ(set(" 7, 5 , 6 "), "5-7");
  EXPECT_EQ(set("010"), "10") << "never octal";
  EXPECT_EQ(set("0-8191,^1"), "0,2-8191");
}

TEST(CpuSets, AreChecked) {
  for (const char* text : {"", "x", "1-", "-1", "3-1", "1,,2", "1,", "^1", "1-2,^1-2", "^", "8192", "0x1", "99999999999999999999"}) {
    EXPECT_EQ(error_of(fmt::format("<vcpu cpuset='{}'>1</vcpu>", text)),
              fmt::format("d.xml, line 1: /domain/vcpu: cpuset='{}' is no set of processors; give one such as 0-3,8, or 0-3,^2", text));
  }
}

TEST(Pinning, OfEachProcessorIsPin) {
  const std::string domain =
      "<vcpu>2</vcpu><cputune>\n<vcpupin vcpu='0' cpuset='2,4'/>\n<vcpupin vcpu='1' cpuset='3'/>\n<emulatorpin cpuset='0-1'/></cputune>";
  EXPECT_THAT(config_of(domain), HasSubstr("# The domain's other threads keep to some of the host's processors. For that,\n"
                                           "# start strait there:\n"
                                           "#   taskset -c 0-1 strait run --config FILE\n"
                                           "\n"
                                           "pin = 0:2,4,1:3\n"));
  EXPECT_THAT(report(domain), AllOf(HasSubstr("  for strait's other threads; the file says how to start them there\n"
                                              "    line 4: /domain/cputune/emulatorpin\n"),
                                    Not(HasSubstr("vcpupin"))));
}

TEST(Pinning, OfAllThreadsIsThatOfWhatIsNotPinnedOneByOne) {
  const std::string pins = "<vcpu cpuset='4-7'>3</vcpu><cputune><vcpupin vcpu='1' cpuset='5'/>";
  EXPECT_THAT(config_of(pins + "</cputune>"), AllOf(HasSubstr("taskset -c 4-7 strait run"), HasSubstr("\npin = 0:4-7,1:5,2:4-7\n")));
  EXPECT_THAT(report(pins + "</cputune>"), HasSubstr("/domain/vcpu/@cpuset\n"));
  EXPECT_THAT(config_of(pins + "<emulatorpin cpuset='0'/></cputune>"),
              AllOf(HasSubstr("taskset -c 0 strait run"), HasSubstr("\npin = 0:4-7,1:5,2:4-7\n")));
}

TEST(Pinning, IsOfProcessorsThatTheGuestHas) {
  const std::string domain = "<vcpu current='1'>2</vcpu><cputune><vcpupin vcpu='1' cpuset='5'/></cputune>";
  EXPECT_THAT(config_of(domain), Not(HasSubstr("pin =")));
  EXPECT_THAT(report(domain), HasSubstr("  the guest has no such processor\n    line 1: /domain/cputune/vcpupin\n"));
  EXPECT_THAT(error_of("<cputune><vcpupin vcpu='one' cpuset='5'/></cputune>"),
              HasSubstr("/vcpupin: vcpu='one' is no number of a processor; "));
  EXPECT_THAT(error_of("<cputune><vcpupin vcpu='0'/></cputune>"), HasSubstr("/vcpupin: no cpuset=; "));
}

TEST(Scheduler, OfAllProcessorsIsRt) {
  const auto domain = [](const std::string& schedulers) { return "<vcpu cpuset='4-7'>2</vcpu><cputune>" + schedulers + "</cputune>"; };
  EXPECT_THAT(config_of(domain("<vcpusched vcpus='0-1' scheduler='fifo' priority='3'/>")), HasSubstr("\nrt = 3\n"));
  EXPECT_THAT(config_of(domain("<vcpusched vcpus='0-7' scheduler='fifo' priority='3'/>")), HasSubstr("\nrt = 3\n"));
  EXPECT_THAT(report("<vcpu>2</vcpu><cputune><vcpusched vcpus='0-1' scheduler='fifo' priority='3'/></cputune>"),
              HasSubstr("for processors that are pinned: pin = and rt =\n    line 1: /domain/cputune/vcpusched\n"));
  for (const char* schedulers :
       {"<vcpusched vcpus='0' scheduler='fifo' priority='1'/>", "<vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>",
        "<vcpusched vcpus='0-1' scheduler='rr' priority='1'/>", "<vcpusched vcpus='0-1' scheduler='batch'/>",
        "<vcpusched vcpus='0-1' scheduler='fifo' priority='100'/>", "<vcpusched scheduler='fifo' priority='1'/>",
        "<vcpusched vcpus='0' scheduler='fifo' priority='1'/><vcpusched vcpus='1' scheduler='fifo' priority='2'/>"}) {
    EXPECT_THAT(config_of(domain(schedulers)), Not(HasSubstr("rt ="))) << schedulers;
    EXPECT_THAT(report(domain(schedulers)), HasSubstr("one priority for all processors, rt =, of SCHED_FIFO; ")) << schedulers;
  }
}

TEST(Pinning, OtherTuningIsLeftOut) {
  EXPECT_THAT(
      report("<cputune><shares>1024</shares><emulatorsched scheduler='fifo'/><iothreadpin iothread='1' cpuset='0'/></cputune>"),
      AllOf(HasSubstr("in a cgroup, as with systemd-run\n    line 1: /domain/cputune/shares\n"),
            HasSubstr("chrt sets the scheduler of a thread\n    line 1: /domain/cputune/emulatorsched\n"),
            HasSubstr("strait has no virtio devices\n    line 1: /domain/cputune/iothreadpin\n")));
}

TEST(Pinning, ByNumadIsLost) {
  EXPECT_THAT(report("<vcpu placement='auto'>1</vcpu>"),
              HasSubstr("strait asks no numad where its threads are best\n    line 1: /domain/vcpu/@placement\n"));
  EXPECT_THAT(report("<vcpu placement='static'>1</vcpu>"), Not(HasSubstr("placement"))) << "as always";
}

}  // namespace
}  // namespace strait::libvirt
