#include "binding/record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "base/syscall.h"
#include "binding/fault_point.h"
#include "host/pci_function.h"

namespace strait::binding {
namespace fs = std::filesystem;
using Json = nlohmann::json;
namespace {

constexpr int kVersion = 2;
constexpr std::string_view kSuffix = ".json";
constexpr std::string_view kRunSuffix = ".run.json";
constexpr std::string_view kNextSuffix = ".next";  ///< of a file that is being written

Json to_json(const host::VfSettings& settings) {
  Json json = Json::object();
  for (const auto& [key, value] : host::vf_setting_words(settings)) json[key] = value;
  return json;
}

host::VfSettings settings_in(const Json& json) {
  host::VfSettings settings;
  for (const auto& [key, value] : json.items()) host::set_vf_setting(settings, key, value.get<std::string>(), "");
  return settings;
}

Json to_json(const Record& record, const std::string& boot_id) {
  Json json = {{"version", kVersion},
               {"boot_id", boot_id},
               {"function", record.function.to_string()},
               {"owner", record.owner == Owner::kRun ? "run" : "command"},
               {"pid", record.pid},
               {"identity", record.identity},
               {"complete", record.complete},
               {"interfaces", record.interfaces}};
  if (record.batch) json["batch"] = {{"first", record.batch->first.to_string()}, {"token", record.batch->token}};
  if (const auto& vf = record.vf) {
    json["vf"] = {
        {"pf", vf->pf.to_string()}, {"index", vf->index}, {"settings", to_json(vf->settings)}, {"ours", to_json(vf->ours)}};
  }
  if (record.driver) json["driver"] = {{"name", record.driver->driver}, {"driver_override", record.driver->driver_override}};
  json["attributes"] = Json::array();
  for (const AttributeBefore& one : record.attributes) {
    json["attributes"].push_back({{"path", one.path}, {"before", one.before}, {"ours", one.ours}});
  }
  return json;
}

Record from_json(const Json& json) {
  Record record;
  record.function = host::Bdf::parse(json.at("function").get<std::string>());
  record.owner = json.at("owner") == "run" ? Owner::kRun : Owner::kCommand;
  record.pid = json.at("pid");
  record.identity = json.at("identity");
  record.complete = json.at("complete");
  if (const auto batch = json.find("batch"); batch != json.end()) {
    record.batch = Batch{host::Bdf::parse(batch->at("first").get<std::string>()), batch->at("token")};
  }
  record.interfaces = json.at("interfaces").get<std::vector<Json>>();
  if (const auto vf = json.find("vf"); vf != json.end()) {
    record.vf = VfBefore{host::Bdf::parse(vf->at("pf").get<std::string>()), vf->at("index"), settings_in(vf->at("settings")),
                         settings_in(vf->at("ours"))};
  }
  if (const auto driver = json.find("driver"); driver != json.end()) {
    record.driver = DriverBefore{driver->at("name"), driver->at("driver_override")};
  }
  for (const Json& one : json.at("attributes")) {
    record.attributes.push_back(AttributeBefore{one.at("path"), one.at("before"), one.at("ours")});
  }
  return record;
}

void sync(int fd, const std::string& path) {
  if (::fsync(fd) != 0) throw Error::from_errno(errno, "writing the record " + path + " to the disk");
}

void sync_directory(const fs::path& directory) { sync(open_file(directory, O_RDONLY | O_DIRECTORY).get(), directory); }

Error damaged(const fs::path& path, const std::string& why) {
  return Error(fmt::format("the record {} is damaged ({})", path.string(), why),
               "it told how to give the function back to its driver: do that by hand, then remove the file");
}

/// The function that a file of this name is about; nothing where it is somebody else's.
std::optional<host::Bdf> function_of(std::string_view name) {
  for (const std::string_view suffix : {kNextSuffix, kRunSuffix, kSuffix}) {
    if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  }
  try {
    return host::Bdf::parse(name);
  } catch (const UsageError&) {
    return std::nullopt;
  }
}

void unlink_file(const std::string& path) {
  fault_point();
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw Error::from_errno(errno, "removing the record " + path);
}

std::string attribute(const fs::path& directory, const char* name) {
  const std::string text = read_text_file(directory / name);
  return text.starts_with("0x") ? text.substr(2) : text;
}

}  // namespace

std::string identity_of(const host::Bdf& function, const fs::path& sysfs) {
  const host::PciFunction there(function, sysfs);  // Says so where it is not.
  const fs::path directory = sysfs / "bus/pci/devices" / function.to_string();
  const std::string vendor = attribute(directory, "vendor"), device = attribute(directory, "device");
  struct stat status = {};
  if (::stat(directory.c_str(), &status) != 0) throw Error::from_errno(errno, "looking at " + directory.string());
  return fmt::format("{}:{} {}:{} {}", vendor, device, attribute(directory, "subsystem_vendor"), attribute(directory, "subsystem_device"),
                     status.st_ino);
}

Records::Records(const fs::path& state, const fs::path& procfs)
    : directory_(state / "records"), boot_id_(read_text_file(procfs / "sys/kernel/random/boot_id")) {}

fs::path Records::path_of(const host::Bdf& function, Owner owner) const {
  return directory_ / (function.to_string() + std::string(owner == Owner::kRun ? kRunSuffix : kSuffix));
}

std::optional<Json> Records::read(const fs::path& path) const {
  try {
    return Json::parse(read_text_file(path));
  } catch (const Error& error) {
    if (error.code() == ENOENT || error.code() == ENOTDIR) return std::nullopt;
    throw;
  } catch (const Json::exception&) {
    throw damaged(path, "no JSON");
  }
}

bool Records::is_void(const Json& content) const { return content.is_object() && content.value("boot_id", Json()) != Json(boot_id_); }

std::optional<Record> Records::load(const host::Bdf& function, Owner owner) const {
  const fs::path path = path_of(function, owner);
  const auto content = read(path);
  if (!content || is_void(*content)) return std::nullopt;
  try {
    if (content->at("version") != kVersion) {
      throw Error(fmt::format("the record {} is of another version of strait", path.string()), "release the function with that one");
    }
    return from_json(*content);
  } catch (const Json::exception& problem) {
    throw damaged(path, problem.what());
  } catch (const UsageError& problem) {
    throw damaged(path, problem.what());
  }
}

void Records::save(const Record& record) const {
  std::error_code error;
  fs::create_directories(directory_, error);
  const std::string path = path_of(record.function, record.owner), next = path + std::string(kNextSuffix);
  fault_point();
  UniqueFd fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) throw Error::from_errno(errno, "making the record " + next, "run strait as root, or set STRAIT_STATE_DIR");
  if (const int code = write_all(fd.get(), to_json(record, boot_id_).dump(2, ' ', false, Json::error_handler_t::replace) + "\n")) {
    throw Error::from_errno(code, "writing the record " + next, "make room, or set STRAIT_STATE_DIR to a directory that has it");
  }
  sync(fd.get(), next);
  fault_point();
  if (::rename(next.c_str(), path.c_str()) != 0) throw Error::from_errno(errno, "renaming the record to " + path);
  sync_directory(directory_);
}

