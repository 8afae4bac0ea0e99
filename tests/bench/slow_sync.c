/* Adds BENCH_SYNC_US microseconds to every sync, as a disk does that has to write. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int slow(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const char *extra = getenv("BENCH_SYNC_US");
    int result = real(fd);
    if (extra != NULL) usleep((useconds_t)atoi(extra));
    return result;
}

int fsync(int fd) { return slow("fsync", fd); }
int fdatasync(int fd) { return slow("fdatasync", fd); }
