/* A library to preload: counts what a thread allocates, frees and locks while it is armed.
 *
 *     counter_arm()        from here on this thread is watched
 *     counter_disarm(n)    no more; n[0] allocations, n[1] frees, n[2] calls on locks since it was armed
 *
 * Every function that is replaced still does its work. Other threads are not watched, so that what a runtime does beside the
 * call in question does not count.
 */
#define _GNU_SOURCE /* RTLD_NEXT */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ALLOCATIONS, FREES, LOCKS, KINDS };

/* In the memory that a thread starts with: the general kind of thread-local variable may call malloc when first touched. */
#define OWN static _Thread_local __attribute__((tls_model("initial-exec")))

OWN int armed;
OWN long counts[KINDS];

void counter_arm(void);
void counter_disarm(long *n);

void counter_arm(void) {
    memset(counts, 0, sizeof counts);
    armed = 1;
}

void counter_disarm(long *n) {
    armed = 0;
    memcpy(n, counts, sizeof counts);
}

static void note(int kind) {
    counts[kind] += armed;
}

/* dlsym may itself want memory before the real functions are known: it gets some of this, which is never given back. */
static _Alignas(64) char early[1 << 16];
static size_t early_used;

static void *early_memory(size_t size) {
    const size_t start = early_used;
    if (size > sizeof early - start)
        return NULL;
    early_used = (start + size + 63) / 64 * 64;
    return early + start;
}

static int is_early(const void *memory) {
    return (uintptr_t)memory >= (uintptr_t)early && (uintptr_t)memory < (uintptr_t)early + sizeof early;
}

/* The next definition of a name. A pointer to a function does not fit through a pointer to data in ISO C: hence the copy. */
static void find(const char *name, void *function) {
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(function, &symbol, sizeof symbol);
}

#define REAL(result, name, ...)                                                                                                \
    static result (*real)(__VA_ARGS__);                                                                                        \
    if (!real)                                                                                                                 \
    find(#name, &real)

/* --- memory ----------------------------------------------------------------------------------------------------------- */

static _Thread_local __attribute__((tls_model("initial-exec"))) int searching;

void *malloc(size_t size) {
    static void *(*real)(size_t);
    note(ALLOCATIONS);
    if (!real) {
        if (searching)
            return early_memory(size);
        searching = 1;
        find("malloc", &real);
        searching = 0;
    }
    return real(size);
}

void *calloc(size_t count, size_t size) {
    static void *(*real)(size_t, size_t);
    note(ALLOCATIONS);
    if (!real) {
        if (searching)
            return early_memory(count * size); /* zero as it is */
        searching = 1;
        find("calloc", &real);
        searching = 0;
    }
    return real(count, size);
}

void *realloc(void *memory, size_t size) {
    REAL(void *, realloc, void *, size_t);
    note(ALLOCATIONS);
    if (is_early(memory)) {
        void *moved = malloc(size);
        const size_t most = (size_t)(early + sizeof early - (char *)memory);
        return moved ? memcpy(moved, memory, size < most ? size : most) : NULL;
    }
    return real(memory, size);
}

void free(void *memory) {
    REAL(void, free, void *);
    if (memory)
        note(FREES);
    if (!is_early(memory))
        real(memory);
}

void *aligned_alloc(size_t alignment, size_t size) {
    REAL(void *, aligned_alloc, size_t, size_t);
    note(ALLOCATIONS);
    return real(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    REAL(int, posix_memalign, void **, size_t, size_t);
    note(ALLOCATIONS);
    return real(memory, alignment, size);
}

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    REAL(void *, mmap, void *, size_t, int, int, int, off_t);
    note(ALLOCATIONS);
    return real(address, size, protection, flags, file, offset);
}

int munmap(void *address, size_t size) {
    REAL(int, munmap, void *, size_t);
    note(FREES);
    return real(address, size);
}

/* --- locks ------------------------------------------------------------------------------------------------------------ */

#define LOCK(name, type)                                                                                                       \
    int name(type *lock) {                                                                                                     \
        REAL(int, name, type *);                                                                                               \
        note(LOCKS);                                                                                                           \
        return real(lock);                                                                                                     \
    }

LOCK(pthread_mutex_lock, pthread_mutex_t)
LOCK(pthread_mutex_trylock, pthread_mutex_t)
LOCK(pthread_mutex_unlock, pthread_mutex_t)
LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
LOCK(pthread_rwlock_unlock, pthread_rwlock_t)
LOCK(sem_wait, sem_t)
LOCK(sem_post, sem_t)

/* pthread_spinlock_t is volatile already. */
int pthread_spin_lock(pthread_spinlock_t *lock) {
    REAL(int, pthread_spin_lock, pthread_spinlock_t *);
    note(LOCKS);
    return real(lock);
}
