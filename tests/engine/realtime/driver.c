/* Proves the real-time law on the C core, one command each; what comes out is read by test_realtime.py.
 *
 *     driver calls model...             every [rt] call under the counter of allocation_counter.c, which must be preloaded
 *     driver control model              what that counter must see
 *     driver modes model...             every [rt] call in odd floating-point modes, which must be as they were afterwards
 *     driver sealed seconds model...    a child without system calls: every [rt] call, then so many seconds of audio by the hop
 *     driver break model                what must end such a child
 *     driver steps hop hops model snapshot...
 *                                       instructions that so many hops take from each snapshot on, counted by single steps
 *
 * Exit code 77: this machine does not let itself be watched in that way; a line says why.
 */
#define _GNU_SOURCE /* RTLD_DEFAULT, sched_setaffinity */

#include "walk.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT = 77 };

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    void *bytes;
    if (!file || fseek(file, 0, SEEK_END))
        fail("cannot read a file");
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size)
        fail("cannot read a file");
    fclose(file);
    return bytes;
}

static pylstm_model *read_model(const char *path) {
    size_t size;
    void *bytes = read_file(path, &size);
    pylstm_model *model;
    pylstm_error why;
    if (pylstm_model_create(bytes, size, &model, &why))
        fail(why.message);
    free(bytes);
    return model;
}

/* A walk for each model, the next one's snapshots being foreign to it. */
static walk **walks_of(char **paths, int n) {
    walk **walks = malloc((size_t)n * sizeof(walk *));
    pylstm_model **models = malloc((size_t)n * sizeof(pylstm_model *));
    int k;
    if (!walks || !models)
        fail("no memory");
    for (k = 0; k < n; k++)
        models[k] = read_model(paths[k]);
    for (k = 0; k < n; k++)
        walks[k] = walk_create(models[k], models[(k + 1) % n]);
    return walks;
}

/* --- allocations and locks -------------------------------------------------------------------------------------------- */

static void (*counter_arm)(void);
static void (*counter_disarm)(long *);
static long counted[3];

static void find_counter(void) {
    void *arm = dlsym(RTLD_DEFAULT, "counter_arm"), *disarm = dlsym(RTLD_DEFAULT, "counter_disarm");
    if (!arm || !disarm)
        fail("the counter is not preloaded");
    memcpy(&counter_arm, &arm, sizeof arm);
    memcpy(&counter_disarm, &disarm, sizeof disarm);
}

static void arm(void) {
    counter_arm();
}

static void disarm(const char *call) {
    long n[3];
    int k;
    counter_disarm(n);
    if (n[0] || n[1] || n[2])
        printf("%s: %ld allocations, %ld frees, %ld locks\n", call, n[0], n[1], n[2]);
    for (k = 0; k < 3; k++)
        counted[k] += n[k];
}

static int count_calls(char **paths, int n) {
    const guard around = {arm, disarm};
    walk **walks = walks_of(paths, n);
    long calls = 0;
    int k;
    find_counter();
    for (k = 0; k < n; k++)
        walk_run(walks[k], &around, &calls);
    printf("%ld calls, %ld allocations, %ld frees, %ld locks\n", calls, counted[0], counted[1], counted[2]);
    return 0;
}

static void show(const char *name) {
    long n[3];
    counter_disarm(n);
    printf("%s %ld %ld %ld\n", name, n[0], n[1], n[2]);
}

/* Calls through volatile pointers are made, whatever a compiler thinks of them. */
static void control(const char *path) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    void *(*volatile allocate)(size_t) = malloc;
    void (*volatile give_back)(void *) = free;
    pylstm_model *model = read_model(path);
    pylstm_stream *stream;
    pylstm_batch *batch;
    find_counter();
    counter_arm();
    show("nothing");
    counter_arm();
    give_back(allocate(100));
    show("malloc");
    counter_arm();
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    show("mutex");
    counter_arm();
    if (pylstm_stream_create(model, &stream))
        fail("no stream");
    pylstm_stream_destroy(stream);
    show("create");
    if (pylstm_batch_create(model, 2, &batch))
        fail("no batch");
    counter_arm();
    if (pylstm_batch_push(batch, NULL, 0))
        fail("no push");
    show("threads");
    pylstm_batch_destroy(batch);
}

/* --- the caller's floating-point mode --------------------------------------------------------------------------------- */

