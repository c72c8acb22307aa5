/* One listener: a stream, and what the decision on its rows remembers, in one block of memory; and who may use it. hearing.c
 * runs audio and rows through it. */
#include "engine/listener.h"

#include "platform/aligned_memory.h"
#include "platform/errors.h"

/* --- one user at a time ----------------------------------------------------------------------------------------------- */

pylstm_status pylstm_listener_acquire(pylstm_listener *listener) {
    const pylstm_status status = pylstm_busy_flag_take(&listener->busy);
    if (status == PYLSTM_INTERRUPTED)
        pylstm_busy_flag_give_interrupted(&listener->busy);
    return status;
}

pylstm_status pylstm_listener_acquire_to_overwrite(pylstm_listener *listener) {
    return pylstm_busy_flag_take(&listener->busy) == PYLSTM_BUSY ? PYLSTM_BUSY : PYLSTM_OK;
}

void pylstm_listener_release(pylstm_listener *listener) {
    pylstm_published_count_set(&listener->rows, ((const pylstm_decision_state *)listener->state)->rows);
    pylstm_busy_flag_give(&listener->busy);
}

/* --- creation --------------------------------------------------------------------------------------------------------- */

static pylstm_listener *lay_out(pylstm_arena *arena, const pylstm_decision *decision, int for_batch) {
    const size_t stream_size = for_batch ? pylstm_stream_size_for_batch(decision->model) : pylstm_stream_size(decision->model);
    pylstm_listener *listener = pylstm_arena_take(arena, 1, sizeof *listener);
    void *state = pylstm_arena_take(arena, decision->state_size, 1);
    void *stream = pylstm_arena_take(arena, stream_size, 1);
    if (!arena->base)
        return NULL;
    *listener = (pylstm_listener){.decision = decision, .state = state};
    pylstm_busy_flag_init(&listener->busy);
    pylstm_published_count_set(&listener->rows, 0);
    pylstm_decision_begin(decision, state);
    if (decision->model && for_batch)
        pylstm_stream_init_for_batch(stream, stream_size, decision->model, &listener->stream);
    else if (decision->model)
        pylstm_stream_init(stream, stream_size, decision->model, &listener->stream);
    return listener;
}

static size_t size_of(const pylstm_decision *decision, int for_batch) {
    pylstm_arena arena = {.base = NULL};
    if (!decision)
        return 0;
    lay_out(&arena, decision, for_batch);
    return arena.used;
}

static pylstm_status place(void *memory, size_t memory_size, const pylstm_decision *decision, int for_batch,
                           pylstm_listener **listener) {
    pylstm_arena arena = {.base = memory};
    if (!memory || !decision || !listener)
        return PYLSTM_BAD_ARGUMENT;
    if (memory_size < size_of(decision, for_batch) || (uintptr_t)memory % PYLSTM_ALIGNMENT)
        return PYLSTM_NO_MEMORY;
    *listener = lay_out(&arena, decision, for_batch);
    return PYLSTM_OK;
}

static pylstm_status create(const pylstm_decision *decision, int for_batch, pylstm_listener **listener) {
    void *memory;
    size_t size;
    if (!decision || !listener)
        return PYLSTM_BAD_ARGUMENT;
    *listener = NULL;
    size = size_of(decision, for_batch);
    memory = size == SIZE_MAX ? NULL : pylstm_block_create(size);
    return memory ? place(memory, size, decision, for_batch, listener) : PYLSTM_NO_MEMORY;
}
size_t pylstm_listener_size(const pylstm_decision *decision) {
    return size_of(decision, 0);
}

size_t pylstm_listener_size_for_batch(const pylstm_decision *decision) {
    return size_of(decision, 1);
}

pylstm_status pylstm_listener_init(void *memory, size_t memory_size, const pylstm_decision *decision,
                                   pylstm_listener **listener) {
    return place(memory, memory_size, decision, 0, listener);
}

pylstm_status pylstm_listener_init_for_batch(void *memory, size_t memory_size, const pylstm_decision *decision,
                                             pylstm_listener **listener) {
    return place(memory, memory_size, decision, 1, listener);
}

pylstm_status pylstm_listener_create(const pylstm_decision *decision, pylstm_listener **listener) {
    return create(decision, 0, listener);
}

pylstm_status pylstm_listener_create_for_batch(const pylstm_decision *decision, pylstm_listener **listener) {
    return create(decision, 1, listener);
}

void pylstm_listener_destroy(pylstm_listener *listener) {
    pylstm_block_destroy(listener);
}

/* --- state ------------------------------------------------------------------------------------------------------------ */

pylstm_status pylstm_listener_reset(pylstm_listener *listener) {
    if (!listener)
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(pylstm_listener_acquire_to_overwrite(listener));
    pylstm_decision_begin(listener->decision, listener->state);
    if (listener->stream)
        (void)pylstm_stream_reset(listener->stream); /* nobody else reaches it */
    pylstm_listener_release(listener);
    return PYLSTM_OK;
}

pylstm_status pylstm_listener_watch_scale(pylstm_listener *listener, int watch) {
    pylstm_status status;
    if (!listener)
        return PYLSTM_BAD_ARGUMENT;
    if (!listener->stream)
        return PYLSTM_WRONG_INPUT;
    status = pylstm_busy_flag_take(&listener->busy);
    if (status == PYLSTM_BUSY)
        return status;
    (void)pylstm_stream_watch_scale(listener->stream, watch); /* nobody else reaches it; interrupted or not, it watches */
    if (status == PYLSTM_INTERRUPTED)
        pylstm_busy_flag_give_interrupted(&listener->busy);
    else
        pylstm_busy_flag_give(&listener->busy);
    return PYLSTM_OK;
}

int64_t pylstm_listener_position(const pylstm_listener *listener) {
    if (!listener)
        return 0;
    return listener->stream ? pylstm_stream_position(listener->stream) : pylstm_published_count_get(&listener->rows);
}

int64_t pylstm_listener_rows(const pylstm_listener *listener) {
    return listener ? pylstm_published_count_get(&listener->rows) : 0;
}
