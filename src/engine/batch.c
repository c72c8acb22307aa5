/* Many streams through one pass over the weights.
 *
 * Streams go in groups. A round takes a few frames of every stream of the group that has some, runs them through the layers
 * together, and writes their rows; rounds follow until the audio of the group is used up. Streams keep their own state, so each
 * gets the bits that it gets alone, whatever the others do.
 */
#include "platform/aligned_memory.h"
#include "platform/finite.h"
#include "platform/floating_point_mode.h"
#include "engine/input_checks.h"
#include "engine/pipeline.h"
#include "platform/worker_threads.h"

#include <string.h>

#define MAX_THREADS 256

struct pylstm_batch {
    const pylstm_model *model;
    pylstm_busy_flag busy;
    int threads;
    pylstm_workers *workers;      /* NULL with one thread */
    pylstm_workspace *workspaces; /* one for each thread */
    /* The push in progress. */
    const pylstm_part_list *list;
};

static pylstm_batch *lay_out(pylstm_arena *arena, const pylstm_model *model, int threads) {
    pylstm_batch *batch = pylstm_arena_take(arena, 1, sizeof *batch);
    pylstm_workspace *workspaces = pylstm_arena_take(arena, (size_t)threads, sizeof *workspaces);
    for (int k = 0; k < threads; k++) {
        const pylstm_workspace workspace = pylstm_workspace_lay_out(arena, model, PYLSTM_GROUP_ROWS, PYLSTM_GROUP_STREAMS);
        if (workspaces)
            workspaces[k] = workspace;
    }
    if (!batch)
        return NULL;
    *batch = (pylstm_batch){.model = model, .threads = threads, .workspaces = workspaces};
    pylstm_busy_flag_init(&batch->busy);
    return batch;
}

static size_t size_for(const pylstm_model *model, int threads) {
    pylstm_arena arena = {.base = NULL};
    lay_out(&arena, model, threads);
    return arena.used;
}

/* In memory that is large enough. */
static pylstm_batch *place(char *memory, const pylstm_model *model, int threads) {
    pylstm_arena arena = {.base = memory};
    return lay_out(&arena, model, threads);
}

size_t pylstm_batch_size(const pylstm_model *model) {
    return model ? size_for(model, 1) : 0;
}

pylstm_status pylstm_batch_init(void *memory, size_t memory_size, const pylstm_model *model, pylstm_batch **batch) {
    size_t size;
    if (!memory || !model || !batch)
        return PYLSTM_BAD_ARGUMENT;
    size = size_for(model, 1);
    if (memory_size < size || (uintptr_t)memory % PYLSTM_ALIGNMENT)
        return PYLSTM_NO_MEMORY;
    *batch = place(memory, model, 1);
    return PYLSTM_OK;
}

pylstm_status pylstm_batch_create(const pylstm_model *model, int threads, pylstm_batch **batch) {
    void *memory;
    size_t size;
    if (!batch)
        return PYLSTM_BAD_ARGUMENT;
    *batch = NULL;
    if (!model || threads < 1 || threads > MAX_THREADS)
        return PYLSTM_BAD_ARGUMENT;
    size = size_for(model, threads);
    memory = size == SIZE_MAX ? NULL : pylstm_block_create(size);
    if (!memory)
        return PYLSTM_NO_MEMORY;
    *batch = place(memory, model, threads);
    if (threads > 1 && !((*batch)->workers = pylstm_workers_create(threads - 1))) {
        pylstm_batch_destroy(*batch);
        *batch = NULL;
        return PYLSTM_NO_MEMORY;
    }
    return PYLSTM_OK;
}

const pylstm_model *pylstm_batch_model(const pylstm_batch *batch) {
    return batch->model;
}

void pylstm_batch_destroy(pylstm_batch *batch) {
    if (!batch)
        return;
    pylstm_workers_destroy(batch->workers);
    pylstm_block_destroy(batch);
}

/* --- one group -------------------------------------------------------------------------------------------------------- */

/* A stream of the group, and how far its part has come. */
typedef struct member {
    pylstm_push part;
    pylstm_row_taker taker;
    pylstm_samples samples; /* audio that is left */
    size_t frames;          /* frames that have been taken, for PYLSTM_FRAMES */
    int64_t done;           /* frames, or rows of the features, before those just taken */
    float *out;
} member;

