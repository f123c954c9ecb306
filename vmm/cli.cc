#include "vmm/cli.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <system_error>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "boot/kernel_cache.h"
#include "vmm/device_descriptors.h"
#include "vmm/device_groups.h"
#include "vmm/device_places.h"
#include "vmm/test_guest.h"

namespace strait {
namespace {
namespace po = boost::program_options;

constexpr std::uint64_t kMemoryMin = 16 * kMiB;
constexpr std::uint64_t kMemoryMax = 1ull << 52;
constexpr std::uint32_t kCpusMax = 254;  // APIC id 255 is the broadcast of xAPIC, which 32-bit MADT entries and MSIs go by
constexpr std::uint16_t kTestExitPort = 0xf4;
constexpr std::chrono::seconds kTestTimeout{300};

constexpr const char* kSynopsis =
    "strait " STRAIT_VERSION ", a virtual machine monitor for PCI passthrough\n"
    "\n"
    "  strait run --kernel FILE [options]             boot a guest; its serial port is standard input and output\n"
    "  strait test [options] -- COMMAND...            boot the test guest, run COMMAND in it, return its verdict\n"
    "  strait ctl SOCKET COMMAND                      talk to a running strait: ping, info, add-device BDF[,KEY=VALUE...],\n"
    "                                                 remove-device BDF [--no-wait], power-button\n"
    "  strait --help | --version\n"
    "\n";

constexpr const char* kEpilogue =
    "\n"
    "Ctrl-A x leaves the guest. SIGTERM and SIGINT press its power button; a second one ends it.\n"
    "Exit codes: 0 guest off, 1 could not start, 2 usage, 3 guest crashed, 4 timeout, 5 guest panic,\n"
    "6 device lost, 64+v verdict v written to the exit port (strait test: 0 for verdict 0), 128+n signal n.\n";

/// A whole number in decimal or, with 0x, hexadecimal.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::uint32_t parse_cpus(const std::string& text) {
  const auto count = parse_number(text);
  if (!count || *count < 1 || *count > kCpusMax) {
    throw UsageError(fmt::format("--cpus {}: not a number of processors", text),
                     fmt::format("give 1 to {}; more would need x2APIC destinations", kCpusMax));
  }
  return static_cast<std::uint32_t>(*count);
}

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

OnReboot parse_on_reboot(const std::string& text) {
  if (text == "reset") return OnReboot::kReset;
  if (text == "exit") return OnReboot::kExit;
  throw UsageError(fmt::format("--on-reboot {}: unknown", text), "choose reset or exit");
}

po::options_description describe_options() {
  po::options_description options("Options of run and test", 110, 70);
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  // clang-format off
  options.add_options()
    ("kernel", text("FILE"), "bzImage, or ELF with a PVH note (test: the test guest's)")
    ("initrd", text("FILE"), "initial RAM disk (test: the test guest's)")
    ("cmdline", text("TEXT"), "kernel command line [console=ttyS0 quiet panic=-1 cryptomgr.notests]")
    ("memory", text("SIZE"), "guest memory, with K, M, G or T [512M]")
    ("cpus", text("N"), "virtual CPUs, 1 to 254 [1]")
    ("cpu-hide-kvm", "do not tell the guest that its hypervisor is KVM")
    ("device", po::value<std::vector<std::string>>()->value_name("BDF[,KEY=VALUE...]"),
      "PCI function to assign, such as 0000:01:10.0; keys: addr=SLOT[.FUNCTION], container-fd=N, fd=N, group=on|off, group-fd=N, "
      "p2p=on|off, rombar=on|off, romfile=FILE, vf-token=UUID, and for experiments dyn-msix, ioeventfd, irqfd, mmap, route-batch=on|off; "
      "repeatable")
    ("timeout", text("SECONDS"), "end the run after this time [none; test: 300]")
    ("control", text("SOCKET"), "listen there for strait ctl; devices may then come and go [none]")
    ("metrics", text("FILE"), "write phase times and counters as JSON at the end")
    ("exit-port", text("PORT"), "I/O port to which a guest writes its verdict, 0 to 31 [none; test: 0xf4]")
    ("on-reboot", text("WHAT"), "a guest's reboot: reset boots it again, exit ends the run [reset; test: exit]")
    ("kernel-entry", text("HOW"), "auto unpacks a bzImage on the host; bzimage; elf [auto]")
    ("no-kernel-cache", "unpack the kernel anew, keep nothing")
    ("verbose", "say on standard error what is being done");
  // clang-format on
  return options;
}

std::string help() {
  std::ostringstream text;
  text << kSynopsis << describe_options() << kEpilogue;
  return text.str();
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

RunOptions make_options(const po::variables_map& values, RunOptions options) {
  const auto with = [&values](const char* name, auto&& use) {
    if (values.count(name) != 0) use(values[name].as<std::string>());
  };
  with("kernel", [&](const std::string& text) { options.boot.kernel_path = text; });
  with("initrd", [&](const std::string& text) { options.boot.initrd_path = text; });
  with("cmdline", [&](const std::string& text) { options.boot.cmdline = text; });
  with("kernel-entry", [&](const std::string& text) { options.boot.entry = parse_entry(text); });
  with("memory", [&](const std::string& text) { options.memory = parse_memory_size(text); });
  with("cpus", [&](const std::string& text) { options.cpus = parse_cpus(text); });
  with("timeout", [&](const std::string& text) { options.timeout = parse_timeout(text); });
  with("metrics", [&](const std::string& text) { options.metrics_file = text; });
  with("control", [&](const std::string& text) { options.control_socket = text; });
  with("on-reboot", [&](const std::string& text) { options.on_reboot = parse_on_reboot(text); });
  with("exit-port", [&](const std::string& text) { options.exit_port = parse_port(text); });
  options.boot.use_cache = values.count("no-kernel-cache") == 0;
  options.hide_kvm = values.count("cpu-hide-kvm") != 0;
  options.verbose = values.count("verbose") != 0;
  if (values.count("device") != 0) {
    for (const std::string& text : values["device"].as<std::vector<std::string>>()) {
      options.devices.push_back(DeviceSpec::parse(text));
    }
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

/// Options up to `--`, which ends them, in place of `defaults`.
RunOptions parse_options(std::span<const char* const> arguments, RunOptions defaults) {
  const std::vector<std::string> words(arguments.begin(), arguments.end());
  try {
    po::variables_map values;
    po::store(po::command_line_parser(words)
                  .options(describe_options())
                  .positional({})
                  .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                  .run(),
              values);
    return make_options(values, std::move(defaults));
  } catch (const po::error& error) {
    throw UsageError(error.what(), "strait --help lists the options");
  }
}

Invocation parse_run(std::span<const char* const> arguments) {
  Invocation invocation{.command = Invocation::Command::kRun, .options = parse_options(arguments, default_options()), .text = {}, .ctl = {}};
  if (invocation.options.boot.kernel_path.empty()) throw UsageError("run needs a --kernel", "strait --help lists the options");
  return invocation;
}

Invocation parse_test(std::span<const char* const> arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), std::string_view("--"));
  const std::vector<std::string> command(dashes == arguments.end() ? dashes : dashes + 1, arguments.end());
  if (command.empty()) throw UsageError("test needs a command", "write it behind --: strait test --device BDF -- ping -c 3 10.9.0.1");
  RunOptions defaults = default_options();
  defaults.exit_port = Port(kTestExitPort);
  defaults.timeout = kTestTimeout;
  defaults.on_reboot = OnReboot::kExit;
  Invocation invocation{.command = Invocation::Command::kTest, .options = parse_options({arguments.begin(), dashes}, std::move(defaults)), .text = {}, .ctl = {}};
  RunOptions& options = invocation.options;
  if (options.boot.kernel_path.empty()) options.boot.kernel_path = test_guest_file("vmlinuz");
  if (options.boot.initrd_path.empty()) options.boot.initrd_path = test_guest_file("initrd.img");
  options.boot.extra_initrd = make_cpio("strait/command", command_script(command));
  return invocation;
}

}  // namespace

std::uint64_t parse_memory_size(const std::string& text) {
  constexpr std::string_view kSuffixes = "KMGT";
  const auto fail = [&text](const std::string& why) -> UsageError {
    return UsageError(fmt::format("--memory {}: {}", text, why), "give a size such as 512M or 4G");
  };
  std::string_view digits = text;
  std::uint64_t unit = kMiB;
  if (!digits.empty()) {
    const auto suffix = kSuffixes.find(static_cast<char>(digits.back() & ~0x20));
    if (suffix != std::string_view::npos) {
      unit = 1ull << (10 * (suffix + 1));
      digits.remove_suffix(1);
    }
  }
  const auto number = parse_number(digits);
  if (!number || digits.starts_with("0x")) throw fail("not a size");
  if (*number > kMemoryMax / unit) throw fail("more than any processor can address");
  const std::uint64_t size = *number * unit;
  if (size < kMemoryMin) throw fail(fmt::format("too little, a guest needs at least {} MiB", kMemoryMin / kMiB));
  if (!is_aligned(size, kPageSize)) throw fail("not a multiple of 4K");
  return size;
}

Invocation parse_command_line(std::span<const char* const> arguments) {
  const std::string_view command = arguments.empty() ? std::string_view() : arguments.front();
  if (command == "--version") return {.command = Invocation::Command::kPrint, .options = {}, .text = "strait " STRAIT_VERSION "\n", .ctl = {}};
  const auto before_dashes = std::span(arguments.begin(), std::find(arguments.begin(), arguments.end(), std::string_view("--")));
  const auto asks_for_help = [](std::string_view word) { return word == "--help" || word == "-h"; };
  if (command == "help" || std::any_of(before_dashes.begin(), before_dashes.end(), asks_for_help)) {
    return {.command = Invocation::Command::kPrint, .options = {}, .text = help(), .ctl = {}};
  }
  if (command == "run") return parse_run(arguments.subspan(1));
  if (command == "test") return parse_test(arguments.subspan(1));
  if (command == "ctl") {
    Invocation invocation{.command = Invocation::Command::kCtl, .options = {}, .text = {}, .ctl = {}};
    invocation.ctl = CtlRequest::parse({arguments.begin() + 1, arguments.end()});
    return invocation;
  }
  throw UsageError(command.empty() ? "no command" : fmt::format("'{}' is no command", command), "strait --help lists the commands: run, test, ctl");
}

}  // namespace strait
