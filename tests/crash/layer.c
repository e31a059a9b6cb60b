/* Stands between a process and its files (LD_PRELOAD): refuses what the control file names, and remembers what is durable.
 *
 * FAULT_ROOT     only paths below it are looked at.
 * FAULT_CONTROL  lines "<call> <part of a path> <errno>"; read anew whenever the file changes. Calls: write, fallocate,
 *                truncate, open (for writing or creating), sync (msync, fsync, fdatasync, syncfs), rename, unlink.
 * FAULT_IMAGE    what is durable: inodes/<inode> holds the synced bytes of a file, folders/<inode> the synced names of a
 *                folder; held/ keeps files that lost their name, so that no inode number is used twice. On the same disk.
 *
 * Invariant: a range is in the image only after a sync that covers it has returned, and before its caller hears of it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAPS 65536
#define RULES 64
#define CHUNK 65536

struct map { char *base; size_t size; int fd; char path[PATH_MAX]; };
struct rule { char call[16]; char part[256]; int error; };

static struct map *maps;
static struct rule rules[RULES];
static int rule_count, maps_used;
static struct timespec rules_at;
static const char *root, *control, *image;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name, type, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* A copy: the process may write its title over its environment. */
static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value ? strdup(value) : NULL;
}

__attribute__((constructor)) static void begin(void) {
    root = setting("FAULT_ROOT");
    control = setting("FAULT_CONTROL");
    image = setting("FAULT_IMAGE");
    maps = calloc(MAPS, sizeof *maps);
}

static int is_ours(const char *path) {
    return root && path && strncmp(path, root, strlen(root)) == 0;
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return is_ours(path);
}

static void read_rules(void) {
    struct stat status;
    rule_count = 0;
    FILE *file = fopen(control, "re");
    if (!file) return;
    if (fstat(fileno(file), &status) == 0) rules_at = status.st_mtim;
    while (rule_count < RULES) {
        struct rule *rule = &rules[rule_count];
        if (fscanf(file, "%15s %255s %d", rule->call, rule->part, &rule->error) != 3) break;
        rule_count++;
    }
    fclose(file);
}

/* errno to answer with, or 0. */
static int refusal(const char *call, const char *path) {
    struct stat status;
    int error = 0;
    if (!control || !is_ours(path)) return 0;
    pthread_mutex_lock(&lock);
    if (stat(control, &status) != 0) rule_count = 0;
    else if (memcmp(&status.st_mtim, &rules_at, sizeof rules_at) != 0) read_rules();
    char closed[PATH_MAX + 2];                      /* so that a part "/commitlog/" names the folder itself as well */
    snprintf(closed, sizeof closed, "%s/", path);
    for (int i = 0; i < rule_count && !error; i++)
        if (strcmp(rules[i].call, call) == 0 && strstr(closed, rules[i].part)) error = rules[i].error;
    pthread_mutex_unlock(&lock);
    return error;
}

#define REFUSE(call, path, answer) \
    do { int error_ = refusal(call, path); if (error_) { errno = error_; return answer; } } while (0)

/* --- the durable image: files by inode, names by folder --- */

static uint64_t inode_of(int fd, off_t *size) {
    struct stat status;
    if (fstat(fd, &status) != 0) return 0;
    *size = status.st_size;
    return status.st_ino;
}

static int image_file(uint64_t inode, off_t size) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/inodes/%lu", image, (unsigned long)inode);
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0 && size >= 0) syscall(SYS_ftruncate, fd, size);
    return fd;
}

static void keep_bytes(int from, uint64_t inode, off_t at, off_t end, off_t size) {
    char chunk[CHUNK];
    int into = image_file(inode, size);
    if (into < 0) return;
    while (at < end) {
        off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0 || data >= end) break;
        size_t most = end - data < CHUNK ? end - data : CHUNK;
        ssize_t got = syscall(SYS_pread64, from, chunk, most, data);
        if (got <= 0) break;
        syscall(SYS_pwrite64, into, chunk, got, data);
        at = data + got;
    }
    close(into);
}

static void keep_file(const char *path, off_t at, off_t end) {
    off_t size = 0;
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return;
    uint64_t inode = inode_of(fd, &size);
    keep_bytes(fd, inode, at, end < 0 || end > size ? size : end, size);
    close(fd);
}

/* The names of a folder as they are now: "<inode> <d|f> <name>" a line, replaced as one. */
static void keep_names(const char *folder) {
    char path[PATH_MAX], temporary[PATH_MAX + 8];
    struct stat status;
    if (stat(folder, &status) != 0) return;
    snprintf(path, sizeof path, "%s/folders/%lu", image, (unsigned long)status.st_ino);
    snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)syscall(SYS_gettid));
    FILE *file = fopen(temporary, "we");
    DIR *names = opendir(folder);
    struct dirent *entry;
    while (file && names && (entry = readdir(names)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            fprintf(file, "%lu %c %s\n", (unsigned long)entry->d_ino, entry->d_type == DT_DIR ? 'd' : 'f', entry->d_name);
    if (names) closedir(names);
    if (file) fclose(file);
    syscall(SYS_rename, temporary, path);
}

static void keep_all(const char *folder) {
    DIR *names = opendir(folder);
    struct dirent *entry;
    char path[PATH_MAX];
    if (!names) return;
    while ((entry = readdir(names))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path) continue;
        if (entry->d_type == DT_DIR) keep_all(path);
        else if (entry->d_type == DT_REG && strcmp(entry->d_name, "lock")) keep_file(path, 0, -1);
    }
    closedir(names);
    keep_names(folder);
}

