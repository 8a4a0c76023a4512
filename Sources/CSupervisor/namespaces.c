// Namespaces for confined commands.
#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>

#if defined(__linux__)

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// MARK: Making them

enum { PathLength = 64, MapLength = 4096 };

// Waits for a signal to continue. It executes a program because the system lets nobody set the ids of a process that
// was made by one that is not dumpable.
static _Noreturn void hold(int input, int failure) {
    char *const arguments[] = {"sh", "-c", "read line", NULL};
    char *const environment[] = {NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
        dup2(input, 0);
        execve("/bin/sh", arguments, environment);
    }
    int code = errno;
    (void)!write(failure, &code, sizeof code);
    _exit(127);
}

static int write_file(const char *path, const char *text, size_t length) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return errno;
    int code = write(file, text, length) == (ssize_t)length ? 0 : errno;
    close(file);
    return code;
}

// The ids that this process has, mapped to themselves.
static int write_map(pid_t pid, const char *name, unsigned id) {
    char path[PathLength];
    char map[MapLength];
    int length = 0;
    if (geteuid() != 0) {
        length = snprintf(map, sizeof map, "%u %u 1\n", id, id);
    } else {
        snprintf(path, sizeof path, "/proc/self/%s", name);
        FILE *own = fopen(path, "re");
        if (own == NULL) return errno;
        unsigned inside, outside, count;
        while (length < MapLength - PathLength && fscanf(own, "%u %u %u", &inside, &outside, &count) == 3) {
            length += snprintf(map + length, sizeof map - (size_t)length, "%u %u %u\n", inside, inside, count);
        }
        fclose(own);
    }
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return write_file(path, map, (size_t)length);
}

static int open_namespace(pid_t pid, const char *name, int *descriptor) {
    char path[PathLength];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, name);
    *descriptor = open(path, O_RDONLY | O_CLOEXEC);
    return *descriptor < 0 ? errno : 0;
}

static int set_up(pid_t pid, int *user, int *network) {
    char path[PathLength];
    int code = 0;
    if (geteuid() != 0) {
        // Without this right the groups of a user may not be mapped.
        snprintf(path, sizeof path, "/proc/%d/setgroups", (int)pid);
        code = write_file(path, "deny", 4);
    }
    if (code == 0) code = write_map(pid, "uid_map", geteuid());
    if (code == 0) code = write_map(pid, "gid_map", getegid());
    if (code == 0) code = open_namespace(pid, "user", user);
    if (code == 0) code = open_namespace(pid, "net", network);
    return code;
}

static int fork_quietly(pid_t *pid, sigset_t *before) {
    sigset_t all;
    sigfillset(&all);
    // No handler of the program is to run in the new process.
    pthread_sigmask(SIG_SETMASK, &all, before);
    *pid = fork();
    int code = *pid < 0 ? errno : 0;
    if (*pid != 0) pthread_sigmask(SIG_SETMASK, before, NULL);
    return code;
}

static void reap(pid_t pid) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

int sandbox_make_namespaces(int *user, int *network) {
    *user = *network = -1;
    int input[2];
    int failure[2];
    if (pipe2(input, O_CLOEXEC) != 0) return errno;
    if (pipe2(failure, O_CLOEXEC) != 0) {
        int code = errno;
        close(input[0]);
        close(input[1]);
        return code;
    }
    pid_t pid;
    sigset_t before;
    int code = fork_quietly(&pid, &before);
    if (pid == 0) {
        close(input[1]);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        hold(input[0], failure[1]);
    }
    close(input[0]);
    close(failure[1]);
    if (code == 0) {
        int reported = 0;
        ssize_t size;
        // The end of the pipe comes when the program is executed.
        while ((size = read(failure[0], &reported, sizeof reported)) < 0 && errno == EINTR) {}
        code = size == sizeof reported ? reported : set_up(pid, user, network);
        kill(pid, SIGKILL);
        reap(pid);
    }
    close(input[1]);
    close(failure[0]);
    if (code != 0) {
        if (*user >= 0) close(*user);
        if (*network >= 0) close(*network);
        *user = *network = -1;
    }
    return code;
}

