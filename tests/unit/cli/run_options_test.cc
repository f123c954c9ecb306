#include "cli/run_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include <fmt/format.h>

#include "cli/amounts.h"
#include "cli/test_guest.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/error_of.h"

namespace strait {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Line = std::vector<const char*>;

/// The options of `run --kernel vmlinuz` and these words.
RunOptions run_with(Line words) {
  words.insert(words.begin(), {"--kernel", "vmlinuz"});
  return parse_run(words);
}

std::string run_error(Line words) {
  return test::error_of<UsageError>([&] { run_with(std::move(words)); });
}
std::string test_error(const Line& words) {
  return test::error_of<UsageError>([&] { parse_test(words); });
}

TEST(CommandLine, HelpNamesEveryOption) {
  const std::string text = run_help();
  for (const char* option :
       {"--kernel FILE", "--initrd FILE", "--cmdline TEXT", "--memory SIZE", "--hugepages SIZE", "--prefault on|off", "--prefault-threads N", "--cpus N[,KEY=VALUE...]", "--pin CPUS", "--numa NODE", "--rt PRIORITY", "--dedicated", "--cpu-hide-kvm", "--device ADDRESS",
        "--timeout SECONDS", "--control SOCKET", "--metrics FILE", "--exit-port PORT", "--on-reboot WHAT", "--kernel-entry HOW", "--no-kernel-cache", "--config FILE", "--verbose"}) {
    EXPECT_THAT(text, HasSubstr(option));
  }
}

TEST(RunCommand, HasDefaults) {
  const RunOptions options = run_with({});
  EXPECT_EQ(options.boot.kernel_path, "vmlinuz");
  EXPECT_EQ(options.boot.initrd_path, "");
  EXPECT_EQ(options.boot.cmdline, "console=ttyS0 quiet panic=-1 cryptomgr.notests");
  EXPECT_EQ(options.boot.entry, boot::KernelEntry::kAuto);
  EXPECT_TRUE(options.boot.use_cache);
  EXPECT_TRUE(options.boot.extra_initrd.empty());
  EXPECT_EQ(options.memory, 512 * kMiB);
  EXPECT_EQ(options.topology.cpus(), 1u);
  EXPECT_FALSE(options.hide_kvm);
  EXPECT_TRUE(options.devices.empty());
  EXPECT_FALSE(options.exit_port);
  EXPECT_EQ(options.timeout.count(), 0);
  EXPECT_EQ(options.metrics_file, "");
  EXPECT_FALSE(options.verbose);
}

TEST(RunCommand, TakesEveryOption) {
  const RunOptions options = run_with({"--initrd",          "initrd.img",
                                       "--cmdline",         "console=ttyS0 root=/dev/vda",
                                       "--memory",          "3G",
                                       "--cpus=4",          "--device",
                                       "01:10.0",           "--device=0000:01:10.2",
                                       "--timeout",         "1.5",
                                       "--metrics",         "m.json",
                                       "--exit-port",       "0xF4",
                                       "--kernel-entry",    "bzimage",
                                       "--no-kernel-cache", "--verbose",
                                       "--cpu-hide-kvm"});
  EXPECT_EQ(options.boot.initrd_path, "initrd.img");
  EXPECT_EQ(options.boot.cmdline, "console=ttyS0 root=/dev/vda");
  EXPECT_EQ(options.memory, 3 * kGiB);
  EXPECT_EQ(options.topology.cpus(), 4u);
  ASSERT_EQ(options.devices.size(), 2u);
  EXPECT_EQ(options.devices[0].bdf, host::Bdf::parse("01:10.0"));
  EXPECT_EQ(options.devices[1].bdf, host::Bdf::parse("01:10.2"));
  EXPECT_EQ(options.devices[1].address, (GuestAddress{2, 0}));
  EXPECT_EQ(options.timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(options.metrics_file, "m.json");
  EXPECT_EQ(options.exit_port, Port(0xf4));
  EXPECT_EQ(options.boot.entry, boot::KernelEntry::kBzImage);
  EXPECT_FALSE(options.boot.use_cache);
  EXPECT_TRUE(options.verbose);
  EXPECT_TRUE(options.hide_kvm);
}

TEST(RunCommand, AnEmptyCommandLineForTheKernelIsOne) { EXPECT_EQ(run_with({"--cmdline", ""}).boot.cmdline, ""); }

TEST(RunCommand, KernelEntries) {
  EXPECT_EQ(run_with({"--kernel-entry", "elf"}).boot.entry, boot::KernelEntry::kElf);
  EXPECT_EQ(run_with({"--kernel-entry", "auto"}).boot.entry, boot::KernelEntry::kAuto);
  EXPECT_EQ(run_error({"--kernel-entry", "uefi"}), "--kernel-entry uefi: unknown; choose auto, bzimage or elf");
}

TEST(RunCommand, NeedsAKernel) { EXPECT_EQ(test::error_of<UsageError>([] { parse_run({}); }), "run needs a --kernel; strait run --help lists the options"); }

TEST(RunCommand, WordsAndOptionsThatItDoesNotKnowAreErrors) {
  constexpr const char* kRemedy = "; strait COMMAND --help lists the options";
  EXPECT_EQ(run_error({"--frobnicate"}), fmt::format("unrecognised option '--frobnicate'{}", kRemedy));
  EXPECT_EQ(run_error({"--mem", "1G"}), fmt::format("unrecognised option '--mem'{}", kRemedy))
      << "no guessing: scripts would break later";
  EXPECT_EQ(run_error({"--memory"}), fmt::format("the required argument for option '--memory' is missing{}", kRemedy));
  EXPECT_EQ(run_error({"--cpus", "1", "--cpus", "2"}),
            fmt::format("option '--cpus' cannot be specified more than once{}", kRemedy));
  EXPECT_EQ(run_error({"vmlinuz"}),
            "'vmlinuz' is one word too many; strait COMMAND --help lists arguments and options; an option's value comes right behind it");
  EXPECT_EQ(run_error({"--verbose=yes"}), fmt::format("option '--verbose' does not take any arguments{}", kRemedy));
}

TEST(RunCommand, MemorySizes) {
  EXPECT_EQ(parse_memory_size("512M"), 512 * kMiB);
  EXPECT_EQ(parse_memory_size("4G"), 4 * kGiB);
  EXPECT_EQ(parse_memory_size("4g"), 4 * kGiB);
  EXPECT_EQ(parse_memory_size("1048576K"), kGiB);
  EXPECT_EQ(parse_memory_size("1T"), 1024 * kGiB);
  EXPECT_EQ(parse_memory_size("256"), 256 * kMiB) << "MiB where there is no unit";
  EXPECT_EQ(parse_memory_size("16M"), 16 * kMiB) << "the least";
  EXPECT_EQ(parse_memory_size("16388K"), 16 * kMiB + 4 * kKiB);
}

TEST(RunCommand, BadMemorySizes) {
  const auto message = [](const char* size, const char* why) {
    return fmt::format("--memory {}: {}; give a size such as 512M or 4G", size, why);
  };
  for (const char* size :
       {"lots", "", "M", "1.5G", "12Q", "0x1000", "0x1000M", "-1G", "+1G", " 1G", "1G ", "1GB", "99999999999999999999G"}) {
    EXPECT_EQ(run_error({"--memory", size}), message(size, "not a size")) << size;
  }
  for (const char* size : {"0", "15M", "4M", "1K"}) {
    EXPECT_EQ(run_error({"--memory", size}), message(size, "too little, a guest needs at least 16 MiB"));
  }
  EXPECT_EQ(run_error({"--memory", "16387K"}), message("16387K", "not a multiple of 4K"));
  for (const char* size : {"4097T", "999999T", "18446744073709551615T"}) {
    EXPECT_EQ(run_error({"--memory", size}), message(size, "more than any processor can address"));
  }
}

TEST(RunCommand, WhatMemoryIsMadeOf) {
  EXPECT_EQ(run_with({}).huge_pages, HugePages::kTransparent);
  EXPECT_EQ(run_with({"--hugepages", "thp"}).huge_pages, HugePages::kTransparent);
  EXPECT_EQ(run_with({"--hugepages", "off"}).huge_pages, HugePages::kOff);
  EXPECT_EQ(run_with({"--hugepages", "2M"}).huge_pages, HugePages::k2M);
  EXPECT_EQ(run_with({"--hugepages", "1G", "--memory", "3G"}).huge_pages, HugePages::k1G);
  for (const char* size : {"", "4K", "2m", "on", "2M "}) {
    EXPECT_EQ(run_error({"--hugepages", size}), fmt::format("--hugepages {}: unknown; choose 2M, 1G, thp or off", size));
  }
}

TEST(RunCommand, MemoryIsInWholeHugePages) {
  EXPECT_EQ(run_error({"--hugepages", "1G"}), "524288K of memory is no multiple of --hugepages 1G; give --memory 1024M");
  EXPECT_EQ(run_error({"--hugepages", "1G", "--memory", "1536M"}),
            "1572864K of memory is no multiple of --hugepages 1G; give --memory 1024M or 2048M");
  EXPECT_EQ(run_error({"--hugepages", "2M", "--memory", "17M"}), "17408K of memory is no multiple of --hugepages 2M; give --memory 16M or 18M");
}

TEST(RunCommand, WhetherMemoryIsPresentFromTheBeginning) {
  EXPECT_FALSE(run_with({}).prefault);
  EXPECT_FALSE(run_with({"--hugepages", "off"}).prefault);
  EXPECT_TRUE(run_with({"--hugepages", "2M"}).prefault);
  EXPECT_FALSE(run_with({"--hugepages", "2M", "--prefault", "off"}).prefault);
  EXPECT_TRUE(run_with({"--prefault", "on"}).prefault);
  EXPECT_EQ(run_with({}).prefault_threads, 0u);
  EXPECT_EQ(run_with({"--prefault-threads", "128"}).prefault_threads, 128u);
  EXPECT_EQ(run_error({"--prefault", "yes"}), "--prefault yes: unknown; choose on or off");
  for (const char* count : {"0", "129", "", "two"}) {
    EXPECT_EQ(run_error({"--prefault-threads", count}), fmt::format("--prefault-threads {}: not a number of threads; give 1 to 128", count));
  }
}

TEST(RunCommand, Cpus) {
  EXPECT_EQ(run_with({"--cpus", "1"}).topology.cpus(), 1u);
  EXPECT_EQ(run_with({"--cpus", "254"}).topology.cpus(), 254u);
  for (const char* count : {"0", "255", "abc", "", "1e3", "-1", "4294967297"}) {
    EXPECT_EQ(run_error({"--cpus", count}),
              fmt::format("--cpus {}: not a number of processors; give 1 to 254; more would need x2APIC destinations", count));
  }
}

TEST(RunCommand, Topologies) {
  const auto topology = [](const char* cpus) { return run_with({"--cpus", cpus}).topology; };
  EXPECT_EQ(topology("4"), (Topology{1, 4, 1}));
  EXPECT_EQ(topology("4,sockets=1,cores=2,threads=2"), (Topology{1, 2, 2}));
  EXPECT_EQ(topology("4,threads=2"), (Topology{1, 2, 2}));
  EXPECT_EQ(topology("8,sockets=2"), (Topology{2, 4, 1}));
  EXPECT_EQ(topology("12,cores=3,threads=2"), (Topology{2, 3, 2}));
  EXPECT_THAT(run_error({"--cpus", "4,cores=3"}),
              HasSubstr("--cpus 4,cores=3: 1 socket(s) of 3 core(s) of 1 thread(s) are 3 processors; give the number of processors, or how"));
  EXPECT_THAT(run_error({"--cpus", "4,dies=2"}), HasSubstr("'dies=2' is none of sockets=N, cores=N and threads=N; "));
  EXPECT_THAT(run_error({"--cpus", "4,cores=many"}), HasSubstr("'many' is no number of cores; "));
  EXPECT_THAT(run_error({"--cpus", "4,cores=2,cores=2"}), HasSubstr("cores is given twice; "));
  EXPECT_THAT(run_error({"--cpus", "4,"}), HasSubstr("not a number of processors; "));
  EXPECT_THAT(run_error({"--cpus", "198,sockets=22,cores=9"}), HasSubstr("the last one's APIC id is 344, and more than 254 would need"));
}

TEST(RunCommand, PinsAreForTheGuestsProcessors) {
  EXPECT_TRUE(run_with({}).pinning.empty());
  EXPECT_EQ(run_with({"--pin", "2,3", "--cpus", "2"}).pinning, (Pinning{{2}, {3}}));
  EXPECT_THAT(run_error({"--pin", "2,3"}), HasSubstr("--pin 2,3: 2 CPUs for 1 vCPUs; "));
}

TEST(RunCommand, NumaNodes) {
  EXPECT_TRUE(run_with({}).numa.by_devices);
  EXPECT_TRUE(run_with({"--numa", "auto"}).numa.by_devices);
  EXPECT_FALSE(run_with({"--numa", "off"}).numa.by_devices);
  EXPECT_FALSE(run_with({"--numa", "off"}).numa.node);
  EXPECT_EQ(run_with({"--numa", "1"}).numa.node, 1u);
  for (const char* node : {"", "near", "1024", "-1"}) EXPECT_EQ(run_error({"--numa", node}), fmt::format("--numa {}: no NUMA node; give auto, off or a node's number", node));
}

TEST(RunCommand, RealTime) {
  EXPECT_EQ(run_with({}).priority, 0);
  EXPECT_EQ(run_with({"--rt", "99", "--pin", "1"}).priority, 99);
  EXPECT_EQ(run_error({"--rt", "1"}), "--rt needs --pin; say which CPU is for which vCPU, and leave one to others");
  for (const char* priority : {"", "0", "100", "high"}) EXPECT_EQ(run_error({"--rt", priority}), fmt::format("--rt {}: not a real-time priority; give 1 to 99", priority));
}

TEST(RunCommand, DedicatedProcessorsAreThoseOfPins) {
  EXPECT_FALSE(run_with({}).dedicated);
  EXPECT_TRUE(run_with({"--dedicated", "--pin", "1"}).dedicated);
  EXPECT_EQ(run_error({"--dedicated"}), "--dedicated needs --pin; say which CPU is for which vCPU");
}

TEST(RunCommand, Devices) {
  const std::string kKeys =
      "addr=SLOT[.FUNCTION], container-fd=N, fd=N, group=on|off, group-fd=N, managed=on|off, p2p=on|off, rombar=on|off, romfile=FILE, "
      "vf-token=UUID, for VFs that are managed mac, vlan, vlanQoS, vlanProto, spoofchk, trust, link_state, min_tx_rate, max_tx_rate, "
      "and for experiments dyn-msix, ioeventfd, irqfd, mmap, route-batch=on|off";
  EXPECT_EQ(run_error({"--device", "card"}),
            "'card' is no PCI address, and no network interface has that name; write it as 0000:01:10.0, 01:10.0, pci_0000_01_10_0, "
            "a path in /sys, the name of a network interface, env:VARIABLE or group:N");
  ::setenv("STRAIT_TEST_VFS", "01:10.0,01:10.2", 1);
  EXPECT_EQ(run_with({"--device", "env:STRAIT_TEST_VFS"}).devices.size(), 2u);
  ::unsetenv("STRAIT_TEST_VFS");
  EXPECT_EQ(run_error({"--device", "01:10.0,speed=fast"}),
            "--device ...,speed: unknown key; there are " + kKeys);
  EXPECT_EQ(run_error({"--device", "01:10.0,"}),
            "--device 01:10.0,: '' is not KEY=VALUE; there are " + kKeys);
  EXPECT_EQ(run_error({"--device", "01:10.0,addr=2", "--device", "01:10.2,addr=2"}),
            "two devices have addr=2.0; give each a slot of its own, or a function of its own, as in addr=5.1");
  EXPECT_EQ(run_error({"--device", "01:10.0", "--device", "/sys/bus/pci/devices/0000:01:10.0"}),
            "--device 0000:01:10.0 is given twice; name each device once, and none that another brings along by group=on");
}

TEST(RunCommand, Timeouts) {
  EXPECT_EQ(run_with({"--timeout", "30"}).timeout, std::chrono::seconds(30));
  EXPECT_EQ(run_with({"--timeout", "0.001"}).timeout, std::chrono::milliseconds(1));
  for (const char* time : {"0", "-1", "soon", "", "1s", "nan", "inf", "1e10", "0.0001"}) {
    EXPECT_EQ(run_error({"--timeout", time}), fmt::format("--timeout {}: not a time; give seconds, such as 30 or 0.5", time));
  }
}

TEST(RunCommand, WhatARebootDoes) {
  EXPECT_EQ(run_with({}).on_reboot, OnReboot::kReset);
  EXPECT_EQ(run_with({"--on-reboot", "exit"}).on_reboot, OnReboot::kExit);
  EXPECT_EQ(run_error({"--on-reboot", "never"}), "--on-reboot never: unknown; choose reset or exit");
}

TEST(RunCommand, ExitPorts) {
  EXPECT_EQ(run_with({"--exit-port", "0x1f4"}).exit_port, Port(0x1f4));
  EXPECT_EQ(run_with({"--exit-port", "244"}).exit_port, Port(0xf4));
  for (const char* port : {"65536", "0x10000", "f4", "", "-1", "0x"}) {
    EXPECT_EQ(run_error({"--exit-port", port}),
              fmt::format("--exit-port {}: not an I/O port; give a number from 0 to 0xffff, such as 0xf4", port));
  }
}

/// Files of options, and what they refer to, in a directory.
class ConfigOption : public testing::Test {
 protected:
  RunOptions run_with_file(const std::string& text, Line words = {}) {
    const std::string path = directory_.write("guest.conf", text);
    words.insert(words.end(), {"--config", path.c_str()});
    return parse_run(words);
  }
  std::string error(const std::string& text, const Line& words = {}) {
    return test::error_of<UsageError>([&] { run_with_file(text, words); });
  }
  std::string in_directory(const std::string& name) const { return directory_.path() / name; }

  const test::TemporaryDirectory directory_;
};

TEST_F(ConfigOption, TheFileHasTheOptionsNames) {
  const RunOptions options = run_with_file(
      "kernel = /boot/vmlinuz\n"
      "cmdline = \"\"\n"
      "memory = 3G\n"
      "cpus = 4\n"
      "cpu-hide-kvm\n"
      "timeout = 1.5\n"
      "exit-port = 0xf4\n"
      "on-reboot = exit\n"
      "kernel-entry = bzimage\n"
      "no-kernel-cache = on\n"
      "verbose = off\n");
  EXPECT_EQ(options.boot.kernel_path, "/boot/vmlinuz");
  EXPECT_EQ(options.boot.cmdline, "");
  EXPECT_EQ(options.memory, 3 * kGiB);
  EXPECT_EQ(options.topology.cpus(), 4u);
  EXPECT_TRUE(options.hide_kvm);
  EXPECT_EQ(options.timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(options.exit_port, Port(0xf4));
  EXPECT_EQ(options.on_reboot, OnReboot::kExit);
  EXPECT_EQ(options.boot.entry, boot::KernelEntry::kBzImage);
  EXPECT_FALSE(options.boot.use_cache);
  EXPECT_FALSE(options.verbose);
}

TEST_F(ConfigOption, TheCommandLineWinsWhereverItNamesTheFile) {
  const std::string path = directory_.write("guest.conf", "kernel = k\nmemory = 3G\ncpus = nonsense\nverbose = off\n");
  for (const Line& words : {Line{"--config", path.c_str(), "--cpus", "2", "--kernel", "mine", "--verbose"},
                            Line{"--verbose", "--cpus=2", "--kernel=mine", "--config", path.c_str()}}) {
    const RunOptions options = parse_run(words);
    EXPECT_EQ(options.boot.kernel_path, "mine") << "and it is where the command line says";
    EXPECT_EQ(options.topology.cpus(), 2u);
    EXPECT_EQ(options.memory, 3 * kGiB);
    EXPECT_TRUE(options.verbose);
  }
}

TEST_F(ConfigOption, DevicesOfTheFileComeFirstAndThoseOfTheCommandLineAreAdded) {
  const RunOptions options = run_with_file("kernel = k\ndevice = 01:10.0\ndevice = 01:10.2", {"--device", "01:10.4"});
  ASSERT_EQ(options.devices.size(), 3u);
  EXPECT_EQ(options.devices[0].bdf, host::Bdf::parse("01:10.0"));
  EXPECT_EQ(options.devices[1].bdf, host::Bdf::parse("01:10.2"));
  EXPECT_EQ(options.devices[2].bdf, host::Bdf::parse("01:10.4"));
  EXPECT_EQ(options.devices[2].address, (GuestAddress{3, 0}));
}

TEST_F(ConfigOption, PathsStartFromTheFilesDirectory) {
  const RunOptions options = run_with_file(
      "kernel = vmlinuz\ninitrd = ../initrd.img\nmetrics = out/m.json\ncontrol = sock\ndevice = 01:10.0,romfile=rom.bin\n",
      {"--metrics", "m.json"});
  EXPECT_EQ(options.boot.kernel_path, in_directory("vmlinuz"));
  EXPECT_EQ(options.boot.initrd_path, in_directory("../initrd.img"));
  EXPECT_EQ(options.control_socket, in_directory("sock"));
  EXPECT_EQ(options.devices.at(0).rom_file, in_directory("rom.bin"));
  EXPECT_EQ(options.metrics_file, "m.json") << "from the command line: from where the user is";
  EXPECT_EQ(run_with_file("kernel = k\ndevice = 01:10.0").devices.at(0).rom_file, "");
}

TEST_F(ConfigOption, ErrorsNameTheLine) {
  const std::string place = in_directory("guest.conf") + ":2: ";
  EXPECT_EQ(error("\nmemory = lots"), place + "memory lots: not a size; give a size such as 512M or 4G");
  EXPECT_EQ(error("\nmemroy = 2G"), place + "'memroy' is no option; did you mean memory?");
  EXPECT_EQ(error("\nhelp"), place + "'help' is no option; there are kernel, initrd, cmdline, memory, hugepages, prefault, prefault-threads, cpus, pin, numa, rt, dedicated, cpu-hide-kvm, device, timeout, "
                                     "control, metrics, exit-port, on-reboot, kernel-entry, no-kernel-cache, verbose");
  EXPECT_THAT(error("device = 01:10.0\ndevice = 01:10.2,speed=fast"),
              testing::StartsWith(place + "device ...,speed: unknown key; there are "));
  EXPECT_EQ(error("memory = 1G"), "run needs a --kernel; strait run --help lists the options");
}

TEST_F(ConfigOption, IsGivenOnce) {
  EXPECT_EQ(error("kernel = k", {"--config", "other.conf"}),
            "option '--config' cannot be specified more than once; strait COMMAND --help lists the options");
}

class TestCommand : public testing::Test {
 protected:
  ~TestCommand() override { ::unsetenv("STRAIT_GUEST"); }
};

TEST_F(TestCommand, NeedsACommandBehindTheDashes) {
  constexpr const char* kMessage = "test needs a command; write it behind --: strait test --device BDF -- ping -c 3 10.9.0.1";
  EXPECT_EQ(test_error({}), kMessage);
  EXPECT_EQ(test_error({"--kernel", "k"}), kMessage);
  EXPECT_EQ(test_error({"--"}), kMessage);
}

TEST_F(TestCommand, HasDefaultsOfItsOwn) {
  const test::TemporaryDirectory guest;
  ::setenv("STRAIT_GUEST", guest.path().c_str(), 1);
  guest.write("vmlinuz", "");
  guest.write("initrd.img", "");
  const RunOptions options = parse_test(Line{"--", "true"});
  EXPECT_EQ(options.boot.kernel_path, guest.path() / "vmlinuz");
  EXPECT_EQ(options.boot.initrd_path, guest.path() / "initrd.img");
  EXPECT_EQ(options.exit_port, Port(0xf4));
  EXPECT_EQ(options.timeout, std::chrono::seconds(300));
  EXPECT_EQ(options.on_reboot, OnReboot::kExit) << "a guest that reboots gives no verdict";
}

TEST_F(TestCommand, TakesTheOptionsOfRun) {
  const RunOptions options = parse_test(Line{"--kernel", "k", "--initrd", "i", "--exit-port", "0x500", "--timeout", "5", "--memory", "1G", "--on-reboot", "reset", "--", "true"});
  EXPECT_EQ(options.boot.kernel_path, "k");
  EXPECT_EQ(options.exit_port, Port(0x500));
  EXPECT_EQ(options.timeout, std::chrono::seconds(5));
  EXPECT_EQ(options.on_reboot, OnReboot::kReset);
  EXPECT_EQ(options.memory, kGiB);
}

TEST_F(TestCommand, WithoutATestGuestItSaysHowToGetOne) {
  ::setenv("STRAIT_GUEST", "/nonexistent", 1);
  EXPECT_EQ(test::error_of([] {
              parse_test(Line{"--", "true"});
            }),
            "there is no test guest: /nonexistent/vmlinuz is missing; make it with guest-images/build, say where it is with "
            "STRAIT_GUEST=DIRECTORY, or give --kernel and --initrd");
}

TEST_F(TestCommand, BringsTheCommandIntoTheGuest) {
  const Line words = {"--kernel", "k", "--initrd", "i", "--", "ping", "-c", "3", "10.9.0.1"};
  const std::vector<std::string> command(words.end() - 4, words.end());
  EXPECT_EQ(parse_test(words).boot.extra_initrd, make_cpio("strait/command", command_script(command)));
}

TEST_F(TestCommand, TakesAFileOfOptions) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.write("guest.conf", "kernel = k\ninitrd = /i\ntimeout = 5\n");
  const RunOptions options = parse_test(Line{"--config", path.c_str(), "--", "cat", "--config", "x"});
  EXPECT_EQ(options.boot.kernel_path, directory.path() / "k");
  EXPECT_EQ(options.timeout, std::chrono::seconds(5));
  EXPECT_EQ(options.exit_port, Port(0xf4)) << "what the file leaves out is as ever";
}

TEST_F(TestCommand, OptionsBehindTheDashesAreTheGuests) {
  const RunOptions options = parse_test(Line{"--kernel", "k", "--initrd", "i", "--", "--memory", "1G", "--", "x"});
  EXPECT_EQ(options.memory, 512 * kMiB);
}

}  // namespace
}  // namespace strait
