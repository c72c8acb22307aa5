/* A stream that another thread is in, many streams in one call, and one that holds its state alone. */
#include "walk_parts.h"

#include "engine/stream.h" /* to hold a stream as another thread would */

#include <math.h>
#include <string.h>

/* --- a stream that another thread is in ------------------------------------------------------------------------------- */

void walk_busy(walk *w, pylstm_stream *stream) {
    pylstm_push part = {stream,
                        w->audio ? PYLSTM_INT16 : PYLSTM_FRAMES,
                        w->audio ? (void *)w->pcm16 : (void *)w->frames,
                        1,
                        4,
                        w->out,
                        ROWS,
                        0,
                        PYLSTM_OK};
    int64_t promised;
    size_t rows;
    RT(PYLSTM_OK, pylstm_stream_snapshot(stream, w->snapshot, w->snapshot_size));
    REQUIRE(pylstm_stream_acquire(stream) == PYLSTM_OK);
    RT(PYLSTM_BUSY, pylstm_stream_push(stream, PYLSTM_FLOAT32, w->pcm, 160, 4, w->out, ROWS, &rows));
    RT(PYLSTM_BUSY, pylstm_stream_push_frames(stream, w->frames, 1, 4, w->out, ROWS, &rows));
    RT(PYLSTM_BUSY, pylstm_stream_trace_frames(stream, w->frames, 1, 4, w->out, ROWS, &rows, w->trace));
    RT(PYLSTM_BUSY, pylstm_stream_rows_due(stream, 1, 0, &promised));
    RT(PYLSTM_BUSY, pylstm_stream_flush(stream, w->out, ROWS, &rows));
    RT(PYLSTM_BUSY, pylstm_stream_reset(stream));
    RT(PYLSTM_BUSY, pylstm_stream_snapshot(stream, w->spoilt, w->snapshot_size));
    RT(PYLSTM_BUSY, pylstm_stream_restore(stream, w->snapshot, w->snapshot_size));
    RT(PYLSTM_BUSY, pylstm_stream_copy(stream, w->b));
    RT(PYLSTM_BUSY, pylstm_stream_copy(w->b, stream));
    RT(PYLSTM_BUSY, pylstm_stream_reset_keep_peak(stream));
    RT(PYLSTM_BUSY, pylstm_stream_get_state(stream, w->state, w->state_width));
    memset(w->state, 0, w->state_width * sizeof *w->state);
    RT(PYLSTM_BUSY, pylstm_stream_set_state(stream, w->state, w->state_width));
    RT(PYLSTM_BUSY, pylstm_batch_push(w->batch, &part, 1));
    RT(1, pylstm_stream_position(stream) > 0);
    pylstm_busy_flag_give_interrupted(&stream->busy); /* as if a fork had left its user behind */
    RT(PYLSTM_INTERRUPTED, pylstm_stream_push(stream, PYLSTM_FLOAT32, w->pcm, 160, 4, w->out, ROWS, &rows));
    RT(PYLSTM_INTERRUPTED, pylstm_stream_rows_due(stream, 1, 0, &promised));
    RT(PYLSTM_INTERRUPTED, pylstm_stream_snapshot(stream, w->spoilt, w->snapshot_size));
    RT(PYLSTM_INTERRUPTED, pylstm_stream_copy(w->b, stream));
    RT(PYLSTM_INTERRUPTED, pylstm_batch_push(w->batch, &part, 1));
    RT(PYLSTM_OK, pylstm_stream_restore(stream, w->snapshot, w->snapshot_size));
}

/* --- many streams ----------------------------------------------------------------------------------------------------- */

