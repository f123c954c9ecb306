#include "cli/run_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "boot/kernel_cache.h"
#include "cli/amounts.h"
#include "cli/cpu_options.h"
#include "cli/given_options.h"
#include "cli/parse.h"
#include "cli/test_guest.h"
#include "vmm/device_descriptors.h"
#include "vmm/device_groups.h"
#include "vmm/device_places.h"

namespace strait {
namespace {
namespace po = boost::program_options;

constexpr unsigned kNumaNodeMax = 1023;
constexpr unsigned kPrefaultThreadsMax = 128;
constexpr std::uint16_t kTestExitPort = 0xf4;
constexpr std::chrono::seconds kTestTimeout{300};

constexpr std::string_view kRunSynopsis =
    "strait run --kernel FILE [OPTION...]\n"
    "\n"
    "Boots a guest. Its serial port is standard input and output; Ctrl-A x leaves it. SIGTERM and SIGINT press\n"
    "its power button; a second one ends it.\n";
constexpr std::string_view kTestSynopsis =
    "strait test [OPTION...] -- COMMAND...\n"
    "\n"
    "Boots the test guest, runs COMMAND in it, and returns its verdict: 0 if it succeeded, 64 + its status otherwise.\n";

Port parse_port(const std::string& text) {
  const auto port = parse_number(text);
  if (!port || *port > 0xffff) throw UsageError(fmt::format("--exit-port {}: not an I/O port", text), "give a number from 0 to 0xffff, such as 0xf4");
  return Port(static_cast<std::uint16_t>(*port));
}

std::chrono::milliseconds parse_timeout(const std::string& text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds >= 0.001) || seconds > 1e9) {
    throw UsageError(fmt::format("--timeout {}: not a time", text), "give seconds, such as 30 or 0.5");
  }
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

boot::KernelEntry parse_entry(const std::string& text) {
  if (text == "auto") return boot::KernelEntry::kAuto;
  if (text == "bzimage") return boot::KernelEntry::kBzImage;
  if (text == "elf") return boot::KernelEntry::kElf;
  throw UsageError(fmt::format("--kernel-entry {}: unknown", text), "choose auto, bzimage or elf");
}

HugePages parse_huge_pages(const std::string& text) {
  for (const HugePages pages : {HugePages::kOff, HugePages::kTransparent, HugePages::k2M, HugePages::k1G}) {
    if (text == name_of(pages)) return pages;
  }
  throw UsageError(fmt::format("--hugepages {}: unknown", text), "choose 2M, 1G, thp or off");
}

/// Pages that were set apart are made present before the guest runs, unless that is switched off: no limit of a cgroup can be in the way later.
bool parse_prefault(const std::string& text) {
  if (text == "on") return true;
  if (text == "off") return false;
  throw UsageError(fmt::format("--prefault {}: unknown", text), "choose on or off");
}

unsigned parse_prefault_threads(const std::string& text) {
  const auto count = parse_number(text);
  if (!count || *count < 1 || *count > kPrefaultThreadsMax) {
    throw UsageError(fmt::format("--prefault-threads {}: not a number of threads", text), fmt::format("give 1 to {}", kPrefaultThreadsMax));
  }
  return static_cast<unsigned>(*count);
}

Numa parse_numa(const std::string& text) {
  if (text == "auto") return {};
  if (text == "off") return {.by_devices = false, .node = {}};
  const auto node = parse_number(text);
  if (!node || *node > kNumaNodeMax) throw UsageError(fmt::format("--numa {}: no NUMA node", text), "give auto, off or a node's number");
  return {.by_devices = false, .node = static_cast<unsigned>(*node)};
}

/// Memory comes in whole pages: below the hole at 3 GiB and above it, nothing would fill a part of one.
void check_whole_pages(const RunOptions& options) {
  const std::uint64_t page = page_size(options.huge_pages);
  if (is_aligned(options.memory, page)) return;
  const std::uint64_t below = align_down(options.memory, page);
  throw UsageError(fmt::format("{}K of memory is no multiple of --hugepages {}", options.memory / kKiB, name_of(options.huge_pages)),
                   below == 0 ? fmt::format("give --memory {}M", page / kMiB)
                              : fmt::format("give --memory {}M or {}M", below / kMiB, (below + page) / kMiB));
}

OnReboot parse_on_reboot(const std::string& text) {
  if (text == "reset") return OnReboot::kReset;
  if (text == "exit") return OnReboot::kExit;
  throw UsageError(fmt::format("--on-reboot {}: unknown", text), "choose reset or exit");
}

po::options_description describe_options() {
  po::options_description options("Options", 110, 70);
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  // clang-format off
  options.add_options()
    ("kernel", text("FILE"), "bzImage, or ELF with a PVH note (test: the test guest's)")
    ("initrd", text("FILE"), "initial RAM disk (test: the test guest's)")
    ("cmdline", text("TEXT"), "kernel command line [console=ttyS0 quiet panic=-1 cryptomgr.notests]")
    ("memory", text("SIZE"), "guest memory, with K, M, G or T [512M]")
    ("hugepages", text("SIZE"), "what guest memory is made of: 2M or 1G (set apart on the host), thp (transparent), off [thp]")
    ("prefault", text("on|off"), "make all memory present before the guest starts [on with --hugepages 2M or 1G, otherwise off]")
    ("prefault-threads", text("N"), "threads that make it present, 1 to 128 [by the number of CPUs]")
    ("cpus", text("N[,KEY=VALUE...]"), "virtual CPUs, 1 to 254, and how they are arranged, as in 8,sockets=2,cores=2,threads=2 [1]")
    ("pin", text("CPUS"), "pin vCPUs, and the devices' interrupts, to CPUs of the host: 2,3 in order, or VCPU:CPUS, as in 0:2,1:3-4 [none]")
    ("numa", text("NODE"), "the host's NUMA node for memory and vCPUs that are not pinned: auto is the devices' own, off any, or its number [auto]")
    ("rt", text("PRIORITY"), "real-time priority of the vCPUs' threads, 1 to 99 (SCHED_FIFO); takes --pin for all [none]")
    ("dedicated", "the CPUs of --pin are the vCPUs' own: they idle in the guest, without exits")
    ("cpu-hide-kvm", "do not tell the guest that its hypervisor is KVM")
    ("device", po::value<std::vector<std::string>>()->composing()->value_name("ADDRESS[,KEY=VALUE...]"),
      "PCI function to assign: 0000:01:10.0, eth0, pci_0000_01_10_0, env:VARIABLE, group:N, or a VF of a PF, vf=eth0:any or vf=eth0:N; "
      "keys: addr=SLOT[.FUNCTION], container-fd=N, fd=N, group=on|off, group-fd=N, managed=on|off, p2p=on|off, rombar=on|off, "
      "romfile=FILE, vf-token=UUID, of managed VFs those of strait vf set, and for experiments dyn-msix, ioeventfd, irqfd, mmap, "
      "route-batch=on|off; repeatable")
    ("timeout", text("SECONDS"), "end the run after this time [none; test: 300]")
    ("control", text("SOCKET"), "listen there for strait ctl and explain; devices may then come and go [none]")
    ("metrics", text("FILE"), "write phase times and counters as JSON at the end")
    ("exit-port", text("PORT"), "I/O port to which a guest writes its verdict, 0 to 31 [none; test: 0xf4]")
    ("on-reboot", text("WHAT"), "a guest's reboot: reset boots it again, exit ends the run [reset; test: exit]")
    ("kernel-entry", text("HOW"), "auto unpacks a bzImage on the host; bzimage; elf [auto]")
    ("no-kernel-cache", "unpack the kernel anew, keep nothing")
    ("config", text("FILE"), "options from a file: lines NAME = VALUE, with these names; options given here win, devices add up")
    ("verbose", "say on standard error what is being done");
  // clang-format on
  return options;
}

/// The test guest's file where guest-images/build puts it.
std::string test_guest_file(const char* name) {
  const char* directory = std::getenv("STRAIT_GUEST");
  const std::string path = (directory != nullptr ? directory : boot::cache_directory().value_or("") + "/guest") + "/" + name;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw Error(fmt::format("there is no test guest: {} is missing", path),
                "make it with guest-images/build, say where it is with STRAIT_GUEST=DIRECTORY, or give --kernel and --initrd");
  }
  return path;
}

