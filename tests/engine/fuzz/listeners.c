/* Listeners: random decisions over a model's rows, or over rows that lie around their thresholds. */
#include "fuzz.h"

#include "engine/listener.h" /* how large a state is, and where it stands in a snapshot */
#include "platform/hash.h"

#include <math.h>
#include <string.h>

#define MOST_EVENTS ((size_t)1 << 16)

/* --- a decision and its input ----------------------------------------------------------------------------------------- */

typedef struct ear {
    const subject *s; /* NULL: rows are pushed */
    pylstm_decision *decision;
    float *rows;
    size_t n, n_outputs, snapshot_size, state_size; /* n: of the input */
} ear;

/* Rows that lie on thresholds, on their halves, beside them and far off; some with equal values. */
static float near_threshold(void) {
    static const float values[] = {0,     0.5f,  0.25f, 0.125f,  0.499999f, 0.500001f, 1,      1,
                                   0.75f, 0.15f, 0.3f,  0.0005f, 300.0f,    -300.0f,   1e-40f, 3e38f};
    const size_t n = sizeof values / sizeof *values, which = random_below(n + 8);
    return which < n ? values[which] : (float)random_below(1000) / 1000.0f;
}

static void make_rows(ear *e) {
    size_t t, k;
    float level[16];
    REQUIRE(e->rows = malloc(e->n * e->n_outputs * sizeof *e->rows));
    for (k = 0; k < 16; k++)
        level[k] = near_threshold();
    for (t = 0; t < e->n; t++) {
        for (k = 0; k < e->n_outputs; k++) {
            if (random_below(5) == 0)
                level[k] = near_threshold();
            e->rows[t * e->n_outputs + k] = level[k];
        }
    }
}

static pylstm_listener *listener_of(const ear *e) {
    const size_t size = pylstm_listener_size(e->decision);
    pylstm_listener *listener = NULL;
    REQUIRE(size > 0 && pylstm_listener_create(e->decision, &listener) == PYLSTM_OK);
    return listener;
}

/* An event of a state that may have been forged. */
static void check_event(const ear *e, const pylstm_event *event) {
    REQUIRE(event->kind >= PYLSTM_WORD && event->kind <= PYLSTM_SYMBOL);
    REQUIRE(event->label >= 0 && (size_t)event->label < e->n_outputs);
    REQUIRE(isfinite(event->time) && isfinite(event->onset) && isfinite(event->offset) && !isnan(event->score));
    REQUIRE(event->time >= 0 && event->onset >= 0);
    REQUIRE(event->kind == PYLSTM_SEGMENT_START ? event->offset == PYLSTM_NOT_YET : event->offset >= event->onset);
}

