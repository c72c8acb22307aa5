/* One stream: audio or frames in, rows of output out, as soon as they are complete.
 *
 * Memory: one block with the stream itself, its state (counters, features, layers: no pointers, so it is its own snapshot) and
 * working memory. Every call that changes the state takes the stream's flag first and gives it back last.
 */
#include "stream.h"

#include "block.h"
#include "fpmode.h"

#include <string.h>

/* Sample counters stay below this, far from the end of 64 bits: 2^62 samples are nine million years at 16 kHz. */
#define MAX_POSITION ((uint64_t)1 << 62)

static pylstm_stream_counters *counters(const pylstm_stream *stream) {
    return (pylstm_stream_counters *)stream->state;
}

static void *features_state(const pylstm_stream *stream) {
    return stream->state + stream->model->features_state;
}

/* --- one user at a time ----------------------------------------------------------------------------------------------- */

int pylstm_stream_acquire(pylstm_stream *stream) {
    return !atomic_exchange_explicit(&stream->busy, 1, memory_order_acquire);
}

void pylstm_stream_release(pylstm_stream *stream) {
    atomic_store_explicit(&stream->position, counters(stream)->position, memory_order_relaxed);
    atomic_store_explicit(&stream->frames, counters(stream)->frames, memory_order_relaxed);
    atomic_store_explicit(&stream->busy, 0, memory_order_release);
}

/* --- creation --------------------------------------------------------------------------------------------------------- */

static pylstm_stream *lay_out(pylstm_arena *arena, const pylstm_model *model) {
    pylstm_stream *stream = pylstm_arena_take(arena, 1, sizeof *stream);
    char *state = pylstm_arena_take(arena, model->state_size, 1);
    char *features_scratch = pylstm_arena_take(arena, model->features ? pylstm_features_scratch_size(model->features) : 0, 1);
    float *frames = pylstm_arena_take(arena, PYLSTM_BLOCK_FRAMES * model->widest_row, sizeof *frames);
    float *rows = pylstm_arena_take(arena, 2 * PYLSTM_BLOCK_FRAMES * model->widest_row, sizeof *rows);
    float *layer_scratch = pylstm_arena_take(arena, model->layer_scratch, sizeof *layer_scratch);
    if (!arena->base)
        return NULL;
    memset(arena->base, 0, arena->used);
    stream->model = model;
    stream->state = state;
    stream->features_scratch = features_scratch;
    stream->block_frames = frames;
    stream->rows[0] = rows;
    stream->rows[1] = rows + PYLSTM_BLOCK_FRAMES * model->widest_row;
    stream->layer_scratch = layer_scratch;
    atomic_init(&stream->busy, 0);
    atomic_init(&stream->position, 0);
    atomic_init(&stream->frames, 0);
    if (model->features)
        pylstm_features_reset(model->features, features_state(stream));
    return stream;
}

size_t pylstm_stream_size(const pylstm_model *model) {
    pylstm_arena arena = {NULL, 0};
    lay_out(&arena, model);
    return arena.used;
}

