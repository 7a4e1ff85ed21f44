// A layer between a process and its disk, loaded with LD_PRELOAD. It sees the calls that SQLite makes through the C library on files whose
// path begins with RAPPORT_DISK_UNDER and ends in .db or .db-wal. It records what was written and what was synced, and fails, delays
// or kills as the control file says, which another process may change at any time.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

// control is disktest.control in Go: the same fields in the same order.
struct control {
	_Atomic int64_t ops;         // writes, truncations, syncs and removals so far
	_Atomic int64_t kill_at;     // the process ends before the operation of this number; 0: never
	_Atomic int64_t write_errno; // what writes and truncations fail with; 0: they do not
	_Atomic int64_t sync_errno;
	_Atomic int64_t read_errno;
	_Atomic int64_t sync_fails;  // so many syncs fail with sync_errno, then none; -1: all
	_Atomic int64_t sync_micros; // how long each sync takes besides
	_Atomic int64_t lie;         // syncs say that they are done and are not
	_Atomic int64_t failed;      // operations that were made to fail
	_Atomic int64_t open_errno;  // what opening for writing fails with
	_Atomic int64_t write_ops;   // of ops: writes and truncations, also those that failed
	_Atomic int64_t read_micros; // how long each read takes besides
};

enum { FAILED = 'f', WRITE = 'w', TRUNCATE = 't', BEGIN = 'b', END = 'e', UNLINK = 'u', CREATE = 'c' };

struct __attribute__((packed)) record {
	uint8_t kind;
	uint8_t name; // length of the file's name, which follows
	uint32_t size;
	uint64_t offset; // of TRUNCATE: the new length; of BEGIN and END: the number of the sync
};

#define MOST 4096
static char names[MOST][32]; // of open files that are watched; "" otherwise
static char directory[MOST]; // the watched folder itself, open to be synced
static struct control *control, none;
static int out = -1;
static const char *under;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t syncs;

#define REAL(ret, name, ...) static ret (*real_##name)(__VA_ARGS__)
REAL(int, open64, const char *, int, ...);
REAL(int, open, const char *, int, ...);
REAL(int, close, int);
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
REAL(ssize_t, read, int, void *, size_t);
REAL(ssize_t, pread64, int, void *, size_t, off64_t);
REAL(int, ftruncate64, int, off64_t);
REAL(int, fsync, int);
REAL(int, fdatasync, int);
REAL(int, unlink, const char *);

static void sleep_micros(int64_t n) { if (n > 0) usleep((useconds_t)n); }

__attribute__((constructor)) static void begin(void) {
#define FIND(name) real_##name = dlsym(RTLD_NEXT, #name)
	FIND(open64); FIND(open); FIND(close); FIND(write); FIND(pwrite64); FIND(read); FIND(pread64); FIND(ftruncate64); FIND(fsync); FIND(fdatasync); FIND(unlink);
	control = &none;
	under = getenv("RAPPORT_DISK_UNDER");
	const char *c = getenv("RAPPORT_DISK_CONTROL"), *l = getenv("RAPPORT_DISK_LOG");
	if (!under || !c) { under = NULL; return; }
	int fd = real_open64(c, O_RDWR | O_CLOEXEC);
	void *m = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED) _exit(97); // a test that watches nothing proves nothing
	control = m;
	real_close(fd);
	if (l && *l && (out = real_open64(l, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) < 0) _exit(98);
}

static int ends(const char *s, const char *with) {
	size_t n = strlen(s), m = strlen(with);
	return n >= m && !strcmp(s + n - m, with);
}

static const char *watched(const char *path) {
	if (!under || strncmp(path, under, strlen(under)) || !(ends(path, ".db") || ends(path, ".db-wal"))) return NULL;
	const char *base = strrchr(path, '/');
	return base && strlen(base + 1) < sizeof names[0] ? base + 1 : NULL;
}

static void note(uint8_t kind, const char *name, uint64_t offset, const void *data, size_t size) {
	if (out < 0) return;
	struct record r = { kind, (uint8_t)strlen(name), (uint32_t)size, offset };
	struct iovec parts[3] = { { &r, sizeof r }, { (void *)name, r.name }, { (void *)data, size } };
	size_t want = sizeof r + r.name + size;
	if (writev(out, parts, 3) != (ssize_t)want) _exit(99);
}

// count counts an operation, and ends the process in its stead when it is its turn.
static void count(void) {
	int64_t n = atomic_fetch_add(&control->ops, 1) + 1, at = atomic_load(&control->kill_at);
	if (at > 0 && n >= at) { kill(getpid(), SIGKILL); for (;;) pause(); }
}

static int fails(int64_t with) {
	if (!with) return 0;
	atomic_fetch_add(&control->failed, 1);
	errno = (int)with;
	return 1;
}

