// Finds the descendants of the calling process; calls the system only, no library that may hold a lock.
#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#else
#include <sys/sysctl.h>
#endif

typedef struct {
    pid_t pid;
    pid_t parent;
    bool is_stopped;
    bool is_zombie;
    bool is_descendant;
} Process;

// All processes of the system, in ascending order of their ids.
static Process *table;
static size_t capacity;
static size_t count;

// Until the limit of the system on processes is reached, untouched memory costs nothing.
enum { InitialCapacity = 1 << 16 };

static bool make_room(void) {
    if (count < capacity) return true;
    size_t larger = capacity == 0 ? InitialCapacity : capacity * 2;
    void *memory = mmap(NULL, larger * sizeof(Process), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED) return false;
    Process *copy = memory;
    for (size_t i = 0; i < count; i++) copy[i] = table[i];
    if (table != NULL) munmap(table, capacity * sizeof(Process));
    table = copy;
    capacity = larger;
    return true;
}

static bool add(Process process) {
    if (!make_room()) return false;
    size_t i = count++;
    // The system lists them in this order, so that nothing is moved.
    for (; i > 0 && table[i - 1].pid > process.pid; i--) table[i] = table[i - 1];
    table[i] = process;
    return true;
}

static const Process *find(pid_t pid) {
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table[middle].pid < pid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && table[low].pid == pid ? &table[low] : NULL;
}

static void mark_children(void) {
    pid_t self = getpid();
    bool is_changed = true;
    while (is_changed) {
        is_changed = false;
        for (size_t i = 0; i < count; i++) {
            if (table[i].is_descendant || table[i].pid == self) continue;
            const Process *parent = find(table[i].parent);
            if (table[i].parent == self || (parent != NULL && parent->is_descendant)) {
                table[i].is_descendant = is_changed = true;
            }
        }
    }
}

#if defined(__linux__)

// Opened before the command is started, which can take the right to open anything from its supervisor.
static int processes = -1;

// The kernel's struct linux_dirent64, which no header declares.
typedef struct {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
} DirectoryEntry;

// Reads "PID (NAME) STATE PARENT …", where the name may contain anything.
static bool parse_stat(const char *text, size_t length, Process *process) {
    size_t i = length;
    while (i > 0 && text[i - 1] != ')') i--;
    if (i == 0 || i + 3 >= length) return false;
    char state = text[i + 1];
    pid_t parent = 0;
    for (i += 3; i < length && text[i] >= '0' && text[i] <= '9'; i++) parent = parent * 10 + (text[i] - '0');
    process->parent = parent;
    process->is_stopped = state == 'T';
    process->is_zombie = state == 'Z' || state == 'X';
    return true;
}

typedef enum { EntryRead, EntrySkipped, EntryUnreadable } EntryState;

static EntryState read_stat(const char *name, Process *process) {
    char path[32];
    size_t length = 0;
    pid_t pid = 0;
    for (; name[length] >= '0' && name[length] <= '9' && length < 16; length++) {
        path[length] = name[length];
        pid = pid * 10 + (name[length] - '0');
    }
    if (length == 0 || name[length] != 0) return EntrySkipped;
    const char file[] = "/stat";
    for (size_t i = 0; i < sizeof file; i++) path[length + i] = file[i];
    int descriptor = openat(processes, path, O_RDONLY | O_CLOEXEC);
    // A process that has ended meanwhile, or of another user whom the system hides, is passed over.
    if (descriptor < 0) return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? EntryUnreadable : EntrySkipped;
    // The name has at most 64 bytes; what comes after the parent is not needed.
    char text[256];
    ssize_t size = read(descriptor, text, sizeof text);
    close(descriptor);
    process->pid = pid;
    return size > 0 && parse_stat(text, (size_t)size, process) ? EntryRead : EntrySkipped;
}

bool descendants_prepare(void) {
    processes = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return processes >= 0 && make_room();
}

static bool list_processes(void) {
    if (lseek(processes, 0, SEEK_SET) != 0) return false;
    _Alignas(DirectoryEntry) char buffer[8192];
    long size;
    while ((size = syscall(SYS_getdents64, processes, buffer, sizeof buffer)) > 0) {
        for (long position = 0; position < size;) {
            const DirectoryEntry *entry = (const DirectoryEntry *)(buffer + position);
            Process process = {0};
            EntryState state = read_stat(entry->name, &process);
            if (state == EntryUnreadable || (state == EntryRead && !add(process))) return false;
            position += entry->length;
        }
    }
    return size == 0;
}

static void mark(void) { mark_children(); }

#else

bool descendants_prepare(void) { return make_room(); }

static bool list_processes(void) {
    int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_ALL};
    size_t size = 0;
    if (sysctl(name, 3, NULL, &size, NULL, 0) != 0) return false;
    // New processes may have come until the second call.
    size += 64 * sizeof(struct kinfo_proc);
    size_t allocated = size;
    void *memory = mmap(NULL, allocated, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED) return false;
    bool is_listed = sysctl(name, 3, memory, &size, NULL, 0) == 0;
    const struct kinfo_proc *found = memory;
    for (size_t i = 0; is_listed && i < size / sizeof *found; i++) {
        Process process = {
            .pid = found[i].kp_proc.p_pid,
            .parent = found[i].kp_eproc.e_ppid,
            .is_stopped = found[i].kp_proc.p_stat == SSTOP,
            .is_zombie = found[i].kp_proc.p_stat == SZOMB,
        };
        is_listed = add(process);
    }
    munmap(memory, allocated);
    return is_listed;
}

// A process whose parent has ended belongs to launchd here, but it stays in the session unless it made its own.
static void mark(void) {
    pid_t self = getpid();
    for (size_t i = 0; i < count; i++) {
        if (table[i].pid != self && getsid(table[i].pid) == self) table[i].is_descendant = true;
    }
    mark_children();
}

#endif

static bool look(void) {
    count = 0;
    if (!list_processes()) return false;
    mark();
    return true;
}

long descendants_count(void) {
    long found = 0;
    if (!look()) return DescendantsUnknown;
    for (size_t i = 0; i < count; i++) {
        if (table[i].is_descendant && !table[i].is_zombie) found++;
    }
    return found;
}

// Stops all descendants, so that none can fork and escape what follows. Returns how many there are.
static long stop_all(void) {
    long found = 0;
    bool is_running = true;
    // One that waits in the kernel stops later, and then need not be waited for.
    for (int pass = 0; pass < 8 && is_running; pass++) {
        if (!look()) {
            // What was seen before may have changed, and ids are used again.
            count = 0;
            return DescendantsUnknown;
        }
        is_running = false;
        found = 0;
        for (size_t i = 0; i < count; i++) {
            if (!table[i].is_descendant || table[i].is_zombie) continue;
            found++;
            if (table[i].is_stopped) continue;
            kill(table[i].pid, SIGSTOP);
            is_running = true;
        }
    }
    return found;
}

static void signal_listed(int signal) {
    for (size_t i = 0; i < count; i++) {
        if (table[i].is_descendant && !table[i].is_zombie) kill(table[i].pid, signal);
    }
}

long descendants_terminate(pid_t group) {
    long found = stop_all();
    if (found <= 0) kill(-group, SIGTERM);
    signal_listed(SIGTERM);
    signal_listed(SIGCONT);
    return found;
}

long descendants_kill(pid_t group) {
    long found = stop_all();
    if (found <= 0) kill(-group, SIGKILL);
    signal_listed(SIGKILL);
    return found;
}
