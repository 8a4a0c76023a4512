// What the files of this target share.
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SUPERVISOR_HIDDEN __attribute__((visibility("hidden")))

// These run in the supervisor only: they share a table without a lock.

// Opens and reserves what the others need. Returns false and sets errno when the system refuses it.
SUPERVISOR_HIDDEN bool descendants_prepare(void);

enum { DescendantsUnknown = -1 };

// Each returns how many descendants it found that had not ended, or DescendantsUnknown when the system did not list
// them. When it finds none, the signals go to the process group of the command.
SUPERVISOR_HIDDEN long descendants_count(void);
SUPERVISOR_HIDDEN long descendants_terminate(pid_t group);
SUPERVISOR_HIDDEN long descendants_kill(pid_t group);

#endif
