#include "vmm/metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"

namespace strait {

void PhaseClock::add_to(nlohmann::json& metrics) const {
  constexpr const char* kNames[kPhases] = {"start",        "vm_made",       "memory_ready", "dma_mapped",
                                           "devices_ready", "vcpus_made",    "kernel_loaded", "first_entry", "end"};
  using Seconds = std::chrono::duration<double>;
  metrics["start_monotonic_s"] = Seconds(marks_[kStart].time_since_epoch()).count();
  for (std::size_t i = 0; i < kPhases; ++i) {
    if (marks_[i] != std::chrono::steady_clock::time_point()) {
      metrics["phases_s"][kNames[i]] = Seconds(marks_[i] - marks_[kStart]).count();
    }
  }
}

void add_counts(nlohmann::json& total, const nlohmann::json& more) {
  if (total.is_object() && more.is_object()) {
    for (const auto& [name, value] : more.items()) add_counts(total[name], value);
  } else if (total.is_array() && more.is_array()) {
    for (std::size_t i = 0; i < more.size(); ++i) {
      const auto is_counterpart = [&](const nlohmann::json& element) { return element.value("name", "") == more[i].value("name", ""); };
      const bool named = more[i].is_object() && more[i].contains("name");
      const auto found = named ? std::find_if(total.begin(), total.end(), is_counterpart) : total.begin() + std::min(i, total.size());
      if (found == total.end()) {
        total.push_back(more[i]);
      } else {
        add_counts(*found, more[i]);
      }
    }
  } else if (total.is_number_unsigned() && more.is_number_unsigned()) {
    total = total.get<std::uint64_t>() + more.get<std::uint64_t>();
  } else {
    total = more;
  }
}

MetricsFile::MetricsFile(const std::string& path) {
  if (path.empty()) return;
  const bool is_new = ::access(path.c_str(), F_OK) != 0;
  // A pipe is not waited for until somebody reads it: signals may be held back meanwhile.
  fd_ = UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644));
  if (!fd_ && errno == ENXIO) throw Error("the metrics file " + path + " is a pipe that nobody reads", "start its reader first");
  if (!fd_) throw Error::from_errno(errno, "opening the metrics file " + path, "give --metrics a file that can be written");
  ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) & ~O_NONBLOCK);
  if (is_new) unwritten_ = path;
}

MetricsFile::~MetricsFile() {
  if (!unwritten_.empty()) ::unlink(unwritten_.c_str());
}

void MetricsFile::write(const nlohmann::json& metrics) {
  const std::string text = metrics.dump(2) + "\n";
  unwritten_.clear();
  [[maybe_unused]] const int truncated = ::ftruncate(fd_.get(), 0);  // a pipe or terminal cannot be, and need not
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t written = ::write(fd_.get(), text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      log::error("writing the metrics: {}", std::strerror(errno));
      return;
    }
    at += static_cast<std::size_t>(written);
  }
}

}  // namespace strait
