#include "cli/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/screen.h"

namespace strait {
namespace {

using host::Check;
using host::Status;

constexpr std::size_t kStatusWidth = 7;  // "unknown"
constexpr int kFirstCode = 10;

std::string_view colour_of(Status status) {
  switch (status) {
    case Status::kOk: return "\x1b[32m";
    case Status::kNote: return "\x1b[36m";
    case Status::kUnknown: return "\x1b[35m";
    case Status::kWarning: return "\x1b[33m";
    case Status::kFailed: return "\x1b[1;31m";
  }
  return "";
}

/// A paragraph that begins where the cursor is, in column `indent`.
std::string paragraph(std::string_view text, std::size_t indent) { return hang(text, indent, indent) + "\n"; }

bool is_to_be_changed(const Check& check) { return check.status == Status::kFailed || check.status == Status::kWarning; }

std::string counted(const std::vector<Check>& checks, Status status, std::string_view what) {
  const auto count = std::ranges::count(checks, status, &Check::status);
  return count == 0 ? "" : fmt::format("{} {}", count, what);
}

std::string summary(const Diagnosis& diagnosis) {
  const std::string failed = counted(diagnosis.checks, Status::kFailed, "failed");
  const auto warnings = std::ranges::count(diagnosis.checks, Status::kWarning, &Check::status);
  std::string text = failed.empty() ? "nothing failed" : failed;
  if (warnings > 0) text += fmt::format(", {} warning{}", warnings, warnings == 1 ? "" : "s");
  return text + fmt::format("; exit code {}\n", diagnosis.exit_code());
}

}  // namespace

int Diagnosis::exit_code() const {
  const auto first = std::ranges::find(checks, Status::kFailed, &Check::status);
  return first == checks.end() ? 0 : kFirstCode + static_cast<int>(first->kind);
}

std::string as_text(const Diagnosis& diagnosis, bool colour) {
  std::size_t width = 0;
  for (const Check& check : diagnosis.checks) width = std::max(width, check.name.size());
  std::string text = paragraph(fmt::format("strait {} on Linux {} as {}{}", STRAIT_VERSION, diagnosis.kernel, diagnosis.user,
                                         diagnosis.device ? ", device " + diagnosis.device->to_string() : ""),
                             0) +
                     "\n";
  for (const Check& check : diagnosis.checks) {
    const std::string status = fmt::format("{:<{}}", host::name_of(check.status), kStatusWidth);
    text += fmt::format("{:<{}}  ", check.name, width);
    text += colour ? fmt::format("{}{}\x1b[0m", colour_of(check.status), status) : status;
    text += "  " + paragraph(check.finding, width + kStatusWidth + 4);
    if (!check.cause.empty()) text += "    cause   " + paragraph(check.cause, 12);
    if (!check.remedy.empty()) text += "    remedy  " + paragraph(check.remedy, 12);
  }
  return text + "\n" + summary(diagnosis);
}

std::string as_json(const Diagnosis& diagnosis) {
  using Json = nlohmann::ordered_json;
  Json checks = Json::array();
  for (const Check& check : diagnosis.checks) {
    Json settings = Json::array();
    for (const host::Setting& setting : check.settings) {
      settings.push_back(Json::object({{"file", setting.file}, {"line", setting.line}, {"action", setting.remove ? "remove" : "add"}}));
    }
    Json object = Json::object();
    object["kind"] = host::name_of(check.kind);
    object["name"] = check.name;
    object["status"] = host::name_of(check.status);
    object["finding"] = check.finding;
    object["cause"] = check.cause;
    object["remedy"] = check.remedy;
    object["settings"] = std::move(settings);
    checks.push_back(std::move(object));
  }
  Json report = Json::object();
  report["version"] = STRAIT_VERSION;
  report["kernel"] = diagnosis.kernel;
  report["user"] = diagnosis.user;
  report["address"] = diagnosis.device ? Json(diagnosis.device->to_string()) : Json(nullptr);
  report["exit_code"] = diagnosis.exit_code();
  report["checks"] = std::move(checks);
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string as_config(const Diagnosis& diagnosis) {
  std::vector<std::pair<std::string, std::string>> files;  // name and lines, in the order in which they come up
  for (const Check& check : diagnosis.checks) {
    if (!is_to_be_changed(check)) continue;
    for (const host::Setting& setting : check.settings) {
      const bool boot = setting.file == host::kKernelCommandLine;
      const std::string file = boot ? "/etc/default/grub, in GRUB_CMDLINE_LINUX; then update-grub, and reboot" : setting.file;
      auto at = std::ranges::find(files, file, &std::pair<std::string, std::string>::first);
      if (at == files.end()) at = files.insert(at, {file, ""});
      const std::string line = (setting.remove ? "# without " : "") + setting.line + "\n";
      if (("\n" + at->second).find("\n" + line) == std::string::npos) at->second += line;
    }
  }
  std::string text;
  for (const auto& [file, lines] : files) text += fmt::format("{}# {}\n{}", text.empty() ? "" : "\n", file, lines);
  return text;
}

}  // namespace strait