#if defined(__x86_64__)

#include <xmmintrin.h>

typedef struct fp_mode {
    unsigned mxcsr;
    unsigned short x87;
} fp_mode;

/* Control in the upper bits, what has happened so far in the lower six; and the old unit's control word. */
static const fp_mode modes[] = {
    {0x1f80, 0x37f},
    {0x1f80 | 0x2000 | 0x003f, 0x37f}, /* downwards; everything has happened */
    {0x1f80 | 0x4000 | 0x0001, 0xb7f}, /* upwards */
    {0x1f80 | 0x6000, 0xf7f},          /* towards zero */
    {0x1f80 | 0x8040, 0x27f},          /* subnormals are zero */
    {0x1000, 0x37f},                   /* invalid, subnormal, division by zero, overflow, underflow trap */
    {0x0000, 0x340},                   /* everything traps, in the old unit too */
};

static fp_mode get_mode(void) {
    fp_mode mode;
    mode.mxcsr = _mm_getcsr();
    __asm__ volatile("fnstcw %0" : "=m"(mode.x87));
    return mode;
}

static void set_mode(fp_mode mode) {
    _mm_setcsr(mode.mxcsr);
    __asm__ volatile("fldcw %0" : : "m"(mode.x87));
}

static int same_mode(fp_mode a, fp_mode b) {
    return a.mxcsr == b.mxcsr && a.x87 == b.x87;
}

#elif defined(__aarch64__)

typedef struct fp_mode {
    uint64_t fpcr, fpsr;
} fp_mode;

static const fp_mode modes[] = {
    {0, 0},
    {0x00800000, 0x9f}, /* downwards; everything has happened */
    {0x00400000, 0x01}, /* upwards */
    {0x00c00000, 0x10}, /* towards zero */
    {0x01000000, 0},    /* subnormals are zero */
    {0x02009f00, 0},    /* one NaN for all; everything traps, where a processor can */
};

static fp_mode get_mode(void) {
    fp_mode mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode.fpcr));
    __asm__ volatile("mrs %0, fpsr" : "=r"(mode.fpsr));
    return mode;
}

static void set_mode(fp_mode mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode.fpcr) : "memory");
    __asm__ volatile("msr fpsr, %0" : : "r"(mode.fpsr) : "memory");
}

static int same_mode(fp_mode a, fp_mode b) {
    return a.fpcr == b.fpcr && a.fpsr == b.fpsr;
}

#else

typedef int fp_mode;
static const fp_mode modes[] = {0};
static fp_mode get_mode(void) {
    return 0;
}
static void set_mode(fp_mode mode) {
    (void)mode;
}
static int same_mode(fp_mode a, fp_mode b) {
    return a == b;
}

#endif

static fp_mode usual, odd, found;
static long changed;

static void enter_mode(void) {
    set_mode(odd);
    odd = get_mode(); /* a processor need not have every bit */
}

static void leave_mode(const char *call) {
    found = get_mode();
    set_mode(usual);
    if (!same_mode(found, odd) && changed++ < 20)
        printf("the mode is another after %s\n", call);
}

static void trapped(int number) {
    (void)number;
    if (write(1, "a floating-point trap\n", 22))
        _exit(1);
    _exit(1);
}

static int try_modes(char **paths, int n) {
    const guard around = {enter_mode, leave_mode};
    const size_t n_modes = sizeof modes / sizeof *modes;
    walk **walks = walks_of(paths, n);
    long calls = 0, differ = 0;
    uint64_t hash = 0;
    size_t m;
    int k;
    signal(SIGFPE, trapped);
    setvbuf(stdout, NULL, _IONBF, 0);
    usual = get_mode();
    for (k = 0; k < n; k++) {
        for (m = 0; m < n_modes; m++) {
            uint64_t now;
            odd = modes[m];
            now = walk_run(walks[k], &around, &calls);
            hash = m ? hash : now;
            differ += now != hash;
        }
    }
    printf("%ld calls in %zu modes, %ld changed the mode, %ld walks gave other bits\n", calls, n_modes, changed, differ);
    return 0;
}

/* --- system calls ----------------------------------------------------------------------------------------------------- */

/* Only read, write, exit and the return from a signal. Strict mode where it may be entered, and elsewhere (a container that
 * filters system calls already) a filter that lets the same four through. */
