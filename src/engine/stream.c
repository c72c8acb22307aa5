/* One stream: its memory, its state, and who may use it. pipeline.c runs audio and frames through it.
 *
 * Memory: one block with the stream itself, its state (counters, features, layers: no pointers, so it is its own snapshot) and,
 * unless it was made for a batch, working memory. Every call that changes the state takes the stream's flag first and gives it
 * back last.
 */
#include "engine/stream.h"

#include "platform/aligned_memory.h"
#include "platform/errors.h"
#include "platform/finite.h"

#include <string.h>

/* --- one user at a time ----------------------------------------------------------------------------------------------- */

pylstm_status pylstm_stream_acquire(pylstm_stream *stream) {
    const pylstm_status status = pylstm_busy_flag_take(&stream->busy);
    if (status == PYLSTM_INTERRUPTED)
        pylstm_busy_flag_give_interrupted(&stream->busy);
    return status;
}

pylstm_status pylstm_stream_acquire_to_overwrite(pylstm_stream *stream) {
    return pylstm_busy_flag_take(&stream->busy) == PYLSTM_BUSY ? PYLSTM_BUSY : PYLSTM_OK;
}

void pylstm_stream_release(pylstm_stream *stream) {
    pylstm_published_count_set(&stream->position, pylstm_counters(stream)->position);
    pylstm_published_count_set(&stream->frames, pylstm_counters(stream)->frames);
    pylstm_busy_flag_give(&stream->busy);
}

/* --- creation --------------------------------------------------------------------------------------------------------- */

/* Working memory of a stream's own. */
static const pylstm_workspace *lay_out_own(pylstm_arena *arena, const pylstm_model *model) {
    pylstm_workspace *own = pylstm_arena_take(arena, 1, sizeof *own);
    const pylstm_workspace workspace = pylstm_workspace_lay_out(arena, model, PYLSTM_BLOCK_FRAMES, 1);
    if (own)
        *own = workspace;
    return own;
}

static pylstm_stream *lay_out(pylstm_arena *arena, const pylstm_model *model, int for_batch) {
    pylstm_stream *stream = pylstm_arena_take(arena, 1, sizeof *stream);
    char *state = pylstm_arena_take(arena, model->state_size, 1);
    const pylstm_workspace *own = for_batch ? NULL : lay_out_own(arena, model);
    if (!arena->base)
        return NULL;
    memset(state, 0, model->state_size);
    *stream = (pylstm_stream){.model = model, .state = state, .own = own};
    pylstm_busy_flag_init(&stream->busy);
    pylstm_published_count_set(&stream->position, 0);
    pylstm_published_count_set(&stream->frames, 0);
    if (model->features)
        pylstm_features_reset(model->features, pylstm_stream_features(stream));
    return stream;
}

static size_t size_of(const pylstm_model *model, int for_batch) {
    pylstm_arena arena = {.base = NULL};
    if (!model)
        return 0;
    lay_out(&arena, model, for_batch);
    return arena.used;
}

static pylstm_status place(void *memory, size_t memory_size, const pylstm_model *model, int for_batch, pylstm_stream **stream) {
    pylstm_arena arena = {.base = memory};
    if (!memory || !model || !stream)
        return PYLSTM_BAD_ARGUMENT;
    if (memory_size < size_of(model, for_batch) || (uintptr_t)memory % PYLSTM_ALIGNMENT)
        return PYLSTM_NO_MEMORY;
    *stream = lay_out(&arena, model, for_batch);
    return PYLSTM_OK;
}

static pylstm_status create(const pylstm_model *model, int for_batch, pylstm_stream **stream) {
    void *memory;
    size_t size;
    if (!model || !stream)
        return PYLSTM_BAD_ARGUMENT;
    *stream = NULL;
    size = size_of(model, for_batch);
    memory = size == SIZE_MAX ? NULL : pylstm_block_create(size);
    return memory ? place(memory, size, model, for_batch, stream) : PYLSTM_NO_MEMORY;
}

size_t pylstm_stream_size(const pylstm_model *model) {
    return size_of(model, 0);
}

size_t pylstm_stream_size_for_batch(const pylstm_model *model) {
    return size_of(model, 1);
}

