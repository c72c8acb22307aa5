/* The inside of a listener, for the files that work on its state. */
#ifndef PYLSTM_ENGINE_LISTENER_H
#define PYLSTM_ENGINE_LISTENER_H

#include "engine/stream.h"

struct pylstm_listener {
    const pylstm_decision *decision;
    pylstm_stream *stream;       /* NULL: rows come from elsewhere */
    void *state;                 /* decision->state_size bytes */
    pylstm_events events;        /* of the push in progress */
    pylstm_busy_flag busy;       /* taken before the flag of the stream, which nobody else reaches */
    pylstm_published_count rows; /* a copy, for threads that read it during a push */
};

/* As pylstm_stream_acquire and its companions. */
pylstm_status pylstm_listener_acquire(pylstm_listener *listener);
pylstm_status pylstm_listener_acquire_to_overwrite(pylstm_listener *listener);
void pylstm_listener_release(pylstm_listener *listener);

/* As pylstm_listener_push and pylstm_listener_flush, in a workspace that is lent; NULL: in the stream's own. */
pylstm_status pylstm_listener_push_in(const pylstm_workspace *lent, pylstm_hearing *part);
pylstm_status pylstm_listener_flush_in(const pylstm_workspace *lent, pylstm_listener *listener, pylstm_event *events,
                                       size_t max_events, size_t *n_events, float *out, size_t out_rows, size_t *rows);

/* As pylstm_listener_push_rows, for rows of doubles. */
pylstm_status pylstm_listener_push_doubles(pylstm_listener *listener, const double *rows, size_t n_rows, ptrdiff_t row_stride,
                                           pylstm_event *events, size_t max_events, size_t *n_events);

/* As pylstm_listener_flush, for a listener of rows whose audio is known to be so many seconds long. */
pylstm_status pylstm_listener_finish(pylstm_listener *listener, double seconds, pylstm_event *events, size_t max_events,
                                     size_t *n_events);

#endif
