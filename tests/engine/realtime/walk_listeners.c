/* Listeners of each kind: the calls of pylstm.h that work on them, on the same model (or, where that has no features, on rows
 * as wide as its own). */
#include "walk_parts.h"

#include "engine/listener.h" /* to hold a listener as another thread would */
#include "platform/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAYS   6
#define EVENTS 70000 /* room: five a row, and a word for each of 17 labels */

/* A decision, and listeners of it. */
typedef struct ear {
    pylstm_decision *decision;
    size_t size, snapshot_size;
    void *memory[2];
    pylstm_listener *a, *b;
    char *snapshot, *spoilt;
} ear;

struct walk_ears {
    ear of[WAYS];
    pylstm_decision *other; /* with settings that no other one has */
    pylstm_listener *foreign;
    char *other_snapshot;
    pylstm_event *events;
    size_t heard;
};

static const pylstm_setting ways[WAYS][8] = {
    {{"kind", "words"}, {"threshold", "0.3"}, {"smoothing_frames", "3"}, {"refractory_frames", "2"}},
    {{"kind", "words"}, {"exclusive", "false"}, {"report", "final"}, {"threshold", "0.2"}, {"refractory_frames", "0"}},
    {{"kind", "segments"}, {"label", "0"}, {"threshold", "0.3"}, {"min_speech", "0"}, {"max_speech", "0.1"}},
    {{"kind", "segments"}, {"label", "0"}, {"report", "early"}, {"smoothing_frames", "5"}, {"min_silence", "0"}},
    {{"kind", "symbols"}},
    {{"kind", "symbols"}, {"report", "final"}},
};

static void *room(size_t size) {
    char *memory = calloc(1, size + PYLSTM_ALIGNMENT);
    REQUIRE(memory);
    return memory + (PYLSTM_ALIGNMENT - (uintptr_t)memory % PYLSTM_ALIGNMENT);
}

static pylstm_decision *decision_of(const pylstm_model *model, const pylstm_setting *settings) {
    pylstm_setting own[8];
    pylstm_decision *decision = NULL;
    pylstm_error why = {PYLSTM_OK, ""};
    size_t n;
    for (n = 0; n < 8 && settings[n].key; n++) {
        own[n] = settings[n];
        if (strcmp(own[n].key, "label") == 0 && pylstm_model_label(model, 0))
            own[n].value = pylstm_model_label(model, 0);
    }
    if (pylstm_model_sample_rate(model))
        pylstm_decision_create(model, own, n, &decision, &why);
    else
        pylstm_decision_create_for_rows(NULL, pylstm_model_n_outputs(model), 0.01, own, n, &decision, &why);
    if (!decision)
        fprintf(stderr, "%s\n", why.message);
    REQUIRE(decision);
    return decision;
}

void walk_grow_ears(walk *w) {
    static const pylstm_setting others[8] = {{"kind", "symbols"}, {"blank", "1"}};
    static const pylstm_setting words[8] = {{"kind", "words"}, {"threshold", "0.77"}};
    walk_ears *ears = room(sizeof *ears);
    int k;
    w->ears = ears;
    ears->events = room(EVENTS * sizeof *ears->events);
    ears->other = decision_of(w->model, pylstm_model_label(w->model, 0) ? words : others);
    REQUIRE(pylstm_listener_create(ears->other, &ears->foreign) == PYLSTM_OK);
    ears->other_snapshot = room(pylstm_listener_snapshot_size(ears->other));
    for (k = 0; k < WAYS; k++) {
        ear *e = &ears->of[k];
        e->decision = decision_of(w->model, ways[k]);
        e->size = pylstm_listener_size(e->decision);
        e->snapshot_size = pylstm_listener_snapshot_size(e->decision);
        e->memory[0] = room(e->size), e->memory[1] = room(e->size);
        e->snapshot = room(e->snapshot_size + 1), e->spoilt = room(e->snapshot_size + 1);
    }
}

/* --- what goes in ----------------------------------------------------------------------------------------------------- */

static void keep_events(walk *w, size_t n) {
    REQUIRE(n <= EVENTS);
    walk_keep(w, w->ears->events, n * sizeof *w->ears->events);
    w->ears->heard += n;
}