RunOptions make_options(const GivenOptions& given, RunOptions options) {
  using Value = GivenOptions::Value;
  given.with("kernel", [&](const Value& value) { options.boot.kernel_path = value.path(); });
  given.with("initrd", [&](const Value& value) { options.boot.initrd_path = value.path(); });
  given.with("cmdline", [&](const Value& value) { options.boot.cmdline = value.text(); });
  given.with("kernel-entry", [&](const Value& value) { options.boot.entry = parse_entry(value.text()); });
  given.with("memory", [&](const Value& value) { options.memory = parse_memory_size(value.text()); });
  given.with("hugepages", [&](const Value& value) { options.huge_pages = parse_huge_pages(value.text()); });
  check_whole_pages(options);
  options.prefault = is_pooled(options.huge_pages);
  given.with("prefault", [&](const Value& value) { options.prefault = parse_prefault(value.text()); });
  given.with("prefault-threads", [&](const Value& value) { options.prefault_threads = parse_prefault_threads(value.text()); });
  given.with("cpus", [&](const Value& value) { options.topology = parse_cpus(value.text()); });
  given.with("pin", [&](const Value& value) { options.pinning = parse_pinning(value.text(), options.topology.cpus()); });
  given.with("numa", [&](const Value& value) { options.numa = parse_numa(value.text()); });
  given.with("rt", [&](const Value& value) { options.priority = parse_priority(value.text()); });
  given.with("timeout", [&](const Value& value) { options.timeout = parse_timeout(value.text()); });
  given.with("metrics", [&](const Value& value) { options.metrics_file = value.path(); });
  given.with("control", [&](const Value& value) { options.control_socket = value.path(); });
  given.with("on-reboot", [&](const Value& value) { options.on_reboot = parse_on_reboot(value.text()); });
  given.with("exit-port", [&](const Value& value) { options.exit_port = parse_port(value.text()); });
  given.with("device", [&](const Value& value) {
    for (DeviceSpec& device : DeviceSpec::parse_all(value.text())) {
      device.rom_file = value.path(device.rom_file);
      options.devices.push_back(std::move(device));
    }
  });
  options.boot.use_cache = !given.has("no-kernel-cache");
  options.hide_kvm = given.has("cpu-hide-kvm");
  options.verbose = given.has("verbose");
  options.dedicated = given.has("dedicated");
  if (options.priority != 0 && options.pinning.empty()) throw UsageError("--rt needs --pin", "say which CPU is for which vCPU, and leave one to others");
  if (options.dedicated && options.pinning.empty()) throw UsageError("--dedicated needs --pin", "say which CPU is for which vCPU");
  if (given.has("device")) {
    options.devices = expand_groups(options.devices);
    place_devices(options.devices);
    check_descriptors(options.devices);
  }
  return options;
}

