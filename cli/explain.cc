#include "cli/explain.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/control_client.h"
#include "cli/explain_host.h"
#include "cli/explain_report.h"
#include "cli/parse.h"
#include "cli/print.h"
#include "cli/screen.h"
#include "host/addresses.h"
#include "vmm/device_facts.h"

namespace strait {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::json;
using Verdict = Explanation::Verdict;
using Clock = std::chrono::steady_clock;

constexpr int kNotYet = 3;
constexpr std::chrono::milliseconds kLookAgain{200};

struct Case {
  DeviceFacts device;
  HostFacts host;
  Explanation explanation;
};

std::vector<DeviceFacts> ask_for_facts(const ExplainRequest& request) {
  const Json answer = Json::parse(ask(request.socket, "GET", "/api/v1/vm.explain", {}));
  std::vector<DeviceFacts> all;
  for (const Json& one : answer.at("functions")) all.push_back(device_facts(one));
  if (!request.address) return all;
  const auto found = std::ranges::find(all, request.address->to_string(), &DeviceFacts::id);
  if (found != all.end()) return {*found};
  std::vector<std::string> ids;
  for (const DeviceFacts& one : all) ids.push_back(one.id);
  throw Error(fmt::format("{} is not assigned to the guest", request.address->to_string()),
              ids.empty() ? "it has no device; strait ctl SOCKET add-device gives it one" : fmt::format("it has {}", fmt::join(ids, ", ")));
}

Case look_at(DeviceFacts device, std::chrono::milliseconds watched) {
  HostFacts host;
  // Whoever waits for the device may hold what readers of its files wait for.
  if (!device.wanted && !device.leaving) host = host_facts(host::Bdf::parse(device.id));
  host.watched = watched;
  Explanation explanation = explain(device, host);
  return {std::move(device), std::move(host), std::move(explanation)};
}

/// A moment later there may be more to say: an access of the guest is over, or an interrupt has come.
bool wants_another_look(const Case& one) {
  if (!one.device.function) return true;
  return one.explanation.steps.back().status == Step::Status::kWaiting && one.explanation.steps.back().name == "interrupts_arriving";
}

std::vector<Case> look(const ExplainRequest& request) {
  const auto start = Clock::now();
  for (;;) {
    const auto watched = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
    std::vector<Case> cases;
    for (DeviceFacts& device : ask_for_facts(request)) cases.push_back(look_at(std::move(device), watched));
    if (watched >= kInterruptPatience || std::ranges::none_of(cases, wants_another_look)) return cases;
    std::this_thread::sleep_for(kLookAgain);
  }
}

std::string as_json(const std::vector<Case>& cases) {
  Json functions = Json::array();
  for (const Case& one : cases) functions.push_back(report_json(one.device, one.host, one.explanation));
  return Json{{"functions", functions}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string as_text(const std::vector<Case>& cases) {
  if (cases.empty()) return "The guest has no assigned device.\n";
  std::string text;
  const bool colour = Screen::of_standard_output().colour;
  for (const Case& one : cases) {
    text += (text.empty() ? "" : "\n") + report_text(one.device, one.host, one.explanation, colour);
  }
  return text;
}

}  // namespace

ExplainRequest ExplainRequest::parse(Words words) {
  po::options_description options, hidden;
  options.add_options()("json", "");
  hidden.add(options).add_options()("socket", po::value<std::string>())("address", po::value<std::string>());
  const po::variables_map values = parse_words(words, hidden, po::positional_options_description().add("socket", 1).add("address", 1));
  if (!values.contains("socket")) throw UsageError("explain needs a socket", "strait explain SOCKET [ADDRESS] [--json]");
  ExplainRequest request{.socket = values["socket"].as<std::string>(), .address = std::nullopt, .json = values.contains("json")};
  if (values.contains("address")) request.address = host::resolve_one(values["address"].as<std::string>());
  return request;
}

int explain_exit_code(const std::vector<Verdict>& verdicts) {
  if (std::ranges::find(verdicts, Verdict::kFailed) != verdicts.end()) return 1;
  return std::ranges::find(verdicts, Verdict::kNotYet) != verdicts.end() ? kNotYet : 0;
}

int run_explain(Words words) {
  const ExplainRequest request = ExplainRequest::parse(words);
  const std::vector<Case> cases = look(request);
  print(request.json ? as_json(cases) : as_text(cases));
  std::vector<Verdict> verdicts;
  for (const Case& one : cases) verdicts.push_back(one.explanation.verdict());
  return explain_exit_code(verdicts);
}

std::string explain_help() {
  return "strait explain SOCKET [ADDRESS] [--json]\n"
         "\n"
         "Follows what the guest of a running strait does with its assigned devices, or\n"
         "with one, step by step, and names the step that failed: seen on the guest's\n"
         "bus, BARs placed, driver bound, bus mastering on, interrupts enabled and\n"
         "arriving; for a virtual function also the physical one's link on this host.\n"
         "\n"
         "  SOCKET    what --control of strait run names\n"
         "  ADDRESS   of a function, as on the host\n"
         "  --json    for programs, with the facts\n"
         "\n"
         "It looks from outside: a driver is told from what it does to configuration\n"
         "space, and accesses to registers that the guest has mapped are not seen.\n"
         "\n"
         "Exit codes: 0 all is well, or waits only for somebody to use the device;\n"
         "1 a step failed; 3 none failed, but the guest is not so far yet.\n";
}

}  // namespace strait