void Records::remove(const host::Bdf& function, Owner owner) const {
  const fs::path path = path_of(function, owner);
  std::error_code error;
  unlink_file(path);
  if (fs::exists(directory_, error)) sync_directory(directory_);
}

std::vector<host::Bdf> Records::functions_of(const std::function<bool(const fs::path&)>& counts) const {
  std::set<host::Bdf> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    const auto function = function_of(entry.path().filename().native());
    if (function && counts(entry.path())) found.insert(*function);
  }
  return {found.begin(), found.end()};
}

std::vector<host::Bdf> Records::functions() const {
  return functions_of([this](const fs::path& path) {
    if (path.native().ends_with(kNextSuffix)) return false;
    try {
      const auto content = read(path);
      return content && !is_void(*content);
    } catch (const Error&) {
      return true;  // A damaged record counts, so that whoever meets it is told.
    }
  });
}

std::vector<host::Bdf> Records::functions_with_files() const {
  return functions_of([](const fs::path&) { return true; });
}

void Records::tidy(const host::Bdf& function) const {
  for (const Owner owner : {Owner::kRun, Owner::kCommand}) {
    const fs::path path = path_of(function, owner), next = path.native() + std::string(kNextSuffix);
    std::error_code error;
    if (fs::exists(next, error)) unlink_file(next);
    try {
      if (const auto content = read(path); content && is_void(*content)) unlink_file(path);
    } catch (const Error&) {  // A damaged one may be of this boot.
    }
  }
}

}  // namespace strait::binding
