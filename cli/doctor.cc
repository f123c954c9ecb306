#include "cli/doctor.h"

#include <optional>

#include "base/error.h"
#include "binding/host.h"
#include "binding/lock.h"
#include "cli/amounts.h"
#include "cli/doctor_report.h"
#include "cli/parse.h"
#include "cli/print.h"
#include "cli/screen.h"
#include "host/addresses.h"
#include "host/checks/report.h"

namespace strait {
namespace {
namespace po = boost::program_options;

po::variables_map parse(Words words) {
  po::options_description options;
  options.add_options()("address", po::value<std::string>())("memory", po::value<std::string>()->default_value("512M"))("json", "")(
      "print-config", "");
  po::positional_options_description positional;
  positional.add("address", 1);
  po::variables_map values = parse_words(words, options, positional);
  if (values.contains("json") && values.contains("print-config"))
    throw UsageError("doctor: --json and --print-config exclude each other", "give one");
  return values;
}

}  // namespace

int run_doctor(Words words) {
  const po::variables_map values = parse(words);
  const std::uint64_t memory = parse_memory_size(values["memory"].as<std::string>());
  std::optional<host::Bdf> device;
  if (values.contains("address")) device = host::resolve_one(values["address"].as<std::string>());

  host::HostView host = host::HostView::real();
  host.holder = [run = binding::this_host().run](const host::Bdf& function) {
    const binding::LockHolder holder = binding::lock_holder(function, run);
    return holder.somebody() ? holder.name() : "";
  };
  const Diagnosis diagnosis = {host.kernel_release(), host.user, device, host::check_all(host, memory, device)};
  const std::string text = values.contains("json")           ? as_json(diagnosis)
                           : values.contains("print-config") ? as_config(diagnosis)
                                                             : as_text(diagnosis, Screen::of_standard_output().colour);
  print(text);
  return diagnosis.exit_code();
}

std::string doctor_help() {
  return "strait doctor [ADDRESS] [OPTION...]\n"
         "\n"
         "Looks at what keeps this host from running guests with PCI devices, or the one\n"
         "function at ADDRESS, and says what to do. It changes nothing. Run it as the\n"
         "user who is to run guests; root sees more of the PCI bridges.\n"
         "\n"
         "  --memory SIZE   of the guest, for the limit of locked memory [512M]\n"
         "  --json          one JSON object instead of text\n"
         "  --print-config  only the lines that put it right, under comments with the\n"
         "                  files that they belong into\n"
         "\n"
         "Exit codes: 0 nothing failed, 1 doctor itself could not run, 2 usage; else the\n"
         "first of these that failed:\n"
         "  10 the processor         14 kernel modules    18 the function's driver,\n"
         "  11 /dev/kvm              15 permissions          or it is in use\n"
         "  12 the IOMMU             16 locked memory     19 the PF and its link\n"
         "  13 interrupt remapping   17 group isolation\n";
}

}  // namespace strait
