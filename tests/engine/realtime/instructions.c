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

/* Starts a child that is watched from its first stop on; it leaves by _exit. CANNOT is returned where that is not allowed. */
static pid_t watch(void (*work)(void *), void *what) {
    pid_t child;
    int state;
    stay_on_this_processor();
    if ((child = fork()) == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
            _exit(CANNOT);
        work(what);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &state, 0) != child)
        fail("no child");
    if (WIFEXITED(state) && WEXITSTATUS(state) == CANNOT) {
        printf("no ptrace here\n");
        exit(CANNOT);
    }
    return child;
}

static void leave(pid_t child) {
    int state;
    ptrace(PTRACE_CONT, child, NULL, NULL);
    waitpid(child, &state, 0);
    if (!WIFEXITED(state) || WEXITSTATUS(state))
        fail("the watched process failed");
}

/* --- streams ---------------------------------------------------------------------------------------------------------- */

/* What the child of a counting does: from each snapshot on, the same audio. */
typedef struct journey {
    track t;
    void **snapshots;
    size_t size;
    int n;
} journey;

static void travel(void *argument) {
    const journey *j = argument;
    int s;
    push_watched(&j->t, 0);
    for (s = -1; s < j->n; s++) { /* the first one twice: whatever is found once, such as library functions, is found */
        if (pylstm_stream_restore(j->t.stream, j->snapshots[s < 0 ? 0 : s], j->size))
            _exit(2);
        push_watched(&j->t, 1);
    }
}

int count_steps(char **arguments, int n) {
    journey j;
    pylstm_model *model = read_model(arguments[2]);
    float *audio;
    size_t k;
    pid_t child;
    long idle;
    int s;
    j.size = pylstm_snapshot_size(model), j.n = n - 3;
    j.snapshots = malloc((size_t)n * sizeof *j.snapshots);
    j.t.hop = strtoul(arguments[0], NULL, 10);
    j.t.hops = strtoul(arguments[1], NULL, 10);
    audio = malloc(j.t.hop * j.t.hops * sizeof *audio);
    j.t.audio = audio;
    j.t.out = malloc(20 * sizeof *j.t.out * (size_t)pylstm_model_n_outputs(model));
    if (!audio || !j.t.out || !j.snapshots || pylstm_stream_create(model, &j.t.stream))
        fail("no memory");
    for (k = 0; k < j.t.hop * j.t.hops; k++)
        audio[k] = (float)(k * 7919 % 16001) / 16001.0f - 0.5f;
    for (s = 0; s < j.n; s++) {
        j.snapshots[s] = read_file(arguments[3 + s], &k);
        if (k != j.size)
            fail("a snapshot of another size");
    }
    child = watch(travel, &j);
    idle = step(child); /* from the first stop on, nothing but the way to the second */
    go_on(child);       /* to the first push, which is not counted */
    go_on(child);
    for (s = 0; s < j.n; s++) {
        go_on(child);
        printf("%ld\n", step(child) - idle);
    }
    leave(child);
    return 0;
}

/* --- listeners -------------------------------------------------------------------------------------------------------- */

#define HOPS  20 /* of one round of frames, which is what is counted */
#define EARLY 20 /* rounds before the first counting */
#define LATE  (1000000 / HOPS)

/* Decisions of each kind. Whatever goes round in them does so in HOPS hops. */
static const pylstm_setting ways[][6] = {
    {{"kind", "words"}, {"threshold", "0.4"}, {"smoothing_frames", "1"}, {"refractory_frames", "3"}},
    {{"kind", "words"}, {"threshold", "0.4"}, {"smoothing_frames", "5"}, {"refractory_frames", "3"}},
    {{"kind", "words"},
     {"threshold", "0.4"},
     {"smoothing_frames", "5"},
     {"exclusive", "false"},
     {"refractory_frames", "3"},
     {"report", "final"}},
    {{"kind", "segments"}, {"label", "b"}, {"min_speech", "0.02"}, {"min_silence", "0.02"}, {"pad", "0.01"}},
    {{"kind", "segments"}, {"label", "b"}, {"report", "early"}, {"smoothing_frames", "5"}, {"max_speech", "0.05"}},
    {{"kind", "symbols"}, {"report", "final"}},
    /* The average of a long time is always above the threshold, or below it: nothing but the length of the ring differs. */
    {{"kind", "words"}, {"threshold", "1"}, {"smoothing_frames", "10"}},
    {{"kind", "words"}, {"threshold", "1"}, {"smoothing_frames", "1000"}},
    {{"kind", "words"}, {"threshold", "1"}, {"smoothing_frames", "100000"}},
};
enum { WAYS = sizeof ways / sizeof *ways };

typedef struct hearing {
    pylstm_listener *listener[WAYS];
    float frames[HOPS][4];
} hearing;

/* One round; events that it gave. */
static size_t hear_round(const hearing *h, int way) {
    pylstm_event events[64];
    size_t k, n = 0;
    for (k = 0; k < HOPS; k++) {
        pylstm_hearing part = {.listener = h->listener[way],
                               .type = PYLSTM_FRAMES,
                               .data = h->frames[k],
                               .n = 1,
                               .stride = 16,
                               .events = events,
                               .max_events = 64};
        if (pylstm_listener_push(&part))
            _exit(1);
        n += part.n_events;
    }
    return n;
}

static void hear_watched(void *argument) {
    const hearing *h = argument;
    long round;
    int way;
    raise(SIGSTOP);
    raise(SIGSTOP);
    for (way = 0; way < WAYS; way++) {
        for (round = 0; round < LATE; round++) {
            const int counted = round == EARLY || round == LATE - 1;
            size_t n;
            if (counted)
                raise(SIGSTOP);
            n = hear_round(h, way);
            if (counted)
                raise(SIGSTOP);
            if (counted && way < 6 && !n)
                _exit(3); /* what is counted must have something to tell */
        }
    }
}

int count_listener_steps(const char *path) {
    pylstm_model *model = read_model(path);
    hearing h;
    pid_t child;
    size_t k, n;
    long idle, early;
    int way;
    for (k = 0; k < 4 * HOPS; k++) /* each of the four outputs for four hops, and then none of them */
        h.frames[k / 4][k % 4] = k / 16 == k % 4;
    for (way = 0; way < WAYS; way++) {
        pylstm_decision *decision;
        pylstm_error why;
        for (n = 0; n < 6 && ways[way][n].key; n++)
            ;
        if (pylstm_decision_create(model, ways[way], n, &decision, &why))
            fail(why.message);
        if (pylstm_listener_create(decision, &h.listener[way]))
            fail("no listener");
    }
    child = watch(hear_watched, &h);
    idle = step(child);
    for (way = 0; way < WAYS; way++) {
        go_on(child);
        early = step(child) - idle;
        go_on(child);
        printf("%ld %ld\n", early, step(child) - idle);
    }
    leave(child);
    return 0;
}