static void keep_state(walk *w, const ear *e, pylstm_listener *listener) {
    RT(PYLSTM_OK, pylstm_listener_snapshot(listener, e->snapshot, e->snapshot_size));
    walk_keep(w, e->snapshot, e->snapshot_size);
}

static pylstm_hearing part_of(walk *w, pylstm_listener *listener, pylstm_sample_type type, const void *data, size_t n,
                              ptrdiff_t stride) {
    return (pylstm_hearing){
        .listener = listener,
        .type = type,
        .data = data,
        .n = n,
        .stride = stride,
        .events = w->ears->events,
        .max_events = EVENTS,
        .out = n % 2 ? w->out : NULL,
        .out_rows = n % 2 ? ROWS : 0,
    };
}

static void push(walk *w, pylstm_listener *listener, pylstm_sample_type type, const void *data, size_t n, ptrdiff_t stride) {
    pylstm_hearing part = part_of(w, listener, type, data, n, stride);
    uint64_t rows, most;
    RT(PYLSTM_OK, pylstm_listener_due(listener, type, n, 0, &rows, &most));
    RT(PYLSTM_OK, pylstm_listener_push(&part));
    REQUIRE(part.rows == rows && part.n_events <= most);
    if (part.out)
        walk_keep_rows(w, part.rows);
    keep_events(w, part.n_events);
}

/* Rows of this listener, which has no model: those of the frames, as wide as they have to be. */
static void push_rows(walk *w, pylstm_listener *listener, size_t n) {
    size_t n_events;
    RT(PYLSTM_OK,
       pylstm_listener_push_rows(listener, w->pcm, n, (ptrdiff_t)(w->n_outputs * 4), w->ears->events, EVENTS, &n_events));
    keep_events(w, n_events);
}

static void push_some(walk *w, const ear *e) {
    static const size_t sizes[] = {1, 7, 0, 159, 161, 4001, SECOND};
    const ptrdiff_t row = (ptrdiff_t)(w->n_features * sizeof(float));
    size_t k;
    RT(PYLSTM_OK, pylstm_listener_reset(e->b));
    for (k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        if (w->audio) {
            push(w, e->a, PYLSTM_FLOAT32, w->pcm, sizes[k], 4);
            push(w, e->a, PYLSTM_INT16, w->pcm16, sizes[k], 2);
            push(w, e->b, PYLSTM_FRAMES, w->frames, sizes[k] % (FRAMES + 1), row);
        } else {
            push_rows(w, e->a, sizes[k] % 200);
        }
    }
    if (w->audio) {
        push(w, e->a, PYLSTM_FLOAT32, w->pcm + SECOND - 1, SECOND, -4);
        push(w, e->a, PYLSTM_INT16, (char *)w->pcm16 + 1, 5000, 5);
        push(w, e->a, PYLSTM_FLOAT32, w->tiny, SECOND, 4);
    }
    RT(1, pylstm_listener_position(e->a) > 0);
    RT(1, pylstm_listener_rows(e->a) > 0);
    keep_state(w, e, e->a);
}

/* --- what is refused -------------------------------------------------------------------------------------------------- */

