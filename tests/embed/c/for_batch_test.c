/* Streams and listeners that hold their state alone: what they take, what refuses them, and the bits of those with working
 * memory of their own. */
#include "listening.h"

#define FRAMES 50
#define MOST   160 /* rows of a sound and of FRAMES */
#define WIDTH  64
#define LITTLE 192 /* bytes beside a state, as far as a snapshot's headers are smaller */

typedef struct sound {
    float pcm[SECOND];
    int16_t pcm16[SECOND];
} sound;

/* Rows, and the trace of frames. */
typedef struct given {
    float rows[MOST * WIDTH], *trace;
    size_t n;
} given;

static given *nothing_given(const pylstm_model *model) {
    given *g = calloc(1, sizeof *g);
    CHECK(g && pylstm_model_n_outputs(model) <= WIDTH);
    g->trace = calloc(FRAMES * (size_t)pylstm_model_trace_width(model) + 1, sizeof *g->trace);
    CHECK(g->trace);
    return g;
}

static void forget(given *g) {
    free(g->trace), free(g);
}

static int same(const given *a, const given *b, const pylstm_model *model) {
    return a->n > 0 && a->n == b->n &&
           memcmp(a->rows, b->rows, a->n * (size_t)pylstm_model_n_outputs(model) * sizeof *a->rows) == 0 &&
           memcmp(a->trace, b->trace, FRAMES * (size_t)pylstm_model_trace_width(model) * sizeof *a->trace) == 0;
}

/* A sound in three pieces (in a model without features: frames) and its end, then frames with their trace; all of it through
 * the batch, or (NULL) by the stream itself. */
static void go_through(const pylstm_model *model, pylstm_batch *batch, pylstm_stream *stream, const sound *s, given *to) {
    const size_t width = (size_t)pylstm_model_n_outputs(model), step = (size_t)pylstm_model_n_features(model) * sizeof(float);
    const int has_audio = pylstm_model_sample_rate(model) > 0;
    size_t n, k;
    to->n = 0;
    for (k = 0; k < 4; k++) {
        float *out = to->rows + to->n * width;
        pylstm_push part = {stream, PYLSTM_FLOAT32, s->pcm + 5000 * k, 5000, 4, out, MOST - to->n, 0, PYLSTM_OK};
        if (k == 1 && has_audio)
            part.type = PYLSTM_INT16, part.data = s->pcm16 + 5000, part.stride = 2;
        if (!has_audio)
            part.type = PYLSTM_FRAMES, part.n = 10, part.stride = (ptrdiff_t)step;
        if (batch && k < 3)
            GIVES(PYLSTM_OK, pylstm_batch_push(batch, &part, 1));
        else if (batch)
            GIVES(PYLSTM_OK, pylstm_batch_flush(batch, stream, out, part.out_rows, &part.rows));
        else if (k == 3)
            GIVES(PYLSTM_OK, pylstm_stream_flush(stream, out, part.out_rows, &part.rows));
        else if (has_audio)
            GIVES(PYLSTM_OK,
                  pylstm_stream_push(stream, part.type, part.data, 5000, part.stride, out, part.out_rows, &part.rows));
        else
            GIVES(PYLSTM_OK, pylstm_stream_push_frames(stream, part.data, 10, part.stride, out, part.out_rows, &part.rows));
        to->n += part.rows;
    }
    GIVES(PYLSTM_OK, pylstm_stream_reset(stream));
    n = 0;
    if (batch)
        GIVES(PYLSTM_OK, pylstm_batch_trace_frames(batch, stream, s->pcm, FRAMES, (ptrdiff_t)step, to->rows + to->n * width,
                                                   FRAMES, &n, to->trace));
    else
        GIVES(PYLSTM_OK, pylstm_stream_trace_frames(stream, s->pcm, FRAMES, (ptrdiff_t)step, to->rows + to->n * width, FRAMES,
                                                    &n, to->trace));
    CHECK(n == FRAMES);
    to->n += n;
}

