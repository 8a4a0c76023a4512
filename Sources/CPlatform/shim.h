// System interfaces that the platform's Swift overlay leaves out.
#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/vfs.h>

// Swift does not import functions with a variable number of arguments.
static inline void platform_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
#endif