int sandbox_try_mounting(int user) {
    int answer[2];
    if (pipe2(answer, O_CLOEXEC) != 0) return errno;
    pid_t pid;
    sigset_t before;
    int code = fork_quietly(&pid, &before);
    if (pid == 0) {
        const char *writable[] = {"/dev/null"};
        const SandboxMount mounts[] = {{.kind = SandboxMountHideDirectory, .path = "/proc"}};
        Sandbox sandbox = {
            .userNamespace = user,
            .networkNamespace = -1,
            .writable = writable,
            .writableCount = 1,
            .mounts = mounts,
            .mountCount = 1,
        };
        bool hasNoNetwork;
        int result = sandbox_enter_namespaces(&sandbox, &hasNoNetwork);
        code = result == 0 ? 0 : errno;
        (void)!write(answer[1], &code, sizeof code);
        _exit(0);
    }
    close(answer[1]);
    if (code == 0) {
        ssize_t size;
        while ((size = read(answer[0], &code, sizeof code)) < 0 && errno == EINTR) {}
        if (size != sizeof code) code = EPERM;
        // A program that ignores SIGCHLD leaves nothing to wait for.
        reap(pid);
    }
    close(answer[0]);
    return code;
}

// MARK: Entering them

// In headers since glibc 2.36.
typedef struct {
    uint64_t set;
    uint64_t cleared;
    uint64_t propagation;
    uint64_t userNamespace;
} MountAttributes;

enum { NumberMountSetattr = 442, MountReadOnly = 1, Recursively = 0x8000 };

static int bind(const char *source, const char *path) { return mount(source, path, NULL, MS_BIND | MS_REC, NULL); }

static int set_read_only(const char *path, bool isReadOnly, int flags) {
    MountAttributes attributes = {0};
    if (isReadOnly) {
        attributes.set = MountReadOnly;
    } else {
        attributes.cleared = MountReadOnly;
    }
    return (int)syscall(NumberMountSetattr, AT_FDCWD, path, flags, &attributes, sizeof attributes);
}

// What has disappeared since the paths were looked up needs no protection.
static bool has_disappeared(void) { return errno == ENOENT || errno == ENOTDIR; }

// A ruleset says nothing of permissions, owners and dates.
static int protect_the_rest(const Sandbox *sandbox) {
    if (sandbox->writableCount == 0) return 0;
    for (size_t i = 0; i < sandbox->writableCount; i++) {
        if (bind(sandbox->writable[i], sandbox->writable[i]) != 0 && !has_disappeared()) return -1;
    }
    if (set_read_only("/", true, Recursively) != 0) return -1;
    for (size_t i = 0; i < sandbox->writableCount; i++) {
        const char *path = sandbox->writable[i];
        if (set_read_only(path, false, Recursively) == 0 || has_disappeared()) continue;
        // Something in it was read-only before and has to stay so.
        if (set_read_only(path, false, 0) != 0) return -1;
    }
    return 0;
}

static int set_up_mount(const SandboxMount *wanted) {
    switch (wanted->kind) {
    case SandboxMountPin: return bind(wanted->path, wanted->path);
    case SandboxMountReplace: return bind(wanted->source, wanted->path);
    case SandboxMountHideFile: return bind("/dev/null", wanted->path);
    case SandboxMountHideDirectory:
        return mount(
            "none", wanted->path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0555,size=4k,nr_inodes=2");
    case SandboxMountReadOnly: {
        if (bind(wanted->path, wanted->path) != 0) return -1;
        return set_read_only(wanted->path, true, Recursively);
    }
    }
    errno = EINVAL;
    return -1;
}

int sandbox_enter_namespaces(const Sandbox *sandbox, bool *hasNoNetwork) {
    *hasNoNetwork = false;
    if (sandbox->userNamespace >= 0 && setns(sandbox->userNamespace, CLONE_NEWUSER) != 0) return -1;
    if (unshare(CLONE_NEWNS) != 0) return -1;
    // What is mounted here stays here; what the system mounts meanwhile may appear.
    if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) != 0) return -1;
    if (sandbox->networkNamespace >= 0 && !sandbox->allowsNetwork) {
        *hasNoNetwork = setns(sandbox->networkNamespace, CLONE_NEWNET) == 0;
    }
    if (protect_the_rest(sandbox) != 0) return -1;
    for (size_t i = 0; i < sandbox->mountCount; i++) {
        if (set_up_mount(&sandbox->mounts[i]) != 0 && !has_disappeared()) return -1;
    }
    return 0;
}

#else

int sandbox_make_namespaces(int *user, int *network) {
    *user = *network = -1;
    return ENOSYS;
}

int sandbox_try_mounting(int user) {
    (void)user;
    return ENOSYS;
}

#endif
