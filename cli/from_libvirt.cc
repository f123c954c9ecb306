#include "cli/from_libvirt.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"
#include "base/unique_fd.h"
#include "cli/libvirt/convert.h"
#include "cli/parse.h"
#include "cli/print.h"
#include "vmm/outcome.h"

namespace strait {
namespace {
namespace po = boost::program_options;

/// What is in the file, as far as the converter takes it and a byte beyond, so that it sees what is too much.
std::string read_domain(const std::string& path) {
  const bool standard = path == "-";
  const UniqueFd opened(standard ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  const int fd = standard ? STDIN_FILENO : opened.get();
  constexpr const char* kRemedy = "give a domain that you may read, as virsh dumpxml NAME prints it";
  if (fd < 0) throw Error::from_errno(errno, fmt::format("opening {}", path), kRemedy);
  std::string text;
  if (const int error = read_all(fd, text, libvirt::Document::kMaxSize + 1)) {
    throw Error::from_errno(error, fmt::format("reading {}", path), kRemedy);
  }
  return text;
}

void write_file(std::string_view text, const std::string& path, const std::string& domain) {
  std::error_code error;
  if (std::filesystem::equivalent(path, domain, error))
    throw UsageError(fmt::format("-o {} is the domain itself", path), "give another file");
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666));
  if (!fd) throw Error::from_errno(errno, fmt::format("opening {}", path), "give a file that can be written");
  if (const int code = write_all(fd.get(), text)) {
    throw Error::from_errno(code, fmt::format("writing {}", path), "make room there, or give another -o FILE");
  }
}

po::options_description describe() {
  po::options_description options("Options", 80, 50);
  options.add_options()("output,o", po::value<std::string>()->value_name("FILE"), "write there [standard output]");
  return options;
}

}  // namespace

int run_from_libvirt(Words words) {
  po::options_description all = describe();
  all.add_options()("domain", po::value<std::vector<std::string>>());
  const po::variables_map values = parse_words(words, all, po::positional_options_description().add("domain", -1));
  const auto files = values.count("domain") != 0 ? values["domain"].as<std::vector<std::string>>() : std::vector<std::string>();
  if (files.size() != 1)
    throw UsageError("from-libvirt needs one domain", "strait from-libvirt DOMAIN.xml, and virsh dumpxml NAME makes it");

  const std::string& path = files[0];
  const libvirt::Conversion result = libvirt::convert(read_domain(path), path == "-" ? "standard input" : path);
  if (values.count("output") != 0) {
    write_file(result.config, values["output"].as<std::string>(), path);
  } else {
    print(result.config);
  }
  const std::string report = libvirt::report_of(result);
  std::fwrite(report.data(), 1, report.size(), stderr);
  return exit_code::kGuestOff;
}

std::string from_libvirt_help() {
  return "strait from-libvirt DOMAIN.xml [-o FILE]\n"
         "\n"
         "Makes a file of options for strait run --config out of a libvirt domain, as\n"
         "virsh dumpxml prints it (- reads it from standard input): kernel, memory,\n"
         "processors, and the host's PCI functions of <hostdev> and <interface\n"
         "type='hostdev'>, with places on the guest's bus, MAC and VLAN. Huge pages and\n"
         "pinning are comments in it, with what to do for them.\n"
         "\n"
         "What of the domain is not in it is listed on standard error, by line and path,\n"
         "each with the reason. A domain that boots from a disk has no kernel; the file\n"
         "says what to write there.\n"
         "\n" +
         text_of(describe());
}

}  // namespace strait
