/* Batches, and what several threads may do. */
#define _POSIX_C_SOURCE 200112L /* nanosleep */
#include "check.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define STREAMS 9
#define ROWS    128

typedef struct crowd {
    pylstm_push parts[STREAMS];
    float pcm[SECOND + STREAMS], rows[STREAMS][ROWS * 3];
    int16_t pcm16[SECOND + STREAMS];
} crowd;

static crowd *crowd_of(const pylstm_model *model) {
    crowd *c = malloc(sizeof *c);
    int k;
    CHECK(c);
    fill_audio(c->pcm, c->pcm16, SECOND + STREAMS);
    for (k = 0; k < STREAMS; k++) {
        pylstm_push part = {NULL, PYLSTM_FLOAT32, c->pcm + k, SECOND / 2 + 100 * (size_t)k, sizeof(float), c->rows[k], ROWS,
                            99,   PYLSTM_OK};
        if (k % 3 == 1)
            part.type = PYLSTM_INT16, part.data = c->pcm16 + k, part.stride = sizeof(int16_t);
        if (k == 4)
            part.n = 0;
        c->parts[k] = part;
        GIVES(PYLSTM_OK, pylstm_stream_create(model, &c->parts[k].stream));
    }
    return c;
}

static void disperse(crowd *c) {
    int k;
    for (k = 0; k < STREAMS; k++)
        pylstm_stream_destroy(c->parts[k].stream);
    free(c);
}

/* Each stream gets the bits that it gets alone. */
static void as_alone(const pylstm_model *model, pylstm_batch *batch) {
    crowd *c = crowd_of(model);
    float alone[ROWS * 3];
    size_t n;
    int k, time;
    for (time = 0; time < 2; time++)
        GIVES(PYLSTM_OK, pylstm_batch_push(batch, c->parts, STREAMS));
    for (k = 0; k < STREAMS; k++) {
        pylstm_push *p = &c->parts[k];
        pylstm_stream *single;
        CHECK(p->status == PYLSTM_OK);
        GIVES(PYLSTM_OK, pylstm_stream_create(model, &single));
        for (time = 0; time < 2; time++)
            GIVES(PYLSTM_OK, pylstm_stream_push(single, p->type, p->data, p->n, p->stride, alone, ROWS, &n));
        CHECK(n == p->rows && memcmp(alone, p->out, n * 3 * sizeof *alone) == 0);
        CHECK(pylstm_stream_position(single) == pylstm_stream_position(p->stream));
        pylstm_stream_destroy(single);
    }
    disperse(c);
}

static void refusals(const models *m, pylstm_batch *batch) {
    crowd *c = crowd_of(m->words);
    pylstm_stream *right = c->parts[5].stream, *wrong;
    pylstm_batch *none = batch;
    const size_t size = pylstm_batch_size(m->words);
    char *memory = aligned_room(size);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_create(NULL, 1, &none));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_create(m->words, 1, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_create(m->words, 0, &none));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_create(m->words, 257, &none));
    fail_allocation(1);
    GIVES(PYLSTM_NO_MEMORY, pylstm_batch_create(m->words, 1, &none));
    CHECK(!none);
    fail_allocation(2); /* the threads' */
    GIVES(PYLSTM_NO_MEMORY, pylstm_batch_create(m->words, 3, &none));
    fail_thread(2); /* one is running already */
    GIVES(PYLSTM_NO_MEMORY, pylstm_batch_create(m->words, 3, &none));
    CHECK(!none);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_init(NULL, size, m->words, &none));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_init(memory, size, NULL, &none));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_init(memory, size, m->words, NULL));
    GIVES(PYLSTM_NO_MEMORY, pylstm_batch_init(memory, size - 1, m->words, &none));
    GIVES(PYLSTM_NO_MEMORY, pylstm_batch_init(memory + 32, size, m->words, &none));
    CHECK(!none);
    GIVES(PYLSTM_OK, pylstm_batch_init(memory, size, m->words, &none));
    CHECK((char *)none == memory);
    as_alone(m->words, none);
    free(memory);
    pylstm_batch_destroy(NULL);

    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_push(NULL, c->parts, 1));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_push(batch, NULL, 1));
    GIVES(PYLSTM_OK, pylstm_batch_push(batch, NULL, 0));
    c->parts[5].stream = NULL;
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_push(batch, c->parts, STREAMS));
    CHECK(c->parts[5].status == PYLSTM_BAD_ARGUMENT && c->parts[0].status == PYLSTM_OK && c->parts[0].rows == 0);
    GIVES(PYLSTM_OK, pylstm_stream_create(m->frames, &wrong));
    c->parts[5].stream = wrong; /* of another model */
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_push(batch, c->parts, STREAMS));
    pylstm_stream_destroy(wrong);
    c->parts[5].stream = c->parts[0].stream; /* twice */
    GIVES(PYLSTM_BUSY, pylstm_batch_push(batch, c->parts, STREAMS));
    CHECK(c->parts[5].status == PYLSTM_BUSY);
    c->parts[5].stream = right;
    c->parts[5].out_rows = 1;
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_batch_push(batch, c->parts, STREAMS));
    c->parts[5].out_rows = ROWS;
    c->parts[5].type = (pylstm_sample_type)9;
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_push(batch, c->parts, STREAMS));
    c->parts[5].type = PYLSTM_FLOAT32;
    c->parts[5].data = NULL;
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_push(batch, c->parts, STREAMS));
    c->parts[5].data = c->pcm;
    c->pcm[3] = INFINITY;
    GIVES(PYLSTM_NOT_FINITE, pylstm_batch_push(batch, c->parts, STREAMS));
    c->pcm[3] = 2000.0f;
    GIVES(PYLSTM_OK, pylstm_stream_watch_scale(c->parts[2].stream, 1));
    GIVES(PYLSTM_OFF_SCALE, pylstm_batch_push(batch, c->parts, STREAMS));
    CHECK(c->parts[2].status == PYLSTM_OFF_SCALE && c->parts[1].status == PYLSTM_OK && c->parts[2].rows == 0);
    CHECK(pylstm_stream_position(c->parts[1].stream) == 0);
    disperse(c);
}

