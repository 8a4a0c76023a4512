#define _GNU_SOURCE
#include "CSupervisor.h"
#include "sandbox.h"
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// MARK: Between owner and supervisor

typedef enum { RequestStart = 1, RequestStop } RequestKind;

typedef struct {
    uint32_t kind;
    uint32_t grace;
} Request;

static void send_request(int control, Request request) {
#if defined(__linux__)
    int flags = MSG_NOSIGNAL;
#else
    int flags = 0;
#endif
    while (send(control, &request, sizeof request, flags) < 0 && errno == EINTR) {}
}

void supervisor_start(int control) { send_request(control, (Request){RequestStart, 0}); }

void supervisor_stop(int control, uint32_t grace) { send_request(control, (Request){RequestStop, grace}); }

int supervisor_read(int status, SupervisorReport *report) {
    while (true) {
        // Pieces as small as this one stay whole.
        ssize_t size = read(status, report, sizeof *report);
        if (size == sizeof *report) return 1;
        if (size < 0 && errno == EINTR) continue;
        return size < 0 && errno == EAGAIN ? -1 : 0;
    }
}

static void report(int status, SupervisorReportKind kind, int32_t value, int32_t detail) {
    SupervisorReport report = {kind, value, detail};
#if defined(__linux__)
    while (send(status, &report, sizeof report, MSG_NOSIGNAL) < 0 && errno == EINTR) {}
#else
    while (write(status, &report, sizeof report) < 0 && errno == EINTR) {}
#endif
}

// MARK: Descriptors

// Leaves the first three descriptors to those who expect standard streams there.
static int above_standard(int descriptor) {
    if (descriptor > 2) return descriptor;
    int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    int code = errno;
    close(descriptor);
    errno = code;
    return moved;
}

