/* Walks: random cuts, with refused calls, snapshots, copies and traces in between. */
#include "fuzz.h"

#include <string.h>

/* The same state in another stream, by a snapshot or by a copy. */
static pylstm_stream *moved(const subject *s, pylstm_stream *stream) {
    pylstm_stream *other;
    REQUIRE(pylstm_stream_create(s->model, &other) == PYLSTM_OK);
    if (random_below(2)) {
        room value = snapshot_of(s, stream);
        REQUIRE(pylstm_stream_restore(other, value.at, s->snapshot_size) == PYLSTM_OK);
        free(value.whole);
    } else {
        REQUIRE(pylstm_stream_copy(other, stream) == PYLSTM_OK);
    }
    REQUIRE(pylstm_stream_position(other) == pylstm_stream_position(stream));
    REQUIRE(pylstm_stream_rows_written(other) == pylstm_stream_rows_written(stream));
    pylstm_stream_destroy(stream);
    return other;
}

void walk(const subject *s) {
    float *out = malloc((s->n_rows + 1) * s->n_outputs * sizeof *out);
    const size_t largest = 1 + random_below(random_below(2) ? 40 : s->n);
    size_t done = 0, rows = 0;
    pylstm_stream *stream;
    REQUIRE(out && pylstm_stream_create(s->model, &stream) == PYLSTM_OK);
    while (done < s->n) {
        size_t n = random_below(largest + 1);
        if (n > s->n - done)
            n = s->n - done;
        if (random_below(8) == 0)
            refuse(s, stream);
        if (random_below(8) == 0)
            stream = moved(s, stream);
        rows += push(s, stream, done, n, out + rows * s->n_outputs, rows_after(s, stream, n, 0));
        done += n;
        REQUIRE((size_t)pylstm_stream_position(stream) == done && (size_t)pylstm_stream_rows_written(stream) == rows);
    }
    rows += flush(s, stream, out + rows * s->n_outputs);
    REQUIRE(rows == s->n_rows && memcmp(out, s->rows, rows * s->n_outputs * sizeof *out) == 0);
    pylstm_stream_destroy(stream);
    free(out);
    walks++;
}