/* The same bits, whoever has the working memory: also where streams follow each other in it. */
static void same_bits(const pylstm_model *model, const sound *s, int threads) {
    given *own = nothing_given(model), *lent = nothing_given(model);
    const size_t size = pylstm_snapshot_size(model);
    char *snapshot = malloc(size), *other = malloc(size);
    pylstm_stream *with, *bare;
    pylstm_batch *batch;
    int time;
    CHECK(snapshot && other);
    GIVES(PYLSTM_OK, pylstm_batch_create(model, threads, &batch));
    GIVES(PYLSTM_OK, pylstm_stream_create(model, &with));
    GIVES(PYLSTM_OK, pylstm_stream_create_for_batch(model, &bare));
    go_through(model, NULL, with, s, own);
    for (time = 0; time < 2; time++) {
        go_through(model, batch, bare, s, lent);
        CHECK(same(own, lent, model));
        GIVES(PYLSTM_OK, pylstm_stream_snapshot(with, snapshot, size));
        GIVES(PYLSTM_OK, pylstm_stream_snapshot(bare, other, size));
        CHECK(memcmp(snapshot, other, size) == 0);
        GIVES(PYLSTM_OK, pylstm_stream_reset(bare));
        GIVES(PYLSTM_OK, pylstm_stream_restore(bare, snapshot, size));
        GIVES(PYLSTM_OK, pylstm_stream_copy(with, bare)); /* either way: the state is the same block */
        GIVES(PYLSTM_OK, pylstm_stream_reset(bare));
        go_through(model, batch, bare, (const sound *)(s + 1), lent); /* another sound leaves what it leaves */
        CHECK(!same(own, lent, model));
        GIVES(PYLSTM_OK, pylstm_stream_reset(bare));
    }
    GIVES(PYLSTM_OK, pylstm_stream_reset(with));
    go_through(model, batch, with, s, lent); /* one with memory of its own may be lent some, too */
    CHECK(same(own, lent, model));
    pylstm_stream_destroy(with), pylstm_stream_destroy(bare), pylstm_batch_destroy(batch);
    free(snapshot), free(other), forget(own), forget(lent);
}