static void refuse(walk *w, const ear *e) {
    const float sound = w->pcm[50];
    pylstm_hearing part = part_of(w, e->a, PYLSTM_FLOAT32, w->pcm, SECOND, 4);
    uint64_t rows, most;
    size_t n;
    keep_state(w, e, e->a);
    w->pcm[50] = NAN;
    if (w->audio) {
        RT(PYLSTM_NOT_FINITE, pylstm_listener_push(&part));
        w->pcm[50] = 3000;
        RT(PYLSTM_OK, pylstm_listener_watch_scale(e->a, 1));
        RT(PYLSTM_OFF_SCALE, pylstm_listener_push(&part));
        RT(PYLSTM_OK, pylstm_listener_watch_scale(e->a, 0));
        part.max_events = 0;
        RT(PYLSTM_OUT_TOO_SMALL, pylstm_listener_push(&part));
        part.max_events = EVENTS, part.out = w->out, part.out_rows = 1;
        RT(PYLSTM_OUT_TOO_SMALL, pylstm_listener_push(&part));
        part.out = NULL;
        RT(PYLSTM_BAD_ARGUMENT, pylstm_listener_push(&part));
        part.type = PYLSTM_FRAMES, part.n = 1, part.out_rows = 0;
        RT(PYLSTM_WRONG_INPUT, pylstm_listener_push(&part));
        RT(PYLSTM_WRONG_INPUT, pylstm_listener_push_rows(e->a, w->out, 1, 4, w->ears->events, EVENTS, &n));
        RT(PYLSTM_BAD_ARGUMENT, pylstm_listener_due(e->a, PYLSTM_INT16, SIZE_MAX, 0, &rows, &most));
    } else {
        RT(PYLSTM_NOT_FINITE, pylstm_listener_push_rows(e->a, w->pcm, 60, 4, w->ears->events, EVENTS, &n));
        RT(PYLSTM_OUT_TOO_SMALL, pylstm_listener_push_rows(e->a, w->out, 1, 4, w->ears->events, 0, &n));
        RT(PYLSTM_BAD_ARGUMENT, pylstm_listener_push_rows(e->a, w->out, SIZE_MAX, 0, w->ears->events, EVENTS, &n));
        RT(PYLSTM_WRONG_INPUT, pylstm_listener_push(&part));
        RT(PYLSTM_WRONG_INPUT, pylstm_listener_watch_scale(e->a, 1));
    }
    w->pcm[50] = sound;
    RT(PYLSTM_BAD_ARGUMENT, pylstm_listener_push(NULL));
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_listener_flush(e->a, w->ears->events, 0, &n, NULL, 0, NULL));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_listener_flush(e->a, w->ears->events, EVENTS, NULL, NULL, 0, NULL));
    keep_state(w, e, e->a);
}

static void be_busy(walk *w, const ear *e) {
    pylstm_hearing part = part_of(w, e->a, PYLSTM_INT16, w->pcm16, 1, 2);
    uint64_t rows, most;
    size_t n;
    keep_state(w, e, e->a);
    REQUIRE(pylstm_listener_acquire(e->a) == PYLSTM_OK);
    if (w->audio) {
        RT(PYLSTM_BUSY, pylstm_listener_push(&part));
        RT(PYLSTM_BUSY, pylstm_batch_listen(w->batch, &part, 1));
        RT(PYLSTM_BUSY, pylstm_listener_watch_scale(e->a, 1));
    } else {
        RT(PYLSTM_BUSY, pylstm_listener_push_rows(e->a, w->pcm, 1, 4, w->ears->events, EVENTS, &n));
    }
    RT(PYLSTM_BUSY, pylstm_listener_due(e->a, PYLSTM_FRAMES, 0, 1, &rows, &most));
    RT(PYLSTM_BUSY, pylstm_listener_flush(e->a, w->ears->events, EVENTS, &n, NULL, 0, NULL));
    RT(PYLSTM_BUSY, pylstm_listener_reset(e->a));
    RT(PYLSTM_BUSY, pylstm_listener_snapshot(e->a, e->spoilt, e->snapshot_size));
    RT(PYLSTM_BUSY, pylstm_listener_restore(e->a, e->snapshot, e->snapshot_size));
    RT(PYLSTM_BUSY, pylstm_listener_copy(e->a, e->b));
    RT(PYLSTM_BUSY, pylstm_listener_copy(e->b, e->a));
    RT(1, pylstm_listener_position(e->a) > 0);
    pylstm_busy_flag_give_interrupted(&e->a->busy); /* as if a fork had left its user behind */
    RT(PYLSTM_INTERRUPTED, pylstm_listener_due(e->a, PYLSTM_FRAMES, 0, 1, &rows, &most));
    RT(PYLSTM_INTERRUPTED, pylstm_listener_snapshot(e->a, e->spoilt, e->snapshot_size));
    RT(PYLSTM_INTERRUPTED, pylstm_listener_copy(e->b, e->a));
    RT(PYLSTM_SNAPSHOT_DAMAGED, pylstm_listener_restore(e->a, e->snapshot, e->snapshot_size - 1));
    RT(PYLSTM_INTERRUPTED, pylstm_listener_flush(e->a, w->ears->events, EVENTS, &n, NULL, 0, NULL));
    RT(PYLSTM_OK, pylstm_listener_restore(e->a, e->snapshot, e->snapshot_size));
}

