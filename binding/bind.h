#pragma once

#include <functional>
#include <string>
#include <vector>

#include "binding/host.h"
#include "host/bdf.h"

namespace strait::binding {

/// Puts the functions on vfio-pci, to stay there until release(): all of them, or none where one cannot be. Throws Error.
void bind(const std::vector<host::Bdf>& functions, bool force, const Host& host);

/// Makes of the functions what they were before strait took them. Throws Error where strait has not, where a run still has one, or where
/// the kernel refuses.
void release(const std::vector<host::Bdf>& functions, const Host& host);

/// Puts right what strait processes that were killed left, on every function that no living one has; returns those functions. What fails is
/// handed to `complain`, and the others are done all the same.
std::vector<host::Bdf> release_stale(const Host& host, const std::function<void(const std::string&)>& complain);

/// The functions that strait has taken, those of runs that go on included.
std::vector<host::Bdf> taken(const Host& host);

/// Those of them that had a network interface of this name, or alternative name, when they were taken: it is gone since.
std::vector<host::Bdf> taken_with_interface(const std::string& name, const Host& host);

}  // namespace strait::binding