void test_batches(const models *m) {
    pylstm_batch *batch, *two;
    GIVES(PYLSTM_OK, pylstm_batch_create(m->words, 1, &batch));
    GIVES(PYLSTM_OK, pylstm_batch_create(m->words, 2, &two));
    as_alone(m->words, batch);
    as_alone(m->words, two);
    refusals(m, batch);
    pylstm_batch_destroy(batch);
    pylstm_batch_destroy(two);
    if (m->int8) {
        GIVES(PYLSTM_OK, pylstm_batch_create(m->int8, 1, &batch));
        as_alone(m->int8, batch);
        pylstm_batch_destroy(batch);
    }
    if (m->bfloat16) {
        GIVES(PYLSTM_OK, pylstm_batch_create(m->bfloat16, 1, &batch));
        as_alone(m->bfloat16, batch);
        pylstm_batch_destroy(batch);
    }
}

/* --- threads ---------------------------------------------------------------------------------------------------------- */

/* One thread pushes all the time; another one meets it. */
typedef struct meeting {
    const pylstm_model *model;
    pylstm_stream *stream;
    pylstm_batch *batch;
    pylstm_push part;
    float pcm[SECOND], rows[ROWS * 3];
    atomic_int over;
    int with_batch;
} meeting;

static void *keep_pushing(void *argument) {
    meeting *at = argument;
    size_t n;
    pylstm_status status = PYLSTM_OK;
    while (!atomic_load(&at->over) && (status == PYLSTM_OK || status == PYLSTM_BUSY)) {
        if (at->with_batch)
            status = pylstm_batch_push(at->batch, &at->part, 1);
        else
            status = pylstm_stream_push(at->stream, PYLSTM_FLOAT32, at->pcm, SECOND, sizeof(float), at->rows, ROWS, &n);
        if (status == PYLSTM_FLUSHED)
            status = pylstm_stream_reset(at->stream);
    }
    return status == PYLSTM_OK || status == PYLSTM_BUSY ? at : NULL;
}

/* Tried until the other thread is inside a call, which it nearly always is, if it is given the time to begin one. */
#define MEETS(call)                                                                                                            \
    do {                                                                                                                       \
        pylstm_status met_;                                                                                                    \
        while ((met_ = (call)) == PYLSTM_OK || met_ == PYLSTM_FLUSHED)                                                         \
            nanosleep(&moment, NULL);                                                                                          \
        GIVES(PYLSTM_BUSY, met_);                                                                                              \
    } while (0)

static const struct timespec moment = {0, 1000000};

