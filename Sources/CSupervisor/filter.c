// The system calls that a confined command may not make.
#define _GNU_SOURCE
#include "sandbox.h"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

// Numbers that are the same on all architectures and that older headers do not have.
enum {
    NumberIOUringSetup = 425,
    NumberIOUringEnter = 426,
    NumberIOUringRegister = 427,
    NumberOpenTree = 428,
    NumberMoveMount = 429,
    NumberFSOpen = 430,
    NumberFSConfig = 431,
    NumberFSMount = 432,
    NumberFSPick = 433,
    NumberClone3 = 435,
    NumberPidfdGetfd = 438,
    NumberMountSetattr = 442,
    NumberQuotactlFd = 443,
    NumberOpenTreeAttr = 467,
};

static const int denied[] = {
    // Other processes.
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, NumberPidfdGetfd, SYS_kcmp, SYS_perf_event_open,
    SYS_move_pages, SYS_migrate_pages,
    // Ways around the checks of other calls.
    NumberIOUringSetup, NumberIOUringEnter, NumberIOUringRegister, SYS_bpf, SYS_userfaultfd, SYS_open_by_handle_at,
    SYS_fanotify_init,
    // Namespaces and mounts.
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, NumberOpenTree, NumberMoveMount, NumberFSOpen, NumberFSConfig,
    NumberFSMount, NumberFSPick, NumberMountSetattr, NumberOpenTreeAttr, SYS_setns,
    // Keys that the kernel keeps.
    SYS_keyctl, SYS_add_key, SYS_request_key,
    // The system itself.
    SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_reboot, SYS_swapon, SYS_swapoff,
    SYS_acct, SYS_quotactl, NumberQuotactlFd, SYS_syslog, SYS_sethostname, SYS_setdomainname, SYS_settimeofday,
    SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_vhangup,
#if defined(SYS_kexec_file_load)
    SYS_kexec_file_load,
#endif
#if defined(__x86_64__)
    SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
};

// They take a process as an argument.
static const struct {
    uint32_t number;
    unsigned target;
} scheduling[] = {
    {SYS_setpriority, 1},    {SYS_sched_setaffinity, 0}, {SYS_sched_setscheduler, 0},
    {SYS_sched_setparam, 0}, {SYS_sched_setattr, 0},     {SYS_ioprio_set, 1},
};

enum {
    SchedulingCount = sizeof scheduling / sizeof *scheduling,
    PriorityOfUser = 2,
    IOPriorityOfUser = 3,
    DeniedCount = sizeof denied / sizeof *denied,
    MaxInstructions = 128 + 2 * DeniedCount,
    NamespaceFlags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
        CLONE_NEWNET,
    // As clone takes a signal in its low byte, only unshare can be asked for it.
    NamespaceOfTime = 0x80,
    InsertInput = 0x5412,
    ControlConsole = 0x541C,
};

typedef struct {
    struct sock_filter instructions[MaxInstructions];
    unsigned short count;
} Filter;

static void add(Filter *filter, struct sock_filter instruction) { filter->instructions[filter->count++] = instruction; }

static void load(Filter *filter, uint32_t offset) {
    add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void answer(Filter *filter, uint32_t action) {
    add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

// What follows is passed over by `count` instructions unless the test holds.
static void unless(Filter *filter, uint16_t test, uint32_t value, uint8_t count) {
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, 0, count));
}

static const uint32_t Deny = SECCOMP_RET_ERRNO | EPERM;

static void answer_if(Filter *filter, uint16_t test, uint32_t value, uint32_t action) {
    unless(filter, test, value, 1);
    answer(filter, action);
}

static uint32_t argument(unsigned number) {
    // The low half; both architectures are little-endian.
    return (uint32_t)(offsetof(struct seccomp_data, args) + number * sizeof(uint64_t));
}

static const uint32_t Number = offsetof(struct seccomp_data, nr);

// Denies a call when one of its arguments has a value or a bit.
static void deny_if(Filter *filter, uint32_t number, unsigned position, uint16_t test, uint32_t value) {
    unless(filter, BPF_JEQ, number, 4);
    load(filter, argument(position));
    answer_if(filter, test, value, Deny);
    load(filter, Number);
}

static void check_families(Filter *filter, uint32_t number, bool allowsNetwork) {
    unless(filter, BPF_JEQ, number, allowsNetwork ? 12 : 4);
    load(filter, argument(0));
    answer_if(filter, BPF_JEQ, AF_UNIX, SECCOMP_RET_ALLOW);
    if (allowsNetwork) {
        answer_if(filter, BPF_JEQ, AF_INET, SECCOMP_RET_ALLOW);
        answer_if(filter, BPF_JEQ, AF_INET6, SECCOMP_RET_ALLOW);
        // Addresses and routes, which the look-up of a name asks for.
        unless(filter, BPF_JEQ, AF_NETLINK, 3);
        load(filter, argument(2));
        answer_if(filter, BPF_JEQ, 0, SECCOMP_RET_ALLOW);
    }
    answer(filter, Deny);
}

static void build(Filter *filter, bool allowsNetwork) {
    load(filter, offsetof(struct seccomp_data, arch));
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCHITECTURE, 1, 0));
    answer(filter, Deny);
    load(filter, Number);
#if defined(__x86_64__)
    // The x32 variants of the calls.
    answer_if(filter, BPF_JGE, 0x40000000, Deny);
#endif
    for (size_t i = 0; i < DeniedCount; i++) answer_if(filter, BPF_JEQ, (uint32_t)denied[i], Deny);
    // Its arguments are in memory, which a filter cannot read; programs use clone when it is missing.
    answer_if(filter, BPF_JEQ, NumberClone3, SECCOMP_RET_ERRNO | ENOSYS);
    deny_if(filter, SYS_clone, 0, BPF_JSET, NamespaceFlags);
    deny_if(filter, SYS_unshare, 0, BPF_JSET, NamespaceFlags | NamespaceOfTime);
    deny_if(filter, SYS_ioctl, 1, BPF_JEQ, InsertInput);
    deny_if(filter, SYS_ioctl, 1, BPF_JEQ, ControlConsole);
    // Limits of the process itself may be changed.
    deny_if(filter, SYS_prlimit64, 0, BPF_JGT, 0);
    // So may its priority and its processors; the numbers of its other threads look like those of other processes.
    for (size_t i = 0; i < SchedulingCount; i++) deny_if(filter, scheduling[i].number, scheduling[i].target, BPF_JGT, 0);
    // All processes of the user.
    deny_if(filter, SYS_setpriority, 0, BPF_JEQ, PriorityOfUser);
    deny_if(filter, SYS_ioprio_set, 0, BPF_JEQ, IOPriorityOfUser);
    check_families(filter, SYS_socket, allowsNetwork);
    check_families(filter, SYS_socketpair, allowsNetwork);
    answer(filter, SECCOMP_RET_ALLOW);
}

bool sandbox_filter(bool allowsNetwork) {
    Filter filter;
    filter.count = 0;
    build(&filter, allowsNetwork);
    struct sock_fprog program = {.len = filter.count, .filter = filter.instructions};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

bool sandbox_can_filter(void) {
    uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

#else

bool sandbox_filter(bool allowsNetwork) {
    (void)allowsNetwork;
    return false;
}

bool sandbox_can_filter(void) { return false; }

#endif
