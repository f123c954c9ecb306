#pragma once

#include "binding/host.h"
#include "binding/lock.h"
#include "binding/record.h"

namespace strait::binding {

/// Makes of the function what the record says it was. Each step looks first whether it is still to do, so that this can be killed at any
/// point and done again. What others have changed since is left as it is: a driver_override or an attribute that is not what strait wrote,
/// a driver that strait did not bind; so is another card in the place of that one. Throws Error where the kernel refuses, or while a
/// process has the function open. The caller has the lock, and removes the record afterwards.
void undo(const Record& record, const Host& host);

/// Puts right what processes that were killed left of this function: a run that did not undo its changes, a bind or a release that stopped
/// half way. True where there was something. Throws Error where that fails.
bool settle(const Lock& lock, const Records& records, const Host& host);

}  // namespace strait::binding
