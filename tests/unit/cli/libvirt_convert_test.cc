#include "cli/libvirt/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <fmt/format.h>

#include "cli/libvirt/places.h"
#include "cli/libvirt/values.h"
#include "tests/unit/error_of.h"

namespace strait::libvirt {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string error_of_xml(const std::string& xml) {
  return test::error_of<UsageError>([&] { convert(xml, "d.xml"); });
}

/// A domain with these elements in it, and a kernel and memory.
std::string domain(const std::string& elements, const std::string& memory = "<memory>524288</memory>") {
  return fmt::format("<domain type='kvm'>{}<os><kernel>/k</kernel></os>{}</domain>", memory, elements);
}
std::string config_of(const std::string& elements) { return convert(domain(elements), "d.xml").config; }
std::string error_of(const std::string& elements) { return error_of_xml(domain(elements)); }

std::string report(const std::string& elements) { return report_of(convert(domain(elements), "d.xml")); }

std::string hostdev(const std::string& address, const std::string& more = "") {
  return fmt::format("<devices><hostdev mode='subsystem' type='pci'><source><address {}/></source>{}</hostdev></devices>", address, more);
}
std::string vf(const std::string& elements, const std::string& attributes = "managed='yes'") {
  return fmt::format(
      "<devices><interface type='hostdev' {}><source><address type='pci' bus='1' slot='16'/></source>{}</interface></devices>", attributes,
      elements);
}

// ---- What is no domain

TEST(Xml, ThatDoesNotParseHasAPlace) {
  EXPECT_THAT(error_of_xml("<domain>\n  <memory>1</memori>\n</domain>"), StartsWith("d.xml, line 2, column 14: no well-formed XML: "));
  EXPECT_THAT(error_of_xml("<domain"), StartsWith("d.xml, line 1, column 7: no well-formed XML: "));
  EXPECT_THAT(error_of_xml("<domain a=1></domain>"), StartsWith("d.xml, line 1, column 11: no well-formed XML: "));
  EXPECT_THAT(error_of_xml("<domain><!-- </domain>"), HasSubstr("no well-formed XML: "));
  EXPECT_THAT(error_of_xml("<domain><![CDATA[ </domain>"), HasSubstr("no well-formed XML: "));
  EXPECT_THAT(error_of_xml("no XML\n"), HasSubstr("no well-formed XML: no document element found; give what virsh dumpxml prints"));
  EXPECT_THAT(error_of_xml(""), StartsWith("d.xml, line 1, column 1: no well-formed XML: "));
}

TEST(Xml, NeedsADomainAsItsRoot) {
  EXPECT_EQ(error_of_xml("\n<network/>"),
            "d.xml, line 2, column 2: the root is <network>, not <domain>; give a domain, as virsh dumpxml NAME prints it");
  EXPECT_THAT(error_of_xml("<domain/>\n<domain/>"), StartsWith("d.xml, line 2, column 2: a second root, <domain>; "));
}

TEST(Xml, HasNoDocumentTypeAndSoNoEntitiesOfItsOwn) {
  EXPECT_EQ(
      error_of_xml("<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><domain><name>&b;</name></domain>"),
      "d.xml, line 1, column 11: a document type, which a domain never has; remove the <!DOCTYPE ...>; its entities would not be put in");
}

TEST(Xml, IsUtf8) {
  EXPECT_EQ(error_of_xml("<domain>\n<name>\xe4</name></domain>"),
            "d.xml, line 2, column 7: a byte 0xe4 that is no UTF-8 text; save it as UTF-8, which libvirt writes");
  EXPECT_THAT(error_of_xml(std::string("<domain>\0</domain>", 18)), HasSubstr("column 9: a byte 0x00 that is no UTF-8 text"));
  EXPECT_THAT(error_of_xml("\xff\xfe<\0d\0"), HasSubstr("column 1: a byte 0xff that is no UTF-8 text"));
  for (const char* odd : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xef\xbf\xbf", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80"}) {
    EXPECT_THAT(error_of_xml(fmt::format("<domain>{}</domain>", odd)), HasSubstr("column 9: a byte 0x")) << testing::PrintToString(odd);
  }
  EXPECT_THAT(config_of("<name>\xed\x9f\xbf \xee\x80\x80 \xf4\x8f\xbf\xbf</name>"), HasSubstr("\xf4\x8f\xbf\xbf"));
  EXPECT_THAT(config_of("<name>k\xc3\xa4se</name>"), HasSubstr("k\xc3\xa4se"));
  EXPECT_THAT(convert("\xef\xbb\xbf" + domain(""), "d.xml").config, HasSubstr("memory = 512M"));
}

