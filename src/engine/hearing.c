/* The way through a listener: rows go from the layers to the decision while they are in the cache; who does not ask for them
 * gets no copy. */
#include "engine/input_checks.h"
#include "engine/listener.h"
#include "engine/pipeline.h"

#include "platform/errors.h"
#include "platform/finite.h"
#include "platform/floating_point_mode.h"

/* Where the events of a push go. Rows of a model may stand for times after the beginning from the first on; these are the same
 * whatever the caller's floating-point mode is. */
static pylstm_events events_of(const pylstm_listener *listener, pylstm_event *to) {
    const pylstm_model *model = listener->decision->model;
    const pylstm_fpmode caller = pylstm_fpmode_enter();
    double origin = 0;
    if (listener->stream && model->features)
        origin = (double)pylstm_graph_first(&model->graph) * pylstm_features_hop_length(model->features);
    pylstm_fpmode_leave(caller);
    return (pylstm_events){.to = to, .origin = origin};
}

/* --- push ------------------------------------------------------------------------------------------------------------- */

static void take_rows(void *self, const float *const *rows, int n_rows) {
    pylstm_listener *listener = self;
    for (int t = 0; t < n_rows; t++) {
        const pylstm_row row = {.values = (const char *)rows[t]};
        pylstm_decision_take(listener->decision, listener->state, row, &listener->events);
    }
}

static pylstm_row_taker taker_of(pylstm_listener *listener) {
    return (pylstm_row_taker){.take = take_rows, .self = listener};
}

/* Counts rows and events of a push into a listener that the caller has acquired. */
static pylstm_status count(const pylstm_listener *listener, int input, size_t n, int flush, uint64_t *rows, uint64_t *events) {
    const pylstm_stream *stream = listener->stream;
    int64_t n_rows;
    PYLSTM_TRY(pylstm_input_check(stream, input, n));
    PYLSTM_TRY(pylstm_count_rows(stream, input, n, flush, &n_rows));
    *rows = (uint64_t)n_rows;
    *events = listener->decision->kind->most_events(listener->decision, (uint64_t)n_rows);
    return PYLSTM_OK;
}

static int input_of(pylstm_sample_type type, size_t n) {
    return !n ? PYLSTM_INPUT_UNDECIDED : type == PYLSTM_FRAMES ? PYLSTM_INPUT_FRAMES : PYLSTM_INPUT_AUDIO;
}

static int is_type(pylstm_sample_type type) {
    return type == PYLSTM_FLOAT32 || type == PYLSTM_INT16 || type == PYLSTM_FRAMES;
}

/* What a listener of rows answers: its rows are those that are pushed. */
static pylstm_status count_rows(const pylstm_listener *listener, size_t n, uint64_t *events) {
    const pylstm_decision_state *state = listener->state;
    if (state->finished)
        return PYLSTM_FLUSHED;
    if (n > (uint64_t)(PYLSTM_MOST_ROWS - state->rows))
        return PYLSTM_BAD_ARGUMENT;
    *events = listener->decision->kind->most_events(listener->decision, n);
    return PYLSTM_OK;
}

pylstm_status pylstm_listener_due(pylstm_listener *listener, pylstm_sample_type type, size_t n, int flush, uint64_t *rows,
                                  uint64_t *events) {
    pylstm_status status;
    if (!listener || !rows || !events || !is_type(type) || (!listener->stream && type != PYLSTM_FRAMES && n))
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(pylstm_listener_acquire(listener));
    if (listener->stream) {
        status = count(listener, input_of(type, n), n, flush, rows, events);
    } else if (!(status = count_rows(listener, n, events))) {
        *rows = n;
    }
    pylstm_listener_release(listener);
    return status;
}

/* Acquires the listener of a part and checks what the stream does not check. After a failure it is not acquired. */
static pylstm_status begin_part(pylstm_hearing *part, const pylstm_model *model) {
    pylstm_listener *listener = part->listener;
    uint64_t rows, events;
    pylstm_status status;
    if (!listener || !is_type(part->type) || (!part->events && part->max_events) || (!part->data && part->n))
        return PYLSTM_BAD_ARGUMENT;
    if (!listener->stream || (model && listener->decision->model != model))
        return listener->stream ? PYLSTM_BAD_ARGUMENT : PYLSTM_WRONG_INPUT;
    PYLSTM_TRY(pylstm_listener_acquire(listener));
    status = count(listener, input_of(part->type, part->n), part->n, 0, &rows, &events);
    if (!status && part->n && events > part->max_events)
        status = PYLSTM_OUT_TOO_SMALL;
    listener->events = events_of(listener, part->events);
    if (status)
        pylstm_listener_release(listener);
    return status;
}