/* --- what is remembered ----------------------------------------------------------------------------------------------- */

static void sign(const ear *e, char *snapshot) {
    const size_t size = e->decision->state_size;
    const uint64_t hash = pylstm_hash(snapshot + e->snapshot_size - size, size);
    memcpy(snapshot + 32, &hash, sizeof hash);
}

static void move(walk *w, const ear *e) {
    const size_t size = e->snapshot_size, state = size - e->decision->state_size;
    const double wrong[] = {NAN, INFINITY, -1e300};
    const uint32_t signalling = 0x7ff00001; /* the upper half of a NaN that traps where it is only looked at */
    size_t at;
    keep_state(w, e, e->a);
    memmove(e->spoilt + 1, e->snapshot, size);
    RT(PYLSTM_OK, pylstm_listener_restore(e->b, e->spoilt + 1, size));
    RT(PYLSTM_OK, pylstm_listener_copy(e->b, e->a));
    RT(PYLSTM_OK, pylstm_listener_copy(e->b, e->b));
    RT(PYLSTM_SNAPSHOT_FOREIGN, pylstm_listener_copy(e->b, w->ears->foreign));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_listener_copy(e->b, NULL));
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_listener_snapshot(e->a, e->spoilt, size - 1));
    RT(PYLSTM_SNAPSHOT_DAMAGED, pylstm_listener_restore(e->b, e->snapshot, size - 1));
    RT(PYLSTM_SNAPSHOT_FOREIGN,
       pylstm_listener_restore(e->b, w->ears->other_snapshot, pylstm_listener_snapshot_size(w->ears->other)));
    for (at = state; at < size; at += at < state + 256 ? 8 : 72) { /* a hash that fits over words that nobody writes */
        memcpy(e->spoilt, e->snapshot, size);
        memcpy(e->spoilt + at, &wrong[at / 8 % 3], 8);
        if (at % 5 == 0)
            memcpy(e->spoilt + at + 4, &signalling, 4);
        sign(e, e->spoilt);
        w->around->enter();
        pylstm_listener_restore(e->b, e->spoilt, size); /* refused, except where it may be so */
        w->around->leave("pylstm_listener_restore of a forged snapshot");
        w->calls++;
    }
    RT(PYLSTM_OK, pylstm_listener_restore(e->b, e->snapshot, size));
    keep_state(w, e, e->b);
}

static void end(walk *w, const ear *e) {
    uint64_t rows, most;
    size_t n, written = 0;
    RT(PYLSTM_OK, pylstm_listener_due(e->a, PYLSTM_FRAMES, 0, 1, &rows, &most));
    RT(PYLSTM_OK, pylstm_listener_flush(e->a, w->ears->events, EVENTS, &n, w->out, ROWS, &written));
    REQUIRE(written == rows && n <= most);
    keep_events(w, n);
    RT(PYLSTM_FLUSHED, pylstm_listener_flush(e->a, w->ears->events, EVENTS, &n, NULL, 0, NULL));
    RT(PYLSTM_FLUSHED, pylstm_listener_due(e->a, PYLSTM_FRAMES, 0, 1, &rows, &most));
    keep_state(w, e, e->a);
    RT(PYLSTM_OK, pylstm_listener_reset(e->a));
    RT(0, pylstm_listener_rows(e->a));
    RT(0, pylstm_listener_position(e->a));
    keep_state(w, e, e->a);
}

static void ask(walk *w, const ear *e) {
    const char *key;
    double value;
    RT(1, pylstm_decision_kind_of(e->decision) != NULL);
    RT(PYLSTM_OK, pylstm_decision_setting(e->decision, 0, &key, &value));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_decision_setting(e->decision, 99, &key, &value));
    RT(0, pylstm_decision_threshold(e->decision, -1));
    RT(e->size, pylstm_listener_size(e->decision));
    RT(e->snapshot_size, pylstm_listener_snapshot_size(e->decision));
}

/* --- many of them ----------------------------------------------------------------------------------------------------- */