/* Takes up to `most` frames of a member, side by side. Returns how many there were. */
static int take_frames(const pylstm_workspace *in, member *m, float *frames, int most) {
    const pylstm_push *part = &m->part;
    const pylstm_model *model = part->stream->model;
    const size_t width = (size_t)model->n_features;
    int n;
    if (part->type != PYLSTM_FRAMES) {
        m->done = (int64_t)pylstm_features_progress_of(pylstm_stream_features(part->stream)).rows;
        return (int)pylstm_features_push(model->features, pylstm_stream_features(part->stream), in->features_scratch,
                                         &m->samples, frames, (size_t)most);
    }
    m->done = pylstm_counters(part->stream)->position + (int64_t)m->frames;
    for (n = 0; n < most && m->frames < part->n; n++, m->frames++)
        memcpy(frames + (size_t)n * width, (const char *)part->data + (ptrdiff_t)m->frames * part->stride,
               width * sizeof(float));
    pylstm_keep_finite(frames, (size_t)n * width);
    return n;
}

/* Hands the rows of a round out, which stand member by member. */
static void write_rows(const pylstm_model *model, member *const *taking, const pylstm_graph_part *parts, int n_parts,
                       const float *const *rows) {
    const size_t row_bytes = (size_t)model->n_outputs * sizeof(float);
    for (int s = 0; s < n_parts; s++) {
        if (taking[s]->taker.take && parts[s].n_out)
            taking[s]->taker.take(taking[s]->taker.self, rows, parts[s].n_out);
        for (int t = 0; taking[s]->out && t < parts[s].n_out; t++, taking[s]->out += model->n_outputs)
            memcpy(taking[s]->out, rows[t], row_bytes);
        rows += parts[s].n_out;
        pylstm_counters(taking[s]->part.stream)->frames += parts[s].n_out;
    }
}

/* Takes, runs and writes one round. Returns the number of members that may have more. */
static int run_round(const pylstm_model *model, const pylstm_workspace *in, member **going, int n_going) {
    const int most = PYLSTM_GROUP_ROWS / n_going < PYLSTM_BLOCK_FRAMES ? PYLSTM_GROUP_ROWS / n_going : PYLSTM_BLOCK_FRAMES;
    const size_t width = (size_t)model->n_features;
    const float *x[PYLSTM_GROUP_ROWS], *y[PYLSTM_GROUP_ROWS];
    pylstm_graph_part parts[PYLSTM_GROUP_STREAMS];
    member *taking[PYLSTM_GROUP_STREAMS];
    int row = 0, more = 0, n_parts = 0;
    for (int s = 0; s < n_going; s++) {
        float *frames = in->frames + (size_t)row * width;
        const int n = take_frames(in, going[s], frames, most);
        if (n) {
            char *state = going[s]->part.stream->state + model->layers_state;
            taking[n_parts] = going[s];
            parts[n_parts++] = (pylstm_graph_part){.state = (float *)state, .done = going[s]->done, .n = n};
            for (int t = 0; t < n; t++)
                x[row++] = frames + (size_t)t * width;
        }
        if (n == most)
            going[more++] = going[s];
    }
    if (row)
        pylstm_graph_run(&model->graph, &in->work, parts, n_parts, x, y, NULL, 0);
    write_rows(model, taking, parts, n_parts, y);
    return more;
}

static void run_group(const pylstm_model *model, const pylstm_workspace *in, const pylstm_part_list *list, size_t first,
                      int n_parts) {
    member members[PYLSTM_GROUP_STREAMS], *going[PYLSTM_GROUP_STREAMS];
    int n = 0;
    for (int k = 0; k < n_parts; k++) {
        member *m = &members[n];
        list->open(list->parts, first + (size_t)k, &m->part, &m->taker);
        if (!m->part.n)
            continue;
        m->samples = pylstm_samples_of(&m->part);
        m->frames = 0;
        m->out = m->part.out;
        going[n++] = m;
    }
    while (n)
        n = run_round(model, in, going, n);
}

