// Runs a command under a supervisor process that outlives neither the command's descendants nor its owner.
//
// The supervisor is a fork of the calling program without exec. It is written in C because the program may have other
// threads: between fork and exec only async-signal-safe functions may be called, which Swift code does not promise.
#ifndef CSUPERVISOR_H
#define CSUPERVISOR_H

#include <stdint.h>
#include <sys/types.h>

#include "CSandbox.h"

typedef struct {
    const char *executable;
    // Both end with a null pointer.
    char *const *arguments;
    char *const *environment;
    const char *directory;
    // Null for a command that is not confined.
    const Sandbox *sandbox;
    // Milliseconds that processes which the command left behind have to end by themselves, and then after SIGTERM.
    uint32_t settling;
    uint32_t grace;
    // Milliseconds between SIGTERM and SIGKILL when the owner has died.
    uint32_t orphanGrace;
} SupervisorCommand;

// The supervisor as its owner sees it; all descriptors are closed on exec, and reading does not block.
typedef struct {
    pid_t pid;
    // Requests go in here; the supervisor ends everything when it is closed.
    int control;
    // Reports come out here until the supervisor exits.
    int status;
    int output;
    int error;
} Supervisor;

typedef enum __attribute__((enum_extensibility(open))) SupervisorReportKind : uint32_t {
    // `value` is the process id of the command, which is its process group as well.
    SupervisorReportKindStarted = 1,
    // `value` is the value of errno, `detail` a SupervisorStage.
    SupervisorReportKindFailed,
    // `value` is the exit status.
    SupervisorReportKindExited,
    // `value` is the number of the signal.
    SupervisorReportKindSignalled,
    // The last one. `value` counts processes that the command had left and that were ended, `detail` those that could
    // not be ended; -1 stands for an unknown number.
    SupervisorReportKindGone,
    // The descendants of the supervisor have to be ended and it cannot list them: its owner has to do it.
    SupervisorReportKindBlind,
    // `value` is the mask of the parts of the sandbox that hold.
    SupervisorReportKindConfined,
} SupervisorReportKind;

// What failed before the command ran.
typedef enum __attribute__((enum_extensibility(open))) SupervisorStage : int32_t {
    SupervisorStageSetup = 1,
    SupervisorStageFork,
    SupervisorStageDirectory,
    SupervisorStageExecution,
    // A part of the sandbox that is required does not hold.
    SupervisorStageSandbox,
} SupervisorStage;

typedef struct {
    SupervisorReportKind kind;
    int32_t value;
    int32_t detail;
} SupervisorReport;

// Forks a supervisor, which waits for the request to start. Returns 0 or the value of errno.
int supervisor_fork(const SupervisorCommand *command, Supervisor *supervisor);

// Requests are a few bytes that a pipe takes at once; they fail only when the supervisor has ended.
void supervisor_start(int control);
// Sends SIGTERM to every descendant and SIGKILL to what is left after `grace` milliseconds.
void supervisor_stop(int control, uint32_t grace);

// 1 when a report was read, 0 at the end, -1 when there is none yet.
int supervisor_read(int status, SupervisorReport *report);

// Keeps other processes of this user from reading the memory, the environment and the descriptors of this one.
void supervisor_hide_owner(void);

// Makes a pipe whose ends are closed on exec and are no standard streams. Returns 0, or -1 and sets errno.
int supervisor_pipe(int ends[2]);

#endif
