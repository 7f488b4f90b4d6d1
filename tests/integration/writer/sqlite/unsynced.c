/* For LD_PRELOAD. What a file holds when it is synced is copied to "<file>.synced": a power cut
 * would leave that, and nothing that was written since.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy(int from, const char *name) {
    char buffer[65536];
    off_t at = 0;
    ssize_t count;
    int to = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (to < 0) abort();
    while ((count = pread(from, buffer, sizeof buffer, at)) > 0) {
        if (write(to, buffer, count) != count) abort();
        at += count;
    }
    close(to);
}

static void keep(int fd) {
    char link[64], name[PATH_MAX - 16], unfinished[PATH_MAX], kept[PATH_MAX];
    struct stat about;
    if (fstat(fd, &about) || !S_ISREG(about.st_mode)) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0) return;
    name[length] = 0;
    snprintf(unfinished, sizeof unfinished, "%s.new", name);
    snprintf(kept, sizeof kept, "%s.synced", name);
    copy(fd, unfinished);
    rename(unfinished, kept);  /* a kill in the middle leaves the older one */
}

static int sync_and_keep(const char *function, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, function);
    int result = real(fd);
    if (result == 0) keep(fd);
    return result;
}

int fsync(int fd) { return sync_and_keep("fsync", fd); }
int fdatasync(int fd) { return sync_and_keep("fdatasync", fd); }
