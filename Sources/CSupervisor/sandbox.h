// What the supervisor uses of the sandbox.
#ifndef SANDBOX_H
#define SANDBOX_H

#include "CSandbox.h"
#include "supervisor.h"

// Confines the calling process, which has one thread, for ever. Returns the parts that hold, and sets `code` to the
// value of errno of the first failure. The signal of the parent's death has to be set after this.
SUPERVISOR_HIDDEN uint32_t sandbox_confine(const Sandbox *sandbox, int *code);

// The parts that `sandbox` asks for.
SUPERVISOR_HIDDEN uint32_t sandbox_wanted(const Sandbox *sandbox);

// Part of the above. Returns whether system calls are filtered from now on.
SUPERVISOR_HIDDEN bool sandbox_filter(bool allowsNetwork);

// Enters the namespaces of `sandbox` and a mount namespace of its own. Returns 0 or -1 and sets errno.
SUPERVISOR_HIDDEN int sandbox_enter_namespaces(const Sandbox *sandbox, bool *hasNoNetwork);

#endif
