/* The way through a stream: what has passed the checks goes block by block through features and layers. */
#include "engine/pipeline.h"

#include "engine/input_checks.h"
#include "platform/finite.h"
#include "platform/floating_point_mode.h"

#include <string.h>

void pylstm_push_count(const pylstm_push *part) {
    pylstm_stream_counters *c = pylstm_counters(part->stream);
    if (!part->n)
        return;
    c->input = part->type == PYLSTM_FRAMES ? PYLSTM_INPUT_FRAMES : PYLSTM_INPUT_AUDIO;
    c->position += (int64_t)part->n;
}

/* --- the way through -------------------------------------------------------------------------------------------------- */

/* Where the rows of a part go. */
typedef struct destination {
    float *out; /* NULL: nowhere but to the taker */
    pylstm_row_taker taker;
} destination;

static void deliver(destination *to, const float *const *rows, int n_rows, size_t width) {
    for (int t = 0; to->out && t < n_rows; t++, to->out += width)
        memcpy(to->out, rows[t], width * sizeof(float));
    if (to->taker.take)
        to->taker.take(to->taker.self, rows, n_rows);
}

/* Runs n frames (at most a block), before which the stream has had `done`, through the graph and delivers the rows of the last
 * node. */
static void run_block(pylstm_stream *stream, const pylstm_workspace *in, const float *const *frames, int n, int64_t done,
                      destination *to, float *trace, size_t trace_stride) {
    const pylstm_model *model = stream->model;
    pylstm_graph_part part = {.state = (float *)(stream->state + model->layers_state), .done = done, .n = n};
    const float *rows[PYLSTM_GROUP_ROWS];
    pylstm_graph_run(&model->graph, &in->work, &part, 1, frames, rows, trace, trace_stride);
    deliver(to, rows, part.n_out, (size_t)model->n_outputs);
    pylstm_counters(stream)->frames += part.n_out;
}

/* Runs the zeros behind the last of all frames through nodes that look ahead. */
static void run_end(pylstm_stream *stream, const pylstm_workspace *in, int64_t done, destination *to) {
    const pylstm_model *model = stream->model;
    pylstm_graph_part part = {.state = (float *)(stream->state + model->layers_state), .done = done};
    const float *rows[PYLSTM_GROUP_ROWS];
    int64_t beyond = 0;
    while (pylstm_graph_finish(&model->graph, &in->work, &part, &beyond, rows)) {
        deliver(to, rows, part.n_out, (size_t)model->n_outputs);
        pylstm_counters(stream)->frames += part.n_out;
    }
}

/* Computes features of the samples, block by block, and runs them through the layers. */
static void run_audio(pylstm_stream *stream, const pylstm_workspace *in, pylstm_samples *samples, destination *to) {
    const pylstm_model *model = stream->model;
    const float *frames[PYLSTM_BLOCK_FRAMES];
    int64_t done = (int64_t)pylstm_features_progress_of(pylstm_stream_features(stream)).rows;
    size_t n;
    for (int t = 0; t < PYLSTM_BLOCK_FRAMES; t++)
        frames[t] = in->frames + (size_t)t * (size_t)model->n_features;
    do {
        n = pylstm_features_push(model->features, pylstm_stream_features(stream), in->features_scratch, samples, in->frames,
                                 PYLSTM_BLOCK_FRAMES);
        if (n)
            run_block(stream, in, frames, (int)n, done, to, NULL, 0);
        done += (int64_t)n;
    } while (n == PYLSTM_BLOCK_FRAMES);
}

/* With a trace, frames go one by one where a layer may give no row for one: its trace of that frame stays zero. */
static void run_frames(const pylstm_push *part, const pylstm_workspace *in, destination *to, float *trace) {
    pylstm_stream *stream = part->stream;
    const pylstm_model *model = stream->model;
    const size_t trace_stride = trace ? (size_t)pylstm_model_trace_width(model) : 0, width = (size_t)model->n_features;
    const size_t most = trace && !model->graph.is_plain ? 1 : PYLSTM_BLOCK_FRAMES;
    const char *frames = part->data;
    const float *block[PYLSTM_BLOCK_FRAMES];
    int64_t done = pylstm_counters(stream)->position;
    size_t n;
    if (trace)
        memset(trace, 0, part->n * trace_stride * sizeof *trace);
    for (size_t left = part->n; left; left -= n) {
        n = left < most ? left : most;
        for (size_t k = 0; k < n; k++, frames += part->stride) {
            float *row = in->frames + k * width;
            memcpy(row, frames, width * sizeof *row); /* the caller's rows may stand at any address */
            pylstm_keep_finite(row, width);
            block[k] = row;
        }
        run_block(stream, in, block, (int)n, done, to, trace, trace_stride);
        done += (int64_t)n;
        if (trace)
            trace += n * trace_stride;
    }
}

pylstm_status pylstm_push_through(pylstm_push *part, pylstm_row_taker taker, float *trace, const pylstm_workspace *lent) {
    destination to = {.out = part->out, .taker = taker};
    const pylstm_workspace *in;
    pylstm_status status;
    if (!part->stream)
        return PYLSTM_BAD_ARGUMENT;
    in = lent ? lent : part->stream->own;
    if (!in)
        return PYLSTM_NEEDS_BATCH;
    PYLSTM_TRY(pylstm_stream_acquire(part->stream));
    status = pylstm_push_check(part, taker.take != NULL);
    if (!status) {
        const pylstm_fpmode caller = pylstm_fpmode_enter();
        if (part->type == PYLSTM_FRAMES) {
            run_frames(part, in, &to, trace);
        } else if (part->n) {
            pylstm_samples samples = pylstm_samples_of(part);
            run_audio(part->stream, in, &samples, &to);
        }
        pylstm_push_count(part);
        pylstm_fpmode_leave(caller);
    }
    pylstm_stream_release(part->stream);
    return status;
}