static int keep_above_standard(int ends[2]) {
    ends[0] = above_standard(ends[0]);
    ends[1] = above_standard(ends[1]);
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

int supervisor_pipe(int ends[2]) {
#if defined(__linux__)
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
#else
    if (pipe(ends) != 0) return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#endif
    return keep_above_standard(ends);
}

// A pipe in both directions: writing to one whose other end is gone need not end the program by SIGPIPE. Other than a
// pipe it cannot be opened through /proc, so no command writes reports or requests.
static int make_channel(int ends[2]) {
#if defined(__linux__)
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
#else
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return -1;
    int yes = 1;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        setsockopt(ends[i], SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
    }
#endif
    return keep_above_standard(ends);
}

static void set_nonblocking(int descriptor) { fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

static void close_range_slowly(unsigned first, unsigned last) {
    long limit = sysconf(_SC_OPEN_MAX);
    unsigned end = limit > 0 && limit < 1 << 20 ? (unsigned)limit : 1 << 20;
    for (unsigned i = first; i <= last && i < end; i++) close((int)i);
}

static void close_range_of(unsigned first, unsigned last) {
    if (first > last) return;
#if defined(SYS_close_range)
    if (syscall(SYS_close_range, first, last, 0) == 0) return;
#endif
    close_range_slowly(first, last);
}

// Closes everything above the standard streams but what is to be kept.
static void close_others(const int *kept, size_t count) {
    unsigned first = 3;
    while (true) {
        unsigned next = UINT_MAX;
        for (size_t i = 0; i < count; i++) {
            unsigned descriptor = (unsigned)kept[i];
            if (descriptor >= first && descriptor < next) next = descriptor;
        }
        close_range_of(first, next - 1);
        if (next == UINT_MAX) return;
        first = next + 1;
    }
}

// MARK: The supervisor process

void supervisor_hide_owner(void) {
#if defined(__linux__)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

typedef enum {
    // For the request to start.
    PhaseWaiting,
    PhaseRunning,
    // The command has ended, others have not; they may still be about to.
    PhaseSettling,
    // SIGTERM was sent.
    PhaseTerminating,
    PhaseKilling,
} Phase;

typedef struct {
    SupervisorCommand command;
    int control;
    int status;
    int output;
    int error;
    // A byte comes out when a child has ended.
    int wake;
    Phase phase;
    // Of the command.
    pid_t pid;
    bool has_exited;
    // When the phase ends, in milliseconds of the monotonic clock.
    int64_t deadline;
    // Between two rounds of killing, and when there are no more.
    int64_t interval;
    int64_t gives_up;
    int32_t left;
    // The owner was asked to end what cannot be listed here.
    bool is_blind;
} Supervision;

enum { KillingInterval = 10, KillingLimit = 5000, SessionInterval = 20 };

static int wake_writer;

static void child_has_ended(int number) {
    (void)number;
    int code = errno;
    (void)!write(wake_writer, "", 1);
    errno = code;
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static _Noreturn void finish(const Supervision *supervision, long survivors) {
    report(supervision->status, SupervisorReportKindGone, supervision->left, (int32_t)survivors);
    _exit(0);
}

static void use_default_signals(void) {
    for (int number = 1; number < NSIG; number++) {
        if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL);
    }
}

static _Noreturn void fail_command(const Supervision *supervision, SupervisorStage stage) {
    report(supervision->status, SupervisorReportKindFailed, errno, stage);
    _exit(127);
}

static void confine(const Supervision *supervision) {
    const Sandbox *sandbox = supervision->command.sandbox;
    if (sandbox == NULL) return;
    int code;
    uint32_t parts = sandbox_confine(sandbox, &code);
    report(supervision->status, SupervisorReportKindConfined, (int32_t)parts, 0);
    if (!sandbox->isRequired || (sandbox_wanted(sandbox) & ~parts) == 0) return;
    errno = code;
    fail_command(supervision, SupervisorStageSandbox);
}

static _Noreturn void become_command(const Supervision *supervision, pid_t supervisor) {
    setpgid(0, 0);
    confine(supervision);
#if defined(__linux__)
    // Should someone kill the supervisor, at least the command does not outlive it. Entering a namespace may have
    // cleared this.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != supervisor) _exit(127);
#else
    (void)supervisor;
#endif
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(supervision->output, 1);
    dup2(supervision->error, 2);
    if (chdir(supervision->command.directory) != 0) fail_command(supervision, SupervisorStageDirectory);
    execve(supervision->command.executable, supervision->command.arguments, supervision->command.environment);
    fail_command(supervision, SupervisorStageExecution);
}

// Only the command needs its descriptors.
static void close_sandbox(const Sandbox *sandbox) {
    if (sandbox == NULL) return;
    const int descriptors[] = {sandbox->ruleset, sandbox->userNamespace, sandbox->networkNamespace};
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++) {
        if (descriptors[i] >= 0) close(descriptors[i]);
    }
}

static void launch(Supervision *supervision) {
    pid_t supervisor = getpid();
    pid_t pid = fork();
    if (pid == 0) become_command(supervision, supervisor);
    if (pid < 0) {
        report(supervision->status, SupervisorReportKindFailed, errno, SupervisorStageFork);
        finish(supervision, 0);
    }
    setpgid(pid, pid);
    supervision->pid = pid;
    supervision->phase = PhaseRunning;
    close(supervision->output);
    close(supervision->error);
    close_sandbox(supervision->command.sandbox);
    report(supervision->status, SupervisorReportKindStarted, pid, 0);
}

static void look_after(Supervision *supervision, long found) {
    if (found != DescendantsUnknown || supervision->is_blind) return;
    supervision->is_blind = true;
    report(supervision->status, SupervisorReportKindBlind, 0, 0);
}

// Only once: what a handler of SIGTERM starts to clean up is not to be disturbed.
static void terminate(Supervision *supervision, uint32_t grace) {
    int64_t deadline = now() + grace;
    switch (supervision->phase) {
    case PhaseWaiting: finish(supervision, 0);
    case PhaseTerminating:
        if (deadline < supervision->deadline) supervision->deadline = deadline;
        return;
    case PhaseKilling: return;
    case PhaseRunning:
    case PhaseSettling: break;
    }
    long found = descendants_terminate(supervision->pid);
    look_after(supervision, found);
    if (supervision->has_exited) supervision->left = (int32_t)found;
    supervision->phase = PhaseTerminating;
    supervision->deadline = deadline;
}

static void take_requests(Supervision *supervision) {
    while (supervision->control >= 0) {
        Request request;
        ssize_t size = read(supervision->control, &request, sizeof request);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) return;
        if (size != sizeof request) {
            supervision->control = -1;
            terminate(supervision, supervision->command.orphanGrace);
        } else if (request.kind == RequestStop) {
            terminate(supervision, request.grace);
        } else if (request.kind == RequestStart && supervision->phase == PhaseWaiting) {
            launch(supervision);
        }
    }
}

// Whether no child is left.
static bool reap(Supervision *supervision) {
    while (true) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) return pid < 0 && errno == ECHILD;
        if (pid != supervision->pid) continue;
        supervision->has_exited = true;
        if (WIFSIGNALED(status)) {
            report(supervision->status, SupervisorReportKindSignalled, WTERMSIG(status), 0);
        } else {
            report(supervision->status, SupervisorReportKindExited, WEXITSTATUS(status), 0);
        }
    }
}

static bool is_everything_gone(Supervision *supervision) {
    if (supervision->phase == PhaseWaiting || !reap(supervision)) return false;
#if defined(__linux__)
    // Every orphaned descendant becomes a child of its subreaper: without children there is no descendant.
    return true;
#else
    return descendants_count() == 0;
#endif
}

static void advance(Supervision *supervision) {
    int64_t time = now();
    if (supervision->phase == PhaseRunning && supervision->has_exited) {
        supervision->phase = PhaseSettling;
        supervision->deadline = time + supervision->command.settling;
    }
    if (supervision->phase == PhaseSettling && time >= supervision->deadline) {
        terminate(supervision, supervision->command.grace);
    }
    if (supervision->phase == PhaseTerminating && time >= supervision->deadline) {
        supervision->phase = PhaseKilling;
        supervision->deadline = time;
        supervision->gives_up = time + KillingLimit;
        supervision->interval = KillingInterval;
    }
    if (supervision->phase == PhaseKilling && time >= supervision->deadline) {
        long found = descendants_kill(supervision->pid);
        look_after(supervision, found);
        if (time >= supervision->gives_up) finish(supervision, found);
        supervision->deadline = now() + supervision->interval;
        supervision->interval *= 2;
    }
}

