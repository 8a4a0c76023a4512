// Confines a command between fork and exec.
//
// Everything that can be opened or allocated is prepared by the owner before the fork. What the new process does itself
// is system calls only.
#ifndef CSANDBOX_H
#define CSANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What is promised of a confined command; the values are bits of a mask.
typedef enum __attribute__((flag_enum, enum_extensibility(open))) SandboxPart : uint32_t {
    // No program that is executed gains rights.
    SandboxPartPrivileges = 1 << 0,
    // Files are opened, made and removed only where the ruleset allows it.
    SandboxPartFiles = 1 << 1,
    // Files are truncated only where they may be written.
    SandboxPartTruncation = 1 << 2,
    SandboxPartNetwork = 1 << 3,
    // Signals reach only what the command has started.
    SandboxPartSignals = 1 << 4,
    SandboxPartAbstractSockets = 1 << 5,
    SandboxPartSystemCalls = 1 << 6,
    // Permissions and owners of files change only where they may be written, and paths within that are hidden or
    // read-only.
    SandboxPartPaths = 1 << 7,
    SandboxPartLimits = 1 << 8,
} SandboxPart;

typedef enum __attribute__((enum_extensibility(closed))) SandboxMountKind : uint32_t {
    // The path cannot be renamed or removed.
    SandboxMountPin,
    SandboxMountReadOnly,
    // An empty directory takes the place of the path.
    SandboxMountHideDirectory,
    // An empty file takes the place of the path.
    SandboxMountHideFile,
    // `source` takes the place of the path.
    SandboxMountReplace,
} SandboxMountKind;

typedef struct {
    SandboxMountKind kind;
    const char *path;
    const char *source;
} SandboxMount;

typedef struct {
    // Whether the command must not run when a part is missing.
    bool isRequired;
    bool allowsNetwork;
    // Of Landlock, or -1, and the version it was made for.
    int ruleset;
    int version;
    // From `sandbox_make_namespaces`, or -1.
    int userNamespace;
    int networkNamespace;
    // Everything but these is read-only; when there are none, nothing is.
    const char *const *writable;
    size_t writableCount;
    // In this order.
    const SandboxMount *mounts;
    size_t mountCount;
    uint64_t processes;
    // Bytes of one process: all of its memory, and the part that it may write.
    uint64_t addressSpace;
    uint64_t data;
    uint64_t fileSize;
} Sandbox;

// The version of Landlock; 0 when the system has none.
int sandbox_landlock_version(void);

// Makes a ruleset that allows nothing. Returns a descriptor that is closed on exec, or -1 and sets errno.
int sandbox_make_ruleset(int version, bool allowsNetwork);

typedef enum __attribute__((enum_extensibility(closed))) SandboxAccess : uint32_t {
    // And execute.
    SandboxAccessRead,
    SandboxAccessWrite,
    // Read, write and control, but not make.
    SandboxAccessDevice,
} SandboxAccess;

// Allows access to a file, or to a directory with all that is in it; the path has no links. Returns 0, or -1 and sets errno.
int sandbox_allow(int ruleset, int version, const char *path, SandboxAccess access);

// Whether the system filters system calls of this architecture.
bool sandbox_can_filter(void);

// Makes a user namespace with the ids of this process and, in it, a network namespace without an interface. Processes
// can enter both through the descriptors, which are closed on exec. Returns 0 or the value of errno.
int sandbox_make_namespaces(int *user, int *network);

// Whether a process that enters the user namespace may mount. Returns 0 or the value of errno.
int sandbox_try_mounting(int user);

#endif
