/* Snapshots that no stream has written. */
#include "fuzz.h"

#include "platform/hash.h" /* a forger knows it, too */

#include <string.h>

static uint64_t odd_word(void) {
    static const uint64_t words[] = {
        0,
        1,
        2,
        9,
        UINT64_MAX,
        (uint64_t)1 << 63,
        (uint64_t)1 << 62,
        ((uint64_t)1 << 62) + 1,
        (uint64_t)1 << 61,
        ((uint64_t)1 << 53) + 1,
        (uint64_t)1 << 32,
        ((uint64_t)1 << 31) - 1,
        0x7fc000007fc00000u, /* NaN */
        0x7f7fffffff7fffffu, /* the largest floats */
        0x0000000180000001u, /* subnormal numbers */
        0xc47a000000000001u, /* finished, and the maximum that stands there before the first frame */
    };
    const size_t n = sizeof words / sizeof *words, which = random_below(n + 2);
    if (which < n)
        return words[which];
    return which == n ? random_below(100000) : (uint64_t)random_below(SIZE_MAX) << 1;
}

/* A state that was accepted must stay one that is: its snapshot goes back in. */
static void check_own_snapshot(const subject *s, pylstm_stream *stream) {
    room value = snapshot_of(s, stream);
    REQUIRE(pylstm_stream_restore(stream, value.at, s->snapshot_size) == PYLSTM_OK);
    free(value.whole);
}

static void use_push(const subject *s, pylstm_stream *stream) {
    const size_t n = 1 + random_below(s->n - 1);
    int64_t promised = -2;
    pylstm_status status = (s->audio ? pylstm_stream_rows_due : pylstm_stream_frame_rows_due)(stream, n, 0, &promised);
    size_t written;
    float *out;
    if (!status) {
        REQUIRE(promised >= 0 && promised <= (int64_t)n + 16);
        REQUIRE(out = malloc((size_t)promised * s->n_outputs * sizeof *out + 1));
        if (s->audio) {
            status = pylstm_stream_push(stream, PYLSTM_FLOAT32, s->floats, n, 4, out, (size_t)promised, &written);
        } else {
            status = pylstm_stream_push_frames(stream, s->floats, n, (ptrdiff_t)(4 * s->n_features), out, (size_t)promised,
                                               &written);
        }
        REQUIRE(status || written == (size_t)promised);
        free(out);
    }
    /* flushed, fed with the other kind, at the end of all counting */
    REQUIRE(status == PYLSTM_OK || status == PYLSTM_FLUSHED || status == PYLSTM_WRONG_INPUT || status == PYLSTM_BAD_ARGUMENT);
}

static void use_flush(const subject *s, pylstm_stream *stream) {
    int64_t promised = -2;
    size_t written;
    float *out;
    if ((s->audio ? pylstm_stream_rows_due : pylstm_stream_frame_rows_due)(stream, 0, 1,
                                                                           &promised)) { /* flushed, or too short for deltas */
        REQUIRE(promised == -2);
        return;
    }
    REQUIRE(promised >= 0 && promised < 1000000);
    REQUIRE(out = malloc((size_t)promised * s->n_outputs * sizeof *out + 1));
    REQUIRE(pylstm_stream_flush(stream, out, (size_t)promised, &written) == PYLSTM_OK);
    REQUIRE(written == (size_t)promised);
    free(out);
}

/* What a stream does must be sound whatever it was restored from. */
static void use(const subject *s, pylstm_stream *stream) {
    int round;
    for (round = 0; round < 3; round++) {
        check_own_snapshot(s, stream);
        use_push(s, stream);
    }
    use_flush(s, stream);
    check_own_snapshot(s, stream);
}

/* A snapshot from somewhere in the input with up to three words of its state replaced and the hash made to fit. */
void forge(const subject *s) {
    const size_t words = (s->snapshot_size - HEADER) / 8;
    size_t changes = 1 + random_below(3), n = random_below(s->n + 1);
    pylstm_stream *stream;
    pylstm_status status;
    uint64_t hash;
    float *out;
    room value, before, after;
    REQUIRE(pylstm_stream_create(s->model, &stream) == PYLSTM_OK);
    out = malloc((s->n_rows + 1) * s->n_outputs * sizeof *out);
    REQUIRE(out);
    if (n)
        push(s, stream, 0, n, out, rows_after(s, stream, n, 0));
    value = snapshot_of(s, stream);
    while (changes-- > 0) { /* mostly counters, which stand in front */
        const uint64_t word = odd_word();
        const size_t at = random_below(3) ? random_below(words < 13 ? words : 13) : random_below(words);
        memcpy(value.at + HEADER + 8 * at, &word, 8);
    }
    hash = pylstm_hash(value.at + HEADER, s->snapshot_size - HEADER);
    memcpy(value.at + HASH_AT, &hash, 8);
    before = snapshot_of(s, stream);
    status = pylstm_stream_restore(stream, value.at, s->snapshot_size);
    REQUIRE(status == PYLSTM_OK || status == PYLSTM_SNAPSHOT_DAMAGED);
    after = snapshot_of(s, stream);
    REQUIRE(memcmp(status ? before.at : value.at, after.at, s->snapshot_size) == 0);
    if (status) {
        refused++;
    } else {
        accepted++;
        use(s, stream);
    }
    free(value.whole);
    free(before.whole);
    free(after.whole);
    free(out);
    pylstm_stream_destroy(stream);
}
