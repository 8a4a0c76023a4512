// Confines the calling process, and prepares what that needs.
#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>

#if defined(__linux__)

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// MARK: Landlock

// As <linux/landlock.h> declares it, which older systems do not have.
//
// Source: <https://docs.kernel.org/userspace-api/landlock.html>
enum { NumberCreateRuleset = 444, NumberAddRule = 445, NumberRestrictSelf = 446 };
enum { CreateRulesetVersion = 1, RuleBeneath = 1 };
enum { ConnectAndBind = 3, ScopeSockets = 1, ScopeSignals = 2 };

enum {
    Execute = 1 << 0,
    WriteFile = 1 << 1,
    ReadFile = 1 << 2,
    ReadDirectory = 1 << 3,
    MakeCharacterDevice = 1 << 6,
    MakeBlockDevice = 1 << 11,
    // All of the first version.
    FirstRights = (1 << 13) - 1,
    Refer = 1 << 13,
    Truncate = 1 << 14,
    ControlDevice = 1 << 15,
    OfFiles = Execute | WriteFile | ReadFile | Truncate | ControlDevice,
};

enum { VersionRefer = 2, VersionTruncate = 3, VersionNetwork = 4, VersionDevices = 5, VersionScopes = 6 };

typedef struct {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
} RulesetAttributes;

typedef struct {
    uint64_t access;
    int32_t parent;
} __attribute__((packed)) BeneathAttributes;

static uint64_t handled(int version) {
    uint64_t rights = FirstRights;
    if (version >= VersionRefer) rights |= Refer;
    if (version >= VersionTruncate) rights |= Truncate;
    if (version >= VersionDevices) rights |= ControlDevice;
    return rights;
}

int sandbox_landlock_version(void) {
    long version = syscall(NumberCreateRuleset, NULL, 0, CreateRulesetVersion);
    return version < 0 ? 0 : (int)version;
}

int sandbox_make_ruleset(int version, bool allowsNetwork) {
    RulesetAttributes attributes = {
        .files = handled(version),
        .network = version >= VersionNetwork && !allowsNetwork ? ConnectAndBind : 0,
        .scopes = version >= VersionScopes ? ScopeSockets | ScopeSignals : 0,
    };
    // The kernel takes more than it knows when the rest is zero.
    return (int)syscall(NumberCreateRuleset, &attributes, sizeof attributes, 0);
}

// In headers since glibc 2.36.
typedef struct {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
} OpenHow;

enum { NumberOpenat2 = 437, ResolveNoLinks = 4 };

// A link in the path could have been made by a command that was run before.
static int open_without_links(const char *path) {
    OpenHow how = {.flags = O_PATH | O_CLOEXEC, .resolve = ResolveNoLinks};
    int file = (int)syscall(NumberOpenat2, AT_FDCWD, path, &how, sizeof how);
    // Filters of containers may not know the call.
    if (file >= 0 || (errno != ENOSYS && errno != EPERM)) return file;
    char *resolved = realpath(path, NULL);
    bool isResolved = resolved != NULL && strcmp(resolved, path) == 0;
    free(resolved);
    if (isResolved) return open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    errno = ELOOP;
    return -1;
}

int sandbox_allow(int ruleset, int version, const char *path, SandboxAccess access) {
    int file = open_without_links(path);
    if (file < 0) return -1;
    uint64_t rights = Execute | ReadFile | ReadDirectory;
    switch (access) {
    case SandboxAccessRead: break;
    case SandboxAccessWrite: rights = handled(version) & ~(uint64_t)(MakeCharacterDevice | MakeBlockDevice); break;
    case SandboxAccessDevice: rights = ReadFile | WriteFile | Truncate | ControlDevice; break;
    }
    struct stat status;
    int result = fstat(file, &status);
    if (result == 0) {
        if (!S_ISDIR(status.st_mode)) rights &= OfFiles;
        BeneathAttributes rule = {.access = rights & handled(version), .parent = file};
        result = (int)syscall(NumberAddRule, ruleset, RuleBeneath, &rule, 0);
    }
    int code = errno;
    close(file);
    errno = code;
    return result;
}

// MARK: Rights

enum { CapabilityCount = 64 };