void walk_batch(walk *w) {
    const ptrdiff_t row = (ptrdiff_t)(w->n_features * sizeof(float));
    const size_t sizes[] = {1, 3200, 7, SECOND};
    pylstm_push parts[4];
    size_t k, round;
    memset(parts, 0, sizeof parts);
    for (k = 0; k < 3; k++) {
        parts[k].stream = k == 0 ? w->a : k == 1 ? w->b : w->c;
        parts[k].out = w->out + k * ROWS * w->n_outputs;
        parts[k].out_rows = ROWS;
    }
    RT(PYLSTM_OK, pylstm_stream_reset(w->b));
    RT(PYLSTM_OK, pylstm_batch_push(w->batch, NULL, 0));
    for (round = 0; round < 4; round++) {
        for (k = 0; k < 3; k++) {
            const int frames = !w->audio || k == 2;
            parts[k].type = frames ? PYLSTM_FRAMES : k ? PYLSTM_INT16 : PYLSTM_FLOAT32;
            parts[k].data = frames ? (void *)w->frames : k ? (void *)w->pcm16 : (void *)w->pcm;
            parts[k].n = frames ? (round * 13 + k * 5) % (FRAMES + 1) : sizes[(round + k) % 4];
            parts[k].stride = frames ? row : k ? 2 : 4;
        }
        RT(PYLSTM_OK, pylstm_batch_push(w->batch, parts, 3));
        for (k = 0; k < 3; k++)
            walk_keep(w, parts[k].out, parts[k].rows * w->n_outputs * sizeof(float));
    }
    parts[3] = parts[0];
    RT(PYLSTM_BUSY, pylstm_batch_push(w->batch, parts, 4)); /* a stream twice */
    parts[3].stream = w->foreign;
    RT(PYLSTM_BAD_ARGUMENT, pylstm_batch_push(w->batch, parts, 4));
    parts[1].n = FRAMES;
    parts[1].out_rows = 0;
    parts[1].type = parts[2].type, parts[1].data = parts[2].data, parts[1].stride = parts[2].stride;
    RT(w->audio ? PYLSTM_WRONG_INPUT : PYLSTM_OUT_TOO_SMALL, pylstm_batch_push(w->batch, parts, 3));
    parts[2].n = 1;
    w->frames[0] = NAN;
    RT(PYLSTM_NOT_FINITE, pylstm_batch_push(w->batch, parts + 2, 1));
    walk_fill(w->frames, FRAMES * w->n_features + 2, 3.0f);
    walk_keep_state(w, w->a);
    walk_keep_state(w, w->b);
    walk_keep_state(w, w->c);
}

/* --- a stream that holds its state alone ------------------------------------------------------------------------------- */

void walk_for_batch(walk *w) {
    const ptrdiff_t row = (ptrdiff_t)(w->n_features * sizeof(float));
    const size_t size = pylstm_stream_size_for_batch(w->model);
    pylstm_push part = {NULL, PYLSTM_FRAMES, w->frames, 17, row, w->out, ROWS, 0, PYLSTM_OK};
    size_t rows;
    RT(size, pylstm_stream_size_for_batch(w->model));
    RT(PYLSTM_NO_MEMORY, pylstm_stream_init_for_batch(w->memory[1], size - 1, w->model, &w->b));
    RT(PYLSTM_OK, pylstm_stream_init_for_batch(w->memory[1], size, w->model, &w->b));
    part.stream = w->b;
    if (w->audio)
        part.type = PYLSTM_FLOAT32, part.data = w->pcm, part.n = 3333, part.stride = 4;
    RT(PYLSTM_NEEDS_BATCH, pylstm_stream_push(w->b, PYLSTM_FLOAT32, w->pcm, 160, 4, w->out, ROWS, &rows));
    RT(PYLSTM_NEEDS_BATCH, pylstm_stream_push_frames(w->b, w->frames, 1, row, w->out, ROWS, &rows));
    RT(PYLSTM_NEEDS_BATCH, pylstm_stream_trace_frames(w->b, w->frames, 1, row, w->out, ROWS, &rows, w->trace));
    RT(PYLSTM_NEEDS_BATCH, pylstm_stream_flush(w->b, w->out, ROWS, &rows));
    RT(PYLSTM_OK, pylstm_batch_push(w->batch, &part, 1));
    walk_keep_rows(w, part.rows);
    RT(w->audio ? PYLSTM_WRONG_INPUT : PYLSTM_OUT_TOO_SMALL,
       pylstm_batch_trace_frames(w->batch, w->b, w->frames, FRAMES, row, w->out, 0, &rows, w->trace));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_batch_flush(w->batch, w->foreign, w->out, ROWS, &rows));
    RT(PYLSTM_OK, pylstm_batch_flush(w->batch, w->b, w->out, ROWS, &rows));
    walk_keep_rows(w, rows);
    RT(PYLSTM_FLUSHED, pylstm_batch_flush(w->batch, w->b, w->out, ROWS, &rows));
    RT(PYLSTM_OK, pylstm_stream_reset(w->b));
    RT(PYLSTM_OK, pylstm_batch_trace_frames(w->batch, w->b, w->frames, FRAMES, row, w->out, ROWS, &rows, w->trace));
    walk_keep_rows(w, rows);
    walk_keep(w, w->trace, FRAMES * w->trace_width * sizeof(float));
    walk_keep_state(w, w->b);
}
