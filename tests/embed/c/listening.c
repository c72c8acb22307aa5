#include "listening.h"

static const pylstm_setting final[] = {{"report", "final"}};
static const pylstm_setting alone[] = {{"exclusive", "false"}, {"report", "final"}, {"min_frames", "2"}, {"background", ""}};
static const pylstm_setting long_average[] = {{"smoothing_frames", "40"}, {"threshold", "0.25"}, {"refractory_frames", "0"}};
static const pylstm_setting segments[] = {{"kind", "segments"},     {"label", "yes"},        {"threshold", "0.4"},
                                          {"min_speech", "0.02"},   {"min_silence", "0.02"}, {"pad", "0.015"},
                                          {"max_speech", "0.15"},   {"report", "final"},     {"min_silence_at_max_speech", "0"},
                                          {"neg_threshold", "0.35"}};
static const pylstm_setting smooth[] = {{"kind", "segments"},     {"label", "no"},        {"threshold", "0.3"},
                                        {"report", "early"},      {"min_speech", "0.01"}, {"min_silence", "0.01"},
                                        {"smoothing_frames", "4"}};
static const pylstm_setting early_speech[] = {{"report", "early"}, {"min_speech", "0"}};
static const pylstm_setting symbols[] = {{"kind", "symbols"}};
static const pylstm_setting last_symbols[] = {{"kind", "symbols"}, {"blank", "maybe"}, {"report", "final"}};

#define WITH(model, settings) {model, settings, sizeof settings / sizeof *settings}

int trials_of(const models *m, trial trials[TRIALS]) {
    const trial all[TRIALS] = {
        {m->decides, NULL, 0},      WITH(m->decides, final),  WITH(m->decides, alone),   WITH(m->decides, long_average),
        WITH(m->decides, segments), WITH(m->decides, smooth), WITH(m->decides, symbols), WITH(m->decides, last_symbols),
        {m->sounds, NULL, 0},       WITH(m->sounds, final),   {m->speech, NULL, 0},      WITH(m->speech, early_speech),
    };
    memcpy(trials, all, sizeof all);
    return TRIALS;
}

pylstm_decision *decision_of(const trial *t) {
    pylstm_decision *decision = NULL;
    pylstm_error why;
    if (pylstm_decision_create(t->model, t->settings, t->n_settings, &decision, &why))
        fprintf(stderr, "%s\n", why.message);
    CHECK(decision);
    return decision;
}

pylstm_listener *listener_of(const pylstm_decision *decision) {
    pylstm_listener *listener = NULL;
    GIVES(PYLSTM_OK, pylstm_listener_create(decision, &listener));
    return listener;
}

/* Memory of exactly so many bytes. */
static void *room(size_t size) {
    void *memory = malloc(size ? size : 1);
    CHECK(memory);
    return memory;
}

static void add(heard *to, const pylstm_event *events, size_t n_events, const float *rows, size_t n_rows, int width) {
    CHECK(to->n_events + n_events <= EVENTS && to->n_rows + n_rows <= ROWS);
    memcpy(to->events + to->n_events, events, n_events * sizeof *events);
    memcpy(to->rows + to->n_rows * (size_t)width, rows, n_rows * (size_t)width * sizeof *rows);
    to->n_events += n_events, to->n_rows += n_rows;
}

void hear(pylstm_listener *listener, pylstm_sample_type type, const void *data, size_t n, ptrdiff_t stride, int width,
          int wants_rows, heard *to) {
    pylstm_hearing part = {
        .listener = listener, .type = type, .data = data, .n = n, .stride = stride, .n_events = 99, .rows = 99};
    uint64_t rows = 99, events = 99;
    GIVES(PYLSTM_OK, pylstm_listener_due(listener, type, n, 0, &rows, &events));
    part.max_events = (size_t)events, part.events = room((size_t)events * sizeof *part.events);
    part.out = wants_rows ? room((size_t)rows * (size_t)width * sizeof *part.out) : NULL;
    part.out_rows = wants_rows ? (size_t)rows : 0;
    GIVES(PYLSTM_OK, pylstm_listener_push(&part));
    CHECK(part.status == PYLSTM_OK && part.rows == rows && part.n_events <= events);
    add(to, part.events, part.n_events, part.out ? part.out : to->rows, part.out ? part.rows : 0, width);
    free(part.events), free(part.out);
}

void hear_end(pylstm_listener *listener, int width, int wants_rows, heard *to) {
    uint64_t rows = 99, most = 99;
    size_t n_events = 99, written = 99;
    pylstm_event *events;
    float *out;
    GIVES(PYLSTM_OK, pylstm_listener_due(listener, PYLSTM_FRAMES, 0, 1, &rows, &most));
    events = room((size_t)most * sizeof *events);
    out = room((size_t)rows * (size_t)width * sizeof *out);
    if (wants_rows)
        GIVES(PYLSTM_OK, pylstm_listener_flush(listener, events, (size_t)most, &n_events, out, (size_t)rows, &written));
    else
        GIVES(PYLSTM_OK, pylstm_listener_flush(listener, events, (size_t)most, &n_events, NULL, 0, NULL));
    CHECK(n_events <= most && (!wants_rows || written == rows));
    add(to, events, n_events, out, wants_rows ? written : 0, width);
    free(events), free(out);
}

int same_events(const heard *a, const heard *b) {
    return a->n_events == b->n_events && memcmp(a->events, b->events, a->n_events * sizeof *a->events) == 0;
}

int same_rows(const heard *a, const heard *b, int width) {
    return a->n_rows == b->n_rows && memcmp(a->rows, b->rows, a->n_rows * (size_t)width * sizeof *a->rows) == 0;
}
