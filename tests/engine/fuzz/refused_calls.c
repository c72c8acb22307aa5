/* Calls that are refused. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

static void refuse_state(const subject *s, pylstm_stream *stream) {
    const size_t n = (size_t)pylstm_model_state_width(s->model);
    const int parts = pylstm_model_n_state_parts(s->model);
    float *values = malloc((n + 1) * sizeof *values);
    pylstm_layer_part part;
    REQUIRE(values);
    REQUIRE(pylstm_model_state_part(s->model, -1, &part) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_model_state_part(s->model, parts, &part) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_model_state_part(s->model, INT32_MAX, &part) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_stream_get_state(stream, NULL, n) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_stream_get_state(stream, values, n) == PYLSTM_OK);
    REQUIRE(pylstm_stream_set_state(stream, values, n) == PYLSTM_OK); /* itself: no change */
    REQUIRE(pylstm_stream_set_state(stream, values, n + 1) == PYLSTM_BAD_ARGUMENT);
    if (n) {
        REQUIRE(pylstm_stream_get_state(stream, values, n - 1) == PYLSTM_OUT_TOO_SMALL);
        values[n - 1] = NAN;
        REQUIRE(pylstm_stream_set_state(stream, values, n) == PYLSTM_NOT_FINITE);
    }
    free(values);
}

static void refuse_input(const subject *s, pylstm_stream *stream) {
    const size_t width = s->audio ? 1 : s->n_features, n = 1 + random_below(40), bad = random_below(n * width);
    float *values = calloc(n * width, sizeof *values), *out;
    const size_t rows = rows_after(s, stream, n, 0);
    size_t written = 12345;
    REQUIRE(values && (out = malloc(rows * s->n_outputs * sizeof *out + 1)));
    values[bad] = random_below(2) ? NAN : -INFINITY;
    if (s->audio) {
        REQUIRE(pylstm_stream_push(stream, PYLSTM_FLOAT32, values, n, 4, out, rows, &written) == PYLSTM_NOT_FINITE);
        values[bad] = (random_below(2) ? 1.0f : -1.0f) * (PYLSTM_LARGEST_SAMPLE + 1.0f + (float)random_below(100000));
        REQUIRE(pylstm_stream_watch_scale(stream, 1) == PYLSTM_OK);
        REQUIRE(pylstm_stream_push(stream, PYLSTM_FLOAT32, values, n, 4, out, rows, &written) == PYLSTM_OFF_SCALE);
        REQUIRE(pylstm_stream_watch_scale(stream, 0) == PYLSTM_OK);
        values[bad] = 0.0f;
        if (rows) {
            REQUIRE(pylstm_stream_push(stream, PYLSTM_FLOAT32, values, n, 4, out, rows - 1, &written) == PYLSTM_OUT_TOO_SMALL);
        }
        REQUIRE(pylstm_stream_push(stream, (pylstm_sample_type)7, values, n, 4, out, rows, &written) == PYLSTM_BAD_ARGUMENT);
        REQUIRE(pylstm_stream_push(stream, PYLSTM_INT16, NULL, n, 2, out, rows, &written) == PYLSTM_BAD_ARGUMENT);
        REQUIRE(pylstm_stream_push(stream, PYLSTM_INT16, values, SIZE_MAX, 0, out, rows, &written) == PYLSTM_BAD_ARGUMENT);
        REQUIRE(pylstm_stream_push(stream, PYLSTM_INT16, values, n, 2, NULL, rows + 1, &written) == PYLSTM_BAD_ARGUMENT);
    } else {
        const ptrdiff_t stride = (ptrdiff_t)(4 * width);
        REQUIRE(pylstm_stream_push_frames(stream, values, n, stride, out, rows, &written) == PYLSTM_NOT_FINITE);
        values[bad] = 0.0f;
        if (rows) { /* a graph may give none for these frames */
            REQUIRE(pylstm_stream_push_frames(stream, values, n, stride, out, rows - 1, &written) == PYLSTM_OUT_TOO_SMALL);
        }
        REQUIRE(pylstm_stream_push_frames(stream, NULL, n, stride, out, rows, &written) == PYLSTM_BAD_ARGUMENT);
        REQUIRE(pylstm_stream_push_frames(stream, values, SIZE_MAX, 0, out, rows, &written) == PYLSTM_BAD_ARGUMENT);
    }
    REQUIRE(written == 12345);
    free(values);
    free(out);
}

static void refuse_snapshots(const subject *s, pylstm_stream *stream, const char *snapshot) {
    room cut = room_of(s->snapshot_size - 1, 0), changed = room_of(s->snapshot_size, random_below(5));
    const size_t bit = random_below(s->snapshot_size * 8);
    memcpy(cut.at, snapshot, s->snapshot_size - 1);
    memcpy(changed.at, snapshot, s->snapshot_size);
    changed.at[bit / 8] = (char)(changed.at[bit / 8] ^ 1 << bit % 8);
    REQUIRE(pylstm_stream_restore(stream, cut.at, s->snapshot_size - 1) != PYLSTM_OK);
    REQUIRE(pylstm_stream_restore(stream, cut.at, random_below(s->snapshot_size)) != PYLSTM_OK);
    REQUIRE(pylstm_stream_restore(stream, changed.at, s->snapshot_size) != PYLSTM_OK);
    REQUIRE(pylstm_stream_restore(stream, NULL, s->snapshot_size) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_stream_snapshot(stream, changed.at, s->snapshot_size - 1) == PYLSTM_OUT_TOO_SMALL);
    free(cut.whole);
    free(changed.whole);
}

void refuse(const subject *s, pylstm_stream *stream) {
    room before = snapshot_of(s, stream), after;
    refuse_state(s, stream);
    refuse_input(s, stream);
    refuse_snapshots(s, stream, before.at);
    after = snapshot_of(s, stream);
    REQUIRE(memcmp(before.at, after.at, s->snapshot_size) == 0);
    free(before.whole);
    free(after.whole);
}