TEST(Xml, SaysNothingThatATerminalWouldObey) {
  EXPECT_THAT(error_of_xml("<domain>\x1b[2J</domain>"), HasSubstr("column 9: a byte 0x1b that is no UTF-8 text"));
  EXPECT_THAT(error_of_xml("<domain type='kvm'><memory>&#x9b;2J</memory></domain>"), HasSubstr("'\xc2?2J' is no amount of memory"));
  EXPECT_THAT(error_of(hostdev("type='a&#10;b' bus='1'")), HasSubstr("type='a?b' is no PCI address"));
  EXPECT_THAT(error_of("<vcpu \xc2\x9b='1'>0</vcpu>"), HasSubstr("/domain/vcpu: not a number"));
  EXPECT_THAT(report("<\xc2\x9b/>"), HasSubstr("/domain/\xc2?\n"));
  EXPECT_THAT(report("<devices><interface type='network'><source network='a&#10;b'/></interface></devices>"), HasSubstr("network a?b: "));
}

TEST(Xml, HasReferencesToItsCharactersAndToFiveEntities) {
  EXPECT_THAT(config_of("<name>a &lt;&#x41;&#66;&amp;&gt;&quot;&apos;&#x1F600;</name>"),
              HasSubstr("domain a <AB&>\"'\xf0\x9f\x98\x80 for"));
  EXPECT_EQ(error_of_xml("<domain>\n <name>a&#0;b</name></domain>"),
            "d.xml, line 2, column 9: '&#0;' stands for no character of XML's; write &amp; where an & is meant");
  for (const char* odd : {"&foo;", "&#x0;", "&#27;", "&#xD800;", "&#xdfff;", "&#xFFFE;", "&#x110000;", "&#4294967361;", "&#;", "&#x;",
                          "&#X41;", "&#-1;", "&#x 41;", "&;", "& b", "&amp", "&amp b;", "&"}) {
    EXPECT_THAT(error_of_xml(fmt::format("<domain><name>{}</name></domain>", odd)), HasSubstr(" stands for no character of XML's; "))
        << odd;
    EXPECT_THAT(error_of_xml(fmt::format("<domain>\n<memory unit=\"<!--{}-->\">1</memory></domain>", odd)),
                StartsWith("d.xml, line 2, column 19: '&"))
        << odd;
  }
  EXPECT_THAT(config_of("<!-- &foo; &#0; --><name><![CDATA[a &foo; b]]></name><?pi &foo;?>"), HasSubstr("domain a &foo; b for"))
      << "which are none where XML has no references";
}

