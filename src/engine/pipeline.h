/* A push: the input is checked before any state changes, then goes through features and layers. */
#ifndef PYLSTM_ENGINE_PIPELINE_H
#define PYLSTM_ENGINE_PIPELINE_H

#include "engine/stream.h"

/* Checks whether a stream that the caller has acquired accepts this part, and sets part->rows to the rows that it will give.
 * Changes nothing in the stream. */
pylstm_status pylstm_push_check(pylstm_push *part);

/* The audio of a part. */
static inline pylstm_samples pylstm_samples_of(const pylstm_push *part) {
    return (pylstm_samples){.type = part->type, .next = part->data, .n = part->n, .stride = part->stride};
}

/* Advances the stream's counters after a part has gone through. */
void pylstm_push_count(const pylstm_push *part);

#endif