static void kept(int fd) {
    char path[PATH_MAX];
    struct stat status;
    int saved = errno;
    if (image && path_of(fd, path) && fstat(fd, &status) == 0) {
        if (S_ISDIR(status.st_mode)) keep_names(path);
        else {
            char again[64];                     /* it may be open for writing only */
            snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
            keep_file(again, 0, -1);
        }
    }
    errno = saved;
}

/* --- what is interposed --- */

static int opens_for_writing(int flags) { return (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT; }

static int open_at(int at, const char *path, int flags, mode_t mode) {
    if (opens_for_writing(flags)) {
        int error = refusal("open", path);
        struct stat status;
        if (!error && flags & O_CREAT && stat(path, &status) != 0) error = refusal("create", path);
        if (error) { errno = error; return -1; }
    }
    return syscall(SYS_openat, at, path, flags, mode);
}

#define MODE(flags) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, int); va_end(more); }

int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

static int refused_fd(const char *call, int fd) {
    char path[PATH_MAX];
    return control && path_of(fd, path) ? refusal(call, path) : 0;
}

#define REFUSE_FD(call, fd, answer) \
    do { int error_ = refused_fd(call, fd); if (error_) { errno = error_; return answer; } } while (0)

ssize_t write(int fd, const void *data, size_t size) {
    REAL("write", ssize_t, int, const void *, size_t);
    REFUSE_FD("write", fd, -1);
    return real(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    REFUSE_FD("write", fd, -1);
    return syscall(SYS_pwrite64, fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) { return pwrite(fd, data, size, at); }

int ftruncate(int fd, off_t size) {
    REFUSE_FD("truncate", fd, -1);
    return syscall(SYS_ftruncate, fd, size);
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int posix_fallocate(int fd, off_t at, off_t size) {
    int error = refused_fd("fallocate", fd);
    if (error) return error;
    REAL("posix_fallocate", int, int, off_t, off_t);
    return real(fd, at, size);
}
int posix_fallocate64(int fd, off_t at, off_t size) { return posix_fallocate(fd, at, size); }

static int synced(int fd, int answer) {
    if (answer == 0) kept(fd);
    return answer;
}

int fsync(int fd) { REFUSE_FD("sync", fd, -1); return synced(fd, syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { REFUSE_FD("sync", fd, -1); return synced(fd, syscall(SYS_fdatasync, fd)); }

int syncfs(int fd) {
    REFUSE_FD("sync", fd, -1);
    int answer = syscall(SYS_syncfs, fd);
    if (answer == 0 && image) keep_all(root);
    return answer;
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    char *base = (char *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
    char path[PATH_MAX];
    if (base != MAP_FAILED && fd >= 0 && flags & MAP_SHARED && maps && path_of(fd, path)) {
        pthread_mutex_lock(&lock);
        for (int i = 0; i < MAPS; i++)
            if (!maps[i].base) {
                if (i >= maps_used) maps_used = i + 1;
                maps[i].base = base;
                maps[i].size = size;
                strcpy(maps[i].path, path);
                maps[i].fd = image ? fcntl(fd, F_DUPFD_CLOEXEC, 200) : -1;    /* the file may lose its name */
                break;
            }
        pthread_mutex_unlock(&lock);
    }
    return base;
}
void *mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    return mmap(at, size, protection, flags, fd, offset);
}

int munmap(void *base, size_t size) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < maps_used; i++)
        if (maps[i].base == base) {
            maps[i].base = NULL;
            if (maps[i].fd >= 0) syscall(SYS_close, maps[i].fd);
            break;
        }
    pthread_mutex_unlock(&lock);
    return syscall(SYS_munmap, base, size);
}

int msync(void *at, size_t size, int flags) {
    char path[PATH_MAX] = "";
    off_t start = 0, length = 0;
    int fd = -1;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < maps_used; i++)
        if (maps[i].base && (char *)at >= maps[i].base && (char *)at < maps[i].base + maps[i].size) {
            strcpy(path, maps[i].path);
            start = (char *)at - maps[i].base;
            fd = maps[i].fd;
            break;
        }
    pthread_mutex_unlock(&lock);
    REFUSE("sync", path, -1);
    int answer = syscall(SYS_msync, at, size, flags);
    if (answer == 0 && image && fd >= 0) {
        uint64_t inode = inode_of(fd, &length);
        off_t end = start + (off_t)size;
        keep_bytes(fd, inode, start, end < length ? end : length, length);
    }
    return answer;
}

static void hold(const char *path) {
    struct stat status;
    char link[PATH_MAX];
    int saved = errno;
    if (image && is_ours(path) && stat(path, &status) == 0) {
        snprintf(link, sizeof link, "%s/held/%lu", image, (unsigned long)status.st_ino);
        syscall(SYS_link, path, link);
    }
    errno = saved;
}

int rename(const char *from, const char *to) {
    REFUSE("rename", to, -1);
    hold(to);
    return syscall(SYS_rename, from, to);
}

int unlink(const char *path) {
    REFUSE("unlink", path, -1);
    hold(path);
    return syscall(SYS_unlink, path);
}
