/* One stream: its memory, its state, and who may use it. What goes through it is pipeline.c's.
 *
 * Memory: one block with the stream itself, its state (counters, features, layers: no pointers, so it is its own snapshot) and
 * working memory. Every call that changes the state takes the stream's flag first and gives it back last.
 */
#include "engine/stream.h"

#include "platform/aligned_memory.h"
#include "platform/finite.h"

#include <string.h>

/* --- one user at a time ----------------------------------------------------------------------------------------------- */

int pylstm_stream_acquire(pylstm_stream *stream) {
    return !atomic_exchange_explicit(&stream->busy, 1, memory_order_acquire);
}

void pylstm_stream_release(pylstm_stream *stream) {
    atomic_store_explicit(&stream->position, pylstm_counters(stream)->position, memory_order_relaxed);
    atomic_store_explicit(&stream->frames, pylstm_counters(stream)->frames, memory_order_relaxed);
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
        pylstm_features_reset(model->features, pylstm_stream_features(stream));
    return stream;
}

size_t pylstm_stream_size(const pylstm_model *model) {
    pylstm_arena arena = {NULL, 0};
    if (!model)
        return 0;
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

/* --- state ------------------------------------------------------------------------------------------------------------ */

static void begin_anew(pylstm_stream *stream, int keep_peak) {
    const pylstm_model *model = stream->model;
    memset(pylstm_counters(stream), 0, sizeof(pylstm_stream_counters));
    memset(stream->state + model->layers_state, 0, model->state_size - model->layers_state);
    if (!model->features)
        return;
    if (keep_peak) {
        pylstm_features_rewind(model->features, pylstm_stream_features(stream));
    } else {
        pylstm_features_reset(model->features, pylstm_stream_features(stream));
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
    return stream ? atomic_load_explicit(&stream->position, memory_order_relaxed) : 0;
}

int64_t pylstm_stream_frames(const pylstm_stream *stream) {
    return stream ? atomic_load_explicit(&stream->frames, memory_order_relaxed) : 0;
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
    if (!pylstm_all_finite(h, (size_t)layer->output_size, sizeof *h) ||
        !pylstm_all_finite(c, (size_t)layer->output_size, sizeof *c)) {
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

/* Every h and c in order, to memory or (to == NULL) from it. */
static void exchange_cells(const pylstm_stream *stream, float *to, const float *from) {
    int k, cell, c;
    for (k = 0; k < stream->model->n_layers; k++) {
        const pylstm_layer *layer = &stream->model->layers[k];
        const size_t n = (size_t)layer->output_size;
        float *state = pylstm_model_layer_state(stream->model, stream->state, k);
        for (cell = 0; cell < pylstm_layer_cells(layer); cell++) {
            for (c = 0; c < 2; c++) {
                float *place = c ? pylstm_layer_c(layer, state, cell) : pylstm_layer_h(layer, state, cell);
                memcpy(to ? to : place, to ? place : from, n * sizeof(float));
                if (to) {
                    to += n;
                } else {
                    from += n;
                }
            }
        }
    }
}

pylstm_status pylstm_stream_get_cells(pylstm_stream *stream, float *memories) {
    if (!stream || !memories)
        return PYLSTM_BAD_ARGUMENT;
    if (!pylstm_stream_acquire(stream))
        return PYLSTM_BUSY;
    exchange_cells(stream, memories, NULL);
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_set_cells(pylstm_stream *stream, const float *memories) {
    size_t n = 0;
    int k;
    if (!stream || !memories)
        return PYLSTM_BAD_ARGUMENT;
    for (k = 0; k < stream->model->n_layers; k++) {
        const pylstm_layer *layer = &stream->model->layers[k];
        n += 2 * (size_t)pylstm_layer_cells(layer) * (size_t)layer->output_size;
    }
    if (!pylstm_all_finite(memories, n, sizeof *memories))
        return PYLSTM_NOT_FINITE;
    if (!pylstm_stream_acquire(stream))
        return PYLSTM_BUSY;
    exchange_cells(stream, NULL, memories);
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}

/* What the counters say and what the features say must be one story. */
static int counters_valid(const pylstm_model *model, const char *state) {
    pylstm_stream_counters c;
    pylstm_features_progress of = {0, 0, 0};
    memcpy(&c, state, sizeof c);
    if (c.reserved[0] || c.reserved[1] || c.reserved[2] || c.reserved[3])
        return 0;
    if (c.position < 0 || (uint64_t)c.position > PYLSTM_MAX_POSITION || (c.flushed != 0 && c.flushed != 1))
        return 0;
    if (model->features)
        of = pylstm_features_progress_of(state + model->features_state);
    switch (c.input) {
    case PYLSTM_INPUT_UNDECIDED:
        return c.position == 0 && c.frames == 0 && of.samples == 0 && !of.finished;
    case PYLSTM_INPUT_AUDIO:
        return model->features && c.position > 0 && (uint64_t)c.position == of.samples && (uint64_t)c.frames == of.rows &&
               c.flushed == of.finished;
    case PYLSTM_INPUT_FRAMES:
        return c.position > 0 && c.frames == c.position && of.samples == 0 && !of.finished;
    default:
        return 0;
    }
}

int pylstm_stream_state_valid(const pylstm_model *model, const char *state) {
    size_t k;
    if (model->features) {
        if (!pylstm_features_state_valid(model->features, state + model->features_state))
            return 0;
        for (k = model->features_state + pylstm_features_state_size(model->features); k < model->layers_state; k++) {
            if (state[k]) /* between the features and the layers nothing is ever written */
                return 0;
        }
    }
    return counters_valid(model, state) &&
           pylstm_all_finite(state + model->layers_state, (model->state_size - model->layers_state) / sizeof(float),
                             sizeof(float));
}
