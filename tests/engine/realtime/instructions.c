/* Instructions: a child goes step by step, and its parent counts. */
#define _GNU_SOURCE /* sched_setaffinity */

#include "driver.h"

#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

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

int count_steps(char **arguments, int n) {
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
