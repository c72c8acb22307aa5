/* Listeners of rows that come from elsewhere, with events that were worked out by hand. The hop is half a second. */
#include "check.h"

#include <math.h>

#define MOST 40

typedef struct expected {
    int push; /* the row with whose push it comes; END: the flush */
    pylstm_event event;
} expected;

#define END (-1)

static const char *const labels[] = {"a", "b"};

static pylstm_listener *listener_of(pylstm_decision **decision, const pylstm_setting *settings, size_t n) {
    pylstm_listener *listener = NULL;
    pylstm_error why;
    if (pylstm_decision_create_for_rows(labels, 2, 0.5, settings, n, decision, &why))
        fprintf(stderr, "%s\n", why.message);
    GIVES(PYLSTM_OK, pylstm_listener_create(*decision, &listener));
    return listener;
}

static void same(const pylstm_event *came, const pylstm_event *wanted) {
    if (memcmp(came, wanted, sizeof *came) != 0)
        fprintf(stderr, "came %d %d %g %g %g %.17g, expected %d %d %g %g %g %.17g\n", (int)came->kind, came->label, came->time,
                came->onset, came->offset, came->score, (int)wanted->kind, wanted->label, wanted->time, wanted->onset,
                wanted->offset, wanted->score);
    CHECK(memcmp(came, wanted, sizeof *came) == 0);
}

/* Row by row each event comes when it should; at once, backwards in memory and with gaps, all of them come. */
static void gives(const pylstm_setting *settings, size_t n_settings, const float (*rows)[2], size_t n_rows,
                  const expected *wanted, size_t n_wanted) {
    pylstm_decision *decision;
    pylstm_listener *listener = listener_of(&decision, settings, n_settings);
    pylstm_event events[MOST];
    size_t t, n, k, next = 0, end;
    char *spread = malloc(1 + n_rows * 12);
    uint64_t due, most;
    for (t = 0; t < n_rows; t++) {
        GIVES(PYLSTM_OK, pylstm_listener_due(listener, PYLSTM_FRAMES, 1, 0, &due, &most));
        CHECK(due == 1 && most <= MOST);
        GIVES(PYLSTM_OK, pylstm_listener_push_rows(listener, rows[t], 1, 8, events, (size_t)most, &n));
        for (k = 0; k < n; k++, next++) {
            CHECK(next < n_wanted && wanted[next].push == (int)t);
            same(&events[k], &wanted[next].event);
        }
        CHECK(next == n_wanted || wanted[next].push != (int)t);
        CHECK(pylstm_listener_position(listener) == (int64_t)t + 1 && pylstm_listener_rows(listener) == (int64_t)t + 1);
    }
    end = next;
    GIVES(PYLSTM_OK, pylstm_listener_flush(listener, events, MOST, &n, NULL, 0, NULL));
    CHECK(next + n == n_wanted);
    for (k = 0; k < n; k++, next++)
        same(&events[k], &wanted[next].event);
    GIVES(PYLSTM_OK, pylstm_listener_reset(listener));
    for (t = 0; t < n_rows; t++) /* at an odd address, twelve bytes from row to row, the last one first */
        memcpy(spread + 1 + 12 * (n_rows - 1 - t), rows[t], 8);
    GIVES(PYLSTM_OK, pylstm_listener_push_rows(listener, (const float *)(const void *)(spread + 1 + 12 * (n_rows - 1)), n_rows,
                                               -12, events, MOST, &n));
    CHECK(n == end);
    for (k = 0; k < n; k++)
        same(&events[k], &wanted[k].event);
    free(spread);
    pylstm_listener_destroy(listener), pylstm_decision_destroy(decision);
}

#define GIVES_EVENTS(settings, rows, wanted)                                                                                   \
    gives(settings, sizeof settings / sizeof *settings, rows, sizeof rows / sizeof *rows, wanted,                              \
          sizeof wanted / sizeof *wanted)

/* kind, label, time, onset, offset, score */
#define WORD(label, ...)       {PYLSTM_WORD, label, __VA_ARGS__}
#define SYMBOL(label, ...)     {PYLSTM_SYMBOL, label, __VA_ARGS__}
#define START(t, onset, score) {PYLSTM_SEGMENT_START, 0, t, onset, PYLSTM_NOT_YET, score}
#define FINISH(...)            {PYLSTM_SEGMENT_END, 0, __VA_ARGS__}

