// What the files of this target share.
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SUPERVISOR_HIDDEN __attribute__((visibility("hidden")))

// These run in the supervisor only: they share a table without a lock. Each returns how many descendants it found that
// had not ended; when none can be listed, the signals go to the process group of the command.

SUPERVISOR_HIDDEN size_t descendants_count(void);
SUPERVISOR_HIDDEN size_t descendants_terminate(pid_t group);
SUPERVISOR_HIDDEN size_t descendants_kill(pid_t group);

#endif
