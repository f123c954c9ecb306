#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "binding/host.h"
#include "host/bdf.h"

namespace strait::binding {

/// Somebody wants this process to end, which was waiting for another and has changed nothing.
class Interrupted : public Error {
 public:
  using Error::Error;
};

/// The right to change one PCI function, among all strait processes of this host: an open file description lock (F_OFD_SETLK in fcntl(2))
/// on RUN/0000:01:10.0.lock. The kernel frees it when its owner ends, however it does. A command holds it while it changes the function, a
/// run for its whole life; a PF's lock also guards its pool of VFs. Looking at a function takes none. The file stays: removing it would let
/// two processes lock two files of one name. It has the holder's process id, for messages.
/// Whoever waits for several takes them in the order of their addresses, in which a PF comes before its VFs. A run that takes any VF of a
/// PF waits for the PF's with those of other functions in hand; whoever has a PF's waits for none of a VF.
class Lock {
 public:
  /// Nothing where another process has it. Throws Error where the file cannot be made.
  static std::optional<Lock> try_take(const host::Bdf& function, const std::filesystem::path& run);
  /// Waits `patience` for another process's command to finish, then throws Error naming that process. Throws Interrupted while it waits.
  static Lock take(const host::Bdf& function, const Host& host, std::chrono::milliseconds patience = std::chrono::seconds(10));

  const host::Bdf& function() const { return function_; }

 private:
  Lock(const host::Bdf& function, UniqueFd fd) : function_(function), fd_(std::move(fd)) {}

  host::Bdf function_;
  UniqueFd fd_;
};

/// Waits a moment for other processes. Throws Interrupted where this one is to end.
void wait_a_moment(const Host& host, std::chrono::milliseconds moment);

/// Who has the lock of a function.
struct LockHolder {
  enum class State { kNobody, kSomebody, kUnknown };  ///< a user who is not root may not look into the file

  State state = State::kNobody;
  int pid = 0;  ///< somebody's; 0 where the file does not tell

  bool somebody() const { return state == State::kSomebody; }
  /// "strait, process 4711".
  std::string name() const;
};

/// Takes nothing, and changes nothing.
LockHolder lock_holder(const host::Bdf& function, const std::filesystem::path& run);

}  // namespace strait::binding
