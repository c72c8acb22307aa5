/* The inside of a stream, for the files that work on its state. */
#ifndef PYLSTM_ENGINE_STREAM_H
#define PYLSTM_ENGINE_STREAM_H

#include "engine/model.h"
#include "engine/stream_counters.h"
#include "engine/workspace.h"
#include "platform/busy_flag.h"
#include "platform/published_count.h"

struct pylstm_stream {
    const pylstm_model *model;
    char *state;                 /* model->state_size bytes: pylstm_stream_counters, features, layers */
    const pylstm_workspace *own; /* NULL: each call that runs rows is lent one */
    int watches_scale;           /* not of the state: a snapshot leaves it as it is */
    pylstm_busy_flag busy;
    pylstm_published_count position, frames; /* copies of the counters, for threads that read them during a push */
};

static inline pylstm_stream_counters *pylstm_counters(const pylstm_stream *stream) {
    return (pylstm_stream_counters *)stream->state;
}

/* The state of the features. */
static inline void *pylstm_stream_features(const pylstm_stream *stream) {
    return stream->state + stream->model->features_state;
}

/* Tries to make the caller the stream's one user. PYLSTM_OK: it is, and must release. PYLSTM_BUSY: it is not.
 * PYLSTM_INTERRUPTED: a fork has left the state half written, so it is not either, except where it will write a whole state. */
pylstm_status pylstm_stream_acquire(pylstm_stream *stream);
pylstm_status pylstm_stream_acquire_to_overwrite(pylstm_stream *stream);
void pylstm_stream_release(pylstm_stream *stream);

/* The counters in a snapshot of a stream, which may stand at any address and has not been checked. */
pylstm_stream_counters pylstm_snapshot_counters(const void *snapshot);

/* Whether a state block, which may stand at any address, could have come from a stream of this model. */
int pylstm_stream_state_valid(const pylstm_model *model, const char *state);

#endif