pylstm_status pylstm_stream_init(void *memory, size_t memory_size, const pylstm_model *model, pylstm_stream **stream) {
    pylstm_arena arena = {NULL, 0};
    if (!memory || !model || !stream)
        return PYLSTM_BAD_ARGUMENT;
    if (memory_size < pylstm_stream_size(model) || (uintptr_t)memory % PYLSTM_ALIGNMENT)
        return PYLSTM_NO_MEMORY;
    arena.base = memory;
    *stream = lay_out(&arena, model);
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_create(const pylstm_model *model, pylstm_stream **stream) {
    void *memory;
    size_t size;
    if (!model || !stream)
        return PYLSTM_BAD_ARGUMENT;
    *stream = NULL;
    size = pylstm_stream_size(model);
    memory = size == SIZE_MAX ? NULL : pylstm_block_create(size);
    return memory ? pylstm_stream_init(memory, size, model, stream) : PYLSTM_NO_MEMORY;
}

void pylstm_stream_destroy(pylstm_stream *stream) {
    pylstm_block_destroy(stream);
}

/* --- at the door ------------------------------------------------------------------------------------------------------ */

/* The largest magnitude among n floats side by side, as bits: infinity and NaN are the patterns from 0x7f800000 on. */
static uint32_t largest_bits(const char *values, size_t n) {
    uint32_t bits[16], largest = 0;
    int32_t lanes[16] = {0};
    size_t k;
    int lane;
    for (; n >= 16; n -= 16, values += 64) {
        memcpy(bits, values, 64);
        for (lane = 0; lane < 16; lane++) {
            const int32_t magnitude = (int32_t)(bits[lane] & 0x7fffffff);
            lanes[lane] = magnitude > lanes[lane] ? magnitude : lanes[lane];
        }
    }
    for (lane = 0; lane < 16; lane++)
        largest = (uint32_t)lanes[lane] > largest ? (uint32_t)lanes[lane] : largest;
    for (k = 0; k < n; k++) {
        memcpy(bits, values + 4 * k, 4);
        largest = (bits[0] & 0x7fffffff) > largest ? bits[0] & 0x7fffffff : largest;
    }
    return largest;
}

static int all_finite(const void *values, size_t n, ptrdiff_t stride) {
    const char *p = values;
    size_t k;
    if (stride == (ptrdiff_t)sizeof(float))
        return largest_bits(p, n) < 0x7f800000;
    for (k = 0; k < n; k++, p += stride) {
        if (largest_bits(p, 1) >= 0x7f800000)
            return 0;
    }
    return 1;
}

/* Everything about a stream that can refuse n more samples or frames of a kind of input. */
static pylstm_status check_input(const pylstm_stream *stream, int input, size_t n) {
    const pylstm_stream_counters *c = counters(stream);
    if (input == PYLSTM_INPUT_AUDIO && !stream->model->features)
        return PYLSTM_WRONG_INPUT;
    if (c->flushed)
        return PYLSTM_FLUSHED;
    if (n && c->input != PYLSTM_INPUT_UNDECIDED && c->input != input)
        return PYLSTM_WRONG_INPUT;
    return n > MAX_POSITION - (uint64_t)c->position ? PYLSTM_BAD_ARGUMENT : PYLSTM_OK;
}

/* Rows that audio completes. A flush of a stream that was not fed with audio has nothing to give. */
static pylstm_status count_rows(const pylstm_stream *stream, size_t n_samples, int flush, int64_t *rows) {
    *rows = 0;
    if (stream->model->features && (n_samples || counters(stream)->input == PYLSTM_INPUT_AUDIO)) {
        *rows = pylstm_features_rows(stream->model->features, features_state(stream), n_samples, flush);
    }
    return *rows < 0 ? PYLSTM_TOO_SHORT : PYLSTM_OK;
}

/* --- the way through -------------------------------------------------------------------------------------------------- */

/* n_frames (at most a block) through every layer; the last one's rows, tight, into out. */
static void run_layers(pylstm_stream *stream, const float *const *frames, int n_frames, float *out, float *trace,
                       size_t trace_stride) {
    const pylstm_model *model = stream->model;
    const float *x[PYLSTM_BLOCK_FRAMES];
    const size_t row_bytes = (size_t)model->n_outputs * sizeof *out;
    float *state = (float *)(stream->state + model->layers_state);
    int k, t;
    memcpy(x, frames, (size_t)n_frames * sizeof *x);
    for (k = 0; k < model->n_layers; k++) {
        const pylstm_layer *layer = &model->layers[k];
        float *y = stream->rows[k % 2];
        layer->kind->forward(layer, state, stream->layer_scratch, x, n_frames, y, trace, trace_stride);
        state += layer->kind->state_size(layer);
        if (trace)
            trace += layer->kind->trace_size(layer);
        for (t = 0; t < n_frames; t++)
            x[t] = y + (size_t)t * pylstm_padded(layer->output_size);
    }
    for (t = 0; t < n_frames; t++)
        memcpy((char *)out + (size_t)t * row_bytes, x[t], row_bytes);
    counters(stream)->frames += n_frames;
}

/* Features of the samples, block by block, and the layers after them. */
static void run_audio(pylstm_stream *stream, pylstm_samples *samples, float *out) {
    const pylstm_model *model = stream->model;
    const float *frames[PYLSTM_BLOCK_FRAMES];
    size_t n;
    int t;
    for (t = 0; t < PYLSTM_BLOCK_FRAMES; t++)
        frames[t] = stream->block_frames + (size_t)t * (size_t)model->n_features;
    do {
        n = pylstm_features_push(model->features, features_state(stream), stream->features_scratch, samples,
                                 stream->block_frames, PYLSTM_BLOCK_FRAMES);
        if (n)
            run_layers(stream, frames, (int)n, out, NULL, 0);
        out += n * (size_t)model->n_outputs;
    } while (n == PYLSTM_BLOCK_FRAMES);
}

pylstm_status pylstm_stream_rows(pylstm_stream *stream, size_t n_samples, int flush, int64_t *rows) {
    pylstm_status status;
    if (!stream || !rows)
        return PYLSTM_BAD_ARGUMENT;
    if (!pylstm_stream_acquire(stream))
        return PYLSTM_BUSY;
    status = check_input(stream, n_samples ? PYLSTM_INPUT_AUDIO : PYLSTM_INPUT_UNDECIDED, n_samples);
    if (!status)
        status = count_rows(stream, n_samples, flush, rows);
    pylstm_stream_release(stream);
    return status;
}

static pylstm_status push(pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n_samples, ptrdiff_t stride,
                          float *out, size_t out_rows, size_t *rows) {
    pylstm_samples samples;
    pylstm_status status;
    pylstm_fpmode caller;
    int64_t n_rows;
    if ((status = check_input(stream, PYLSTM_INPUT_AUDIO, n_samples)))
        return status;
    if ((status = count_rows(stream, n_samples, 0, &n_rows)))
        return status;
    if ((uint64_t)n_rows > out_rows)
        return PYLSTM_OUT_TOO_SMALL;
    if (type == PYLSTM_FLOAT32 && !all_finite(pcm, n_samples, stride))
        return PYLSTM_NOT_FINITE;
    *rows = (size_t)n_rows;
    if (!n_samples)
        return PYLSTM_OK;
    samples.type = type;
    samples.next = pcm;
    samples.n = n_samples;
    samples.stride = stride;
    caller = pylstm_fpmode_enter();
    run_audio(stream, &samples, out);
    pylstm_fpmode_leave(caller);
    counters(stream)->input = PYLSTM_INPUT_AUDIO;
    counters(stream)->position += (int64_t)n_samples;
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_push(pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n_samples,
                                 ptrdiff_t stride, float *out, size_t out_rows, size_t *rows) {
    pylstm_status status;
    if (!stream || !rows || (!pcm && n_samples) || (!out && out_rows))
        return PYLSTM_BAD_ARGUMENT;
    if (type != PYLSTM_FLOAT32 && type != PYLSTM_INT16)
        return PYLSTM_BAD_ARGUMENT;
    if (!pylstm_stream_acquire(stream))
        return PYLSTM_BUSY;
    status = push(stream, type, pcm, n_samples, stride, out, out_rows, rows);
    pylstm_stream_release(stream);
    return status;
}

static pylstm_status push_frames(pylstm_stream *stream, const char *frames, size_t n_frames, ptrdiff_t row_stride, float *out,
                                 size_t out_rows, size_t *rows, float *trace) {
    const pylstm_model *model = stream->model;
    const size_t trace_stride = (size_t)pylstm_model_trace_width(model);
    const float *block[PYLSTM_BLOCK_FRAMES];
    pylstm_status status;
    pylstm_fpmode caller;
    size_t k, n;
    if ((status = check_input(stream, PYLSTM_INPUT_FRAMES, n_frames)))
        return status;
    if (n_frames > out_rows)
        return PYLSTM_OUT_TOO_SMALL;
    for (k = 0; k < n_frames; k++) {
        if (!all_finite(frames + (ptrdiff_t)k * row_stride, (size_t)model->n_features, sizeof(float)))
            return PYLSTM_NOT_FINITE;
    }
    *rows = n_frames;
    if (!n_frames)
        return PYLSTM_OK;
    caller = pylstm_fpmode_enter();
    counters(stream)->input = PYLSTM_INPUT_FRAMES;
    counters(stream)->position += (int64_t)n_frames;
    while (n_frames) {
        n = n_frames < PYLSTM_BLOCK_FRAMES ? n_frames : PYLSTM_BLOCK_FRAMES;
        for (k = 0; k < n; k++) {
            float *row = stream->block_frames + k * (size_t)model->n_features;
            memcpy(row, frames, (size_t)model->n_features * sizeof *row); /* the caller's rows may stand at any address */
            block[k] = row;
            frames += row_stride;
        }
        run_layers(stream, block, (int)n, out, trace, trace_stride);
        out += n * (size_t)model->n_outputs;
        if (trace)
            trace += n * trace_stride;
        n_frames -= n;
    }
    pylstm_fpmode_leave(caller);
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_push_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride,
                                        float *out, size_t out_rows, size_t *rows) {
    return pylstm_stream_trace_frames(stream, frames, n_frames, row_stride, out, out_rows, rows, NULL);
}

pylstm_status pylstm_stream_trace_frames(pylstm_stream *stream, const float *frames, size_t n_frames, ptrdiff_t row_stride,
                                         float *out, size_t out_rows, size_t *rows, float *trace) {
    pylstm_status status;
    if (!stream || !rows || (!frames && n_frames) || (!out && out_rows))
        return PYLSTM_BAD_ARGUMENT;
    if (!pylstm_stream_acquire(stream))
        return PYLSTM_BUSY;
    status = push_frames(stream, (const char *)frames, n_frames, row_stride, out, out_rows, rows, trace);
    pylstm_stream_release(stream);
    return status;
}

static pylstm_status flush(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows) {
    pylstm_samples nothing = {PYLSTM_FLOAT32, NULL, 0, 0};
    pylstm_status status;
    pylstm_fpmode caller;
    int64_t n_rows;
    if (counters(stream)->flushed)
        return PYLSTM_FLUSHED;
    if ((status = count_rows(stream, 0, 1, &n_rows)))
        return status;
    if ((uint64_t)n_rows > out_rows)
        return PYLSTM_OUT_TOO_SMALL;
    *rows = (size_t)n_rows;
    counters(stream)->flushed = 1;
    if (!n_rows)
        return PYLSTM_OK;
    caller = pylstm_fpmode_enter();
    pylstm_features_finish(stream->model->features, features_state(stream));
    run_audio(stream, &nothing, out);
    pylstm_fpmode_leave(caller);
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_flush(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows) {
    pylstm_status status;
    if (!stream || !rows || (!out && out_rows))
        return PYLSTM_BAD_ARGUMENT;
    if (!pylstm_stream_acquire(stream))
        return PYLSTM_BUSY;
    status = flush(stream, out, out_rows, rows);
    pylstm_stream_release(stream);
    return status;
}

/* --- state ------------------------------------------------------------------------------------------------------------ */

static void begin_anew(pylstm_stream *stream, int keep_peak) {
    const pylstm_model *model = stream->model;
    memset(counters(stream), 0, sizeof(pylstm_stream_counters));
    memset(stream->state + model->layers_state, 0, model->state_size - model->layers_state);
    if (!model->features)
        return;
    if (keep_peak) {
        pylstm_features_rewind(model->features, features_state(stream));
    } else {
        pylstm_features_reset(model->features, features_state(stream));
    }
}

pylstm_status pylstm_stream_reset(pylstm_stream *stream) {
    if (!stream)
        return PYLSTM_BAD_ARGUMENT;
    if (!pylstm_stream_acquire(stream))
        return PYLSTM_BUSY;
    begin_anew(stream, 0);
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_rewind(pylstm_stream *stream) {
    if (!stream)
        return PYLSTM_BAD_ARGUMENT;
    if (!pylstm_stream_acquire(stream))
        return PYLSTM_BUSY;
    begin_anew(stream, 1);
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}

int64_t pylstm_stream_position(const pylstm_stream *stream) {
    return atomic_load_explicit(&stream->position, memory_order_relaxed);
}

int64_t pylstm_stream_frames(const pylstm_stream *stream) {
    return atomic_load_explicit(&stream->frames, memory_order_relaxed);
}

pylstm_status pylstm_stream_get_cell(pylstm_stream *stream, int cell, float *h, float *c) {
    const pylstm_layer *layer;
    float *state;
    if (!stream || !h || !c)
        return PYLSTM_BAD_ARGUMENT;
    layer = pylstm_model_layer_of_cell(stream->model, &cell);
    if (!layer)
        return PYLSTM_BAD_ARGUMENT;
    if (!pylstm_stream_acquire(stream))
        return PYLSTM_BUSY;
    state = pylstm_model_layer_state(stream->model, stream->state, layer->index);
    memcpy(h, pylstm_layer_h(layer, state, cell), (size_t)layer->output_size * sizeof *h);
    memcpy(c, pylstm_layer_c(layer, state, cell), (size_t)layer->output_size * sizeof *c);
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_set_cell(pylstm_stream *stream, int cell, const float *h, const float *c) {
    const pylstm_layer *layer;
    float *state;
    if (!stream || !h || !c)
        return PYLSTM_BAD_ARGUMENT;
    layer = pylstm_model_layer_of_cell(stream->model, &cell);
    if (!layer)
        return PYLSTM_BAD_ARGUMENT;
    if (!all_finite(h, (size_t)layer->output_size, sizeof *h) || !all_finite(c, (size_t)layer->output_size, sizeof *c)) {
        return PYLSTM_NOT_FINITE;
    }
    if (!pylstm_stream_acquire(stream))
        return PYLSTM_BUSY;
    state = pylstm_model_layer_state(stream->model, stream->state, layer->index);
    memcpy(pylstm_layer_h(layer, state, cell), h, (size_t)layer->output_size * sizeof *h);
    memcpy(pylstm_layer_c(layer, state, cell), c, (size_t)layer->output_size * sizeof *c);
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}

int pylstm_stream_state_valid(const pylstm_model *model, const char *state) {
    pylstm_stream_counters c;
    memcpy(&c, state, sizeof c);
    if (c.position < 0 || (uint64_t)c.position > MAX_POSITION || c.frames < 0 || (uint64_t)c.frames > MAX_POSITION)
        return 0;
    if (c.input < PYLSTM_INPUT_UNDECIDED || c.input > PYLSTM_INPUT_FRAMES || (c.flushed != 0 && c.flushed != 1))
        return 0;
    if (c.input == PYLSTM_INPUT_AUDIO && !model->features)
        return 0;
    if (c.reserved[0] || c.reserved[1] || c.reserved[2] || c.reserved[3])
        return 0;
    if (model->features && !pylstm_features_state_valid(model->features, state + model->features_state))
        return 0;
    return all_finite(state + model->layers_state, (model->state_size - model->layers_state) / sizeof(float), sizeof(float));
}