static void end_part(pylstm_hearing *part, pylstm_status status) {
    part->n_events = status ? 0 : part->listener->events.n;
    pylstm_listener_release(part->listener);
}

static pylstm_push push_of(const pylstm_hearing *part) {
    return (pylstm_push){
        .stream = part->listener->stream,
        .type = part->type,
        .data = part->data,
        .n = part->n,
        .stride = part->stride,
        .out = part->out,
        .out_rows = part->out_rows,
    };
}

pylstm_status pylstm_listener_push_in(const pylstm_workspace *lent, pylstm_hearing *part) {
    pylstm_push push;
    if (!part)
        return PYLSTM_BAD_ARGUMENT;
    part->n_events = part->rows = 0;
    part->status = begin_part(part, NULL);
    if (part->status)
        return part->status;
    push = push_of(part);
    part->status = pylstm_push_through(&push, taker_of(part->listener), NULL, lent);
    part->rows = part->status ? 0 : push.rows;
    end_part(part, part->status);
    return part->status;
}

pylstm_status pylstm_listener_push(pylstm_hearing *part) {
    return pylstm_listener_push_in(NULL, part);
}

/* --- many listeners --------------------------------------------------------------------------------------------------- */

static void open_part(void *parts, size_t k, pylstm_push *push, pylstm_row_taker *taker) {
    const pylstm_hearing *part = (const pylstm_hearing *)parts + k;
    *push = push_of(part);
    *taker = taker_of(part->listener);
}

static void close_part(void *parts, size_t k, size_t rows, pylstm_status status) {
    pylstm_hearing *part = (pylstm_hearing *)parts + k;
    part->rows = rows;
    part->status = status;
}

pylstm_status pylstm_batch_listen(pylstm_batch *batch, pylstm_hearing *parts, size_t n_parts) {
    const pylstm_part_list list = {.parts = parts, .n = n_parts, .open = open_part, .close = close_part};
    pylstm_status status = PYLSTM_OK;
    size_t acquired = 0;
    if (!batch || (!parts && n_parts))
        return PYLSTM_BAD_ARGUMENT;
    for (size_t k = 0; k < n_parts; k++) {
        parts[k].n_events = parts[k].rows = 0;
        parts[k].status = PYLSTM_OK;
    }
    for (; acquired < n_parts && !status; acquired += !status)
        parts[acquired].status = status = begin_part(&parts[acquired], pylstm_batch_model(batch));
    if (!status)
        status = pylstm_batch_run(batch, &list);
    for (size_t k = 0; k < acquired; k++)
        end_part(&parts[k], status);
    return status;
}

/* --- rows from elsewhere ---------------------------------------------------------------------------------------------- */

static pylstm_status push_rows(pylstm_listener *listener, pylstm_row rows, size_t n_rows, ptrdiff_t row_stride,
                               pylstm_event *events, size_t max_events, size_t *n_events) {
    const size_t width = (size_t)listener->decision->outputs.n;
    const char *const first = rows.values;
    pylstm_fpmode caller;
    uint64_t most;
    PYLSTM_TRY(count_rows(listener, n_rows, &most));
    if (n_rows && most > max_events)
        return PYLSTM_OUT_TOO_SMALL;
    for (size_t t = 0; t < n_rows; t++) {
        const char *row = first + (ptrdiff_t)t * row_stride;
        if (!(rows.are_doubles ? pylstm_all_finite_doubles(row, width) : pylstm_all_finite(row, width, sizeof(float))))
            return PYLSTM_NOT_FINITE;
    }
    listener->events = (pylstm_events){.to = events};
    caller = pylstm_fpmode_enter();
    for (size_t t = 0; t < n_rows; t++) {
        rows.values = first + (ptrdiff_t)t * row_stride;
        pylstm_decision_take(listener->decision, listener->state, rows, &listener->events);
    }
    pylstm_fpmode_leave(caller);
    *n_events = listener->events.n;
    return PYLSTM_OK;
}

/* Refuses what is no listener of rows, and takes its flag for a push. */
static pylstm_status push_any_rows(pylstm_listener *listener, pylstm_row rows, size_t n_rows, ptrdiff_t row_stride,
                                   pylstm_event *events, size_t max_events, size_t *n_events) {
    pylstm_status status;
    if (!listener || !n_events || (!rows.values && n_rows) || (!events && max_events))
        return PYLSTM_BAD_ARGUMENT;
    if (listener->stream)
        return PYLSTM_WRONG_INPUT;
    PYLSTM_TRY(pylstm_listener_acquire(listener));
    status = push_rows(listener, rows, n_rows, row_stride, events, max_events, n_events);
    pylstm_listener_release(listener);
    return status;
}