RunOptions default_options() {
  RunOptions options;
  options.boot.cmdline = "console=ttyS0 quiet panic=-1 cryptomgr.notests";
  return options;
}

}  // namespace

RunOptions parse_run(Words words) {
  RunOptions options = make_options(GivenOptions(words, describe_options()), default_options());
  if (options.boot.kernel_path.empty()) throw UsageError("run needs a --kernel", "strait run --help lists the options");
  return options;
}

RunOptions parse_test(Words words) {
  const auto dashes = std::find(words.begin(), words.end(), std::string_view("--"));
  const std::vector<std::string> command(dashes == words.end() ? dashes : dashes + 1, words.end());
  if (command.empty()) throw UsageError("test needs a command", "write it behind --: strait test --device BDF -- ping -c 3 10.9.0.1");
  RunOptions options = default_options();
  options.exit_port = Port(kTestExitPort);
  options.timeout = kTestTimeout;
  options.on_reboot = OnReboot::kExit;
  options = make_options(GivenOptions({words.begin(), dashes}, describe_options()), std::move(options));
  if (options.boot.kernel_path.empty()) options.boot.kernel_path = test_guest_file("vmlinuz");
  if (options.boot.initrd_path.empty()) options.boot.initrd_path = test_guest_file("initrd.img");
  options.boot.extra_initrd = make_cpio("strait/command", command_script(command));
  return options;
}

std::string run_help() { return fmt::format("{}\n{}", kRunSynopsis, text_of(describe_options())); }

std::string test_help() { return fmt::format("{}\n{}", kTestSynopsis, text_of(describe_options())); }

}  // namespace strait