pylstm_status pylstm_stream_init(void *memory, size_t memory_size, const pylstm_model *model, pylstm_stream **stream) {
    return place(memory, memory_size, model, 0, stream);
}

pylstm_status pylstm_stream_init_for_batch(void *memory, size_t memory_size, const pylstm_model *model,
                                           pylstm_stream **stream) {
    return place(memory, memory_size, model, 1, stream);
}

pylstm_status pylstm_stream_create(const pylstm_model *model, pylstm_stream **stream) {
    return create(model, 0, stream);
}

pylstm_status pylstm_stream_create_for_batch(const pylstm_model *model, pylstm_stream **stream) {
    return create(model, 1, stream);
}

void pylstm_stream_destroy(pylstm_stream *stream) {
    pylstm_block_destroy(stream);
}

/* --- state ------------------------------------------------------------------------------------------------------------ */

static pylstm_status begin_anew(pylstm_stream *stream, int keep_peak) {
    const pylstm_model *model;
    if (!stream)
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(keep_peak ? pylstm_stream_acquire(stream) : pylstm_stream_acquire_to_overwrite(stream));
    model = stream->model;
    memset(pylstm_counters(stream), 0, sizeof(pylstm_stream_counters));
    memset(stream->state + model->layers_state, 0, model->state_size - model->layers_state);
    if (model->features && keep_peak)
        pylstm_features_rewind(model->features, pylstm_stream_features(stream));
    if (model->features && !keep_peak)
        pylstm_features_reset(model->features, pylstm_stream_features(stream));
    pylstm_stream_release(stream);
    return PYLSTM_OK;
}

pylstm_status pylstm_stream_reset(pylstm_stream *stream) {
    return begin_anew(stream, 0);
}

pylstm_status pylstm_stream_reset_keep_peak(pylstm_stream *stream) {
    return begin_anew(stream, 1);
}

pylstm_status pylstm_stream_watch_scale(pylstm_stream *stream, int watch) {
    pylstm_status status;
    if (!stream)
        return PYLSTM_BAD_ARGUMENT;
    status = pylstm_busy_flag_take(&stream->busy);
    if (status == PYLSTM_BUSY)
        return status;
    stream->watches_scale = watch != 0; /* no part of the state: can be set where a fork left that half written */
    if (status == PYLSTM_INTERRUPTED)
        pylstm_busy_flag_give_interrupted(&stream->busy);
    else
        pylstm_busy_flag_give(&stream->busy);
    return PYLSTM_OK;
}

int64_t pylstm_stream_position(const pylstm_stream *stream) {
    return stream ? pylstm_published_count_get(&stream->position) : 0;
}

int64_t pylstm_stream_rows_written(const pylstm_stream *stream) {
    return stream ? pylstm_published_count_get(&stream->frames) : 0;
}

/* The stream's counters must agree with the features'. */
static int counters_valid(const pylstm_model *model, const char *state) {
    pylstm_stream_counters c;
    pylstm_features_progress of = {.finished = 0};
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
        return model->features && c.position > 0 && (uint64_t)c.position == of.samples && of.rows <= PYLSTM_MAX_POSITION &&
               c.frames == pylstm_graph_rows(&model->graph, (int64_t)of.rows, of.finished) && c.flushed == of.finished;
    case PYLSTM_INPUT_FRAMES:
        return c.position > 0 && c.frames == pylstm_graph_rows(&model->graph, c.position, c.flushed != 0) && of.samples == 0 &&
               !of.finished;
    default:
        return 0;
    }
}

int pylstm_stream_state_valid(const pylstm_model *model, const char *state) {
    if (model->features) {
        if (!pylstm_features_state_valid(model->features, state + model->features_state))
            return 0;
        for (size_t k = model->features_state + pylstm_features_state_size(model->features); k < model->layers_state; k++) {
            if (state[k]) /* the padding between features and layers is never written */
                return 0;
        }
    }
    return counters_valid(model, state) &&
           pylstm_all_finite(state + model->layers_state, (model->state_size - model->layers_state) / sizeof(float),
                             sizeof(float));
}
