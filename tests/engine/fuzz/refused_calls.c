/* Calls that are refused. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

static void refuse_cells(const subject *s, pylstm_stream *stream) {
    const int cells = pylstm_model_cells(s->model);
    const size_t size = cells ? (size_t)pylstm_model_hidden_size(s->model, 0) * sizeof(float) : 4;
    float *h = malloc(size), *c = calloc(1, size);
    REQUIRE(h && c);
    REQUIRE(pylstm_stream_get_cell(stream, -1, h, c) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_stream_get_cell(stream, cells, h, c) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_stream_get_cell(stream, INT32_MAX, h, c) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_stream_set_cell(stream, cells, h, c) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_stream_get_cell(stream, 0, NULL, c) == PYLSTM_BAD_ARGUMENT);
    if (cells) {
        REQUIRE(pylstm_stream_get_cell(stream, 0, h, c) == PYLSTM_OK);
        REQUIRE(pylstm_stream_set_cell(stream, 0, h, c) == PYLSTM_OK); /* itself: no change */
        h[size / sizeof(float) - 1] = NAN;
        REQUIRE(pylstm_stream_set_cell(stream, 0, h, c) == PYLSTM_NOT_FINITE);
    }
    free(h);
    free(c);
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
        REQUIRE(pylstm_stream_push_frames(stream, values, n, stride, out, n - 1, &written) == PYLSTM_OUT_TOO_SMALL);
        REQUIRE(pylstm_stream_push_frames(stream, NULL, n, stride, out, n, &written) == PYLSTM_BAD_ARGUMENT);
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
    refuse_cells(s, stream);
    refuse_input(s, stream);
    refuse_snapshots(s, stream, before.at);
    after = snapshot_of(s, stream);
    REQUIRE(memcmp(before.at, after.at, s->snapshot_size) == 0);
    free(before.whole);
    free(after.whole);
}
