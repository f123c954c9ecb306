#include "binding/interface_sysctls.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.h"
#include "base/log.h"
#include "base/syscall.h"
#include "binding/fault_point.h"

namespace strait::binding {
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

void set_those_that_differ(const std::string& interface, const Json& sysctls, const fs::path& procfs) {
  const Json now = read_sysctls(interface, procfs);
  for (const auto& [key, value] : sysctls.items()) {
    if (now.value(key, Json()) == value) continue;
    const auto slash = key.find('/');
    const fs::path file = procfs / "sys/net" / key.substr(0, slash) / "conf" / interface / key.substr(slash + 1);
    const std::string text = value;
    fault_point();
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), text.data(), text.size()) < 0) {
      log::warning("{} was {}, and cannot be set back: {}", file.string(), text, std::strerror(errno));
    }
  }
}

}  // namespace

Json read_sysctls(const std::string& interface, const fs::path& procfs) {
  Json values = Json::object();
  for (const char* family : {"ipv4", "ipv6"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(procfs / "sys/net" / family / "conf" / interface, error)) {
      try {
        values[std::string(family) + "/" + entry.path().filename().string()] = read_text_file(entry.path());
      } catch (const Error&) {  // Some are for writing only, or have no value yet.
      }
    }
  }
  return values;
}

void restore_sysctls(const std::string& interface, const Json& sysctls, const fs::path& procfs) {
  // addr_gen_mode may ask for this one, and changes with it.
  constexpr const char* kFirst = "ipv6/stable_secret";
  if (sysctls.contains(kFirst)) set_those_that_differ(interface, {{kFirst, sysctls.at(kFirst)}}, procfs);
  set_those_that_differ(interface, sysctls, procfs);
}

}  // namespace strait::binding