static void meet(meeting *at, pylstm_stream *other) {
    const size_t size = pylstm_snapshot_size(at->model);
    char *snapshot = malloc(size);
    const size_t width = (size_t)pylstm_model_state_width(at->model);
    float *state = calloc(width, sizeof *state), rows[ROWS * 3];
    pthread_t thread;
    void *result;
    int64_t n_rows;
    size_t n;
    CHECK(state);
    GIVES(PYLSTM_OK, pylstm_stream_snapshot(other, snapshot, size));
    atomic_init(&at->over, 0);
    CHECK(pthread_create(&thread, NULL, keep_pushing, at) == 0);
    MEETS(pylstm_stream_rows_due(at->stream, 0, 0, &n_rows));
    MEETS(pylstm_stream_push(at->stream, PYLSTM_FLOAT32, at->pcm, 1, sizeof(float), rows, ROWS, &n));
    MEETS(pylstm_stream_push_frames(at->stream, at->pcm, 0, 0, rows, ROWS, &n));
    MEETS(pylstm_stream_trace_frames(at->stream, at->pcm, 0, 0, rows, ROWS, &n, NULL));
    MEETS(pylstm_stream_get_state(at->stream, state, width));
    MEETS(pylstm_stream_set_state(at->stream, state, width));
    MEETS(pylstm_stream_reset(at->stream));
    MEETS(pylstm_stream_reset_keep_peak(at->stream));
    MEETS(pylstm_stream_snapshot(at->stream, snapshot, size));
    GIVES(PYLSTM_OK, pylstm_stream_snapshot(other, snapshot, size));
    MEETS(pylstm_stream_restore(at->stream, snapshot, size));
    MEETS(pylstm_stream_copy(at->stream, other));
    MEETS(pylstm_stream_copy(other, at->stream));
    MEETS(pylstm_stream_flush(at->stream, rows, ROWS, &n));
    if (at->with_batch)
        MEETS(pylstm_batch_push(at->batch, NULL, 0));
    if (at->with_batch)
        MEETS(pylstm_batch_flush(at->batch, other, rows, ROWS, &n));
    CHECK(pylstm_stream_position(at->stream) >= 0 && pylstm_stream_rows_written(at->stream) >= 0);
    atomic_store(&at->over, 1);
    CHECK(pthread_join(thread, &result) == 0 && result == at);
    free(snapshot), free(state);
}

/* The stack that pylstm.h says is enough, and the least that a thread has beside. Sanitizers take more. */
#if defined(__SANITIZE_ADDRESS__)
#define STACK(size) ((size) + 1000000)
#else
#define STACK(size) ((size) + 16384)
#endif

static void *push_on_it(void *argument) {
    meeting *at = argument;
    size_t n;
    pylstm_status status = pylstm_stream_push(at->stream, PYLSTM_FLOAT32, at->pcm, SECOND, sizeof(float), at->rows, ROWS, &n);
    if (!status)
        status = pylstm_batch_push(at->batch, &at->part, 1);
    return status ? NULL : at;
}

static void *create_on_it(void *argument) {
    const file *f = argument;
    pylstm_model *model;
    if (pylstm_model_create(f->bytes, f->size, &model, NULL))
        return NULL;
    pylstm_model_destroy(model);
    return argument;
}

static void on_a_small_stack(void *(*work)(void *), void *argument, size_t size) {
    pthread_attr_t attributes;
    pthread_t thread;
    void *result;
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, size) == 0);
    CHECK(pthread_create(&thread, &attributes, work, argument) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == argument);
    pthread_attr_destroy(&attributes);
}

void test_threads(const models *m) {
    meeting *at = calloc(1, sizeof *at);
    int16_t *pcm16 = malloc(SECOND * sizeof *pcm16);
    const pylstm_push part = {NULL, PYLSTM_FLOAT32, at->pcm, SECOND, sizeof(float), at->rows, ROWS, 0, PYLSTM_OK};
    file deltas = m->deltas_file;
    pylstm_stream *other;
    at->model = m->words;
    at->part = part;
    fill_audio(at->pcm, pcm16, SECOND);
    GIVES(PYLSTM_OK, pylstm_stream_create(m->words, &at->stream));
    GIVES(PYLSTM_OK, pylstm_stream_create(m->words, &other));
    GIVES(PYLSTM_OK, pylstm_batch_create(m->words, 1, &at->batch));
    at->part.stream = at->stream;
    meet(at, other);
    GIVES(PYLSTM_OK, pylstm_stream_reset(at->stream));
    at->with_batch = 1;
    meet(at, other);
    GIVES(PYLSTM_OK, pylstm_stream_reset(at->stream));
    on_a_small_stack(push_on_it, at, STACK(32768));
    on_a_small_stack(create_on_it, &deltas, STACK(65536));
    pylstm_batch_destroy(at->batch);
    pylstm_stream_destroy(at->stream), pylstm_stream_destroy(other);
    free(pcm16), free(at);
}