/* Runs one part alone. */
static pylstm_status push_alone(pylstm_push *part, size_t *rows, float *trace, const pylstm_workspace *lent) {
    const pylstm_row_taker nobody = {.take = NULL};
    if (!rows)
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(pylstm_push_through(part, nobody, trace, lent));
    *rows = part->rows;
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_push(pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n_samples,
                                 ptrdiff_t stride, float *out, size_t out_rows, size_t *rows) {
    pylstm_push part = {
        .stream = stream,
        .type = type,
        .data = pcm,
        .n = n_samples,
        .stride = stride,
        .out = out,
        .out_rows = out_rows,
    };
    return type == PYLSTM_FRAMES ? PYLSTM_BAD_ARGUMENT : push_alone(&part, rows, NULL, NULL);
}

pylstm_status pylstm_stream_push_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride,
                                        float *out, size_t out_rows, size_t *rows) {
    return pylstm_stream_trace_frames(stream, frames, n_frames, row_stride, out, out_rows, rows, NULL);
}

static pylstm_push push_of_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride, float *out,
                                  size_t out_rows) {
    return (pylstm_push){
        .stream = stream,
        .type = PYLSTM_FRAMES,
        .data = frames,
        .n = n_frames,
        .stride = row_stride,
        .out = out,
        .out_rows = out_rows,
    };
}

pylstm_status pylstm_stream_trace_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride,
                                         float *out, size_t out_rows, size_t *rows, float *trace) {
    pylstm_push part = push_of_frames(stream, frames, n_frames, row_stride, out, out_rows);
    return push_alone(&part, rows, trace, NULL);
}

pylstm_status pylstm_batch_trace_frames(pylstm_batch *batch, pylstm_stream *stream, const float *frames, size_t n_frames,
                                        ptrdiff_t row_stride, float *out, size_t out_rows, size_t *rows, float *trace) {
    pylstm_push part = push_of_frames(stream, frames, n_frames, row_stride, out, out_rows);
    const pylstm_workspace *lent;
    pylstm_status status;
    if (!stream)
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(pylstm_batch_lend(batch, stream->model, &lent));
    status = push_alone(&part, rows, trace, lent);
    pylstm_batch_take_back(batch);
    return status;
}

static pylstm_status flush(pylstm_stream *stream, const pylstm_workspace *in, size_t out_rows, size_t *rows, destination *to) {
    const pylstm_model *model = stream->model;
    pylstm_samples nothing = {.type = PYLSTM_FLOAT32};
    int64_t done;
    pylstm_fpmode caller;
    int64_t n_rows;
    if (pylstm_counters(stream)->flushed)
        return PYLSTM_FLUSHED;
    PYLSTM_TRY(pylstm_count_rows(stream, PYLSTM_INPUT_UNDECIDED, 0, 1, &n_rows));
    if ((uint64_t)n_rows > out_rows && (to->out || !to->taker.take))
        return PYLSTM_OUT_TOO_SMALL;
    *rows = (size_t)n_rows;
    pylstm_counters(stream)->flushed = 1;
    if (pylstm_counters(stream)->input == PYLSTM_INPUT_UNDECIDED)
        return PYLSTM_OK;
    caller = pylstm_fpmode_enter();
    done = pylstm_counters(stream)->position;
    if (pylstm_counters(stream)->input == PYLSTM_INPUT_AUDIO) {
        pylstm_features_finish(model->features, pylstm_stream_features(stream));
        run_audio(stream, in, &nothing, to);
        done = (int64_t)pylstm_features_progress_of(pylstm_stream_features(stream)).rows;
    }
    run_end(stream, in, done, to);
    pylstm_fpmode_leave(caller);
    return PYLSTM_OK;
}

pylstm_status pylstm_flush_through(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows, pylstm_row_taker taker,
                                   const pylstm_workspace *lent) {
    destination to = {.out = out, .taker = taker};
    const pylstm_workspace *in;
    pylstm_status status;
    if (!stream || !rows || (!out && out_rows))
        return PYLSTM_BAD_ARGUMENT;
    in = lent ? lent : stream->own;
    if (!in)
        return PYLSTM_NEEDS_BATCH;
    PYLSTM_TRY(pylstm_stream_acquire(stream));
    status = flush(stream, in, out_rows, rows, &to);
    pylstm_stream_release(stream);
    return status;
}

pylstm_status pylstm_stream_flush(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows) {
    const pylstm_row_taker nobody = {.take = NULL};
    return pylstm_flush_through(stream, out, out_rows, rows, nobody, NULL);
}

pylstm_status pylstm_batch_flush(pylstm_batch *batch, pylstm_stream *stream, float *out, size_t out_rows, size_t *rows) {
    const pylstm_row_taker nobody = {.take = NULL};
    const pylstm_workspace *lent;
    pylstm_status status;
    if (!stream)
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(pylstm_batch_lend(batch, stream->model, &lent));
    status = pylstm_flush_through(stream, out, out_rows, rows, nobody, lent);
    pylstm_batch_take_back(batch);
    return status;
}
