/* Audio and frames: pushed, refused, flushed; and long silence. */
#include "walk_parts.h"

#include <math.h>
#include <string.h>

#include "engine/model.h" /* where the layers' state stands in a snapshot */

/* --- audio ------------------------------------------------------------------------------------------------------------ */

static void push(walk *w, pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n, ptrdiff_t stride) {
    int64_t promised;
    size_t rows;
    RT(PYLSTM_OK, pylstm_stream_rows_due(stream, n, 0, &promised));
    RT(PYLSTM_OK, pylstm_stream_push(stream, type, pcm, n, stride, w->out, ROWS, &rows));
    REQUIRE((int64_t)rows == promised);
    walk_keep_rows(w, rows);
}

void walk_push_audio(walk *w) {
    static const size_t sizes[] = {1, 7, 0, 159, 161, 4001, 160, SECOND};
    size_t k;
    for (k = 0; k < sizeof sizes / sizeof *sizes; k++) { /* the first one is the first call of the stream's life */
        push(w, w->a, PYLSTM_FLOAT32, w->pcm, sizes[k], sizeof(float));
        push(w, w->a, PYLSTM_INT16, w->pcm16, sizes[k], sizeof(int16_t));
    }
    push(w, w->a, PYLSTM_FLOAT32, w->pcm + SECOND - 1, SECOND, -(ptrdiff_t)sizeof(float));
    push(w, w->a, PYLSTM_INT16, (char *)w->pcm16 + 1, 5000, 5); /* at odd addresses */
    push(w, w->a, PYLSTM_FLOAT32, w->pcm, 1000, 0);
    push(w, w->a, PYLSTM_FLOAT32, w->tiny, SECOND, sizeof(float));
    RT(1, pylstm_stream_position(w->a) > 0);
    RT(1, pylstm_stream_rows_written(w->a) > 0);
    walk_keep_state(w, w->a);
}

void walk_refuse_audio(walk *w) {
    const float sound = w->pcm[700];
    int64_t promised;
    size_t rows = 0;
    walk_keep_state(w, w->a);
    w->pcm[700] = NAN;
    RT(PYLSTM_NOT_FINITE, pylstm_stream_push(w->a, PYLSTM_FLOAT32, w->pcm, SECOND, 4, w->out, ROWS, &rows));
    w->pcm[700] = -INFINITY;
    RT(PYLSTM_NOT_FINITE, pylstm_stream_push(w->a, PYLSTM_FLOAT32, w->pcm + 1000, 1000, -4, w->out, ROWS, &rows));
    w->pcm[700] = 3000.0f;
    RT(PYLSTM_OK, pylstm_stream_watch_scale(w->a, 1));
    RT(PYLSTM_OFF_SCALE, pylstm_stream_push(w->a, PYLSTM_FLOAT32, w->pcm, SECOND, 4, w->out, ROWS, &rows));
    RT(PYLSTM_OK, pylstm_stream_watch_scale(w->a, 0));
    w->pcm[700] = sound;
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_stream_push(w->a, PYLSTM_FLOAT32, w->pcm, SECOND, 4, w->out, 1, &rows));
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_stream_push(w->a, PYLSTM_INT16, w->pcm16, SECOND, 2, NULL, 0, &rows));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(w->a, PYLSTM_FLOAT32, NULL, 100, 4, w->out, ROWS, &rows));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(w->a, PYLSTM_INT16, w->pcm16, SIZE_MAX, 0, w->out, ROWS, &rows));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(w->a, (pylstm_sample_type)9, w->pcm, 100, 4, w->out, ROWS, &rows));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(w->a, PYLSTM_FRAMES, w->pcm, 100, 4, w->out, ROWS, &rows));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(NULL, PYLSTM_FLOAT32, w->pcm, 100, 4, w->out, ROWS, &rows));
    RT(PYLSTM_WRONG_INPUT, pylstm_stream_push_frames(w->a, w->frames, 1, 0, w->out, ROWS, &rows));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_rows_due(w->a, SIZE_MAX, 0, &promised));
    walk_keep_state(w, w->a);
}

