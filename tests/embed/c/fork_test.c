/* What the child of a fork does with what it inherited. A child that hangs is ended by its alarm, and the test fails. */
#define _POSIX_C_SOURCE 200809L /* fork, alarm, nanosleep */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STREAMS     5
#define LENGTH      4000 /* samples of a push */
#define ROWS        32
#define EVENTS      64
#define INTERRUPTED 42
#define PATIENCE    60 /* seconds */

/* A batch with threads, its streams, and what each of them gives alone; a listener, and what it gives after a reset. */
typedef struct heritage {
    const pylstm_model *model;
    pylstm_batch *batch;
    pylstm_decision *decision;
    pylstm_hearing hearing;
    pylstm_event events[EVENTS], alone_events[EVENTS];
    size_t n_events;
    pylstm_push parts[STREAMS];
    float pcm[LENGTH + STREAMS], rows[STREAMS][ROWS * 3], alone[STREAMS][ROWS * 3];
    atomic_int over;
} heritage;

static heritage *inherit(const pylstm_model *model, int threads) {
    static const pylstm_setting symbols[] = {{"kind", "symbols"}};
    heritage *at = calloc(1, sizeof *at);
    int16_t *pcm16 = malloc((LENGTH + STREAMS) * sizeof *pcm16);
    pylstm_stream *single;
    size_t n;
    int k;
    CHECK(at && pcm16);
    fill_audio(at->pcm, pcm16, LENGTH + STREAMS);
    free(pcm16);
    at->model = model;
    GIVES(PYLSTM_OK, pylstm_batch_create(model, threads, &at->batch));
    GIVES(PYLSTM_OK, pylstm_stream_create(model, &single));
    for (k = 0; k < STREAMS; k++) {
        const pylstm_push part = {NULL, PYLSTM_FLOAT32, at->pcm + k, LENGTH, sizeof(float), at->rows[k], ROWS, 0, PYLSTM_OK};
        at->parts[k] = part;
        GIVES(PYLSTM_OK, pylstm_stream_create(model, &at->parts[k].stream));
        GIVES(PYLSTM_OK, pylstm_stream_reset(single));
        GIVES(PYLSTM_OK, pylstm_stream_push(single, PYLSTM_FLOAT32, part.data, part.n, part.stride, at->alone[k], ROWS, &n));
    }
    pylstm_stream_destroy(single);
    GIVES(PYLSTM_OK, pylstm_decision_create(model, symbols, 1, &at->decision, NULL));
    at->hearing = (pylstm_hearing){.type = PYLSTM_FLOAT32,
                                   .data = at->pcm,
                                   .n = LENGTH,
                                   .stride = sizeof(float),
                                   .events = at->alone_events,
                                   .max_events = EVENTS};
    GIVES(PYLSTM_OK, pylstm_listener_create(at->decision, &at->hearing.listener));
    GIVES(PYLSTM_OK, pylstm_listener_push(&at->hearing));
    at->n_events = at->hearing.n_events;
    at->hearing.events = at->events;
    CHECK(at->n_events > 0);
    return at;
}

static void bequeath(heritage *at) {
    int k;
    for (k = 0; k < STREAMS; k++)
        pylstm_stream_destroy(at->parts[k].stream);
    pylstm_batch_destroy(at->batch);
    pylstm_listener_destroy(at->hearing.listener);
    pylstm_decision_destroy(at->decision);
    free(at);
}

static void reset_all(heritage *at) {
    int k;
    for (k = 0; k < STREAMS; k++)
        GIVES(PYLSTM_OK, pylstm_stream_reset(at->parts[k].stream));
}

static void push_all(heritage *at) {
    int k;
    GIVES(PYLSTM_OK, pylstm_batch_push(at->batch, at->parts, STREAMS));
    for (k = 0; k < STREAMS; k++)
        CHECK(memcmp(at->rows[k], at->alone[k], at->parts[k].rows * 3 * sizeof(float)) == 0 && at->parts[k].rows > 20);
}

/* Forks. The child does it, and the parent gets the number that it returned. The child then kills itself: what it inherited and
 * nobody points to any more would be leaks to a checker that sees it exit. */
static int child_does(int (*what)(heritage *at), heritage *at) {
    int ends[2], said = -1;
    pid_t child;
    fflush(stdout), fflush(stderr);
    CHECK(pipe(ends) == 0);
    child = fork();
    CHECK(child >= 0);
    if (!child) {
        alarm(PATIENCE);
        said = what(at);
        CHECK(write(ends[1], &said, sizeof said) == (ssize_t)sizeof said);
        kill(getpid(), SIGKILL);
    }
    close(ends[1]);
    CHECK(read(ends[0], &said, sizeof said) == (ssize_t)sizeof said); /* else it hung, crashed or found a law broken */
    close(ends[0]);
    CHECK(waitpid(child, NULL, 0) == child);
    return said;
}