static int seal(void) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_read, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_write, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_rt_sigreturn, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0)
        return 1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void nothing(void) {}
static void nothing_after(const char *call) {
    (void)call;
}

/* Hop by hop for so many seconds of audio; rows that came out. */
static long long push_hops(pylstm_stream *stream, const float *second, float *out, long seconds) {
    long long all = 0;
    size_t at, rows;
    for (; seconds > 0; seconds--) {
        for (at = 0; at < 16000; at += 160) {
            if (pylstm_stream_push(stream, PYLSTM_FLOAT32, second + at, 160, sizeof(float), out, 20, &rows))
                return -1;
            all += (long long)rows;
        }
    }
    return all;
}

/* The child of one sealing: leaves by a bare exit, since the library's ends with another call. */
static void live_sealed(walk **walks, int n, pylstm_stream *stream, const float *second, float *out, long seconds, int result) {
    const guard around = {nothing, nothing_after};
    long long answer[2] = {0, 0};
    long calls = 0;
    int k;
    if (!seal()) {
        answer[0] = -errno;
        answer[1] = -77;
    } else {
        for (k = 0; k < n; k++)
            walk_run(walks[k], &around, &calls);
        answer[0] = calls;
        answer[1] = push_hops(stream, second, out, seconds);
    }
    syscall(SYS_exit, write(result, answer, sizeof answer) != sizeof answer);
}

static int push_sealed(long seconds, char **paths, int n) {
    walk **walks = walks_of(paths, n);
    pylstm_model *model = read_model(paths[0]);
    float *second = malloc(16000 * sizeof *second), *out = malloc(20 * sizeof *out * (size_t)pylstm_model_n_outputs(model));
    pylstm_stream *stream;
    long long answer[2];
    int ends[2], state, k;
    pid_t child;
    if (pylstm_stream_create(model, &stream) || pipe(ends) || !second || !out)
        fail("no stream, no pipe or no memory");
    for (k = 0; k < 16000; k++)
        second[k] = (float)(k * 7919 % 16001) / 16001.0f - 0.5f;
    if ((child = fork()) == 0)
        live_sealed(walks, n, stream, second, out, seconds, ends[1]);
    if (child < 0 || waitpid(child, &state, 0) != child)
        fail("no child");
    if (!WIFEXITED(state) || WEXITSTATUS(state)) {
        printf("the sealed process ended by signal %d\n", WIFSIGNALED(state) ? WTERMSIG(state) : 0);
        return 1;
    }
    if (read(ends[0], answer, sizeof answer) != sizeof answer)
        fail("no answer");
    if (answer[1] == -77) {
        printf("no seccomp here: %s\n", strerror((int)-answer[0]));
        return CANNOT;
    }
    printf("%lld calls, %ld seconds, %lld rows\n", answer[0], seconds, answer[1]);
    return 0;
}

/* What a sealed child must not live through; and that one which does nothing lives. */
static int break_seal(const char *path) {
    pylstm_model *model = read_model(path);
    int trial;
    for (trial = 0; trial < 3; trial++) {
        int state;
        const pid_t child = fork();
        if (child == 0) {
            if (!seal())
                syscall(SYS_exit, CANNOT);
            if (trial == 1)
                syscall(SYS_getppid);
            if (trial == 2) { /* more than any heap has at hand: memory from the system */
                pylstm_batch *batch;
                (void)pylstm_batch_create(model, 256, &batch);
            }
            syscall(SYS_exit, 0);
        }
        if (child < 0 || waitpid(child, &state, 0) != child)
            fail("no child");
        if (WIFEXITED(state) && WEXITSTATUS(state) == CANNOT) {
            printf("no seccomp here\n");
            return CANNOT;
        }
        printf("%s\n", WIFSIGNALED(state) ? "killed" : "lives");
    }
    return 0;
}

/* --- instructions ----------------------------------------------------------------------------------------------------- */

typedef struct track {
    pylstm_stream *stream;
    const float *audio;
    float *out;
    size_t hop, hops;
} track;

/* Stops itself, pushes, and stops itself again. */
static void push_watched(const track *t, int any) {
    size_t k, rows;
    raise(SIGSTOP);
    for (k = 0; any && k < t->hops; k++) {
        if (pylstm_stream_push(t->stream, PYLSTM_FLOAT32, t->audio + k * t->hop, t->hop, sizeof(float), t->out, 20, &rows) ||
            rows != 1)
            _exit(1);
    }
    raise(SIGSTOP);
}