static void stream_refusals(const models *m, const sound *s) {
    const size_t size = pylstm_stream_size_for_batch(m->words), snapshot_size = pylstm_snapshot_size(m->words);
    char *memory = aligned_room(size), *snapshot = malloc(snapshot_size), *fresh = malloc(snapshot_size);
    float rows[ROWS * 3];
    pylstm_stream *none = (pylstm_stream *)memory, *stream;
    pylstm_batch *batch, *foreign;
    size_t n = 7;
    CHECK(snapshot && fresh);
    CHECK(size < pylstm_stream_size(m->words) && size <= snapshot_size + LITTLE);
    CHECK(pylstm_stream_size_for_batch(NULL) == 0);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_create_for_batch(NULL, &none));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_create_for_batch(m->words, NULL));
    fail_allocation(1);
    GIVES(PYLSTM_NO_MEMORY, pylstm_stream_create_for_batch(m->words, &none));
    CHECK(!none);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_init_for_batch(NULL, size, m->words, &none));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_init_for_batch(memory, size, NULL, &none));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_init_for_batch(memory, size, m->words, NULL));
    GIVES(PYLSTM_NO_MEMORY, pylstm_stream_init_for_batch(memory, size - 1, m->words, &none));
    GIVES(PYLSTM_NO_MEMORY, pylstm_stream_init_for_batch(memory + 32, size, m->words, &none));
    CHECK(!none && (unsigned char)memory[0] == 0xa5);
    GIVES(PYLSTM_OK, pylstm_stream_init_for_batch(memory, size, m->words, &stream));
    CHECK((char *)stream == memory);

    GIVES(PYLSTM_OK, pylstm_batch_create(m->words, 1, &batch));
    GIVES(PYLSTM_OK, pylstm_batch_create(m->frames, 1, &foreign));
    GIVES(PYLSTM_OK, pylstm_stream_snapshot(stream, fresh, snapshot_size));
    GIVES(PYLSTM_NEEDS_BATCH, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, 1000, 4, rows, ROWS, &n));
    GIVES(PYLSTM_NEEDS_BATCH, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, 0, 4, rows, ROWS, &n));
    GIVES(PYLSTM_NEEDS_BATCH, pylstm_stream_push_frames(stream, s->pcm, 1, 4, rows, ROWS, &n));
    GIVES(PYLSTM_NEEDS_BATCH, pylstm_stream_trace_frames(stream, s->pcm, 1, 4, rows, ROWS, &n, NULL));
    GIVES(PYLSTM_NEEDS_BATCH, pylstm_stream_flush(stream, rows, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_flush(NULL, stream, rows, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_flush(batch, NULL, rows, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_flush(foreign, stream, rows, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_flush(batch, stream, NULL, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_flush(batch, stream, rows, ROWS, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_trace_frames(NULL, stream, s->pcm, 1, 4, rows, ROWS, &n, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_trace_frames(batch, NULL, s->pcm, 1, 4, rows, ROWS, &n, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_trace_frames(foreign, stream, s->pcm, 1, 4, rows, ROWS, &n, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_trace_frames(batch, stream, s->pcm, 1, 4, rows, ROWS, NULL, NULL));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_batch_trace_frames(batch, stream, s->pcm, 1, 4, rows, 0, &n, NULL));
    GIVES(PYLSTM_OK, pylstm_stream_snapshot(stream, snapshot, snapshot_size));
    CHECK(n == 7 && memcmp(snapshot, fresh, snapshot_size) == 0);
    GIVES(PYLSTM_OK, pylstm_batch_flush(batch, stream, rows, ROWS, &n));
    CHECK(n == 0);
    GIVES(PYLSTM_FLUSHED, pylstm_batch_flush(batch, stream, rows, ROWS, &n));
    pylstm_batch_destroy(batch), pylstm_batch_destroy(foreign);
    free(memory), free(snapshot), free(fresh);
}

/* --- listeners -------------------------------------------------------------------------------------------------------- */

/* A second of sound and its end through a batch. */
static void listen_through(pylstm_batch *batch, pylstm_listener *listener, int width, const sound *s, heard *to) {
    size_t at, n_events, n_rows;
    to->n_events = to->n_rows = 0;
    for (at = 0; at < SECOND; at += 4000) {
        pylstm_hearing part = {.listener = listener,
                               .type = PYLSTM_FLOAT32,
                               .data = s->pcm + at,
                               .n = 4000,
                               .stride = 4,
                               .events = to->events + to->n_events,
                               .max_events = EVENTS - to->n_events,
                               .out = to->rows + to->n_rows * (size_t)width,
                               .out_rows = ROWS - to->n_rows};
        GIVES(PYLSTM_OK, pylstm_batch_listen(batch, &part, 1));
        to->n_events += part.n_events, to->n_rows += part.rows;
    }
    GIVES(PYLSTM_OK, pylstm_batch_flush_listener(batch, listener, to->events + to->n_events, EVENTS - to->n_events, &n_events,
                                                 to->rows + to->n_rows * (size_t)width, ROWS - to->n_rows, &n_rows));
    to->n_events += n_events, to->n_rows += n_rows;
}

static void same_events_heard(const trial *t, const sound *s) {
    const int width = pylstm_model_n_outputs(t->model);
    pylstm_decision *decision = decision_of(t);
    const size_t size = pylstm_listener_size_for_batch(decision), snapshot_size = pylstm_listener_snapshot_size(decision);
    char *memory = aligned_room(size), *snapshot = malloc(snapshot_size + 1);
    heard *own = calloc(1, sizeof *own), *lent = calloc(1, sizeof *lent);
    pylstm_listener *with = listener_of(decision), *bare;
    pylstm_batch *batch;
    CHECK(own && lent && snapshot);
    CHECK(size < pylstm_listener_size(decision) && size <= snapshot_size + LITTLE);
    GIVES(PYLSTM_OK, pylstm_batch_create(t->model, 1, &batch));
    GIVES(PYLSTM_OK, pylstm_listener_init_for_batch(memory, size, decision, &bare));
    hear(with, PYLSTM_FLOAT32, s->pcm, SECOND, sizeof(float), width, 1, own);
    GIVES(PYLSTM_OK, pylstm_listener_snapshot(with, snapshot + 1, snapshot_size)); /* at an odd address */
    hear_end(with, width, 1, own);
    listen_through(batch, bare, width, s, lent);
    CHECK(own->n_events > 0 && same_events(own, lent) && same_rows(own, lent, width));
    GIVES(PYLSTM_OK, pylstm_listener_restore(bare, snapshot + 1, snapshot_size));
    CHECK(pylstm_listener_position(bare) == SECOND);
    GIVES(PYLSTM_OK, pylstm_listener_copy(with, bare));
    pylstm_listener_destroy(with), pylstm_batch_destroy(batch), pylstm_decision_destroy(decision);
    free(memory), free(snapshot), free(own), free(lent);
}

static void listener_refusals(const models *m, const trial *t, const sound *s) {
    pylstm_decision *decision = decision_of(t), *for_rows;
    const size_t size = pylstm_listener_size_for_batch(decision);
    char *memory = aligned_room(size);
    pylstm_event events[EVENTS];
    pylstm_listener *listener = (pylstm_listener *)decision, *of_rows;
    pylstm_hearing part = {
        .type = PYLSTM_FLOAT32, .data = s->pcm, .n = 1000, .stride = 4, .events = events, .max_events = EVENTS};
    pylstm_batch *batch, *foreign;
    size_t n = 7;
    CHECK(pylstm_listener_size_for_batch(NULL) == 0);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_create_for_batch(decision, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_create_for_batch(NULL, &listener));
    fail_allocation(1);
    GIVES(PYLSTM_NO_MEMORY, pylstm_listener_create_for_batch(decision, &listener));
    CHECK(!listener);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_init_for_batch(NULL, size, decision, &listener));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_init_for_batch(memory, size, NULL, &listener));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_init_for_batch(memory, size, decision, NULL));
    GIVES(PYLSTM_NO_MEMORY, pylstm_listener_init_for_batch(memory, size - 1, decision, &listener));
    GIVES(PYLSTM_NO_MEMORY, pylstm_listener_init_for_batch(memory + 32, size, decision, &listener));
    CHECK(!listener && (unsigned char)memory[0] == 0xa5);
    GIVES(PYLSTM_OK, pylstm_listener_create_for_batch(decision, &listener));
    GIVES(PYLSTM_OK, pylstm_batch_create(t->model, 1, &batch));
    GIVES(PYLSTM_OK, pylstm_batch_create(m->frames, 1, &foreign));
    part.listener = listener;
    GIVES(PYLSTM_NEEDS_BATCH, pylstm_listener_push(&part));
    CHECK(part.status == PYLSTM_NEEDS_BATCH && part.rows == 0 && part.n_events == 0);
    GIVES(PYLSTM_NEEDS_BATCH, pylstm_listener_flush(listener, events, EVENTS, &n, NULL, 0, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_flush_listener(NULL, listener, events, EVENTS, &n, NULL, 0, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_flush_listener(batch, NULL, events, EVENTS, &n, NULL, 0, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_flush_listener(foreign, listener, events, EVENTS, &n, NULL, 0, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_flush_listener(batch, listener, events, EVENTS, NULL, NULL, 0, NULL));
    CHECK(n == 7 && pylstm_listener_position(listener) == 0 && pylstm_listener_rows(listener) == 0);
    GIVES(PYLSTM_OK, pylstm_batch_flush_listener(batch, listener, events, EVENTS, &n, NULL, 0, NULL));
    GIVES(PYLSTM_FLUSHED, pylstm_batch_flush_listener(batch, listener, events, EVENTS, &n, NULL, 0, NULL));

    GIVES(PYLSTM_OK, pylstm_decision_create_for_rows(NULL, 3, 0.01, &(pylstm_setting){"kind", "symbols"}, 1, &for_rows, NULL));
    GIVES(PYLSTM_OK, pylstm_listener_create_for_batch(for_rows, &of_rows)); /* of rows: it is what the other one is */
    CHECK(pylstm_listener_size_for_batch(for_rows) == pylstm_listener_size(for_rows));
    GIVES(PYLSTM_OK, pylstm_listener_push_rows(of_rows, s->pcm, 10, 12, events, EVENTS, &n));
    GIVES(PYLSTM_WRONG_INPUT, pylstm_batch_flush_listener(batch, of_rows, events, EVENTS, &n, NULL, 0, NULL));
    GIVES(PYLSTM_OK, pylstm_listener_flush(of_rows, events, EVENTS, &n, NULL, 0, NULL));
    pylstm_listener_destroy(of_rows), pylstm_decision_destroy(for_rows);
    pylstm_listener_destroy(listener), pylstm_decision_destroy(decision);
    pylstm_batch_destroy(batch), pylstm_batch_destroy(foreign);
    free(memory);
}

void test_for_batch(const models *m) {
    const pylstm_model *const all[] = {m->words, m->int8, m->bfloat16, m->frames, m->deltas, m->bare, m->decides};
    sound *s = malloc(2 * sizeof *s);
    trial trials[TRIALS];
    int k;
    CHECK(s);
    for (k = 0; k < 2; k++)
        fill_audio(s[k].pcm, s[k].pcm16, SECOND);
    for (k = 0; k < (int)(sizeof all / sizeof *all); k++) {
        if (all[k])
            same_bits(all[k], s, 1 + k % 2);
    }
    stream_refusals(m, s);
    for (k = 0; k < trials_of(m, trials); k++)
        same_events_heard(&trials[k], s);
    listener_refusals(m, &trials[0], s);
    free(s);
}
