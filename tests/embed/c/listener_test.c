/* Listeners: audio, frames and rows in, events out. */
#include "listening.h"

#include <math.h>

typedef struct sound {
    float pcm[SECOND], stereo[2 * SECOND];
    int16_t pcm16[SECOND];
} sound;

static sound *make_sound(void) {
    sound *s = malloc(sizeof *s);
    size_t k;
    CHECK(s);
    fill_audio(s->pcm, s->pcm16, SECOND);
    for (k = SECOND / 3; k < SECOND / 2; k++) /* silence, too */
        s->pcm[k] = 0, s->pcm16[k] = 0;
    for (k = 0; k < SECOND; k++)
        s->stereo[2 * k] = s->pcm[k], s->stereo[2 * k + 1] = NAN;
    return s;
}

static heard *nothing_heard(void) {
    heard *h = calloc(1, sizeof *h);
    CHECK(h);
    return h;
}

/* --- laws of every kind of decision ----------------------------------------------------------------------------------- */

/* What holds for every list of events of a model at 16 kHz with a hop of 160. */
static void look_at(const trial *t, const pylstm_decision *decision, const heard *h) {
    const int width = pylstm_model_n_outputs(t->model);
    const char *kind = pylstm_decision_kind_of(decision);
    size_t k;
    CHECK(h->n_events > 1);
    for (k = 0; k < h->n_events; k++) {
        const pylstm_event *e = &h->events[k];
        const double row = e->time * 100;
        CHECK(e->label >= 0 && e->label < width && isfinite(e->score) && e->onset >= 0);
        CHECK(fabs(row - floor(row + 0.5)) < 1e-9 && row <= 101 &&
              (k == 0 || e->time >= h->events[k - 1].time || kind[0] == 'w'));
        CHECK((e->kind == PYLSTM_SEGMENT_START) == (e->offset == PYLSTM_NOT_YET));
        CHECK(e->kind == PYLSTM_SEGMENT_START || e->offset >= e->onset);
        if (kind[0] == 'w')
            CHECK(e->kind == PYLSTM_WORD && pylstm_decision_threshold(decision, e->label) > 0 &&
                  e->score >= pylstm_decision_threshold(decision, e->label) - 1e-9 && e->onset <= e->time);
        else if (strcmp(kind, "symbols") == 0)
            CHECK(e->kind == PYLSTM_SYMBOL && e->onset <= e->time && e->offset > e->onset);
        else
            CHECK(e->kind == (k % 2 ? PYLSTM_SEGMENT_END : PYLSTM_SEGMENT_START));
    }
}

