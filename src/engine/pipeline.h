/* The parts of a push on their way through a stream; engine/input_checks.h has checked them. */
#ifndef PYLSTM_ENGINE_PIPELINE_H
#define PYLSTM_ENGINE_PIPELINE_H

#include "engine/stream.h"

/* Who is shown the rows of a part, besides the copy in its out: at most PYLSTM_BLOCK_FRAMES of them at a time, in order. */
typedef struct pylstm_row_taker {
    void (*take)(void *self, const float *const *rows, int n_rows); /* NULL: nobody */
    void *self;
} pylstm_row_taker;

/* Many parts, whatever they are part of. */
typedef struct pylstm_part_list {
    void *parts;
    size_t n;
    /* Gives part k as a push, and who takes its rows. */
    void (*open)(void *parts, size_t k, pylstm_push *part, pylstm_row_taker *taker);
    /* Tells part k how it went. */
    void (*close)(void *parts, size_t k, size_t rows, pylstm_status status);
} pylstm_part_list;

/* What pylstm_stream_push, pylstm_stream_flush and pylstm_batch_push do, with takers. Where there is one, out may be NULL. A
 * stream runs in the workspace that it is lent, or else (NULL) in its own. */
pylstm_status pylstm_push_through(pylstm_push *part, pylstm_row_taker taker, float *trace, const pylstm_workspace *lent);
pylstm_status pylstm_flush_through(pylstm_stream *stream, float *out, size_t out_rows, size_t *rows, pylstm_row_taker taker,
                                   const pylstm_workspace *lent);
pylstm_status pylstm_batch_run(pylstm_batch *batch, const pylstm_part_list *list);

/* The model of a batch. */
const pylstm_model *pylstm_batch_model(const pylstm_batch *batch);

/* Working memory of a batch for one stream of this model, until it is given back. */
pylstm_status pylstm_batch_lend(pylstm_batch *batch, const pylstm_model *model, const pylstm_workspace **workspace);
void pylstm_batch_take_back(pylstm_batch *batch);

/* The audio of a part. */
static inline pylstm_samples pylstm_samples_of(const pylstm_push *part) {
    return (pylstm_samples){.type = part->type, .next = part->data, .n = part->n, .stride = part->stride};
}

/* Advances the stream's counters after a part has gone through. */
void pylstm_push_count(const pylstm_push *part);

#endif