// What the administrator keeps: to change the owners and permissions of files, and its own ids.
static const uint64_t KeptCapabilities = 1u << 0 | 1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7;

typedef struct {
    uint32_t version;
    int pid;
} CapabilityHeader;

typedef struct {
    uint32_t effective;
    uint32_t permitted;
    uint32_t inheritable;
} CapabilityData;

static bool drop_capabilities(void) {
    for (int i = 0; i < CapabilityCount; i++) {
        if (KeptCapabilities >> i & 1) continue;
        // It fails for those that the system does not have, and for a process that cannot gain any.
        prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    }
    CapabilityHeader header = {.version = 0x20080522, .pid = 0};
    CapabilityData data[2];
    if (syscall(SYS_capget, &header, data) != 0) return false;
    data[0].permitted &= (uint32_t)KeptCapabilities;
    data[0].effective &= (uint32_t)KeptCapabilities;
    data[0].inheritable = 0;
    data[1] = (CapabilityData){0, 0, 0};
    return syscall(SYS_capset, &header, data) == 0;
}

// MARK: Limits

static bool limit(int resource, uint64_t value) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return false;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > value) limit.rlim_max = value;
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit) == 0;
}

static bool set_limits(const Sandbox *sandbox) {
    return limit(RLIMIT_NPROC, sandbox->processes) && limit(RLIMIT_AS, sandbox->addressSpace) &&
        limit(RLIMIT_DATA, sandbox->data) && limit(RLIMIT_FSIZE, sandbox->fileSize) && limit(RLIMIT_CORE, 0);
}

// MARK: All of it

uint32_t sandbox_wanted(const Sandbox *sandbox) {
    uint32_t parts = SandboxPartPrivileges | SandboxPartFiles | SandboxPartTruncation | SandboxPartSignals |
        SandboxPartAbstractSockets | SandboxPartSystemCalls | SandboxPartPaths | SandboxPartLimits;
    return sandbox->allowsNetwork ? parts : parts | SandboxPartNetwork;
}

static uint32_t parts_of_version(int version) {
    uint32_t parts = SandboxPartFiles;
    if (version >= VersionTruncate) parts |= SandboxPartTruncation;
    if (version >= VersionScopes) parts |= SandboxPartSignals | SandboxPartAbstractSockets;
    return parts;
}

uint32_t sandbox_confine(const Sandbox *sandbox, int *code) {
    uint32_t parts = 0;
    *code = 0;
    bool hasNoNetwork = false;
    errno = 0;
    bool isInNamespaces = sandbox_enter_namespaces(sandbox, &hasNoNetwork) == 0;
    if (!isInNamespaces) *code = errno;
    if (isInNamespaces || sandbox->mountCount + sandbox->writableCount == 0) parts |= SandboxPartPaths;
    if (hasNoNetwork) parts |= SandboxPartNetwork | SandboxPartAbstractSockets;

    errno = 0;
    if (set_limits(sandbox)) parts |= SandboxPartLimits;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
        if (drop_capabilities()) parts |= SandboxPartPrivileges;
        if (sandbox->ruleset >= 0 && syscall(NumberRestrictSelf, sandbox->ruleset, 0) == 0) {
            parts |= parts_of_version(sandbox->version);
        }
        if (sandbox_filter(sandbox->allowsNetwork)) {
            parts |= SandboxPartSystemCalls;
            if (!sandbox->allowsNetwork) parts |= SandboxPartNetwork;
        }
    }
    if (*code == 0) *code = errno;
    return parts;
}

#else

int sandbox_landlock_version(void) { return 0; }

int sandbox_make_ruleset(int version, bool allowsNetwork) {
    (void)version;
    (void)allowsNetwork;
    errno = ENOSYS;
    return -1;
}

int sandbox_allow(int ruleset, int version, const char *path, SandboxAccess access) {
    (void)ruleset;
    (void)version;
    (void)path;
    (void)access;
    errno = ENOSYS;
    return -1;
}

uint32_t sandbox_wanted(const Sandbox *sandbox) {
    (void)sandbox;
    return SandboxPartFiles;
}

uint32_t sandbox_confine(const Sandbox *sandbox, int *code) {
    (void)sandbox;
    *code = ENOSYS;
    return 0;
}

#endif