/* One push, or (n_input SIZE_MAX) the end, with room for exactly the events that are due. Adds them to `to`. */
static pylstm_status give(const ear *e, pylstm_listener *listener, size_t first, size_t n, pylstm_event *to, size_t *n_to) {
    const int is_end = n == SIZE_MAX, audio = e->s && e->s->audio;
    const pylstm_sample_type type = audio ? e->s->type : PYLSTM_FRAMES;
    const size_t input = is_end ? 0 : n;
    const unsigned mode = MODE();
    uint64_t rows = 99, most = 99;
    size_t given = 0, k;
    room events;
    pylstm_status status = pylstm_listener_due(listener, type, input, is_end, &rows, &most);
    if (status)
        return status;
    REQUIRE(most <= MOST_EVENTS);
    events = room_of((size_t)most * sizeof(pylstm_event), 8 * random_below(3));
    if (is_end) {
        status = pylstm_listener_flush(listener, (void *)events.at, (size_t)most, &given, NULL, 0, NULL);
    } else if (!e->s) {
        const size_t width = e->n_outputs * sizeof(float);
        room values = room_of(n * width, random_below(5));
        memcpy(values.at, (const char *)e->rows + first * width, n * width);
        status = pylstm_listener_push_rows(listener, (const void *)values.at, n, (ptrdiff_t)width, (void *)events.at,
                                           (size_t)most, &given);
        free(values.whole);
    } else {
        const size_t width = type == PYLSTM_INT16 ? 2 : 4;
        room values = room_of(n * width, random_below(5)), out = room_of((size_t)rows * e->n_outputs * sizeof(float), 0);
        pylstm_hearing part = {.listener = listener,
                               .type = type,
                               .data = values.at,
                               .n = n,
                               .stride = (ptrdiff_t)width,
                               .events = (void *)events.at,
                               .max_events = (size_t)most,
                               .out = (void *)out.at,
                               .out_rows = (size_t)rows};
        if (random_below(2))
            part.out = NULL, part.out_rows = 0;
        memcpy(values.at, (type == PYLSTM_INT16 ? (const char *)e->s->shorts : (const char *)e->s->floats) + first * width,
               n * width);
        status = pylstm_listener_push(&part);
        given = part.n_events;
        free(values.whole), free(out.whole);
    }
    REQUIRE(MODE() == mode && given <= most);
    for (k = 0; k < given && !status; k++) {
        check_event(e, (const pylstm_event *)(const void *)events.at + k);
        if (to)
            memcpy(to + (*n_to)++, events.at + k * sizeof *to, sizeof *to);
    }
    free(events.whole);
    return status;
}

static room snapshot_of_listener(const ear *e, pylstm_listener *listener) {
    room r = room_of(e->snapshot_size, random_below(9));
    REQUIRE(pylstm_listener_snapshot(listener, r.at, e->snapshot_size) == PYLSTM_OK);
    return r;
}

/* --- walks ------------------------------------------------------------------------------------------------------------ */

static pylstm_listener *moved(const ear *e, pylstm_listener *listener) {
    pylstm_listener *other = listener_of(e);
    if (random_below(2)) {
        room value = snapshot_of_listener(e, listener);
        REQUIRE(pylstm_listener_restore(other, value.at, e->snapshot_size) == PYLSTM_OK);
        free(value.whole);
    } else {
        REQUIRE(pylstm_listener_copy(other, listener) == PYLSTM_OK);
    }
    REQUIRE(pylstm_listener_position(other) == pylstm_listener_position(listener));
    REQUIRE(pylstm_listener_rows(other) == pylstm_listener_rows(listener));
    pylstm_listener_destroy(listener);
    return other;
}

/* What is refused changes no byte. */
static void refuse_listener(const ear *e, pylstm_listener *listener) {
    const float bad[64] = {NAN, INFINITY, -INFINITY};
    room before = snapshot_of_listener(e, listener), changed = snapshot_of_listener(e, listener), after;
    const size_t bit = random_below(e->snapshot_size * 8);
    pylstm_event event;
    pylstm_status status;
    pylstm_hearing part = {.listener = listener, .type = PYLSTM_FLOAT32, .data = bad, .n = 3, .stride = 4, .events = &event};
    size_t n;
    changed.at[bit / 8] = (char)(changed.at[bit / 8] ^ 1 << bit % 8);
    REQUIRE(pylstm_listener_restore(listener, changed.at, e->snapshot_size) != PYLSTM_OK);
    REQUIRE(pylstm_listener_restore(listener, before.at, random_below(e->snapshot_size)) != PYLSTM_OK);
    REQUIRE(pylstm_listener_push(&part) != PYLSTM_OK);
    part.max_events = MOST_EVENTS;
    REQUIRE(pylstm_listener_push(&part) != PYLSTM_OK);
    REQUIRE(pylstm_listener_push_rows(listener, bad, 1, 4, &event, MOST_EVENTS, &n) != PYLSTM_OK);
    status = pylstm_listener_flush(listener, &event, 0, &n, NULL, 0, NULL);
    REQUIRE(status == PYLSTM_OUT_TOO_SMALL || status == PYLSTM_TOO_SHORT);
    after = snapshot_of_listener(e, listener);
    REQUIRE(memcmp(before.at, after.at, e->snapshot_size) == 0);
    free(before.whole), free(changed.whole), free(after.whole);
}