TEST(Xml, IsNoLargerThanADomainCanBe) {
  EXPECT_EQ(error_of_xml(std::string(Document::kMaxSize + 1, ' ')),
            "d.xml: larger than 4 MiB, which no domain is; give what virsh dumpxml prints");
  std::string deep, wide;
  for (int i = 0; i < 100'000; ++i) {
    deep += "<a>";
    wide += "<a/>";
  }
  EXPECT_THAT(error_of_xml("<domain>" + deep), HasSubstr("no well-formed XML"));
  for (int i = 0; i < 100'000; ++i) deep += "</a>";
  EXPECT_THAT(error_of_xml("<domain>" + deep + "</domain>"), HasSubstr(": more than 64 elements in each other, or 20000 in all; "));
  EXPECT_THAT(error_of_xml("<domain>" + wide + "</domain>"), HasSubstr(": more than 64 elements in each other, or 20000 in all; "));
}

// ---- Memory and processors

TEST(Memory, HasUnits) {
  const auto memory = [](const std::string& element) {
    const std::string config = convert(domain("", element), "d.xml").config;
    const auto start = config.find("memory = ") + 9;
    return config.substr(start, config.find('\n', start) - start);
  };
  EXPECT_EQ(memory("<memory>1048576</memory>"), "1G");
  EXPECT_EQ(memory("<memory unit='bytes'>16777216</memory>"), "16M");
  EXPECT_EQ(memory("<memory unit='b'>16777217</memory>"), "16388K") << "whole pages";
  EXPECT_EQ(memory("<memory unit='KB'>1000000</memory>"), "976564K");
  EXPECT_EQ(memory("<memory unit='k'> 1048576 </memory>"), "1G");
  EXPECT_EQ(memory("<memory unit='m'>1536</memory>"), "1536M");
  EXPECT_EQ(memory("<memory unit='T'>1</memory>"), "1T");
  EXPECT_EQ(memory("<memory unit=''>1048576</memory>"), "1G") << "as without it";
  EXPECT_EQ(memory("<cpu><numa><cell memory='1' unit='GiB'/><cell memory='1048576' unit=''/></numa></cpu>"), "2G");
}

TEST(Memory, IsChecked) {
  const auto error = [](const std::string& element) { return error_of_xml(domain("", element)); };
  EXPECT_EQ(error(""), "d.xml, line 1: /domain: it has no <memory>; say how much memory the guest has");
  EXPECT_EQ(error("\n<memory unit='KiB'>8192</memory>"),
            "d.xml, line 2: /domain/memory: 8388608 bytes: a guest needs at least 16 MiB; give more");
  EXPECT_EQ(error("<memory>lots</memory>"), "d.xml, line 1: /domain/memory: 'lots' is no amount of memory; give a whole number");
  EXPECT_THAT(error("<memory>-1</memory>"), HasSubstr("'-1' is no amount of memory"));
  EXPECT_THAT(error("<memory/>"), HasSubstr("'' is no amount of memory"));
  EXPECT_EQ(error("<memory unit='pages'>1</memory>"),
            "d.xml, line 1: /domain/memory: unit='pages' is no unit of memory; give KiB, MiB, GiB or another that libvirt has");
  EXPECT_THAT(error("<memory unit='E'>16</memory>"), HasSubstr("16 E is more than any processor can address"));
  EXPECT_THAT(error("<memory unit='P'>5</memory>"), HasSubstr("more memory than any processor can address"));
  EXPECT_THAT(error("<cpu><numa><cell id='0'/></numa></cpu>"), HasSubstr("/domain/cpu/numa/cell: '' is no amount of memory"));
  EXPECT_THAT(error("<cpu><numa><cell memory='9' unit='P'/></numa></cpu>"), HasSubstr("/domain/cpu/numa/cell: memory= is more than"));
}

TEST(Memory, TheBalloonIsLeftOutWhereItWouldMatter) {
  EXPECT_THAT(report("<currentMemory>262144</currentMemory>"), HasSubstr("strait has no balloon"));
  EXPECT_THAT(report("<currentMemory>524288</currentMemory>"), Not(HasSubstr("currentMemory")));
}

TEST(Processors, AreChecked) {
  EXPECT_THAT(config_of(""), HasSubstr("\ncpus = 1\n"));
  EXPECT_THAT(config_of("<vcpu>254</vcpu>"), HasSubstr("\ncpus = 254\n"));
  EXPECT_THAT(config_of("<vcpu current='3'>400</vcpu>"), HasSubstr("\ncpus = 3\n"));
  EXPECT_THAT(config_of("<vcpu>010</vcpu>"), HasSubstr("\ncpus = 10\n"));
  EXPECT_EQ(error_of("<vcpu>255</vcpu>"), "d.xml, line 1: /domain/vcpu: 255 processors: strait gives at most 254; give fewer");
  for (const char* count : {"0", "-1", "two", "", "0x2", "99999999999999999999"}) {
    EXPECT_EQ(error_of(fmt::format("<vcpu>{}</vcpu>", count)), "d.xml, line 1: /domain/vcpu: not a number of processors; give 1 to 254");
  }
  EXPECT_THAT(error_of("<vcpu current='5'>4</vcpu>"), HasSubstr("current='5' is more than 4; "));
}

// ---- What is booted

TEST(Processors, AreArrangedAsTheTopologySays) {
  const auto with = [](const std::string& vcpu, const std::string& topology) {
    return fmt::format("<vcpu {}</vcpu><cpu mode='host-passthrough'><topology {}/></cpu>", vcpu, topology);
  };
  EXPECT_THAT(config_of(with(">12", "sockets='1' cores='6' threads='2'")), HasSubstr("\ncpus = 12,sockets=1,cores=6,threads=2\n"));
  EXPECT_THAT(config_of(with(">4", "sockets='4' dies='1' cores='1' threads='1'")), HasSubstr("\ncpus = 4,sockets=4,cores=1,threads=1\n"));
  EXPECT_THAT(config_of(with(">4", "sockets='1' cores='4' threads='1'")), HasSubstr("\ncpus = 4\n")) << "as without";
  EXPECT_THAT(report(with(">4", "sockets='1' cores='4' threads='1'")), Not(HasSubstr("topology")));
  EXPECT_THAT(error_of(with(">4", "sockets='2' cores='4' threads='1'")),
              HasSubstr("/domain/cpu/topology: they are not 4 processors; give as many as <vcpu> has"));
  EXPECT_THAT(error_of(with(">4", "sockets='0' cores='4' threads='1'")), HasSubstr("sockets='0' is no number of them; "));
  EXPECT_THAT(config_of(with("current='2'>4", "sockets='2' cores='2' threads='1'")), HasSubstr("\ncpus = 2\n"));
  EXPECT_THAT(report(with("current='2'>4", "sockets='2' cores='2' threads='1'")),
              HasSubstr("  not all of the domain's processors are there\n    line 1: /domain/cpu/topology\n"));
  EXPECT_THAT(report(with(">4", "sockets='1' dies='2' cores='2' threads='1'")), HasSubstr("no dies and clusters\n    line 1: /domain/cpu/topology\n"));
  EXPECT_THAT(report(with(">132", "sockets='3' cores='44' threads='1'")), Not(HasSubstr("topology")));
  EXPECT_THAT(report(with(">204", "sockets='3' cores='34' threads='2'")), HasSubstr("more than 8 bits of APIC ID would be needed\n"));
}

TEST(Boot, WithoutAKernelItSaysWhatToGive) {
  for (const char* os : {"", "<os><boot dev='hd'/></os>", "<os><kernel> </kernel></os>"}) {
    const Conversion result = convert(fmt::format("<domain type='kvm'><memory>524288</memory>{}</domain>", os), "d.xml");
    EXPECT_THAT(result.config, AllOf(HasSubstr("#   kernel = FILE\n"), Not(HasSubstr("\nkernel"))));
    ASSERT_FALSE(result.account.list.empty());
    EXPECT_EQ(result.account.list[0].path, "/domain/os/kernel");
  }
}

TEST(Boot, TheCommandLineBecomesOneLine) {
  const std::string os =
      "<domain type='kvm'><memory>524288</memory><os><kernel>/k</kernel><cmdline>\n  a\n\t b #c </cmdline></os></domain>";
  EXPECT_THAT(convert(os, "d.xml").config, HasSubstr("\ncmdline = \"a b #c\"\n"));
}

TEST(Boot, OnlyX86AndOnlyLinesOfText) {
  EXPECT_THAT(error_of_xml("<domain><os><type arch='aarch64'>hvm</type></os></domain>"),
              HasSubstr("arch='aarch64': strait runs x86-64 guests"));
  EXPECT_THAT(error_of_xml("<domain><os><kernel>/a\n/b</kernel></os></domain>"),
              HasSubstr("/domain/os/kernel: '/a?/b' is not one line of text"));
  EXPECT_THAT(error_of_xml("<domain><name>a&#10;b</name></domain>"), HasSubstr("/domain/name: 'a?b' is not one line of text"));
  EXPECT_THAT(error_of_xml("<domain><os><kernel>/k</kernel><cmdline>a&#127;</cmdline></os></domain>"),
              HasSubstr("'a?' is not one line of text"));
  const auto xen = convert("<domain type='xen'><memory>524288</memory><os><type>xen</type></os></domain>", "d.xml");
  EXPECT_THAT(report_of(xen), AllOf(HasSubstr("/domain/@type\n"), HasSubstr("/domain/os/type/text()\n")));
}

// ---- Devices

TEST(Addresses, AreHexadecimalDecimalOrOctal) {
  EXPECT_EQ(parse_c_number("0x1f"), 31u);
  EXPECT_EQ(parse_c_number("0X1F"), 31u);
  EXPECT_EQ(parse_c_number("31"), 31u);
  EXPECT_EQ(parse_c_number("017"), 15u);
  EXPECT_EQ(parse_c_number("0"), 0u);
  for (const char* text : {"", "0x", "08", "1f", "-1", "1 "}) EXPECT_EQ(parse_c_number(text), std::nullopt) << text;
}

TEST(Devices, HaveAddressesThatCanBe) {
  EXPECT_THAT(config_of(hostdev("domain='0x10000' bus='0xff' slot='0x1f' function='0x7'")), HasSubstr("\ndevice = 10000:ff:1f.7\n"));
  EXPECT_THAT(error_of(hostdev("bus='0x100' slot='1'")),
              HasSubstr("/hostdev/source/address: bus='0x100' is no bus of a PCI address; give 0 to 0xff"));
  EXPECT_THAT(error_of(hostdev("bus='1' slot='32'")), HasSubstr("slot='32' is no slot of a PCI address; give 0 to 0x1f"));
  EXPECT_THAT(error_of(hostdev("bus='1' function='8'")), HasSubstr("function='8' is no function of a PCI address; give 0 to 0x7"));
  EXPECT_THAT(error_of(hostdev("domain='zero' bus='1'")), HasSubstr("domain='zero' is no domain"));
  EXPECT_THAT(error_of(hostdev("")), HasSubstr("0000:00:00.0 is the host bridge"));
  EXPECT_THAT(error_of(hostdev("type='ccw' bus='1'")), HasSubstr("type='ccw' is no PCI address"));
  EXPECT_THAT(error_of("<devices><hostdev mode='subsystem' type='pci'/></devices>"), HasSubstr("/hostdev: no <source> with an <address>"));
  EXPECT_THAT(error_of(hostdev("bus='1'", "<address type='pci' domain='1' slot='2'/>")), HasSubstr("the guest has no PCI domain but 0"));
}

TEST(Devices, ComeOnce) {
  const std::string one = "<hostdev type='pci'><source><address bus='1'/></source><address type='pci' slot='5'/></hostdev>";
  const std::string other = "<hostdev type='pci'><source><address bus='2'/></source><address type='pci' slot='5'/></hostdev>";
  EXPECT_THAT(error_of("<devices>" + one + "\n" + one + "</devices>"),
              StartsWith("d.xml, line 2: /domain/devices/hostdev[2]: 0000:01:00.0 is there already, in line 1; "));
  EXPECT_THAT(error_of("<devices>" + one + "\n" + other + "</devices>"),
              StartsWith("d.xml, line 2: /domain/devices/hostdev[2]/address: the device of line 1 has the same address; "));
}

TEST(Devices, AreManagedOrToBeBound) {
  EXPECT_THAT(config_of(hostdev("bus='1'")),
              HasSubstr("\n# Not managed: before the run, strait bind 0000:01:00.0\ndevice = 0000:01:00.0\n"));
  EXPECT_THAT(error_of("<devices><hostdev type='pci' managed='maybe'><source><address bus='1'/></source></hostdev></devices>"),
              HasSubstr("managed='maybe' is neither yes nor no"));
}

TEST(Devices, KeptFromTheGuestAreForTheUserToBind) {
  const std::string kept = hostdev("bus='1'", "<address type='unassigned'/>");
  EXPECT_THAT(config_of(kept), EndsWith("\n# /domain/devices/hostdev, line 1\n"
                                        "# Not given to the guest, but perhaps of the same group: strait bind 0000:01:00.0\n"));
  EXPECT_THAT(report(kept), HasSubstr("but does not give it to the guest\n    line 1: /domain/devices/hostdev\n"));
}

TEST(Devices, WhoseSlotTheGuestSeesElsewhereLoseTheirNames) {
  constexpr const char* kLostInList =
      "Left out:\n  the guest sees it in another slot: names such as enp6s0 change\n    line 1: /domain/devices/";
  EXPECT_THAT(report(hostdev("bus='1'", "<address type='pci' bus='6' slot='0'/>")),
              HasSubstr(std::string(kLostInList) + "hostdev/address\n"));
  const std::string shared =
      "<devices><hostdev type='pci'><source><address bus='1'/></source><address type='pci' bus='6' slot='0' function='0'/></hostdev>"
      "<hostdev type='pci'><source><address bus='2'/></source><address type='pci' bus='6' slot='0' function='1'/></hostdev></devices>";
  EXPECT_THAT(report(shared),
              HasSubstr(std::string(kLostInList) + "hostdev[1]/address/@bus\n    line 1: /domain/devices/hostdev[1]/address/@slot\n"));
  EXPECT_THAT(report(hostdev("bus='1'", "<address type='pci' slot='5' function='1'/>")),
              HasSubstr("Left out:\n  function 0 of its slot is not assigned; the guest sees it elsewhere\n    line 1: "
                        "/domain/devices/hostdev/address\n"));
  EXPECT_THAT(report(hostdev("bus='1'", "<address type='pci' domain='0' bus='0' slot='0' function='0'/>")),
              HasSubstr("nothing is lost by it:\n  all zeros are no address; strait chooses one, as libvirt does\n"));
  EXPECT_THAT(report(hostdev("bus='1'", "<address type='pci' slot='5'/>")), Not(HasSubstr("address")));
}

TEST(Devices, AreAtMostThirtyOneSlots) {
  std::string devices;
  for (int bus = 1; bus <= 32; ++bus) devices += fmt::format("<hostdev type='pci'><source><address bus='{}'/></source></hostdev>", bus);
  EXPECT_EQ(error_of("<devices>" + devices + "</devices>"),
            "d.xml, line 1: /domain/devices: 32 functions: the guest's one bus has slots 1 to 31; give fewer, or several of them one slot");
}

TEST(Devices, OfWhichTheRomIsOffHaveItReadWhole) {
  EXPECT_THAT(config_of(hostdev("bus='1'", "<rom bar='off' enabled='no'/>")), HasSubstr("\ndevice = 0000:01:00.0,rombar=off\n"));
  EXPECT_THAT(report(hostdev("bus='1'", "<rom bar='off' enabled='no'/>")), Not(HasSubstr("rom")));
  EXPECT_THAT(config_of(hostdev("bus='1'", "<rom enabled='no'/>")), HasSubstr(",rombar=off\n"));
  EXPECT_THAT(config_of(hostdev("bus='1'", "<rom bar='on' enabled='yes'/>")), Not(HasSubstr("rombar")));
}

/// What can be given to a libvirt guest, in the forms of https://libvirt.org/formatdomain.html#host-device-assignment.
TEST(Devices, OfEveryOtherFormAreLeftOut) {
  const std::string xml =
      "<devices>"
      "<hostdev mode='subsystem' type='usb'><source startupPolicy='optional'><vendor id='0x1234'/></source></hostdev>\n"
      "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/></source></hostdev>\n"
      "<hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' wwpn='naa.50014057667280d8'/></hostdev>\n"
      "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='c2177883'/></source></hostdev>\n"
      "<hostdev mode='capabilities' type='misc'><source><char>/dev/input/event3</char></source></hostdev>\n"
      "<interface type='hostdev'><source><address type='usb' bus='1' device='2'/></source></interface>\n"
      "<interface type='bridge'><source bridge='br0'/></interface>\n"
      "<disk type='nvme'><source type='pci' namespace='1'><address domain='1' bus='2' slot='0' function='0'/></source></disk></devices>";
  EXPECT_THAT(config_of(xml), Not(HasSubstr("device =")));
  EXPECT_THAT(
      report(xml),
      AllOf(HasSubstr("not devices of type usb\n    line 1: /domain/devices/hostdev[1]\n    line 6: /domain/devices/interface[1]\n"),
            HasSubstr("not devices of type scsi\n    line 2: "), HasSubstr("not devices of type scsi_host\n    line 3: "),
            HasSubstr("not devices of type mdev\n    line 4: "), HasSubstr("for containers\n    line 5: "),
            HasSubstr("strait has no networks of the host's making; assign a VF: device = vf=PF:any\n    line 7: "),
            HasSubstr("to give the guest the whole NVMe: device = 0001:02:00.0,managed=on\n    line 8: ")));
}

TEST(Devices, HaveWordsThatSayNothingToStrait) {
  const std::string xml =
      hostdev("bus='1'",
              "<driver name='kvm' model='vfio-pci-igb' iommufd='yes'/><origstates><unbind/></origstates><boot order='1'/>"
              "<alias name='ua-1'/><acpi index='5'/><teaming type='transient' persistent='ua-0'/>");
  EXPECT_THAT(report(xml), AllOf(HasSubstr("strait assigns with VFIO\n    line 1: /domain/devices/hostdev/driver/@name\n"),
                                 HasSubstr("strait binds vfio-pci\n"), HasSubstr("strait opens the VFIO group\n"),
                                 HasSubstr("there is no order\n"), HasSubstr("comes from its slot: addr=\n"),
                                 HasSubstr("strait has no virtio-net to fail over to\n"), HasSubstr("nothing is lost by it:\n")));
}

TEST(Devices, RomFilesAreOneLine) {
  EXPECT_THAT(error_of(hostdev("bus='1'", "<rom file='a&#10;b'/>")), HasSubstr("/hostdev/rom: 'a?b' is not one line of text"));
}

TEST(Vfs, HaveMacAddressesOfOneCard) {
  EXPECT_THAT(config_of(vf("<mac address='52:54:00:6D:90:02'/>")), HasSubstr("\ndevice = 0000:01:10.0,managed=on,mac=52:54:00:6d:90:02\n"));
  for (const char* mac : {"", "52:54:00:6d:90", "52-54-00-6d-90-02", "aa:ss:bb:cc:dd:ee", "52:54:00:6d:90:02:"}) {
    EXPECT_THAT(error_of(vf(fmt::format("<mac address='{}'/>", mac))),
                HasSubstr(fmt::format("/interface/mac: address='{}' is no MAC address; ", mac)));
  }
  EXPECT_THAT(error_of(vf("<mac address='01:00:5e:00:00:01'/>")),
              HasSubstr("is of a group, not of one card; give one whose first byte is even"));
  EXPECT_THAT(error_of(vf("<mac address='00:00:00:00:00:00'/>")), HasSubstr("is none"));
}

TEST(Vfs, HaveOneVlan) {
  EXPECT_THAT(config_of(vf("<vlan><tag id='254'/></vlan>")), HasSubstr(",managed=on,vlan=254\n"));
  EXPECT_THAT(config_of(vf("<vlan><tag id='010'/></vlan>")), HasSubstr(",managed=on,vlan=10\n")) << "unlike the numbers of addresses";
  EXPECT_THAT(config_of(vf("<vlan><tag id='0'/></vlan>")), HasSubstr(",managed=on,vlan=0\n")) << "which takes one away";
  for (const char* id : {"4095", "", "x", "0xfe", "-1"}) {
    EXPECT_THAT(error_of(vf(fmt::format("<vlan><tag id='{}'/></vlan>", id))),
                HasSubstr(fmt::format("/vlan/tag: id='{}' is no VLAN; give 1 to 4094", id)));
  }
  for (const char* vlan : {"<vlan trunk='yes'><tag id='1'/></vlan>", "<vlan><tag id='1'/><tag id='2'/></vlan>", "<vlan/>"}) {
    EXPECT_THAT(config_of(vf(vlan)), Not(HasSubstr("vlan="))) << vlan;
    EXPECT_THAT(report(vf(vlan)), HasSubstr("a VF has one VLAN")) << vlan;
  }
  EXPECT_THAT(report(vf("<vlan><tag id='5' nativeMode='tagged'/></vlan>")), HasSubstr("/vlan/tag/@nativeMode\n"));
}

TEST(Vfs, HaveSettingsThatStraitMakesOtherwise) {
  EXPECT_THAT(report(vf("<virtualport type='802.1Qbh'/><link state='down'/><mtu size='9000'/><bandwidth><inbound average='1'/></bandwidth>",
                        "managed='yes' trustGuestRxFilters='yes'")),
              AllOf(HasSubstr("strait speaks to no switch\n"), HasSubstr("write link_state=disable\n"),
                    HasSubstr("up to what the PF has\n"), HasSubstr("set limits with strait vf set\n"), HasSubstr("write trust=on\n")));
}

TEST(Vfs, WhoseSettingsStraitMakesAreManaged) {
  EXPECT_THAT(config_of(vf("<vlan><tag id='5'/></vlan>", "managed='no'")), HasSubstr("device = 0000:01:10.0,managed=on,vlan=5\n"));
  EXPECT_THAT(report(vf("<vlan><tag id='5'/></vlan>", "managed='no'")), HasSubstr("/domain/devices/interface/@managed\n"));
  EXPECT_THAT(config_of(vf("", "managed='no'")), HasSubstr("device = 0000:01:10.0\n"));
}

TEST(Places, KeepSlotsOfBusZeroAndWhatSharesASlot) {
  const auto at = [](const char* bdf) { return Place{host::Bdf::parse(bdf), {}}; };
  std::vector<Place> places = {at("00:01.0"), at("06:00.0"), at("06:00.1"), at("00:05.1"), at("07:00.0"), at("08:00.1"), at("08:00.2"), {}};
  EXPECT_TRUE(choose_places(places));
  EXPECT_EQ(places[0].given, (GuestSlot{1, 0}));
  EXPECT_EQ(places[1].given, (GuestSlot{2, 0})) << "the first that is free";
  EXPECT_EQ(places[2].given, (GuestSlot{2, 1}));
  EXPECT_EQ(places[3].given, std::nullopt) << "function 0 of its slot is not ours";
  EXPECT_EQ(places[4].given, std::nullopt) << "alone in its slot, it may have any";
  EXPECT_EQ(places[5].given, std::nullopt);
  EXPECT_EQ(places[6].given, std::nullopt);
  EXPECT_EQ(places[7].given, std::nullopt);
}

TEST(Places, AreThirtyOne) {
  const auto fit = [](int alone, int together) {
    std::vector<Place> places(static_cast<std::size_t>(alone));
    for (int bus = 1; bus <= together; ++bus) {
      for (std::uint8_t function = 0; function < 2; ++function) {
        places.push_back({host::Bdf{0, static_cast<std::uint8_t>(bus), 0, function}, {}});
      }
    }
    return choose_places(places);
  };
  EXPECT_TRUE(fit(31, 0));
  EXPECT_FALSE(fit(32, 0));
  EXPECT_TRUE(fit(30, 1)) << "two functions in a slot";
  EXPECT_FALSE(fit(30, 2));
  EXPECT_TRUE(fit(0, 31));
  EXPECT_FALSE(fit(0, 32));
}

// ---- The serial port

TEST(SerialPort, IsCom1WhateverItWasConnectedTo) {
  const std::string other = "<serial type='unix'><source path='/s' mode='bind'/><target port='0'/></serial>";
  EXPECT_THAT(
      report("<devices>" + other + "</devices>"),
      HasSubstr("connect those as you like\n    line 1: /domain/devices/serial/@type\n    line 1: /domain/devices/serial/source\n"));
  EXPECT_THAT(report("<devices><serial type='pty'><target type='pci-serial'/></serial></devices>"),
              HasSubstr("strait has one serial port, COM1\n"));
  EXPECT_THAT(report("<devices><serial/><serial type='tcp'><target port='1'/></serial></devices>"),
              HasSubstr("    line 1: /domain/devices/serial[2]\n"));
}

TEST(SerialPort, IsMadeOfAConsoleWhereThereIsNone) {
  EXPECT_THAT(report("<devices><console type='pty'/></devices>"), Not(HasSubstr("console")));
  const std::string file = "<console type='file'><source path='/s'/><target type='serial' port='1'/></console>";
  EXPECT_THAT(
      report("<devices>" + file + "</devices>"),
      HasSubstr("connect those as you like\n    line 1: /domain/devices/console/@type\n    line 1: /domain/devices/console/source\n"));
  EXPECT_THAT(report("<devices><serial type='pty'/>" + file + "</devices>"), Not(HasSubstr("connect those"))) << "another name for COM1";
}

TEST(SerialPort, IsTheOneConsole) {
  EXPECT_THAT(report("<devices><console type='pty'><target type='virtio'/></console></devices>"),
              HasSubstr("strait has one console, its serial port\n"));
  EXPECT_THAT(report("<devices><console type='pty'/><console type='pty'><target type='serial'/></console></devices>"),
              HasSubstr("    line 1: /domain/devices/console[2]\n"));
}

// ---- The account

TEST(LeftOut, WhatIsGivenTwiceCountsOnce) {
  EXPECT_THAT(report("<vcpu>2</vcpu><vcpu>3</vcpu>"), HasSubstr("there is one before it, which counts\n    line 1: /domain/vcpu[2]\n"));
  EXPECT_THAT(report("<vcpu current='1' current='2'>2</vcpu>"), HasSubstr("/domain/vcpu/@current\n"));
}

TEST(LeftOut, WhatIsNotKnownIsSaidToBe) {
  EXPECT_THAT(
      report("<devices><frobnicator level='11'>on</frobnicator></devices>\n<mystery/>"),
      HasSubstr("Left out, as strait does not know the names:\n    line 1: /domain/devices/frobnicator\n    line 2: /domain/mystery\n"));
}

TEST(LeftOut, WhatTheGuestSawIsLost) {
  EXPECT_THAT(report("<uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>"),
              HasSubstr("Left out:\n  strait has no SMBIOS tables; the guest sees no product_uuid\n    line 1: /domain/uuid\n"));
  EXPECT_THAT(
      report("<on_poweroff>restart</on_poweroff><on_reboot>rename-restart</on_reboot><on_crash>preserve</on_crash>"),
      AllOf(HasSubstr("have a unit or loop start it again\n"), HasSubstr("on-reboot = reset or exit\n"), HasSubstr("exit code 3 or 5")));
}

TEST(LeftOut, NamesALineForEachAttributeOfATagOfSeveralLines) {
  EXPECT_THAT(report("<vcpu\n even='2'\n odd='1'>1</vcpu>"),
              AllOf(HasSubstr("line 2: /domain/vcpu/@even\n"), HasSubstr("line 3: /domain/vcpu/@odd\n")));
}

TEST(LeftOut, TextThatSaysNothingToUs) { EXPECT_THAT(report("<devices>odd</devices>"), HasSubstr("line 1: /domain/devices/text()\n")); }

TEST(LeftOut, ReasonsAreForPathsAndForEndsOfPaths) {
  EXPECT_EQ(reason_for("/domain/devices/graphics").loss, Loss::kLost);
  EXPECT_EQ(reason_for("/domain/devices/hostdev/alias").loss, Loss::kNone);
  EXPECT_EQ(reason_for("/domain/@xmlns:qemu").loss, Loss::kNone);
  EXPECT_EQ(reason_for("/domain/devices/frobnicator").loss, Loss::kUnknown);
}

TEST(LeftOut, ComesByReason) {
  EXPECT_EQ(
      report_of(
          {{3, "/a", Loss::kLost, "why"}, {4, "/b", Loss::kNone, "so"}, {5, "/c", Loss::kUnknown, ""}, {6, "/d", Loss::kLost, "why"}}),
      "Left out:\n  why\n    line 3: /a\n    line 6: /d\n"
      "Left out, as strait does not know the names:\n    line 5: /c\n"
      "Not written, and nothing is lost by it:\n  so\n    line 4: /b\n");
}

}  // namespace
}  // namespace strait::libvirt