/* Two processes that take turns do so many times faster on one processor than on two. */
static void stay_on_this_processor(void) {
    const int here = sched_getcpu();
    cpu_set_t set;
    if (here < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET(here, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

/* Lets a child go on to where it stops itself. */
static void go_on(pid_t child) {
    int state;
    if (ptrace(PTRACE_CONT, child, NULL, NULL) || waitpid(child, &state, 0) != child || !WIFSTOPPED(state) ||
        WSTOPSIG(state) != SIGSTOP)
        fail("the watched process went astray");
}

/* Instructions from where a child has stopped itself to where it does again. */
static long step(pid_t child) {
    long n;
    int state;
    for (n = 0;; n++) {
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) || waitpid(child, &state, 0) != child || !WIFSTOPPED(state))
            fail("the watched process is gone");
        if (WSTOPSIG(state) != SIGTRAP)
            break;
        if (n == 20000000) { /* exclusive loads and stores of old ARM cores never succeed between steps */
            printf("single steps get nowhere on this processor\n");
            exit(CANNOT);
        }
    }
    if (WSTOPSIG(state) != SIGSTOP)
        fail("the watched process met a signal");
    return n;
}

static int count_steps(char **arguments, int n) {
    track t;
    pylstm_model *model = read_model(arguments[2]);
    float *audio;
    size_t k, size = pylstm_snapshot_size(model);
    void **snapshots = malloc((size_t)n * sizeof *snapshots);
    pid_t child;
    long idle;
    int state, s;
    t.hop = strtoul(arguments[0], NULL, 10);
    t.hops = strtoul(arguments[1], NULL, 10);
    audio = malloc(t.hop * t.hops * sizeof *audio);
    t.audio = audio;
    t.out = malloc(20 * sizeof *t.out * (size_t)pylstm_model_n_outputs(model));
    if (!audio || !t.out || !snapshots || pylstm_stream_create(model, &t.stream))
        fail("no memory");
    for (k = 0; k < t.hop * t.hops; k++)
        audio[k] = (float)(k * 7919 % 16001) / 16001.0f - 0.5f;
    for (s = 0; s < n - 3; s++) {
        snapshots[s] = read_file(arguments[3 + s], &k);
        if (k != size)
            fail("a snapshot of another size");
    }
    stay_on_this_processor();
    if ((child = fork()) == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
            _exit(CANNOT);
        push_watched(&t, 0);
        for (s = -1; s < n - 3; s++) { /* the first one twice: whatever is found once, such as library functions, is found */
            if (pylstm_stream_restore(t.stream, snapshots[s < 0 ? 0 : s], size))
                _exit(2);
            push_watched(&t, 1);
        }
        _exit(0);
    }
    if (child < 0 || waitpid(child, &state, 0) != child)
        fail("no child");
    if (WIFEXITED(state) && WEXITSTATUS(state) == CANNOT) {
        printf("no ptrace here\n");
        return CANNOT;
    }
    idle = step(child); /* from the first stop on, nothing but the way to the second */
    go_on(child);       /* to the first push, which is not counted */
    go_on(child);
    for (s = 0; s < n - 3; s++) {
        go_on(child);
        printf("%ld\n", step(child) - idle);
    }
    ptrace(PTRACE_CONT, child, NULL, NULL);
    waitpid(child, &state, 0);
    if (!WIFEXITED(state) || WEXITSTATUS(state))
        fail("the watched process failed");
    return 0;
}

int main(int argc, char **argv) {
    const char *command = argc > 2 ? argv[1] : "";
    if (strcmp(command, "calls") == 0)
        return count_calls(argv + 2, argc - 2);
    if (strcmp(command, "control") == 0)
        return control(argv[2]), 0;
    if (strcmp(command, "modes") == 0)
        return try_modes(argv + 2, argc - 2);
    if (strcmp(command, "sealed") == 0 && argc > 3)
        return push_sealed(strtol(argv[2], NULL, 10), argv + 3, argc - 3);
    if (strcmp(command, "break") == 0)
        return break_seal(argv[2]);
    if (strcmp(command, "steps") == 0 && argc > 5)
        return count_steps(argv + 2, argc - 2);
    fprintf(stderr, "usage: see the head of driver.c\n");
    return 2;
}