/* In random cuts, with moves and refused calls in between: the events of one push and a flush. */
static void walk_ear(const ear *e) {
    pylstm_event *whole = malloc(MOST_EVENTS * sizeof *whole), *cut = malloc(MOST_EVENTS * sizeof *cut);
    const size_t largest = 1 + random_below(random_below(2) ? e->n / 20 + 2 : e->n);
    pylstm_listener *listener = listener_of(e);
    size_t done = 0, n, n_whole = 0, n_cut = 0;
    REQUIRE(whole && cut);
    REQUIRE(give(e, listener, 0, e->n, whole, &n_whole) == PYLSTM_OK);
    REQUIRE(give(e, listener, 0, SIZE_MAX, whole, &n_whole) == PYLSTM_OK);
    REQUIRE(pylstm_listener_reset(listener) == PYLSTM_OK);
    for (; done < e->n; done += n) {
        n = random_below(largest + 1);
        n = n < e->n - done ? n : e->n - done;
        if (random_below(8) == 0)
            refuse_listener(e, listener);
        if (random_below(8) == 0)
            listener = moved(e, listener);
        REQUIRE(give(e, listener, done, n, cut, &n_cut) == PYLSTM_OK);
    }
    REQUIRE(give(e, listener, 0, SIZE_MAX, cut, &n_cut) == PYLSTM_OK);
    REQUIRE(n_whole == n_cut && memcmp(whole, cut, n_whole * sizeof *whole) == 0);
    pylstm_listener_destroy(listener);
    free(whole), free(cut);
    walks++;
}

/* --- forgeries -------------------------------------------------------------------------------------------------------- */

/* Mostly what a state could hold: rows near the present, flags, sums. */
static uint64_t odd_word(uint64_t now) {
    static const uint64_t words[] = {
        0,
        0,
        1,
        1,
        2,
        UINT64_MAX,
        UINT64_MAX - 1,
        (uint64_t)1 << 63,
        (uint64_t)1 << 61,
        ((uint64_t)1 << 61) + 1,
        ((uint64_t)1 << 61) - 1,
        (uint64_t)1 << 53,
        (uint64_t)1 << 40,
        0xffffff0000000000u /* the least posterior */,
        0x7ff0000000000000u /* infinity */,
        0x7ff8000000000000u /* NaN */,
        0x7ff0000000000001u,
        0x3ff0000000000000u /* 1 */,
        0x7fefffffffffffffu,
        (uint64_t)1 << 31,
        (uint64_t)1 << 62,
    };
    const size_t n = sizeof words / sizeof *words, which = random_below(2 * n);
    return which < n ? words[which] : now + 3 - random_below(which % 2 ? 8 : (size_t)now + 8);
}

static void use_listener(const ear *e, pylstm_listener *listener) {
    int round;
    for (round = 0; round < 4; round++) {
        const size_t n = 1 + random_below(round < 3 ? 6 : e->n - 1);
        room value = snapshot_of_listener(e, listener);
        pylstm_status status;
        REQUIRE(pylstm_listener_restore(listener, value.at, e->snapshot_size) == PYLSTM_OK);
        free(value.whole);
        status =
            round < 3 ? give(e, listener, random_below(e->n - n), n, NULL, NULL) : give(e, listener, 0, SIZE_MAX, NULL, NULL);
        /* flushed, at the end of all counting, too short for deltas; a stream that has never had audio has none at its end */
        REQUIRE(status == PYLSTM_OK || status == PYLSTM_FLUSHED || status == PYLSTM_BAD_ARGUMENT ||
                status == PYLSTM_TOO_SHORT || status == PYLSTM_WRONG_INPUT);
    }
}

