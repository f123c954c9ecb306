#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/vf_settings.h"
#include "vmm/device_facts.h"

namespace strait {

/// What the host's kernel says of the physical function behind a virtual one, and of the settings that it has for that.
struct PhysicalFacts {
  std::string address;
  std::string driver;      ///< empty for none
  std::string interface;   ///< empty where it has none: its driver is no network driver, or it has no driver
  bool elsewhere = false;  ///< its interface is in another network namespace, so nobody tells of it
  unsigned index = 0;      ///< of the virtual function
  std::optional<bool> up, carrier;
  host::VfSettings settings;  ///< as far as the driver tells
};

/// The host's side of one function.
struct HostFacts {
  std::optional<std::uint64_t> interrupts;  ///< that arrived since they were last set up; nothing where the host does not tell
  std::chrono::milliseconds watched{};      ///< for how long they have been looked at
  std::optional<bool> posted;               ///< messages go to the guest past the host, and are not counted; nothing where nobody tells
  std::optional<PhysicalFacts> physical;    ///< of a virtual function
};

/// One thing that has to be so before an assigned function works.
struct Step {
  enum class Status {
    kOk,
    kFailed,
    kWaiting,  ///< for the guest, which may be about to do it
    kUnknown,  ///< nobody here can tell, or a step before it is to be mended first
  };

  std::string_view name;   ///< for programs: stable
  std::string_view title;  ///< for people
  Status status = Status::kUnknown;
  std::string finding = {};  ///< one line: what was seen
  std::string cause = {};    ///< what that comes from; empty where there is nothing to say
  std::string remedy = {};   ///< what to do about it
};

struct Explanation {
  enum class Verdict {
    kWorks,
    kIdle,    ///< its driver waits for somebody to use it
    kNotYet,  ///< the guest is not so far
    kFailed,
  };

  std::vector<Step> steps;  ///< in the order in which they come about

  Verdict verdict() const;
  /// The first step that failed, null for none.
  const Step* failure() const;
};

/// A guest that has not got on with a function for so long will not by itself.
constexpr std::chrono::seconds kPatience{15};
/// Interrupts are looked at for so long before it is said that none arrives: drivers of network cards have one every two seconds.
constexpr std::chrono::seconds kInterruptPatience{3};

/// What is known, step by step. Pure.
Explanation explain(const DeviceFacts& device, const HostFacts& host);

}  // namespace strait