static int timeout(const Supervision *supervision) {
    if (supervision->phase == PhaseWaiting || supervision->phase == PhaseRunning) return -1;
    int64_t left = supervision->deadline - now();
    if (left < 0) left = 0;
#if !defined(__linux__)
    // Nobody tells the end of those that are not children.
    if (left > SessionInterval) left = SessionInterval;
#endif
    return left > INT_MAX ? INT_MAX : (int)left;
}

static void set_up(Supervision *supervision) {
    supervisor_hide_owner();
    setsid();
#if defined(__linux__)
    prctl(PR_SET_NAME, "rkat-supervisor", 0, 0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#endif
    use_default_signals();
    const Sandbox *sandbox = supervision->command.sandbox;
    const int kept[] = {
        supervision->control,
        supervision->status,
        supervision->output,
        supervision->error,
        sandbox == NULL ? -1 : sandbox->ruleset,
        sandbox == NULL ? -1 : sandbox->userNamespace,
        sandbox == NULL ? -1 : sandbox->networkNamespace,
    };
    close_others(kept, sizeof kept / sizeof *kept);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int wake[2];
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || supervisor_pipe(wake) != 0 ||
        !descendants_prepare()) {
        fail_command(supervision, SupervisorStageSetup);
    }
    if (null > 2) close(null);
    (void)!chdir("/");
    set_nonblocking(supervision->control);
    set_nonblocking(wake[0]);
    set_nonblocking(wake[1]);
    supervision->wake = wake[0];
    wake_writer = wake[1];

    struct sigaction action = {.sa_handler = child_has_ended, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    sigaction(SIGCHLD, &action, NULL);
    // Nothing but SIGKILL and the end of its work ends a supervisor.
    sigset_t blocked;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGCHLD);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static _Noreturn void supervise(Supervision supervision) {
    set_up(&supervision);
    while (true) {
        struct pollfd entries[] = {
            {.fd = supervision.control, .events = POLLIN},
            {.fd = supervision.wake, .events = POLLIN},
        };
        poll(entries, 2, timeout(&supervision));
        char bytes[64];
        while (read(supervision.wake, bytes, sizeof bytes) > 0) {}
        take_requests(&supervision);
        if (is_everything_gone(&supervision)) finish(&supervision, 0);
        advance(&supervision);
    }
}

// MARK: Forking it

enum { ControlPipe, StatusPipe, OutputPipe, ErrorPipe, PipeCount };

static void close_ends(int pipes[PipeCount][2], int end) {
    for (int i = 0; i < PipeCount; i++) {
        if (pipes[i][end] >= 0) close(pipes[i][end]);
    }
}

static int make_pipes(int pipes[PipeCount][2]) {
    for (int i = 0; i < PipeCount; i++) pipes[i][0] = pipes[i][1] = -1;
    for (int i = 0; i < PipeCount; i++) {
        if ((i == ControlPipe || i == StatusPipe ? make_channel(pipes[i]) : supervisor_pipe(pipes[i])) == 0) continue;
        int code = errno;
        close_ends(pipes, 0);
        close_ends(pipes, 1);
        return code;
    }
    return 0;
}

static int fork_supervisor(const SupervisorCommand *command, int pipes[PipeCount][2], pid_t *pid) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    // No handler of the program is to run in the new process.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *pid = fork();
    int code = *pid < 0 ? errno : 0;
    if (*pid == 0) {
        supervise((Supervision){
            .command = *command,
            .control = pipes[ControlPipe][0],
            .status = pipes[StatusPipe][1],
            .output = pipes[OutputPipe][1],
            .error = pipes[ErrorPipe][1],
        });
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

int supervisor_fork(const SupervisorCommand *command, Supervisor *supervisor) {
    int pipes[PipeCount][2];
    int code = make_pipes(pipes);
    if (code != 0) return code;
    pid_t pid;
    code = fork_supervisor(command, pipes, &pid);
    // What the supervisor uses is closed here; it closed ours.
    int swapped = pipes[ControlPipe][0];
    pipes[ControlPipe][0] = pipes[ControlPipe][1];
    pipes[ControlPipe][1] = swapped;
    close_ends(pipes, 1);
    if (code != 0) {
        close_ends(pipes, 0);
        return code;
    }
    for (int i = 0; i < PipeCount; i++) set_nonblocking(pipes[i][0]);
    *supervisor = (Supervisor){
        .pid = pid,
        .control = pipes[ControlPipe][0],
        .status = pipes[StatusPipe][0],
        .output = pipes[OutputPipe][0],
        .error = pipes[ErrorPipe][0],
    };
    return 0;
}
