/* The parts of a push on their way through a stream; engine/input_checks.h has checked them. */
#ifndef PYLSTM_ENGINE_PIPELINE_H
#define PYLSTM_ENGINE_PIPELINE_H

#include "engine/stream.h"

/* The audio of a part. */
static inline pylstm_samples pylstm_samples_of(const pylstm_push *part) {
    return (pylstm_samples){.type = part->type, .next = part->data, .n = part->n, .stride = part->stride};
}

/* Advances the stream's counters after a part has gone through. */
void pylstm_push_count(const pylstm_push *part);

#endif