/* A second at once and in cuts, as floats, integers, interleaved, from an odd address, rows wanted or not: the same bits. */
static void one_sound(const trial *t, sound *s) {
    const int width = pylstm_model_n_outputs(t->model);
    pylstm_decision *decision = decision_of(t);
    pylstm_listener *listener = listener_of(decision);
    pylstm_stream *stream;
    heard *whole = nothing_heard(), *cut = nothing_heard(), *bare = nothing_heard();
    uint64_t rows, events, more;
    size_t at, step, written;
    int k;
    GIVES(PYLSTM_OK, pylstm_listener_due(listener, PYLSTM_FLOAT32, SECOND, 0, &rows, &more));
    CHECK(rows == 99);
    GIVES(PYLSTM_OK, pylstm_listener_due(listener, PYLSTM_FLOAT32, SECOND, 1, &rows, &events));
    CHECK(rows == 101 && events >= more && more > 0);
    hear(listener, PYLSTM_FLOAT32, s->pcm, SECOND, sizeof(float), width, 1, whole);
    CHECK(pylstm_listener_position(listener) == SECOND && pylstm_listener_rows(listener) == (int64_t)whole->n_rows);
    hear_end(listener, width, 1, whole);
    CHECK(whole->n_rows == rows && pylstm_listener_rows(listener) == (int64_t)rows && whole->n_events <= events);
    look_at(t, decision, whole);

    GIVES(PYLSTM_OK, pylstm_stream_create(t->model, &stream)); /* rows are those of a stream */
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, SECOND, 4, bare->rows, ROWS, &bare->n_rows));
    GIVES(PYLSTM_OK, pylstm_stream_flush(stream, bare->rows + bare->n_rows * (size_t)width, ROWS - bare->n_rows, &written));
    bare->n_rows += written;
    CHECK(same_rows(whole, bare, width));
    pylstm_stream_destroy(stream);

    for (k = 0; k < 5; k++) {
        GIVES(PYLSTM_OK, pylstm_listener_reset(listener));
        CHECK(pylstm_listener_position(listener) == 0 && pylstm_listener_rows(listener) == 0);
        cut->n_events = cut->n_rows = 0;
        for (at = 0; at < SECOND; at += step) {
            step = k < 4 ? at % 997 + 1 : at < 1000 ? 1 : 5000;
            step = step < SECOND - at ? step : SECOND - at;
            if (k == 0 || k == 4) {
                hear(listener, PYLSTM_INT16, s->pcm16 + at, step, sizeof(int16_t), width, 1, cut);
            } else if (k == 1) {
                hear(listener, PYLSTM_FLOAT32, s->stereo + 2 * at, step, 2 * sizeof(float), width, 1, cut);
            } else if (k == 2) {
                hear(listener, PYLSTM_FLOAT32, s->pcm + at, step, sizeof(float), width, 0, cut);
            } else { /* from memory of its own size, at an odd address, backwards */
                char *odd = malloc(step * sizeof(float) + 1);
                size_t j;
                for (j = 0; j < step; j++)
                    memcpy(odd + 1 + (step - 1 - j) * sizeof(float), s->pcm + at + j, sizeof(float));
                hear(listener, PYLSTM_FLOAT32, odd + 1 + (step - 1) * sizeof(float), step, -(ptrdiff_t)sizeof(float), width, 1,
                     cut);
                free(odd);
            }
        }
        hear_end(listener, width, k != 2, cut);
        CHECK(same_events(whole, cut) && (k == 2 || same_rows(whole, cut, width)));
    }
    pylstm_listener_destroy(listener), pylstm_decision_destroy(decision);
    free(whole), free(cut), free(bare);
}

/* Frames, in cuts: the same bits. */
static void many_frames(const trial *t, const sound *s) {
    const int width = pylstm_model_n_outputs(t->model);
    const ptrdiff_t row = 4 * sizeof(float);
    pylstm_decision *decision = decision_of(t);
    pylstm_listener *listener = listener_of(decision);
    heard *whole = nothing_heard(), *cut = nothing_heard();
    float *frames = malloc(4 * 100 * sizeof *frames);
    size_t at, step, k;
    for (k = 0; k < 4 * 100; k++)
        frames[k] = 12 * s->pcm[k] - 6;
    hear(listener, PYLSTM_FRAMES, frames, 100, row, width, 1, whole);
    hear_end(listener, width, 1, whole);
    CHECK(whole->n_rows == 100 && pylstm_listener_position(listener) == 100 && pylstm_listener_rows(listener) == 100);
    look_at(t, decision, whole);
    GIVES(PYLSTM_OK, pylstm_listener_reset(listener));
    for (at = 0; at < 100; at += step) {
        step = at % 17 < 100 - at ? at % 17 : 100 - at; /* none, too */
        hear(listener, PYLSTM_FRAMES, frames + 4 * at, step, row, width, at % 2 == 0, cut);
        hear(listener, PYLSTM_FRAMES, frames + 4 * (at + step), at + step < 100, row, width, 0, cut);
        step += at + step < 100;
    }
    hear_end(listener, width, 0, cut);
    CHECK(same_events(whole, cut));
    pylstm_listener_destroy(listener), pylstm_decision_destroy(decision);
    free(whole), free(cut), free(frames);
}

/* --- many listeners --------------------------------------------------------------------------------------------------- */

#define CROWD 7