/* The average of two rows, which falls after the event and rises again once two rows have been quiet. */
static void words(void) {
    static const float rows[][2] = {{0, 0}, {1, 0}, {1, 0.75f}, {0, 0.75f}, {0, 0}, {1, 0}, {1, 0}};
    static const pylstm_setting early[] = {{"smoothing_frames", "2"}, {"refractory_frames", "2"}};
    static const expected in_time[] = {{1, WORD(0, 0.5, 0.5, 1.0, 0.5)}, {5, WORD(0, 2.5, 2.5, 3.0, 0.5)}};
    static const pylstm_setting final[] = {{"smoothing_frames", "2"}, {"refractory_frames", "2"}, {"report", "final"}};
    static const expected once_over[] = {{4, WORD(0, 0.5, 0.5, 1.5, 0.5)}, {END, WORD(0, 2.5, 2.5, 3.5, 0.5)}};
    /* b reaches its own threshold on row 2, where a has reached its own higher. */
    static const pylstm_setting each[] = {{"smoothing_frames", "2"}, {"refractory_frames", "0"}, {"threshold.1", "0.375"}};
    static const expected of_each[] = {
        {1, WORD(0, 0.5, 0.5, 1.0, 0.5)}, {3, WORD(1, 1.5, 1.0, 2.0, 0.75)}, {5, WORD(0, 2.5, 2.5, 3.0, 0.5)}};
    static const pylstm_setting alone[] = {{"smoothing_frames", "2"},
                                           {"refractory_frames", "2"},
                                           {"exclusive", "false"},
                                           {"threshold", "0.375"},
                                           {"report", "final"}};
    static const expected of_both[] = {
        {4, WORD(0, 0.5, 0.5, 1.5, 0.5)}, {5, WORD(1, 1.0, 1.0, 2.0, 0.375)}, {END, WORD(0, 2.5, 2.5, 3.5, 0.5)}};
    static const pylstm_setting patient[] = {
        {"smoothing_frames", "1"}, {"min_frames", "2"}, {"refractory_frames", "0"}, {"background", "b"}};
    static const expected later[] = {{2, WORD(0, 1.0, 0.5, 1.5, 1.0)}, {6, WORD(0, 3.0, 2.5, 3.5, 1.0)}};
    GIVES_EVENTS(early, rows, in_time);
    GIVES_EVENTS(final, rows, once_over);
    GIVES_EVENTS(each, rows, of_each);
    GIVES_EVENTS(alone, rows, of_both);
    GIVES_EVENTS(patient, rows, later);
}

static void segments(void) {
    static const float rows[][2] = {{0.25f, 0}, {0.75f, 0}, {0.875f, 0}, {0.125f, 0}, {0.125f, 0}, {0.125f, 0}, {0.625f, 0}};
    static const pylstm_setting early[] = {{"kind", "segments"}, {"label", "a"},       {"report", "early"},
                                           {"min_speech", "0"},  {"min_silence", "1"}, {"pad", "0.25"}};
    static const expected in_time[] = {{1, START(0.5, 0.25, 0.75)},
                                       {5, FINISH(2.5, 0.25, 1.75, 0.875)},
                                       {6, START(3.0, 2.75, 0.625)},
                                       {END, FINISH(3.5, 2.75, 3.5, 0.625)}};
    static const pylstm_setting final[] = {
        {"kind", "segments"}, {"label", "a"}, {"min_speech", "0.5"}, {"min_silence", "0.5"}, {"pad", "0.25"}};
    static const expected whole[] = {{3, START(1.5, 0.25, 0.875)}, {4, FINISH(2.0, 0.25, 1.75, 0.875)}};
    GIVES_EVENTS(early, rows, in_time);
    GIVES_EVENTS(final, rows, whole); /* the last one lasts no longer than 0.5 s */
}