/* The listener from its beginning: the events that it gives alone. */
static void listen_anew(heritage *at) {
    GIVES(PYLSTM_OK, pylstm_listener_reset(at->hearing.listener));
    GIVES(PYLSTM_OK, pylstm_listener_push(&at->hearing));
    CHECK(at->hearing.n_events == at->n_events);
    CHECK(memcmp(at->events, at->alone_events, at->n_events * sizeof *at->events) == 0);
}

static int push_and_leave(heritage *at) {
    push_all(at);
    listen_anew(at);
    reset_all(at);
    push_all(at); /* with the threads that the first push started */
    bequeath(at);
    return 0;
}

static int leave_at_once(heritage *at) {
    bequeath(at);
    return 0;
}

static int fork_again(heritage *at) {
    const int before = child_does(push_and_leave, at); /* without a push of its own first */
    push_all(at);
    reset_all(at);
    return before + child_does(push_and_leave, at);
}

/* The second thread cannot be started: nothing is pushed, and the next push tries again. */
static int push_without_threads(heritage *at) {
    int k;
    fail_thread(2);
    GIVES(PYLSTM_NO_MEMORY, pylstm_batch_push(at->batch, at->parts, STREAMS));
    for (k = 0; k < STREAMS; k++)
        CHECK(at->parts[k].rows == 0 && pylstm_stream_position(at->parts[k].stream) == 0);
    return push_and_leave(at);
}

/* --- another thread is inside a call ---------------------------------------------------------------------------------- */

static void *keep_pushing(void *argument) {
    heritage *at = argument;
    while (!atomic_load(&at->over)) {
        reset_all(at);
        push_all(at);
    }
    return at;
}

/* The parent's thread was using these streams, or about to: they say so until they have been written anew. */
static int find_them_interrupted(heritage *at) {
    const size_t size = pylstm_snapshot_size(at->model), width = (size_t)pylstm_model_state_width(at->model);
    pylstm_stream *found = at->parts[0].stream, *other;
    char *snapshot = malloc(size);
    float *state = calloc(width, sizeof *state);
    int64_t n_rows;
    size_t n;
    const int interrupted = pylstm_stream_rows_due(found, 0, 0, &n_rows) == PYLSTM_INTERRUPTED;
    CHECK(snapshot && state);
    GIVES(PYLSTM_OK, pylstm_stream_create(at->model, &other));
    if (interrupted) {
        GIVES(PYLSTM_INTERRUPTED, pylstm_stream_push(found, PYLSTM_FLOAT32, at->pcm, 1, sizeof(float), at->rows[0], ROWS, &n));
        GIVES(PYLSTM_INTERRUPTED, pylstm_stream_push_frames(found, at->pcm, 0, 0, at->rows[0], ROWS, &n));
        GIVES(PYLSTM_INTERRUPTED, pylstm_stream_trace_frames(found, at->pcm, 0, 0, at->rows[0], ROWS, &n, NULL));
        GIVES(PYLSTM_INTERRUPTED, pylstm_stream_flush(found, at->rows[0], ROWS, &n));
        GIVES(PYLSTM_INTERRUPTED, pylstm_stream_get_state(found, state, width));
        GIVES(PYLSTM_INTERRUPTED, pylstm_stream_set_state(found, state, width));
        GIVES(PYLSTM_INTERRUPTED, pylstm_stream_snapshot(found, snapshot, size));
        GIVES(PYLSTM_INTERRUPTED, pylstm_stream_copy(other, found));
        GIVES(PYLSTM_INTERRUPTED, pylstm_stream_reset_keep_peak(found));
        GIVES(PYLSTM_INTERRUPTED, pylstm_batch_push(at->batch, at->parts, STREAMS));
        CHECK(at->parts[0].status == PYLSTM_INTERRUPTED && at->parts[1].status == PYLSTM_OK);
        CHECK(pylstm_stream_position(found) == 0 || pylstm_stream_position(found) == LENGTH);
        GIVES(PYLSTM_INTERRUPTED, pylstm_stream_rows_due(found, 0, 0, &n_rows)); /* none of these mends it */
    }
    GIVES(PYLSTM_OK, pylstm_stream_copy(found, other)); /* each of three ways does */
    GIVES(PYLSTM_OK, pylstm_stream_rows_due(found, 0, 0, &n_rows));
    GIVES(PYLSTM_OK, pylstm_stream_snapshot(other, snapshot, size));
    GIVES(PYLSTM_OK, pylstm_stream_restore(at->parts[1].stream, snapshot, size));
    GIVES(PYLSTM_OK, pylstm_stream_rows_due(at->parts[1].stream, 0, 0, &n_rows));
    GIVES(PYLSTM_OK,
          pylstm_batch_flush(at->batch, other, at->rows[0], ROWS, &n)); /* the batch's memory is whoever's needs it */
    reset_all(at);
    pylstm_stream_destroy(other);
    free(snapshot), free(state);
    return push_and_leave(at) + (interrupted ? INTERRUPTED : 0);
}

/* --- or listens ------------------------------------------------------------------------------------------------------- */