/* In a batch each gets what it gets alone, whatever its decision is. */
static void as_alone(const models *m, const trial *trials, int n, int threads, sound *s) {
    pylstm_hearing parts[CROWD];
    pylstm_decision *decisions[CROWD];
    pylstm_batch *batch;
    heard *in_batch = calloc(CROWD, sizeof *in_batch), *single = nothing_heard();
    int k, time;
    GIVES(PYLSTM_OK, pylstm_batch_create(m->decides, threads, &batch));
    memset(parts, 0, sizeof parts);
    for (k = 0; k < CROWD; k++) {
        decisions[k] = decision_of(&trials[k % n]);
        parts[k].listener = listener_of(decisions[k]);
    }
    for (time = 0; time < 3; time++) {
        for (k = 0; k < CROWD; k++) {
            pylstm_hearing *p = &parts[k];
            p->type = k % 2 ? PYLSTM_INT16 : PYLSTM_FLOAT32;
            p->data = k % 2 ? (void *)(s->pcm16 + 100 * k) : (void *)(s->pcm + 100 * k);
            p->n = k == 3 ? 0 : (size_t)(4000 - 777 * time + k);
            p->stride = k % 2 ? 2 : 4;
            p->events = in_batch[k].events + in_batch[k].n_events, p->max_events = EVENTS - in_batch[k].n_events;
            p->out = k % 3 ? in_batch[k].rows + 4 * in_batch[k].n_rows : NULL;
            p->out_rows = k % 3 ? ROWS - in_batch[k].n_rows : 0;
        }
        GIVES(PYLSTM_OK, pylstm_batch_listen(batch, parts, CROWD));
        for (k = 0; k < CROWD; k++) {
            CHECK(parts[k].status == PYLSTM_OK && (k != 3 || parts[k].rows + parts[k].n_events == 0));
            in_batch[k].n_events += parts[k].n_events;
            in_batch[k].n_rows += k % 3 ? parts[k].rows : 0;
        }
    }
    for (k = 0; k < CROWD; k++) {
        pylstm_listener *listener = listener_of(decisions[k]);
        memset(single, 0, sizeof *single);
        for (time = 0; time < 3 && k != 3; time++)
            hear(listener, parts[k].type, parts[k].data, (size_t)(4000 - 777 * time + k), parts[k].stride, 4, k % 3, single);
        CHECK(same_events(&in_batch[k], single) && same_rows(&in_batch[k], single, 4));
        CHECK(pylstm_listener_position(listener) == pylstm_listener_position(parts[k].listener));
        CHECK(pylstm_listener_rows(listener) == pylstm_listener_rows(parts[k].listener));
        pylstm_listener_destroy(listener), pylstm_listener_destroy(parts[k].listener);
        pylstm_decision_destroy(decisions[k]);
    }
    pylstm_batch_destroy(batch);
    free(in_batch), free(single);
}