static void symbols(void) {
    static const float rows[][2] = {{0.9f, 0.1f}, {0.2f, 0.8f}, {0.3f, 0.7f}, {0.9f, 0.1f}, {0.1f, 0.9f}, {0.5f, 0.5f}, {0, 1}};
    static const pylstm_setting early[] = {{"kind", "symbols"}};
    static const expected in_time[] = {
        {1, SYMBOL(1, 0.5, 0.5, 1.0, 0.8f)}, {4, SYMBOL(1, 2.0, 2.0, 2.5, 0.9f)}, {6, SYMBOL(1, 3.0, 3.0, 3.5, 1.0)}};
    static const pylstm_setting final[] = {{"kind", "symbols"}, {"report", "final"}, {"blank", "a"}};
    static const expected once_over[] = {
        {3, SYMBOL(1, 1.5, 0.5, 1.5, 0.8f)}, {5, SYMBOL(1, 2.5, 2.0, 2.5, 0.9f)}, {END, SYMBOL(1, 3.5, 3.0, 3.5, 1.0)}};
    GIVES_EVENTS(early, rows, in_time);
    GIVES_EVENTS(final, rows, once_over);
}

static void refusals(void) {
    static const float rows[][2] = {{0, NAN}, {0, INFINITY}, {1, 0}};
    pylstm_decision *decision;
    pylstm_listener *listener = listener_of(&decision, NULL, 0);
    pylstm_event events[MOST];
    pylstm_hearing part = {
        .listener = listener, .type = PYLSTM_FRAMES, .data = rows, .n = 1, .stride = 8, .events = events, .max_events = MOST};
    uint64_t due = 5, most = 5;
    size_t n = 7;
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_push_rows(NULL, rows[2], 1, 8, events, MOST, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_push_rows(listener, NULL, 1, 8, events, MOST, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_push_rows(listener, rows[2], 1, 8, NULL, MOST, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_push_rows(listener, rows[2], 1, 8, events, MOST, NULL));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_listener_push_rows(listener, rows[2], 1, 8, events, 0, &n));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_listener_push_rows(listener, rows[2], 1, 8, NULL, 0, &n));
    GIVES(PYLSTM_NOT_FINITE, pylstm_listener_push_rows(listener, rows[2], 3, -8, events, MOST, &n));
    GIVES(PYLSTM_NOT_FINITE, pylstm_listener_push_rows(listener, rows[1], 1, 8, events, MOST, &n));
    if (sizeof(size_t) == 8)
        GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_push_rows(listener, rows[2], SIZE_MAX, 0, events, MOST, &n));
    GIVES(PYLSTM_WRONG_INPUT, pylstm_listener_push(&part));
    GIVES(PYLSTM_WRONG_INPUT, pylstm_listener_watch_scale(listener, 1));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_listener_due(listener, PYLSTM_INT16, 1, 0, &due, &most));
    CHECK(n == 7 && due == 5 && most == 5 && part.n_events == 0 && pylstm_listener_rows(listener) == 0);
    GIVES(PYLSTM_OK, pylstm_listener_push_rows(listener, NULL, 0, 0, NULL, 0, &n));
    CHECK(n == 0);
    GIVES(PYLSTM_OK, pylstm_listener_push_rows(listener, rows[2], 1, 8, events, MOST, &n));
    GIVES(PYLSTM_OK, pylstm_listener_flush(listener, events, MOST, &n, NULL, 0, NULL));
    GIVES(PYLSTM_FLUSHED, pylstm_listener_flush(listener, events, MOST, &n, NULL, 0, NULL));
    GIVES(PYLSTM_FLUSHED, pylstm_listener_push_rows(listener, rows[2], 1, 8, events, MOST, &n));
    GIVES(PYLSTM_FLUSHED, pylstm_listener_due(listener, PYLSTM_FRAMES, 1, 0, &due, &most));
    GIVES(PYLSTM_OK, pylstm_listener_reset(listener));
    GIVES(PYLSTM_OK, pylstm_listener_due(listener, PYLSTM_FRAMES, 3, 0, &due, &most));
    CHECK(due == 3 && most >= 1);
    pylstm_listener_destroy(listener), pylstm_decision_destroy(decision);
}

void test_row_listeners(void) {
    words();
    segments();
    symbols();
    refusals();
}