/* A state with up to four of its words replaced, and a hash that fits. */
static void forge_ear(const ear *e) {
    const size_t state = e->snapshot_size - e->state_size, words = e->state_size / 8;
    pylstm_listener *listener = listener_of(e);
    size_t changes = 1 + random_below(4), n = random_below(e->n), nothing = 0;
    pylstm_event *events = malloc(MOST_EVENTS * sizeof *events);
    room value, before, after;
    pylstm_status status;
    uint64_t hash, now;
    REQUIRE(events);
    if (n)
        REQUIRE(give(e, listener, 0, n, events, &nothing) == PYLSTM_OK);
    status = random_below(6) ? PYLSTM_OK : give(e, listener, 0, SIZE_MAX, events, &nothing);
    REQUIRE(status == PYLSTM_OK || status == PYLSTM_TOO_SHORT);
    before = snapshot_of_listener(e, listener), value = snapshot_of_listener(e, listener);
    now = (uint64_t)pylstm_listener_rows(listener);
    while (changes-- > 0) { /* what a decision remembers stands in front of its averages, which are long */
        const size_t front = words < 40 ? words : 40, at = random_below(4) ? 8 + random_below(front - 8) : random_below(words);
        const uint64_t word = odd_word(now);
        memcpy(value.at + state + 8 * (random_below(12) ? at : 0), &word, 8);
    }
    hash = pylstm_hash(value.at + state, e->state_size);
    memcpy(value.at + HASH_AT, &hash, 8);
    status = pylstm_listener_restore(listener, value.at, e->snapshot_size);
    REQUIRE(status == PYLSTM_OK || status == PYLSTM_SNAPSHOT_DAMAGED);
    after = snapshot_of_listener(e, listener);
    REQUIRE(memcmp(status ? before.at : value.at, after.at, e->snapshot_size) == 0);
    if (status) {
        refused++;
    } else {
        accepted++;
        use_listener(e, listener);
    }
    pylstm_listener_destroy(listener);
    free(value.whole), free(before.whole), free(after.whole), free(events);
}

/* --- the two sources of rows ------------------------------------------------------------------------------------------ */

static void try_ear(ear *e) {
    int k;
    e->snapshot_size = pylstm_listener_snapshot_size(e->decision);
    e->state_size = e->decision->state_size;
    SET_MODE(random_below(2) ? ODD_MODE : 0x1f80u);
    walk_ear(e);
    SET_MODE(0x1f80u);
    for (k = 0; k < 8; k++)
        forge_ear(e);
    pylstm_decision_destroy(e->decision);
}

void listen_to_model(const subject *s) {
    const char *labels[1000], *first = pylstm_model_label(s->model, 0);
    ear e = {.s = s, .n = s->n, .n_outputs = s->n_outputs};
    settings drawn;
    pylstm_error why;
    size_t k;
    if (!s->audio)
        return;
    for (k = 0; first && k < s->n_outputs; k++)
        labels[k] = pylstm_model_label(s->model, (int)k);
    draw_settings(&drawn, first ? labels : NULL, s->n_outputs);
    if (pylstm_decision_create(s->model, drawn.of, drawn.n, &e.decision, &why)) {
        REQUIRE(strstr(why.message, "neg_threshold")); /* above the threshold, as drawn */
        return;
    }
    try_ear(&e);
}

void listen_to_rows(void) {
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    static const double hops[] = {0.01, 0.032, 1.0, 0.0125};
    ear e = {.n = 20 + random_below(200), .n_outputs = 1 + random_below(random_below(2) ? 2 : 9)};
    const char *const *labels = random_below(2) ? names : NULL;
    const double hop = hops[random_below(4)];
    settings drawn;
    pylstm_error why;
    draw_settings(&drawn, labels, e.n_outputs);
    if (pylstm_decision_create_for_rows(labels, (int)e.n_outputs, hop, drawn.of, drawn.n, &e.decision, &why)) {
        REQUIRE(strstr(why.message, "neg_threshold"));
        return;
    }
    make_rows(&e);
    try_ear(&e);
    free(e.rows);
}
