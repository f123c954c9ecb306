#pragma once

#include "binding/host.h"
#include "binding/lock.h"
#include "binding/record.h"

namespace strait::binding {

/// Makes of the function what the record says it was. Each step looks first whether it is still to do, so that this can be killed at any
/// point and done again; and none keeps those from coming that do not need it. What others have changed since is left as it is: a
/// driver_override, an attribute or a VF's setting that is not what strait wrote, a driver that strait did not bind and the interfaces
/// that it made; so is another card in the place of that one. Throws Error while a process has the function open, and changes nothing
/// then; or at the end, with all that the kernel refused. The caller has the lock, and removes the record afterwards.
void undo(const Record& record, const Host& host);

/// The same, with the record noted as half done before, and removed afterwards. A disk that is full does not keep it from being done.
void undo_and_remove(Record record, const Records& records, const Host& host);

/// Puts right what processes that were killed left of this function: a run that did not undo its changes, a bind or a release that stopped
/// half way, a record of an earlier boot or of a VF that is gone. True where there was something to undo. Throws Error where that fails.
bool settle(const Lock& lock, const Records& records, const Host& host);

}  // namespace strait::binding