void walk_flush_audio(walk *w) {
    int64_t promised;
    size_t rows;
    RT(PYLSTM_OK, pylstm_stream_rows_due(w->a, 0, 1, &promised));
    if (promised)
        RT(PYLSTM_OUT_TOO_SMALL, pylstm_stream_flush(w->a, w->out, (size_t)promised - 1, &rows));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_flush(w->a, NULL, ROWS, &rows));
    RT(PYLSTM_OK, pylstm_stream_flush(w->a, w->out, ROWS, &rows));
    REQUIRE((int64_t)rows == promised);
    walk_keep_rows(w, rows);
    RT(PYLSTM_FLUSHED, pylstm_stream_flush(w->a, w->out, ROWS, &rows));
    RT(PYLSTM_FLUSHED, pylstm_stream_push(w->a, PYLSTM_FLOAT32, w->pcm, 160, 4, w->out, ROWS, &rows));
    RT(PYLSTM_FLUSHED, pylstm_stream_rows_due(w->a, 160, 0, &promised));
    walk_keep_state(w, w->a);
    RT(PYLSTM_OK, pylstm_stream_reset(w->a));
    RT(0, pylstm_stream_position(w->a));
    push(w, w->a, PYLSTM_FLOAT32, w->pcm, 4000, sizeof(float));
    RT(PYLSTM_OK, pylstm_stream_reset_keep_peak(w->a));
    RT(0, pylstm_stream_rows_written(w->a));
    push(w, w->a, PYLSTM_FLOAT32, w->pcm, 4000, sizeof(float));
    RT(PYLSTM_OK, pylstm_stream_reset(w->a));
    push(w, w->a, PYLSTM_FLOAT32, w->pcm, 600, sizeof(float));
    /* a few frames: where there are deltas, too few */
    w->around->enter();
    promised = pylstm_stream_flush(w->a, w->out, ROWS, &rows);
    w->around->leave("pylstm_stream_flush of a short stream");
    w->calls++;
    REQUIRE(promised == PYLSTM_OK || promised == PYLSTM_TOO_SHORT);
    RT(PYLSTM_OK, pylstm_stream_reset(w->a));
    push(w, w->a, PYLSTM_FLOAT32, w->pcm, 4000, sizeof(float));
}

/* --- frames ----------------------------------------------------------------------------------------------------------- */

void walk_push_frames(walk *w) {
    static const size_t sizes[] = {1, 0, 2, 11, 12, 13, FRAMES};
    const ptrdiff_t row = (ptrdiff_t)(w->n_features * sizeof(float));
    const float sound = w->frames[0];
    float *odd = (float *)(void *)((char *)w->frames + 1); /* at an odd address */
    size_t k, rows;
    for (k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        RT(PYLSTM_OK, pylstm_stream_push_frames(w->c, w->frames, sizes[k], row, w->out, ROWS, &rows));
        walk_keep_rows(w, rows);
        RT(PYLSTM_OK, pylstm_stream_trace_frames(w->c, w->frames, sizes[k], row, w->out, ROWS, &rows, w->trace));
        walk_keep_rows(w, rows);
        walk_keep(w, w->trace, rows * w->trace_width * sizeof(float));
    }
    walk_fill(odd, FRAMES * w->n_features, 1.0f);
    RT(PYLSTM_OK, pylstm_stream_push_frames(w->c, odd, FRAMES, row, w->out, ROWS, &rows));
    walk_keep_rows(w, rows);
    walk_fill(w->frames, FRAMES * w->n_features + 2, 3.0f);
    w->frames[0] = INFINITY;
    RT(PYLSTM_NOT_FINITE, pylstm_stream_push_frames(w->c, w->frames, FRAMES, row, w->out, ROWS, &rows));
    RT(PYLSTM_NOT_FINITE, pylstm_stream_trace_frames(w->c, w->frames, FRAMES, row, w->out, ROWS, &rows, w->trace));
    w->frames[0] = sound;
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_stream_push_frames(w->c, w->frames, FRAMES, row, w->out, FRAMES - 1, &rows));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_push_frames(w->c, NULL, FRAMES, row, w->out, ROWS, &rows));
    RT(PYLSTM_WRONG_INPUT, pylstm_stream_push(w->c, PYLSTM_FLOAT32, w->pcm, 160, 4, w->out, ROWS, &rows));
    walk_keep_state(w, w->c);
}

/* --- silence ---------------------------------------------------------------------------------------------------------- */

/* So many seconds of it, and then no subnormal number in what the layers remember. */
void walk_silence(walk *w, pylstm_stream *stream, size_t seconds) {
    const size_t first = HEADER + w->model->layers_state;
    const ptrdiff_t row = 0; /* one row of zeros, over and over */
    size_t at, rows, k;
    for (k = 0; k < seconds * (w->audio ? 1 : 100 / FRAMES + 1); k++) {
        if (w->audio) {
            RT(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, w->silence, SECOND, 4, w->out, ROWS, &rows));
        } else {
            RT(PYLSTM_OK, pylstm_stream_push_frames(stream, w->silence, FRAMES, row, w->out, ROWS, &rows));
        }
    }
    walk_keep_rows(w, rows);
    walk_keep_state(w, stream);
    for (at = first; at < w->snapshot_size; at += 4) {
        uint32_t bits;
        memcpy(&bits, w->snapshot + at, 4);
        REQUIRE((bits & 0x7f800000) != 0 || (bits & 0x007fffff) == 0);
        REQUIRE((bits & 0x7f800000) != 0x7f800000);
    }
}
