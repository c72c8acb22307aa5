/* A listener that another thread is in: each call says so at once. */
#define _POSIX_C_SOURCE 200112L /* nanosleep */
#include "listening.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

typedef struct meeting {
    pylstm_listener *listener;
    pylstm_batch *batch;
    float pcm[SECOND];
    pylstm_event events[EVENTS];
    atomic_int over;
    int in_batch, all_went_well;
} meeting;

static pylstm_hearing part_of(meeting *at, pylstm_event *events) {
    return (pylstm_hearing){.listener = at->listener,
                            .type = PYLSTM_FLOAT32,
                            .data = at->pcm,
                            .n = SECOND,
                            .stride = 4,
                            .events = events,
                            .max_events = EVENTS};
}

static void *keep_listening(void *argument) {
    meeting *at = argument;
    pylstm_hearing part = part_of(at, at->events);
    pylstm_status status = PYLSTM_OK;
    while (!atomic_load(&at->over) && (status == PYLSTM_OK || status == PYLSTM_BUSY)) {
        status = at->in_batch ? pylstm_batch_listen(at->batch, &part, 1) : pylstm_listener_push(&part);
        if (status == PYLSTM_FLUSHED)
            status = pylstm_listener_reset(at->listener);
    }
    at->all_went_well = status == PYLSTM_OK || status == PYLSTM_BUSY;
    return at;
}

/* Tried until the other thread is inside a call. */
#define MEETS(call)                                                                                                            \
    do {                                                                                                                       \
        pylstm_status met_;                                                                                                    \
        while ((met_ = (call)) == PYLSTM_OK || met_ == PYLSTM_FLUSHED)                                                         \
            nanosleep(&moment, NULL);                                                                                          \
        GIVES(PYLSTM_BUSY, met_);                                                                                              \
    } while (0)

static const struct timespec moment = {0, 1000000};

static void meet(meeting *at, const pylstm_decision *decision, pylstm_listener *other) {
    const size_t size = pylstm_listener_snapshot_size(decision);
    char *snapshot = malloc(size), *to = malloc(size);
    pylstm_event *events = malloc(EVENTS * sizeof *events);
    pylstm_hearing part = part_of(at, events);
    pthread_t thread;
    void *result;
    uint64_t rows, most;
    size_t n;
    CHECK(snapshot && to && events);
    part.n = 1;
    GIVES(PYLSTM_OK, pylstm_listener_snapshot(other, snapshot, size));
    atomic_init(&at->over, 0);
    CHECK(pthread_create(&thread, NULL, keep_listening, at) == 0);
    MEETS(pylstm_listener_due(at->listener, PYLSTM_FLOAT32, 1, 0, &rows, &most));
    MEETS(pylstm_listener_push(&part));
    MEETS(pylstm_listener_watch_scale(at->listener, 0));
    MEETS(pylstm_listener_snapshot(at->listener, to, size));
    MEETS(pylstm_listener_restore(at->listener, snapshot, size));
    MEETS(pylstm_listener_copy(at->listener, other));
    MEETS(pylstm_listener_copy(other, at->listener));
    MEETS(pylstm_listener_reset(at->listener));
    MEETS(pylstm_listener_flush(at->listener, events, EVENTS, &n, NULL, 0, NULL));
    if (at->in_batch)
        MEETS(pylstm_batch_listen(at->batch, NULL, 0));
    CHECK(pylstm_listener_position(at->listener) >= 0 && pylstm_listener_rows(at->listener) >= 0);
    atomic_store(&at->over, 1);
    CHECK(pthread_join(thread, &result) == 0 && at->all_went_well);
    GIVES(PYLSTM_OK, pylstm_listener_reset(at->listener));
    free(snapshot), free(to), free(events);
}

void test_listener_threads(const models *m) {
    trial trials[TRIALS];
    meeting *at = calloc(1, sizeof *at);
    int16_t *pcm16 = malloc(SECOND * sizeof *pcm16);
    pylstm_decision *decision;
    pylstm_listener *other;
    CHECK(at && pcm16 && trials_of(m, trials) > 2);
    fill_audio(at->pcm, pcm16, SECOND);
    decision = decision_of(&trials[1]);
    at->listener = listener_of(decision), other = listener_of(decision);
    GIVES(PYLSTM_OK, pylstm_batch_create(m->decides, 1, &at->batch));
    meet(at, decision, other);
    at->in_batch = 1;
    meet(at, decision, other);
    pylstm_batch_destroy(at->batch);
    pylstm_listener_destroy(at->listener), pylstm_listener_destroy(other);
    pylstm_decision_destroy(decision);
    free(pcm16), free(at);
}