static void together(walk *w) {
    pylstm_hearing parts[WAYS + 1];
    pylstm_event *events = w->ears->events;
    size_t k, round;
    for (round = 0; round < 3; round++) {
        for (k = 0; k < WAYS; k++) {
            const int frames = k % 3 == 2;
            ear *e = &w->ears->of[k];
            if (!round)
                RT(PYLSTM_OK, pylstm_listener_reset(e->a));
            parts[k] = part_of(w, e->a, frames ? PYLSTM_FRAMES : PYLSTM_INT16, frames ? (void *)w->frames : (void *)w->pcm16,
                               frames ? 11 * round : 2 * (997 * round + 333 * k), frames ? (ptrdiff_t)(4 * w->n_features) : 2);
            parts[k].events = events + k * (EVENTS / WAYS), parts[k].max_events = EVENTS / WAYS;
        }
        RT(PYLSTM_OK, pylstm_batch_listen(w->batch, parts, WAYS));
        for (k = 0; k < WAYS; k++)
            walk_keep(w, parts[k].events, parts[k].n_events * sizeof *events);
    }
    parts[WAYS] = parts[1];
    RT(PYLSTM_BUSY, pylstm_batch_listen(w->batch, parts, WAYS + 1));
    parts[1].max_events = 0;
    parts[1].n = SECOND;
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_batch_listen(w->batch, parts, WAYS));
    for (k = 0; k < WAYS; k++)
        keep_state(w, &w->ears->of[k], w->ears->of[k].a);
}

/* One that holds its state alone, in the place of b. */
static void for_batch(walk *w, ear *e) {
    const size_t size = pylstm_listener_size_for_batch(e->decision);
    pylstm_hearing part;
    size_t n, rows;
    RT(size, pylstm_listener_size_for_batch(e->decision));
    RT(PYLSTM_NO_MEMORY, pylstm_listener_init_for_batch(e->memory[1], size - 1, e->decision, &e->b));
    RT(PYLSTM_OK, pylstm_listener_init_for_batch(e->memory[1], size, e->decision, &e->b));
    if (!w->audio) {
        RT(PYLSTM_WRONG_INPUT, pylstm_batch_flush_listener(w->batch, e->b, w->ears->events, EVENTS, &n, NULL, 0, NULL));
        return;
    }
    part = part_of(w, e->b, PYLSTM_INT16, w->pcm16, SECOND - 1, 2);
    RT(PYLSTM_NEEDS_BATCH, pylstm_listener_push(&part));
    RT(PYLSTM_NEEDS_BATCH, pylstm_listener_flush(e->b, w->ears->events, EVENTS, &n, NULL, 0, NULL));
    RT(PYLSTM_OK, pylstm_batch_listen(w->batch, &part, 1));
    walk_keep_rows(w, part.rows);
    keep_events(w, part.n_events);
    RT(PYLSTM_OK, pylstm_batch_flush_listener(w->batch, e->b, w->ears->events, EVENTS, &n, w->out, ROWS, &rows));
    walk_keep_rows(w, rows);
    keep_events(w, n);
    RT(PYLSTM_FLUSHED, pylstm_batch_flush_listener(w->batch, e->b, w->ears->events, EVENTS, &n, NULL, 0, NULL));
    keep_state(w, e, e->b);
}

void walk_listeners(walk *w) {
    int k;
    w->ears->heard = 0;
    RT(PYLSTM_OK,
       pylstm_listener_snapshot(w->ears->foreign, w->ears->other_snapshot, pylstm_listener_snapshot_size(w->ears->other)));
    for (k = 0; k < WAYS; k++) {
        ear *e = &w->ears->of[k];
        RT(PYLSTM_OK, pylstm_listener_init(e->memory[0], e->size, e->decision, &e->a));
        RT(PYLSTM_OK, pylstm_listener_init(e->memory[1], e->size, e->decision, &e->b));
        RT(PYLSTM_NO_MEMORY, pylstm_listener_init(e->memory[1], e->size - 1, e->decision, &e->b));
        ask(w, e);
        push_some(w, e);
        refuse(w, e);
        move(w, e);
        be_busy(w, e);
        push_some(w, e);
        end(w, e);
        for_batch(w, e);
    }
    if (w->audio)
        together(w);
    REQUIRE(w->ears->heard > 100 || !pylstm_model_label(w->model, 0)); /* a model with labels is one that hears something */
}