/* One thread's share of a push: neighbouring parts, divided evenly among the threads. */
static void run_share(void *argument, int k) {
    const pylstm_batch *batch = argument;
    const pylstm_fpmode caller = pylstm_fpmode_enter();
    const size_t last = batch->list->n * ((size_t)k + 1) / (size_t)batch->threads;
    size_t next = batch->list->n * (size_t)k / (size_t)batch->threads;
    while (next < last) {
        const size_t n = last - next < PYLSTM_GROUP_STREAMS ? last - next : PYLSTM_GROUP_STREAMS;
        run_group(batch->model, &batch->workspaces[k], batch->list, next, (int)n);
        next += n;
    }
    pylstm_fpmode_leave(caller);
}

/* --- push ------------------------------------------------------------------------------------------------------------- */

/* Takes back what the first n parts were told: nothing has been written. */
static void take_back(const pylstm_part_list *list, size_t n) {
    for (size_t k = 0; k < n; k++)
        list->close(list->parts, k, 0, PYLSTM_OK);
}

/* Acquires and checks the parts up to the first refusal, which it returns. *acquired: how many streams have been acquired. */
static pylstm_status check_parts(const pylstm_batch *batch, const pylstm_part_list *list, size_t *acquired) {
    pylstm_row_taker taker;
    pylstm_push part;
    take_back(list, list->n);
    *acquired = 0;
    for (size_t k = 0; k < list->n; k++) {
        pylstm_status status = PYLSTM_BAD_ARGUMENT;
        list->open(list->parts, k, &part, &taker);
        part.rows = 0;
        if (part.stream && part.stream->model == batch->model && !(status = pylstm_stream_acquire(part.stream))) {
            ++*acquired;
            status = pylstm_push_check(&part, taker.take != NULL);
        }
        list->close(list->parts, k, status ? 0 : part.rows, status);
        if (status) {
            take_back(list, k);
            return status;
        }
    }
    return PYLSTM_OK;
}

/* Runs what has been checked. */
static pylstm_status run_parts(pylstm_batch *batch, const pylstm_part_list *list) {
    batch->list = list;
    if (!batch->workers)
        run_share(batch, 0);
    else if (!pylstm_workers_run(batch->workers, run_share, batch))
        return PYLSTM_NO_MEMORY;
    return PYLSTM_OK;
}

/* A call that a fork cut off has left half a state in its streams, and nothing in the batch. */
static pylstm_status acquire(pylstm_batch *batch) {
    return pylstm_busy_flag_take(&batch->busy) == PYLSTM_BUSY ? PYLSTM_BUSY : PYLSTM_OK;
}

pylstm_status pylstm_batch_run(pylstm_batch *batch, const pylstm_part_list *list) {
    pylstm_status status;
    pylstm_row_taker taker;
    pylstm_push part;
    size_t acquired;
    PYLSTM_TRY(acquire(batch));
    status = check_parts(batch, list, &acquired);
    if (!status && (status = run_parts(batch, list)) != PYLSTM_OK)
        take_back(list, list->n);
    for (size_t k = 0; k < acquired; k++) {
        list->open(list->parts, k, &part, &taker);
        if (!status)
            pylstm_push_count(&part);
        pylstm_stream_release(part.stream);
    }
    pylstm_busy_flag_give(&batch->busy);
    return status;
}

pylstm_status pylstm_batch_lend(pylstm_batch *batch, const pylstm_model *model, const pylstm_workspace **workspace) {
    if (!batch || batch->model != model)
        return PYLSTM_BAD_ARGUMENT;
    PYLSTM_TRY(acquire(batch));
    *workspace = batch->workspaces;
    return PYLSTM_OK;
}

void pylstm_batch_take_back(pylstm_batch *batch) {
    pylstm_busy_flag_give(&batch->busy);
}

/* --- parts that are pushes -------------------------------------------------------------------------------------------- */

static void open_push(void *parts, size_t k, pylstm_push *part, pylstm_row_taker *taker) {
    *part = ((const pylstm_push *)parts)[k];
    *taker = (pylstm_row_taker){.take = NULL};
}

static void close_push(void *parts, size_t k, size_t rows, pylstm_status status) {
    ((pylstm_push *)parts)[k].rows = rows;
    ((pylstm_push *)parts)[k].status = status;
}

pylstm_status pylstm_batch_push(pylstm_batch *batch, pylstm_push *parts, size_t n_parts) {
    const pylstm_part_list list = {.parts = parts, .n = n_parts, .open = open_push, .close = close_push};
    if (!batch || (!parts && n_parts))
        return PYLSTM_BAD_ARGUMENT;
    return pylstm_batch_run(batch, &list);
}