/* One part that is refused: nobody has heard anything. */
static void refused_together(const models *m, const trial *trials, sound *s) {
    const trial other = {m->sounds, NULL, 0};
    pylstm_decision *decision = decision_of(&trials[0]), *foreign = decision_of(&other);
    pylstm_listener *stranger = listener_of(foreign), *right;
    pylstm_hearing parts[3], good;
    pylstm_event events[3][EVENTS];
    pylstm_batch *batch;
    int k;
    GIVES(PYLSTM_OK, pylstm_batch_create(m->decides, 1, &batch));
    for (k = 0; k < 3; k++)
        parts[k] = (pylstm_hearing){.listener = listener_of(decision),
                                    .type = PYLSTM_FLOAT32,
                                    .data = s->pcm,
                                    .n = SECOND,
                                    .stride = 4,
                                    .events = events[k],
                                    .max_events = EVENTS};
    good = parts[1], right = good.listener;
#define REFUSED_ALL(expected, change)                                                                                          \
    do {                                                                                                                       \
        parts[1] = good;                                                                                                       \
        change;                                                                                                                \
        parts[0].rows = parts[0].n_events = parts[1].rows = parts[1].n_events = 99;                                            \
        GIVES(expected, pylstm_batch_listen(batch, parts, 3));                                                                 \
        CHECK(parts[0].status == PYLSTM_OK && parts[1].status == (expected) && parts[2].status == PYLSTM_OK);                  \
        CHECK(parts[0].rows + parts[0].n_events + parts[1].rows + parts[1].n_events == 0);                                     \
        CHECK(pylstm_listener_position(parts[0].listener) == 0 && pylstm_listener_rows(parts[0].listener) == 0);               \
    } while (0)
    REFUSED_ALL(PYLSTM_BAD_ARGUMENT, parts[1].listener = NULL);
    REFUSED_ALL(PYLSTM_BAD_ARGUMENT, parts[1].listener = stranger);
    REFUSED_ALL(PYLSTM_BUSY, parts[1].listener = parts[0].listener);
    REFUSED_ALL(PYLSTM_BAD_ARGUMENT, parts[1].type = (pylstm_sample_type)5);
    REFUSED_ALL(PYLSTM_BAD_ARGUMENT, parts[1].data = NULL);
    REFUSED_ALL(PYLSTM_BAD_ARGUMENT, parts[1].events = NULL);
    REFUSED_ALL(PYLSTM_BAD_ARGUMENT, parts[1].out_rows = 1);
    REFUSED_ALL(PYLSTM_OUT_TOO_SMALL, parts[1].max_events = 1);
    REFUSED_ALL(PYLSTM_OUT_TOO_SMALL, (parts[1].out = s->stereo, parts[1].out_rows = 1));
    REFUSED_ALL(PYLSTM_NOT_FINITE, parts[1].data = s->stereo);
    GIVES(PYLSTM_OK, pylstm_listener_watch_scale(right, 1));
    s->stereo[1] = 100, s->stereo[3] = 0;
    REFUSED_ALL(PYLSTM_OFF_SCALE, (parts[1].data = s->stereo, parts[1].n = 2));
    s->stereo[1] = s->stereo[3] = NAN;
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_listen(NULL, parts, 1));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_batch_listen(batch, NULL, 1));
    GIVES(PYLSTM_OK, pylstm_batch_listen(batch, NULL, 0));
    parts[1] = good;
    GIVES(PYLSTM_OK, pylstm_batch_listen(batch, parts, 3));
    for (k = 0; k < 3; k++)
        pylstm_listener_destroy(parts[k].listener);
    pylstm_listener_destroy(stranger);
    pylstm_batch_destroy(batch);
    pylstm_decision_destroy(decision), pylstm_decision_destroy(foreign);
}

/* --- refusals --------------------------------------------------------------------------------------------------------- */

static void own_memory(const trial *t) {
    pylstm_decision *decision = decision_of(t);
    const size_t size = pylstm_listener_size(decision);
    pylstm_listener *listener = (pylstm_listener *)decision;
    char *memory = aligned_room(size);
    CHECK(size > pylstm_stream_size(t->model) && pylstm_listener_size(NULL) == 0 && pylstm_listener_snapshot_size(NULL) == 0);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_create(decision, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_create(NULL, &listener));
    fail_allocation(1);
    GIVES(PYLSTM_NO_MEMORY, pylstm_listener_create(decision, &listener));
    CHECK(!listener);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_init(NULL, size, decision, &listener));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_init(memory, size, NULL, &listener));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_init(memory, size, decision, NULL));
    GIVES(PYLSTM_NO_MEMORY, pylstm_listener_init(memory, size - 1, decision, &listener));
    GIVES(PYLSTM_NO_MEMORY, pylstm_listener_init(memory + 32, size, decision, &listener));
    CHECK(!listener && (unsigned char)memory[0] == 0xa5);
    GIVES(PYLSTM_OK, pylstm_listener_init(memory, size, decision, &listener));
    CHECK((char *)listener == memory && pylstm_listener_position(listener) == 0 && pylstm_listener_rows(listener) == 0);
    CHECK(pylstm_listener_position(NULL) == 0 && pylstm_listener_rows(NULL) == 0);
    pylstm_listener_destroy(NULL);
    pylstm_decision_destroy(decision);
    free(memory);
}

