// System interfaces that the platform's Swift overlay leaves out.
#if defined(__linux__)
#include <sys/vfs.h>
#endif
