// What bash completes for strait (docs/strait.bash), on a host with a PF eth0 that has two VFs, a disk, and a bridge.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <regex>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/ctl.h"
#include "cli/run_options.h"
#include "cli/vf.h"
#include "tests/fakes/fake_sysfs.h"

namespace strait {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAre;
using Completions = std::vector<std::string>;

class Completion : public testing::Test {
 protected:
  Completion() {
    sysfs_.add("0000:00:1c.0", "pcieport", 1, "0x060400");
    sysfs_.add("0000:01:00.0", "igb", 2);
    sysfs_.add("0000:01:10.0", "", 3);
    sysfs_.add("0000:01:10.2", "", 4);
    sysfs_.add("0001:05:00.0", "nvme", 5, "0x010802");
    const fs::path pf = sysfs_.root() / "devices/pci0000:00/0000:01:00.0";
    std::ofstream(pf / "sriov_totalvfs") << "7\n";
    fs::create_symlink("../0000:01:10.0", pf / "virtfn0");
    fs::create_symlink("../0000:01:10.2", pf / "virtfn1");
    add_class("eth0", "0000:01:00.0");
    add_class("eth1", "0000:01:10.0");
    fs::create_directories(sysfs_.root() / "class/net/lo");
  }

  /// What bash has for `line`, with the cursor at its end.
  Completions completions(const std::string& line) const {
    const std::string command = "bash " STRAIT_SOURCE "/tests/unit/cli/completion_test.sh " STRAIT_SOURCE "/docs/strait.bash '" +
                                sysfs_.root().string() + "' '" + line + "' 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) throw Error("no shell");
    Completions words(1);
    for (int c; (c = std::fgetc(pipe)) != EOF;) {
      if (c == '\n') {
        words.emplace_back();
      } else {
        words.back() += static_cast<char>(c);
      }
    }
    EXPECT_EQ(::pclose(pipe), 0) << line;
    words.pop_back();
    return words;
  }

 private:
  void add_class(const std::string& interface, const std::string& bdf) {
    fs::create_directories(sysfs_.root() / "class/net" / interface);
    fs::create_symlink(sysfs_.root() / "devices/pci0000:00" / bdf, sysfs_.root() / "class/net" / interface / "device");
  }

