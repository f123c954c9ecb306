#include "binding/interrupt_affinity.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/syscall.h"

namespace strait::binding {
namespace fs = std::filesystem;
namespace {

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<std::string> read(const fs::path& file) {
  try {
    return read_text_file(file);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Each handler of a line has a directory there, in use by us or by others.
bool is_shared(const fs::path& line) {
  unsigned handlers = 0;
  std::error_code error;
  for (fs::directory_iterator entry(line, error), end; !error && entry != end; entry.increment(error)) handlers += entry->is_directory(error) ? 1 : 0;
  return handlers > 1;
}

}  // namespace

InterruptAffinity::InterruptAffinity(const host::Bdf& bdf, const CpuSet& cpus, fs::path sysfs, fs::path procfs)
    : name_(bdf.to_string()), cpus_(to_string(cpus)), device_(sysfs / "bus/pci/devices" / name_), interrupts_(procfs / "irq") {}

InterruptAffinity::~InterruptAffinity() { put_back_pin(); }

void InterruptAffinity::place_messages() {
  const std::lock_guard lock(mutex_);
  std::set<unsigned> there;
  std::error_code error;
  for (fs::directory_iterator entry(device_ / "msi_irqs", error), end; entry != end; entry.increment(error)) {
    const auto interrupt = number(entry->path().filename().string());
    if (!interrupt) continue;
    // One that was allocated has no place in procfs before it is in use.
    if (messages_.contains(*interrupt) || write(*interrupt, cpus_) != ENOENT) there.insert(*interrupt);
  }
  messages_ = std::move(there);
}

void InterruptAffinity::forget_messages() {
  const std::lock_guard lock(mutex_);
  messages_.clear();
}

void InterruptAffinity::place_pin() {
  const std::lock_guard lock(mutex_);
  const auto interrupt = number(read(device_ / "irq").value_or(""));
  if (!interrupt || *interrupt == 0 || moved_.contains(*interrupt)) return;
  const fs::path line = interrupts_ / std::to_string(*interrupt);
  if (is_shared(line)) {
    if (!std::exchange(warned_, true)) log::warning("{}: interrupt {} of the host stays where it is: other devices share it", name_, *interrupt);
    return;
  }
  const auto before = read(line / "smp_affinity_list");
  if (before && write(*interrupt, cpus_) == 0) moved_[*interrupt] = {.before = *before, .after = read(line / "smp_affinity_list").value_or(cpus_)};
}

void InterruptAffinity::put_back_pin() {
  const std::lock_guard lock(mutex_);
  for (const auto& [interrupt, move] : std::exchange(moved_, {})) {
    // Where somebody moved it meanwhile it is theirs.
    if (read(interrupts_ / std::to_string(interrupt) / "smp_affinity_list") == move.after) write(interrupt, move.before);
  }
}

int InterruptAffinity::write(unsigned interrupt, const std::string& cpus) {
  const fs::path file = interrupts_ / std::to_string(interrupt) / "smp_affinity_list";
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_TRUNC));
  if (fd && ::write(fd.get(), cpus.data(), cpus.size()) == static_cast<ssize_t>(cpus.size())) return 0;
  const int code = errno;
  if (code != ENOENT && !std::exchange(warned_, true)) {
    log::warning("{}: its interrupts on the host stay where they are: writing {}: {}", name_, file.string(), std::strerror(code));
  }
  return code;
}

}  // namespace strait::binding
