// System interfaces that the platform's Swift overlay leaves out.
#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/vfs.h>

// Swift does not import functions with a variable number of arguments.
static inline void platform_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// O_PATH, which the C library shows only to programs that ask for all of its extensions.
static const int platform_open_path = 010000000;
#endif