static void refusals(const trial *t, sound *s) {
    pylstm_decision *decision = decision_of(t);
    pylstm_listener *listener = listener_of(decision);
    pylstm_event events[EVENTS];
    float out[4 * ROWS];
    uint64_t due, most = 5;
    size_t n = 7, rows = 7;
    const pylstm_hearing good = {.listener = listener,
                                 .type = PYLSTM_FLOAT32,
                                 .data = s->pcm,
                                 .n = SECOND,
                                 .stride = 4,
                                 .events = events,
                                 .max_events = EVENTS,
                                 .out = out,
                                 .out_rows = ROWS};
    pylstm_hearing part;
#define REFUSED(expected, change)                                                                                              \
    do {                                                                                                                       \
        part = good;                                                                                                           \
        part.rows = part.n_events = 99;                                                                                        \
        change;                                                                                                                \
        GIVES(expected, pylstm_listener_push(&part));                                                                          \
        CHECK(part.status == (expected) && part.rows == 0 && part.n_events == 0);                                              \
    } while (0)
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_push(NULL));
    REFUSED(PYLSTM_BAD_ARGUMENT, part.listener = NULL);
    REFUSED(PYLSTM_BAD_ARGUMENT, part.type = (pylstm_sample_type)3);
    REFUSED(PYLSTM_BAD_ARGUMENT, part.data = NULL);
    REFUSED(PYLSTM_BAD_ARGUMENT, part.events = NULL);
    REFUSED(PYLSTM_BAD_ARGUMENT, part.out = NULL);
    REFUSED(PYLSTM_OUT_TOO_SMALL, part.out_rows = 98);
    REFUSED(PYLSTM_OUT_TOO_SMALL, part.out_rows = 0);
    REFUSED(PYLSTM_OUT_TOO_SMALL, part.max_events = 0);
    REFUSED(PYLSTM_OUT_TOO_SMALL, (part.max_events = 0, part.events = NULL));
    GIVES(PYLSTM_OK, pylstm_listener_due(listener, PYLSTM_FLOAT32, SECOND, 0, &due, &most));
    REFUSED(PYLSTM_OUT_TOO_SMALL, part.max_events = (size_t)most - 1);
    if (sizeof(size_t) == 8) {
        REFUSED(PYLSTM_BAD_ARGUMENT, (part.n = SIZE_MAX, part.stride = 0));
        GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_due(listener, PYLSTM_INT16, SIZE_MAX, 0, &due, &most));
    }
    REFUSED(PYLSTM_NOT_FINITE, part.data = s->stereo);
    REFUSED(PYLSTM_NOT_FINITE, (part.type = PYLSTM_FRAMES, part.data = s->stereo, part.n = 2, part.stride = 16));
    CHECK(pylstm_listener_position(listener) == 0 && pylstm_listener_rows(listener) == 0);
    most = 5, due = 5;
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_due(NULL, PYLSTM_INT16, 1, 0, &due, &most));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_due(listener, PYLSTM_INT16, 1, 0, NULL, &most));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_due(listener, PYLSTM_INT16, 1, 0, &due, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_due(listener, (pylstm_sample_type)3, 1, 0, &due, &most));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_flush(NULL, events, EVENTS, &n, out, ROWS, &rows));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_flush(listener, NULL, EVENTS, &n, out, ROWS, &rows));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_flush(listener, events, EVENTS, NULL, out, ROWS, &rows));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_flush(listener, events, EVENTS, &n, NULL, ROWS, &rows));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_flush(listener, events, EVENTS, &n, out, ROWS, NULL));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_listener_flush(listener, events, 0, &n, NULL, 0, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_reset(NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_watch_scale(NULL, 1));
    GIVES(PYLSTM_WRONG_INPUT, pylstm_listener_push_rows(listener, out, 1, 16, events, EVENTS, &n));
    CHECK(most == 5 && due == 5 && n == 7 && rows == 7);

    part = good, part.n = 0, part.data = NULL, part.events = NULL, part.max_events = 0, part.out = NULL, part.out_rows = 0;
    GIVES(PYLSTM_OK, pylstm_listener_push(&part)); /* nothing, for which no room is needed */
    part = good;
    GIVES(PYLSTM_OK, pylstm_listener_push(&part));
    REFUSED(PYLSTM_WRONG_INPUT, (part.type = PYLSTM_FRAMES, part.n = 1));
    GIVES(PYLSTM_WRONG_INPUT, pylstm_listener_due(listener, PYLSTM_FRAMES, 1, 0, &due, &most));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_listener_flush(listener, events, EVENTS, &n, out, 1, &rows));
    CHECK(n == 7 && rows == 7);
    GIVES(PYLSTM_OK, pylstm_listener_flush(listener, events, EVENTS, &n, NULL, 0, &rows)); /* how many there would have been */
    CHECK(rows == 2);
    GIVES(PYLSTM_FLUSHED, pylstm_listener_flush(listener, events, EVENTS, &n, out, ROWS, &rows));
    REFUSED(PYLSTM_FLUSHED, part.n = 1);
    REFUSED(PYLSTM_FLUSHED, part.n = 0);
    GIVES(PYLSTM_FLUSHED, pylstm_listener_due(listener, PYLSTM_INT16, 1, 0, &due, &most));
    GIVES(PYLSTM_FLUSHED, pylstm_listener_due(listener, PYLSTM_INT16, 0, 1, &due, &most));
    GIVES(PYLSTM_OK, pylstm_listener_reset(listener));
    GIVES(PYLSTM_OK,
          pylstm_listener_flush(listener, events, EVENTS, &n, out, ROWS, &rows)); /* nothing came, nothing comes out */
    CHECK(n == 0 && rows == 0 && pylstm_listener_rows(listener) == 0);
    GIVES(PYLSTM_OK, pylstm_listener_reset(listener));
    GIVES(PYLSTM_OK, pylstm_listener_watch_scale(listener, 1));
    GIVES(PYLSTM_OK, pylstm_listener_reset(listener)); /* and still watches */
    out[0] = 17, out[1] = 0;
    REFUSED(PYLSTM_OFF_SCALE, (part.data = out, part.n = 2));
    GIVES(PYLSTM_OK, pylstm_listener_watch_scale(listener, 0));
    part.n = 2;
    GIVES(PYLSTM_OK, pylstm_listener_push(&part));
    pylstm_listener_destroy(listener), pylstm_decision_destroy(decision);
}