  test::FakeSysfs sysfs_;
};

/// The options that a help screen lists, one to a line, or has between the brackets of a synopsis.
Completions options_in(const std::string& help) {
  static const std::regex kOption("(?:\n +(?:-. \\[ )?|\\[|\\| )(--[a-z-]+)");
  Completions options;
  for (std::sregex_iterator match(help.begin(), help.end(), kOption), end; match != end; ++match) options.push_back((*match)[1]);
  return options;
}

TEST_F(Completion, KnowsEveryCommand) {
  const Completions known = completions("strait ");
  for (const Command& command : commands()) EXPECT_THAT(known, Contains(std::string(command.name)));
}

TEST_F(Completion, KnowsEveryOption) {
  EXPECT_THAT(options_in(run_help()), IsSupersetOf({"--kernel", "--verbose"})) << "the test reads help screens";
  EXPECT_THAT(options_in(vf_help()), IsSupersetOf({"--probe", "--json"}));
  EXPECT_THAT(options_in(ctl_help()), Contains("--no-wait"));
  for (const Command& command : commands()) {
    const Completions known = completions("strait " + std::string(command.name) + " --");
    for (const std::string& option : options_in(command.help())) EXPECT_THAT(known, Contains(option)) << command.name;
  }
}

TEST_F(Completion, KnowsEveryKeyOfDevice) {
  const std::string help = run_help();
  const Completions known = completions("strait run --device 0000:01:10.0,");
  static const std::regex kKey("[ ,]([a-z0-9-]+=)[A-Zo]");
  int keys = 0;
  for (std::sregex_iterator match(help.begin(), help.end(), kKey), end; match != end; ++match, ++keys) {
    EXPECT_THAT(known, Contains("10.0," + (*match)[1].str() + "..."));
  }
  EXPECT_GE(keys, 9);
}

TEST_F(Completion, Commands) {
  EXPECT_THAT(completions("strait re"), ElementsAre("release"));
  EXPECT_THAT(completions("strait --v"), ElementsAre("--version"));
  EXPECT_THAT(completions("strait nothing"), IsEmpty());
}

TEST_F(Completion, Options) {
  EXPECT_THAT(completions("strait run --ker"), ElementsAre("--kernel", "--kernel-entry"));
  EXPECT_THAT(completions("strait test --verbose --me"), ElementsAre("--memory", "--metrics"));
  EXPECT_THAT(completions("strait run "), IsEmpty());
}

TEST_F(Completion, Values) {
  EXPECT_THAT(completions("strait run --kernel-entry "), ElementsAre("auto", "bzimage", "elf"));
  EXPECT_THAT(completions("strait run --on-reboot=e"), ElementsAre("exit"));
  EXPECT_THAT(completions("strait run --timeout "), IsEmpty());
}

TEST_F(Completion, Files) {
  for (const char* line : {"strait run --kernel ", "strait run --config=", "strait test --initrd ./x", "strait from-libvirt ", 
                           "strait ctl /run/", "strait explain ", "strait run --device 0000:01:10.0,romfile="}) {
    EXPECT_THAT(completions(line), ElementsAre("(files)")) << line;
  }
}

TEST_F(Completion, Addresses) {
  EXPECT_THAT(completions("strait run --device "),
              UnorderedElementsAre("0000:01:00.0...", "0000:01:10.0...", "0000:01:10.2...", "0001:05:00.0...", "eth0...", "eth1...",
                                   "vf=..."))
      << "no bridge";
  EXPECT_THAT(completions("strait bind 0000:01:1"), UnorderedElementsAre("10.0", "10.2")) << "readline keeps what is before the last colon";
  EXPECT_THAT(completions("strait bind 01:10.0 01:1"), UnorderedElementsAre("10.0", "10.2"));
  EXPECT_THAT(completions("strait doctor et"), ElementsAre("eth0", "eth1"));
  EXPECT_THAT(completions("strait run --device=0001"), ElementsAre("0001:05:00.0"));
}

TEST_F(Completion, VirtualFunctionsOfAPool) {
  EXPECT_THAT(completions("strait run --device vf="), ElementsAre("eth0:...")) << "eth1 has none";
  EXPECT_THAT(completions("strait run --device vf=eth0:"), ElementsAre("any", "0", "1"));
  EXPECT_THAT(completions("strait run --device vf=eth0:any,mac=02:00:00:00:00:01,vl"),
              ElementsAre("01,vlan=...", "01,vlanQoS=...", "01,vlanProto=..."));
  EXPECT_THAT(completions("strait run --device=vf=eth0:a"), ElementsAre("any"));
}

TEST_F(Completion, KeysOfDevice) {
  EXPECT_THAT(completions("strait run --device 01:10.0,rom"), ElementsAre("10.0,rombar=...", "10.0,romfile=..."));
  EXPECT_THAT(completions("strait run --device 01:10.0,managed="), ElementsAre("on", "off"));
  EXPECT_THAT(completions("strait run --device 01:10.0,rombar=off,ro"), ElementsAre("off,romfile=...", "off,route-batch=..."))
      << "each key comes once";
  EXPECT_THAT(completions("strait run --device 01:10.0,"), Not(Contains("10.0,mac=...")))
      << "nobody sets anything of a function that is not managed";
  EXPECT_THAT(completions("strait run --device 01:10.0,managed=on,tr"), ElementsAre("on,trust=..."));
  EXPECT_THAT(completions("strait run --device 01:10.0,managed=on,group"), ElementsAre("on,group=..."));
  EXPECT_THAT(completions("strait run --device 01:10.0,group"), ElementsAre("10.0,group=...", "10.0,group-fd=..."));
  for (const char* refused : {"gr", "managed", "fd"}) {
    EXPECT_THAT(completions(std::string("strait run --device vf=eth0:any,") + refused), IsEmpty()) << refused;
  }
}

TEST_F(Completion, CommandsWithin) {
  EXPECT_THAT(completions("strait vf "), ElementsAre("create", "list", "set", "remove"));
  EXPECT_THAT(completions("strait vf create "), ElementsAre("eth0"));
  EXPECT_THAT(completions("strait vf set eth0 "), ElementsAre("0", "1"));
  EXPECT_THAT(completions("strait vf set eth0 1 link_state="), ElementsAre("auto", "enable", "disable"));
  EXPECT_THAT(completions("strait ctl /run/sock re"), ElementsAre("remove-device"));
  EXPECT_THAT(completions("strait ctl /run/sock remove-device 0001"), ElementsAre("0001:05:00.0"));
  EXPECT_THAT(completions("strait ctl /run/sock add-device 0001:05:00.0,p2"), ElementsAre("00.0,p2p=..."));
  for (const char* refused : {"managed", "container", "mac"}) {
    EXPECT_THAT(completions(std::string("strait ctl /run/sock add-device 0001:05:00.0,") + refused), IsEmpty()) << refused;
  }
  EXPECT_THAT(completions("strait ctl /run/sock add-device v"), IsEmpty());
  EXPECT_THAT(completions("strait explain /run/sock 0001"), ElementsAre("0001:05:00.0"));
}

TEST_F(Completion, BehindTheDashesIsTheGuest) {
  EXPECT_THAT(completions("strait test -- --ver"), IsEmpty());
  EXPECT_THAT(completions("strait test --cpus 2 -- ping --kernel "), IsEmpty());
}

}  // namespace
}  // namespace strait
