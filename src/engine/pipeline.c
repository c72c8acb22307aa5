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

/* Runs n_frames (at most a block) through every layer and delivers the rows of the last one. */
static void run_layers(pylstm_stream *stream, const float *const *frames, int n_frames, destination *to, float *trace,
                       size_t trace_stride) {
    const pylstm_model *model = stream->model;
    const float *x[PYLSTM_BLOCK_FRAMES];
    float *state = (float *)(stream->state + model->layers_state);
    memcpy(x, frames, (size_t)n_frames * sizeof *x);
    for (int k = 0; k < model->n_layers; k++) {
        const pylstm_layer *layer = &model->layers[k];
        float *y = stream->rows[k % 2];
        pylstm_layer_forward(layer, state, stream->layer_scratch, x, n_frames, y, trace, trace_stride);
        state += layer->state_size;
        if (trace)
            trace += layer->trace_size;
        for (int t = 0; t < n_frames; t++)
            x[t] = y + (size_t)t * pylstm_padded(layer->output_size);
    }
    deliver(to, x, n_frames, (size_t)model->n_outputs);
    pylstm_counters(stream)->frames += n_frames;
}

/* Computes features of the samples, block by block, and runs them through the layers. */
static void run_audio(pylstm_stream *stream, pylstm_samples *samples, destination to) {
    const pylstm_model *model = stream->model;
    const float *frames[PYLSTM_BLOCK_FRAMES];
    size_t n;
    for (int t = 0; t < PYLSTM_BLOCK_FRAMES; t++)
        frames[t] = stream->block_frames + (size_t)t * (size_t)model->n_features;
    do {
        n = pylstm_features_push(model->features, pylstm_stream_features(stream), stream->features_scratch, samples,
                                 stream->block_frames, PYLSTM_BLOCK_FRAMES);
        if (n)
            run_layers(stream, frames, (int)n, &to, NULL, 0);
    } while (n == PYLSTM_BLOCK_FRAMES);
}

static void run_frames(const pylstm_push *part, destination to, float *trace) {
    pylstm_stream *stream = part->stream;
    const pylstm_model *model = stream->model;
    const size_t trace_stride = trace ? (size_t)pylstm_model_trace_width(model) : 0, width = (size_t)model->n_features;
    const char *frames = part->data;
    const float *block[PYLSTM_BLOCK_FRAMES];
    size_t n;
    for (size_t left = part->n; left; left -= n) {
        n = left < PYLSTM_BLOCK_FRAMES ? left : PYLSTM_BLOCK_FRAMES;
        for (size_t k = 0; k < n; k++, frames += part->stride) {
            float *row = stream->block_frames + k * width;
            memcpy(row, frames, width * sizeof *row); /* the caller's rows may stand at any address */
            pylstm_keep_finite(row, width);
            block[k] = row;
        }
        run_layers(stream, block, (int)n, &to, trace, trace_stride);
        if (trace)
            trace += n * trace_stride;
    }
}

pylstm_status pylstm_push_through(pylstm_push *part, pylstm_row_taker taker, float *trace) {
    const destination to = {.out = part->out, .taker = taker};
    pylstm_status status;
    if (!part->stream)
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(pylstm_stream_acquire(part->stream));
    status = pylstm_push_check(part, taker.take != NULL);
    if (!status) {
        const pylstm_fpmode caller = pylstm_fpmode_enter();
        if (part->type == PYLSTM_FRAMES) {
            run_frames(part, to, trace);
        } else if (part->n) {
            pylstm_samples samples = pylstm_samples_of(part);
            run_audio(part->stream, &samples, to);
        }
        pylstm_push_count(part);
        pylstm_fpmode_leave(caller);
    }
    pylstm_stream_release(part->stream);
    return status;
}

/* Runs one part alone, with the stream's own working memory. */
static pylstm_status push_alone(pylstm_push *part, size_t *rows, float *trace) {
    const pylstm_row_taker nobody = {.take = NULL};
    if (!rows)
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(pylstm_push_through(part, nobody, trace));
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
    return type == PYLSTM_FRAMES ? PYLSTM_BAD_ARGUMENT : push_alone(&part, rows, NULL);
}

pylstm_status pylstm_stream_push_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride,
                                        float *out, size_t out_rows, size_t *rows) {
    return pylstm_stream_trace_frames(stream, frames, n_frames, row_stride, out, out_rows, rows, NULL);
}

pylstm_status pylstm_stream_trace_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride,
                                         float *out, size_t out_rows, size_t *rows, float *trace) {
    pylstm_push part = {
        .stream = stream,
        .type = PYLSTM_FRAMES,
        .data = frames,
        .n = n_frames,
        .stride = row_stride,
        .out = out,
        .out_rows = out_rows,
    };
    return push_alone(&part, rows, trace);
}

static pylstm_status flush(pylstm_stream *stream, size_t out_rows, size_t *rows, destination to) {
    pylstm_samples nothing = {.type = PYLSTM_FLOAT32};
    pylstm_fpmode caller;
    int64_t n_rows;
    if (pylstm_counters(stream)->flushed)
        return PYLSTM_FLUSHED;
    PYLSTM_TRY(pylstm_count_rows(stream, 0, 1, &n_rows));
    if ((uint64_t)n_rows > out_rows && (to.out || !to.taker.take))
        return PYLSTM_OUT_TOO_SMALL;
    *rows = (size_t)n_rows;
    pylstm_counters(stream)->flushed = 1;
    if (pylstm_counters(stream)->input != PYLSTM_INPUT_AUDIO)
        return PYLSTM_OK;
    caller = pylstm_fpmode_enter();
    pylstm_features_finish(stream->model->features, pylstm_stream_features(stream));
    run_audio(stream, &nothing, to);
    pylstm_fpmode_leave(caller);
    return PYLSTM_OK;
}

pylstm_status pylstm_flush_through(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows, pylstm_row_taker taker) {
    const destination to = {.out = out, .taker = taker};
    pylstm_status status;
    if (!stream || !rows || (!out && out_rows))
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(pylstm_stream_acquire(stream));
    status = flush(stream, out_rows, rows, to);
    pylstm_stream_release(stream);
    return status;
}

pylstm_status pylstm_stream_flush(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows) {
    const pylstm_row_taker nobody = {.take = NULL};
    return pylstm_flush_through(stream, out, out_rows, rows, nobody);
}
