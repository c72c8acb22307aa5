/* One stream: its memory, its state, and who may use it. pipeline.c runs audio and frames through it.
 *
 * Memory: one block with the stream itself, its state (counters, features, layers: no pointers, so it is its own snapshot) and
 * working memory. Every call that changes the state takes the stream's flag first and gives it back last.
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

static pylstm_stream *lay_out(pylstm_arena *arena, const pylstm_model *model) {
    pylstm_stream *stream = pylstm_arena_take(arena, 1, sizeof *stream);
    char *state = pylstm_arena_take(arena, model->state_size, 1);
    char *features_scratch = pylstm_arena_take(arena, model->features ? pylstm_features_scratch_size(model->features) : 0, 1);
    float *frames = pylstm_arena_take(arena, PYLSTM_BLOCK_FRAMES * pylstm_padded(model->n_features), sizeof *frames);
    const pylstm_graph_work work = pylstm_graph_work_init(arena, &model->graph, PYLSTM_BLOCK_FRAMES, 1);
    if (!arena->base)
        return NULL;
    memset(arena->base, 0, arena->used);
    *stream = (pylstm_stream){
        .model = model,
        .state = state,
        .features_scratch = features_scratch,
        .block_frames = frames,
        .work = work,
    };
    pylstm_busy_flag_init(&stream->busy);
    pylstm_published_count_set(&stream->position, 0);
    pylstm_published_count_set(&stream->frames, 0);
    if (model->features)
        pylstm_features_reset(model->features, pylstm_stream_features(stream));
    return stream;
}

size_t pylstm_stream_size(const pylstm_model *model) {
    pylstm_arena arena = {.base = NULL};
    if (!model)
        return 0;
    lay_out(&arena, model);
    return arena.used;
}

pylstm_status pylstm_stream_init(void *memory, size_t memory_size, const pylstm_model *model, pylstm_stream **stream) {
    pylstm_arena arena = {.base = memory};
    if (!memory || !model || !stream)
        return PYLSTM_BAD_ARGUMENT;
    if (memory_size < pylstm_stream_size(model) || (uintptr_t)memory % PYLSTM_ALIGNMENT)
        return PYLSTM_NO_MEMORY;
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