static int opened(const char *path, int flags, mode_t mode) {
	const char *name = watched(path);
	if (name && (flags & (O_WRONLY | O_RDWR)) && fails(atomic_load(&control->open_errno))) return -1;
	int fresh = name && (flags & O_CREAT) && access(path, F_OK) != 0;
	if (fresh) pthread_mutex_lock(&mu);
	int fd = real_open64(path, flags, mode);
	if (fresh && fd >= 0) note(CREATE, name, 0, NULL, 0);
	if (fresh) pthread_mutex_unlock(&mu);
	if (fd >= 0 && fd < MOST) {
		names[fd][0] = 0;
		if (name) strcpy(names[fd], name);
		size_t n = strlen(path);
		while (n > 1 && path[n - 1] == '/') n--;
		directory[fd] = under && !name && n == strlen(under) && !strncmp(path, under, n);
	}
	return fd;
}

#define MODE(flags, mode) mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, flags); mode = va_arg(a, mode_t); va_end(a); }
int open64(const char *path, int flags, ...) { MODE(flags, mode) return opened(path, flags, mode); }
int open(const char *path, int flags, ...) { MODE(flags, mode) return opened(path, flags, mode); }

static const char *of(int fd) { return fd >= 0 && fd < MOST && names[fd][0] ? names[fd] : NULL; }

int close(int fd) {
	if (fd >= 0 && fd < MOST) names[fd][0] = directory[fd] = 0;
	return real_close(fd);
}

static ssize_t written(int fd, const char *name, const void *data, size_t size, off64_t offset) {
	count();
	atomic_fetch_add(&control->write_ops, 1);
	if (fails(atomic_load(&control->write_errno))) return -1;
	pthread_mutex_lock(&mu);
	ssize_t n = real_pwrite64(fd, data, size, offset);
	if (n > 0) note(WRITE, name, (uint64_t)offset, data, (size_t)n);
	pthread_mutex_unlock(&mu);
	return n;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
	const char *name = of(fd);
	return name ? written(fd, name, data, size, offset) : real_pwrite64(fd, data, size, offset);
}
ssize_t pwrite(int fd, const void *data, size_t size, off64_t offset) { return pwrite64(fd, data, size, offset); }

ssize_t write(int fd, const void *data, size_t size) {
	const char *name = of(fd);
	if (!name) return real_write(fd, data, size);
	off64_t at = lseek64(fd, 0, SEEK_CUR);
	ssize_t n = written(fd, name, data, size, at);
	if (n > 0) lseek64(fd, at + n, SEEK_SET);
	return n;
}

static int reading(int fd) {
	if (!of(fd)) return 0;
	sleep_micros(atomic_load(&control->read_micros));
	return fails(atomic_load(&control->read_errno));
}
ssize_t pread64(int fd, void *data, size_t size, off64_t offset) { return reading(fd) ? -1 : real_pread64(fd, data, size, offset); }
ssize_t pread(int fd, void *data, size_t size, off64_t offset) { return pread64(fd, data, size, offset); }
ssize_t read(int fd, void *data, size_t size) { return reading(fd) ? -1 : real_read(fd, data, size); }

int ftruncate64(int fd, off64_t size) {
	const char *name = of(fd);
	if (!name) return real_ftruncate64(fd, size);
	count();
	atomic_fetch_add(&control->write_ops, 1);
	if (fails(atomic_load(&control->write_errno))) return -1;
	pthread_mutex_lock(&mu);
	int err = real_ftruncate64(fd, size);
	if (!err) note(TRUNCATE, name, (uint64_t)size, NULL, 0);
	pthread_mutex_unlock(&mu);
	return err;
}
int ftruncate(int fd, off64_t size) { return ftruncate64(fd, size); }

static int synced(int fd, int (*real)(int)) {
	const char *name = of(fd);
	int folder = fd >= 0 && fd < MOST && directory[fd];
	if (!name && !folder) return real(fd);
	count();
	sleep_micros(atomic_load(&control->sync_micros));
	int64_t left = atomic_load(&control->sync_fails);
	if (left && name) {
		if (left > 0) atomic_fetch_sub(&control->sync_fails, 1);
		pthread_mutex_lock(&mu);
		note(FAILED, name, 0, NULL, 0);
		pthread_mutex_unlock(&mu);
		if (fails(atomic_load(&control->sync_errno))) return -1;
	}
	if (atomic_load(&control->lie)) return 0;
	uint64_t number = atomic_fetch_add(&syncs, 1);
	pthread_mutex_lock(&mu);
	note(BEGIN, name ? name : "", number, NULL, 0);
	pthread_mutex_unlock(&mu);
	// With a record it is the record that will be synced: the disk of the machine is left alone.
	int err = out < 0 ? real(fd) : 0;
	if (!err) {
		pthread_mutex_lock(&mu);
		note(END, name ? name : "", number, NULL, 0);
		pthread_mutex_unlock(&mu);
	}
	return err;
}
int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }

int unlink(const char *path) {
	const char *name = watched(path);
	if (!name) return real_unlink(path);
	count();
	pthread_mutex_lock(&mu);
	int err = real_unlink(path);
	if (!err) note(UNLINK, name, 0, NULL, 0);
	pthread_mutex_unlock(&mu);
	return err;
}