static void *keep_listening(void *argument) {
    heritage *at = argument;
    while (!atomic_load(&at->over))
        listen_anew(at);
    return at;
}

/* The same of a listener: its stream and its decision are one. */
static int find_it_interrupted(heritage *at) {
    const size_t size = pylstm_listener_snapshot_size(at->decision);
    pylstm_listener *found = at->hearing.listener, *other;
    char *snapshot = malloc(size), *fresh = malloc(size);
    uint64_t rows, most;
    size_t n;
    const int interrupted = pylstm_listener_due(found, PYLSTM_FLOAT32, 0, 0, &rows, &most) == PYLSTM_INTERRUPTED;
    CHECK(snapshot && fresh);
    GIVES(PYLSTM_OK, pylstm_listener_create(at->decision, &other));
    GIVES(PYLSTM_OK, pylstm_listener_snapshot(other, fresh, size));
    if (interrupted) {
        GIVES(PYLSTM_INTERRUPTED, pylstm_listener_push(&at->hearing));
        GIVES(PYLSTM_INTERRUPTED, pylstm_batch_listen(at->batch, &at->hearing, 1));
        CHECK(at->hearing.status == PYLSTM_INTERRUPTED && at->hearing.n_events == 0 && at->hearing.rows == 0);
        GIVES(PYLSTM_INTERRUPTED, pylstm_listener_flush(found, at->events, EVENTS, &n, NULL, 0, NULL));
        GIVES(PYLSTM_INTERRUPTED, pylstm_listener_snapshot(found, snapshot, size));
        GIVES(PYLSTM_INTERRUPTED, pylstm_listener_copy(other, found));
        GIVES(PYLSTM_OK, pylstm_listener_watch_scale(found, 1)); /* no part of the state */
        fresh[size - 1] = (char)(fresh[size - 1] ^ 1);
        GIVES(PYLSTM_SNAPSHOT_DAMAGED, pylstm_listener_restore(found, fresh, size));
        fresh[size - 1] = (char)(fresh[size - 1] ^ 1);
        CHECK(pylstm_listener_position(found) == 0 || pylstm_listener_position(found) == LENGTH);
        GIVES(PYLSTM_INTERRUPTED, pylstm_listener_due(found, PYLSTM_FLOAT32, 0, 0, &rows, &most)); /* none of these mends it */
    }
    if (getpid() % 3 == 0) /* each of three ways does */
        GIVES(PYLSTM_OK, pylstm_listener_restore(found, fresh, size));
    else if (getpid() % 3 == 1)
        GIVES(PYLSTM_OK, pylstm_listener_copy(found, other));
    else
        GIVES(PYLSTM_OK, pylstm_listener_reset(found));
    GIVES(PYLSTM_OK, pylstm_listener_snapshot(found, snapshot, size));
    CHECK(memcmp(snapshot, fresh, size) == 0);
    pylstm_listener_destroy(other);
    free(snapshot), free(fresh);
    return push_and_leave(at) + (interrupted ? INTERRUPTED : 0);
}

static void while_another_thread(void *(*works)(void *), int (*find)(heritage *), const pylstm_model *model, int threads) {
    const struct timespec moment = {0, 700000};
    heritage *at = inherit(model, threads);
    pthread_t thread;
    void *result;
    int interrupted = 0, tries = 0;
    CHECK(pthread_create(&thread, NULL, works, at) == 0);
    while (interrupted < 3 && tries++ < 2000) {
        const int ended = child_does(find, at);
        CHECK(ended == 0 || ended == INTERRUPTED);
        interrupted += ended == INTERRUPTED;
        nanosleep(&moment, NULL);
    }
    CHECK(interrupted == 3);
    status_seen[PYLSTM_INTERRUPTED] = 1; /* by the children */
    atomic_store(&at->over, 1);
    CHECK(pthread_join(thread, &result) == 0 && result == at);
    bequeath(at);
}

void test_forks(const models *m) {
    heritage *at = inherit(m->words, 3);
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    /* ThreadSanitizer cannot start threads in the child of a process with threads. AddressSanitizer's allocator has locks that
     * a fork copies as they are: a child whose parent's thread was in free() waits forever (gcc 12). */
    bequeath(at);
    status_seen[PYLSTM_INTERRUPTED] = 1;
    return;
#endif
    CHECK(child_does(push_and_leave, at) == 0); /* the threads have never worked */
    push_all(at);
    reset_all(at);
    CHECK(child_does(push_and_leave, at) == 0);
    CHECK(child_does(leave_at_once, at) == 0);
    CHECK(child_does(fork_again, at) == 0);
    CHECK(child_does(push_without_threads, at) == 0);
    push_all(at); /* the parent has what it had */
    bequeath(at);
    while_another_thread(keep_pushing, find_them_interrupted, m->words, 1);
    while_another_thread(keep_pushing, find_them_interrupted, m->words, 3);
    while_another_thread(keep_listening, find_it_interrupted, m->words, 1);
}
