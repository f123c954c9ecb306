#pragma once

namespace strait::binding {

/// Called right before each change to the host or to a record: a write to sysfs, a netlink request that sets something, the writing,
/// renaming or removing of a record. Where the environment has STRAIT_FAULT=N, the Nth call (from 1) kills the process with SIGKILL, as a
/// power cut or an impatient administrator would: with N = 1, 2, ... a test stops a command between every two of its steps. Any thread.
void fault_point();

}  // namespace strait::binding
