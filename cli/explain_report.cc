#include "cli/explain_report.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/screen.h"

namespace strait {
namespace {

using Json = nlohmann::json;
using Status = Step::Status;
using Verdict = Explanation::Verdict;

constexpr std::size_t kMarkWidth = 9, kTitleWidth = 24;

struct Look {
  const char* word;  ///< for programs
  const char* mark;  ///< for people
  const char* colour;
};

Look look_of(Status status) {
  switch (status) {
    case Status::kOk: return {"ok", "ok", "\033[32m"};
    case Status::kFailed: return {"failed", "FAILED", "\033[1;31m"};
    case Status::kWaiting: return {"waiting", "waiting", "\033[33m"};
    case Status::kUnknown: break;
  }
  return {"unknown", "?", "\033[2m"};
}

Look look_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kWorks: return {"works", "works", "\033[32m"};
    case Verdict::kIdle: return {"idle", "ready, and not in use", "\033[32m"};
    case Verdict::kNotYet: return {"not_yet", "not yet", "\033[33m"};
    case Verdict::kFailed: break;
  }
  return {"failed", "does not work", "\033[1;31m"};
}

std::string painted(std::string_view text, const char* colour, bool wanted) {
  return wanted ? fmt::format("{}{}\033[0m", colour, text) : std::string(text);
}

/// What is most worth reading: what failed first, else what keeps the guest, else what nobody here can know.
const Step* advice(const Explanation& explanation) {
  if (const Step* failure = explanation.failure()) return failure;
  for (const Status status : {Status::kWaiting, Status::kUnknown}) {
    const auto found = std::ranges::find_if(explanation.steps, [&](const Step& step) { return step.status == status && !step.remedy.empty(); });
    if (found != explanation.steps.end()) return &*found;
  }
  return nullptr;
}

Json to_json(const Step& step) {
  Json json{{"step", step.name}, {"status", look_of(step.status).word}, {"finding", step.finding}};
  if (!step.cause.empty()) json["cause"] = step.cause;
  if (!step.remedy.empty()) json["remedy"] = step.remedy;
  return json;
}

template <typename Value>
Json optional_json(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

Json to_json(const PhysicalFacts& facts) {
  Json settings = Json::object();
  for (const auto& [key, value] : host::vf_setting_words(facts.settings)) settings[key] = value;
  return {{"address", facts.address},
          {"driver", facts.driver},
          {"interface", facts.interface},
          {"in_this_namespace", !facts.elsewhere},
          {"vf", facts.index},
          {"up", optional_json(facts.up)},
          {"carrier", optional_json(facts.carrier)},
          {"settings", settings}};
}

}  // namespace

std::string report_text(const DeviceFacts& device, const HostFacts& host, const Explanation& explanation, bool colour) {
  const Look verdict = look_of(explanation.verdict());
  std::string name = device.id;
  if (device.function) name += fmt::format(" ({:04x}:{:04x})", device.function->vendor, device.function->device);
  if (host.physical && !host.physical->interface.empty()) name += fmt::format(", VF {} of {}", host.physical->index, host.physical->interface);
  std::string text = fmt::format("{}: {}\n", name, painted(verdict.mark, verdict.colour, colour));
  for (const Step& step : explanation.steps) {
    const Look look = look_of(step.status);
    const char* word = step.status == Status::kUnknown && step.finding.empty() ? "-" : look.mark;
    const std::string mark = painted(fmt::format("{:<{}}", word, kMarkWidth), look.colour, colour);
    constexpr std::size_t kColumn = 2 + kMarkWidth + kTitleWidth;
    std::string line = fmt::format("  {}{:<{}}{}", mark, step.title, kTitleWidth, hang(step.finding, kColumn, kColumn));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  const Step* step = advice(explanation);
  if (step == nullptr) return text;
  text += "\n" + hang(fmt::format("{}: {}", step->title, step->finding), 0, 2) + "\n";
  constexpr std::size_t kWordWidth = 7;
  if (!step->cause.empty()) text += "  Why: " + hang(step->cause, kWordWidth, kWordWidth) + "\n";
  if (!step->remedy.empty()) text += "  Do:  " + hang(step->remedy, kWordWidth, kWordWidth) + "\n";
  return text;
}

Json report_json(const DeviceFacts& device, const HostFacts& host, const Explanation& explanation) {
  Json steps = Json::array();
  for (const Step& step : explanation.steps) steps.push_back(to_json(step));
  const Step* failure = explanation.failure();
  return {{"address", device.id},
          {"guest_address", device.guest},
          {"verdict", look_of(explanation.verdict()).word},
          {"failed_step", failure != nullptr ? Json(failure->name) : Json()},
          {"steps", steps},
          {"facts", to_json(device)},
          {"host",
           {{"interrupts", optional_json(host.interrupts)},
            {"posted_interrupts", optional_json(host.posted)},
            {"physical_function", host.physical ? to_json(*host.physical) : Json()}}}};
}

}  // namespace strait