/* Deltas need more frames than came. */
static void too_short(const models *m, const sound *s) {
    static const pylstm_setting symbols[] = {{"kind", "symbols"}};
    const trial t = {m->deltas, symbols, 1};
    pylstm_decision *decision = decision_of(&t);
    pylstm_listener *listener = listener_of(decision);
    pylstm_event events[EVENTS];
    uint64_t due, most;
    size_t n;
    heard *h = nothing_heard();
    hear(listener, PYLSTM_FLOAT32, s->pcm, 480, 4, 2, 0, h);
    GIVES(PYLSTM_TOO_SHORT, pylstm_listener_flush(listener, events, EVENTS, &n, NULL, 0, NULL));
    GIVES(PYLSTM_TOO_SHORT, pylstm_listener_due(listener, PYLSTM_INT16, 0, 1, &due, &most));
    hear(listener, PYLSTM_FLOAT32, s->pcm, 4800, 4, 2, 0, h); /* a flush that is refused has ended nothing */
    hear_end(listener, 2, 0, h);
    pylstm_listener_destroy(listener), pylstm_decision_destroy(decision);
    free(h);
}

void test_listeners(const models *m) {
    trial trials[TRIALS];
    const int n = trials_of(m, trials);
    sound *s = make_sound();
    int k;
    for (k = 0; k < n; k++) {
        one_sound(&trials[k], s);
        many_frames(&trials[k], s);
        own_memory(&trials[k]);
        refusals(&trials[k], s);
    }
    as_alone(m, trials, 8, 1, s); /* those of one model */
    as_alone(m, trials, 8, 3, s);
    refused_together(m, trials, s);
    too_short(m, s);
    free(s);
}