pylstm_status pylstm_listener_push_rows(pylstm_listener *listener, const float *rows, size_t n_rows, ptrdiff_t row_stride,
                                        pylstm_event *events, size_t max_events, size_t *n_events) {
    const pylstm_row of = {.values = (const char *)rows};
    return push_any_rows(listener, of, n_rows, row_stride, events, max_events, n_events);
}

pylstm_status pylstm_listener_push_doubles(pylstm_listener *listener, const double *rows, size_t n_rows, ptrdiff_t row_stride,
                                           pylstm_event *events, size_t max_events, size_t *n_events) {
    const pylstm_row of = {.values = (const char *)rows, .are_doubles = 1};
    return push_any_rows(listener, of, n_rows, row_stride, events, max_events, n_events);
}

/* --- the end ---------------------------------------------------------------------------------------------------------- */

/* Lets the decision say what it has left. length: of the audio, in ticks; below 0: that of its rows. */
static void finish(pylstm_listener *listener, double length) {
    const pylstm_decision *decision = listener->decision;
    const pylstm_fpmode caller = pylstm_fpmode_enter();
    if (length < 0)
        length = (double)((const pylstm_decision_state *)listener->state)->rows * decision->hop;
    pylstm_decision_finish(decision, listener->state, length, &listener->events);
    pylstm_fpmode_leave(caller);
}

/* Of the audio from the time of its first row on, in ticks. */
static double length_of_audio(const pylstm_listener *listener) {
    const pylstm_fpmode caller = pylstm_fpmode_enter();
    const double position = (double)pylstm_counters(listener->stream)->position;
    const double length = position - listener->events.origin;
    pylstm_fpmode_leave(caller);
    return length;
}

static pylstm_status flush(const pylstm_workspace *lent, pylstm_listener *listener, double length, size_t max_events,
                           float *out, size_t out_rows, size_t *rows) {
    pylstm_stream *stream = listener->stream;
    uint64_t n_rows = 0, most = 0;
    size_t written = 0;
    if (!stream) {
        PYLSTM_TRY(count_rows(listener, 0, &most));
    } else {
        PYLSTM_TRY(count(listener, PYLSTM_INPUT_UNDECIDED, 0, 1, &n_rows, &most));
        if (pylstm_counters(stream)->input == PYLSTM_INPUT_AUDIO)
            length = length_of_audio(listener);
    }
    if (most > max_events)
        return PYLSTM_OUT_TOO_SMALL;
    if (stream)
        PYLSTM_TRY(pylstm_flush_through(stream, out, out_rows, &written, taker_of(listener), lent));
    if (rows)
        *rows = written;
    finish(listener, length);
    return PYLSTM_OK;
}

static pylstm_status flush_any(const pylstm_workspace *lent, pylstm_listener *listener, double length, pylstm_event *events,
                               size_t max_events, size_t *n_events, float *out, size_t out_rows, size_t *rows) {
    pylstm_status status;
    if (!listener || !n_events || (!events && max_events) || (!out && out_rows) || (out && !rows))
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(pylstm_listener_acquire(listener));
    listener->events = events_of(listener, events);
    status = flush(lent, listener, length, max_events, out, out_rows, rows);
    if (!status)
        *n_events = listener->events.n;
    pylstm_listener_release(listener);
    return status;
}

pylstm_status pylstm_listener_flush_in(const pylstm_workspace *lent, pylstm_listener *listener, pylstm_event *events,
                                       size_t max_events, size_t *n_events, float *out, size_t out_rows, size_t *rows) {
    return flush_any(lent, listener, -1, events, max_events, n_events, out, out_rows, rows);
}

pylstm_status pylstm_listener_flush(pylstm_listener *listener, pylstm_event *events, size_t max_events, size_t *n_events,
                                    float *out, size_t out_rows, size_t *rows) {
    return pylstm_listener_flush_in(NULL, listener, events, max_events, n_events, out, out_rows, rows);
}

pylstm_status pylstm_batch_flush_listener(pylstm_batch *batch, pylstm_listener *listener, pylstm_event *events,
                                          size_t max_events, size_t *n_events, float *out, size_t out_rows, size_t *rows) {
    const pylstm_workspace *lent;
    pylstm_status status;
    if (!listener)
        return PYLSTM_BAD_ARGUMENT;
    if (!listener->stream)
        return PYLSTM_WRONG_INPUT;
    PYLSTM_TRY(pylstm_batch_lend(batch, listener->decision->model, &lent));
    status = pylstm_listener_flush_in(lent, listener, events, max_events, n_events, out, out_rows, rows);
    pylstm_batch_take_back(batch);
    return status;
}

pylstm_status pylstm_listener_finish(pylstm_listener *listener, double seconds, pylstm_event *events, size_t max_events,
                                     size_t *n_events) {
    return flush_any(NULL, listener, seconds * listener->decision->rate, events, max_events, n_events, NULL, 0, NULL);
}
