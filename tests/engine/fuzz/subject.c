/* Chance, and calls on a stream with buffers of exactly the size that the call may touch. */
#include "fuzz.h"

#include <string.h>

uint64_t random_state;

size_t random_below(size_t bound) {
    return random_from(&random_state, bound);
}

room room_of(size_t size, size_t shift) {
    room r;
    r.whole = malloc(size + shift ? size + shift : 1);
    REQUIRE(r.whole);
    r.at = r.whole + shift;
    return r;
}

size_t push(const subject *s, pylstm_stream *stream, size_t first, size_t n, float *out, size_t out_rows) {
    const size_t width = s->audio ? (s->type == PYLSTM_INT16 ? 2 : 4) : 4 * s->n_features;
    const size_t gap = random_below(3) * (s->audio ? 1 : 3), step = width + gap, shift = random_below(5);
    const int backwards = random_below(3) == 0;
    const char *from = s->audio && s->type == PYLSTM_INT16 ? (const char *)s->shorts : (const char *)s->floats;
    room input = room_of(n ? (n - 1) * step + width : 0, shift);
    room output = room_of(out_rows * s->n_outputs * sizeof(float), random_below(5));
    const ptrdiff_t stride = backwards ? -(ptrdiff_t)step : (ptrdiff_t)step;
    char *start = backwards && n ? input.at + (n - 1) * step : input.at;
    pylstm_status status;
    size_t k, written = SIZE_MAX;
    unsigned mode = MODE();
    for (k = 0; k < n; k++)
        memcpy(start + (ptrdiff_t)k * stride, from + (first + k) * width, width);
    if (s->audio) {
        status = pylstm_stream_push(stream, s->type, start, n, stride, (void *)output.at, out_rows, &written);
    } else if (random_below(2) && pylstm_model_trace_width(s->model)) {
        room trace = room_of(n * (size_t)pylstm_model_trace_width(s->model) * sizeof(float), random_below(5));
        status = pylstm_stream_trace_frames(stream, (void *)start, n, stride, (void *)output.at, out_rows, &written,
                                            (void *)trace.at);
        free(trace.whole);
    } else {
        status = pylstm_stream_push_frames(stream, (void *)start, n, stride, (void *)output.at, out_rows, &written);
    }
    REQUIRE(MODE() == mode);
    REQUIRE(status == PYLSTM_OK && written <= out_rows);
    memcpy(out, output.at, written * s->n_outputs * sizeof(float));
    free(input.whole);
    free(output.whole);
    return written;
}

size_t rows_after(const subject *s, pylstm_stream *stream, size_t n, int flush) {
    int64_t rows = -1;
    REQUIRE((s->audio ? pylstm_stream_rows_due : pylstm_stream_frame_rows_due)(stream, n, flush, &rows) == PYLSTM_OK);
    REQUIRE(rows >= 0);
    return (size_t)rows;
}

size_t flush(const subject *s, pylstm_stream *stream, float *out) {
    const size_t promised = rows_after(s, stream, 0, 1);
    room output = room_of(promised * s->n_outputs * sizeof(float), random_below(5));
    size_t written;
    unsigned mode = MODE();
    REQUIRE(pylstm_stream_flush(stream, (void *)output.at, promised, &written) == PYLSTM_OK && written == promised);
    REQUIRE(MODE() == mode);
    memcpy(out, output.at, written * s->n_outputs * sizeof(float));
    free(output.whole);
    return written;
}

room snapshot_of(const subject *s, pylstm_stream *stream) {
    room r = room_of(s->snapshot_size, random_below(5));
    REQUIRE(pylstm_stream_snapshot(stream, r.at, s->snapshot_size) == PYLSTM_OK);
    return r;
}
