/* Streams: audio, frames, ends, memories, snapshots. */
#include "check.h"

#include <math.h>

#define ROWS 128 /* more than a second gives */

typedef struct sound {
    float pcm[SECOND];
    int16_t pcm16[SECOND];
} sound;

static pylstm_stream *stream_of(const pylstm_model *model) {
    pylstm_stream *stream = NULL;
    GIVES(PYLSTM_OK, pylstm_stream_create(model, &stream));
    return stream;
}

/* Memory of exactly the rows that are asked for. */
static float *rows_of(const pylstm_model *model, size_t n) {
    float *rows = malloc(n * (size_t)pylstm_model_n_outputs(model) * sizeof *rows + 1);
    CHECK(rows);
    return rows;
}

/* A second at once, and in cuts, as floats, integers, interleaved, backwards: the same bits. */
static void one_sound(const pylstm_model *model, int cells) {
    const size_t width = (size_t)pylstm_model_n_outputs(model);
    sound *s = malloc(sizeof *s);
    pylstm_stream *stream = stream_of(model);
    float *whole = rows_of(model, ROWS), *cut = rows_of(model, ROWS), *stereo = malloc(2 * sizeof s->pcm);
    size_t n, flushed, k, at, total;
    int64_t promised;
    fill_audio(s->pcm, s->pcm16, SECOND);
    GIVES(PYLSTM_OK, pylstm_stream_rows_due(stream, SECOND, 1, &promised));
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, SECOND, sizeof(float), whole, ROWS, &n));
    CHECK(pylstm_stream_position(stream) == SECOND && pylstm_stream_rows_written(stream) == (int64_t)n);
    GIVES(PYLSTM_OK, pylstm_stream_flush(stream, whole + n * width, ROWS - n, &flushed));
    CHECK((int64_t)(n + flushed) == promised && pylstm_stream_rows_written(stream) == promised);
    for (k = 0; k < (size_t)promised * width; k++)
        CHECK(isfinite(whole[k]));
    for (k = 0; k < SECOND; k++)
        stereo[2 * k] = s->pcm[k], stereo[2 * k + 1] = NAN;

    for (k = 0; k < 3; k++) {
        GIVES(PYLSTM_OK, pylstm_stream_reset(stream));
        CHECK(pylstm_stream_position(stream) == 0 && pylstm_stream_rows_written(stream) == 0);
        for (at = 0, total = 0; at < SECOND; at += n) {
            const size_t step = at % 997 + 1 < SECOND - at ? at % 997 + 1 : SECOND - at;
            size_t written;
            GIVES(PYLSTM_OK, pylstm_stream_rows_due(stream, step, 0, &promised));
            if (k == 0)
                GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_INT16, s->pcm16 + at, step, sizeof(int16_t),
                                                    cut + total * width, (size_t)promised, &written));
            else if (k == 1)
                GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, stereo + 2 * at, step, 2 * sizeof(float),
                                                    cut + total * width, (size_t)promised, &written));
            else /* from memory of its own size, at an odd address */
            {
                char *odd = malloc(step * sizeof(float) + 1);
                memcpy(odd + 1, s->pcm + at, step * sizeof(float));
                GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, odd + 1, step, sizeof(float), cut + total * width,
                                                    (size_t)promised, &written));
                free(odd);
            }
            CHECK((int64_t)written == promised);
            total += written;
            n = step;
        }
        GIVES(PYLSTM_OK, pylstm_stream_flush(stream, cut + total * width, ROWS - total, &flushed));
        CHECK(memcmp(whole, cut, (total + flushed) * width * sizeof *cut) == 0);
    }
    CHECK(pylstm_model_n_state_parts(model) == 2 * cells && pylstm_model_n_trace_parts(model) == 6 * cells);
    pylstm_stream_destroy(stream);
    free(whole), free(cut), free(stereo), free(s);
}

static void refusals(const models *m) {
    sound *s = malloc(sizeof *s);
    pylstm_stream *stream = stream_of(m->words), *frames = stream_of(m->frames), *none = (pylstm_stream *)s;
    float *out = rows_of(m->words, ROWS), saved;
    int64_t rows = 5;
    size_t n = 7, size = pylstm_stream_size(m->words);
    char *memory = aligned_room(size);
    fill_audio(s->pcm, s->pcm16, SECOND);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_create(NULL, &none));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_create(m->words, NULL));
    fail_allocation(1);
    GIVES(PYLSTM_NO_MEMORY, pylstm_stream_create(m->words, &none));
    CHECK(!none);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_init(NULL, size, m->words, &none));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_init(memory, size, NULL, &none));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_init(memory, size, m->words, NULL));
    GIVES(PYLSTM_NO_MEMORY, pylstm_stream_init(memory, size - 1, m->words, &none));
    GIVES(PYLSTM_NO_MEMORY, pylstm_stream_init(memory + 4, size, m->words, &none));
    CHECK(!none);
    GIVES(PYLSTM_OK, pylstm_stream_init(memory, size, m->words, &none));
    CHECK((char *)none == memory);
    pylstm_stream_destroy(NULL);

    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_rows_due(NULL, 1, 0, &rows));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_rows_due(stream, 1, 0, NULL));
    GIVES(PYLSTM_WRONG_INPUT, pylstm_stream_rows_due(frames, 1, 0, &rows));
    if (sizeof(size_t) == 8) /* more than a position may become */
        GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_rows_due(stream, SIZE_MAX, 0, &rows));
    CHECK(rows == 5);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(NULL, PYLSTM_FLOAT32, s->pcm, 1, 4, out, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(stream, PYLSTM_FLOAT32, NULL, 1, 4, out, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, 1, 4, NULL, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, 1, 4, out, ROWS, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(stream, PYLSTM_FRAMES, s->pcm, 1, 4, out, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_push(stream, (pylstm_sample_type)3, s->pcm, 1, 4, out, ROWS, &n));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, SECOND, 4, out, 98, &n));
    GIVES(PYLSTM_WRONG_INPUT, pylstm_stream_push(frames, PYLSTM_FLOAT32, s->pcm, SECOND, 4, out, ROWS, &n));
    saved = s->pcm[SECOND - 1];
    s->pcm[SECOND - 1] = NAN;
    GIVES(PYLSTM_NOT_FINITE, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, SECOND, 4, out, ROWS, &n));
    s->pcm[SECOND - 1] = -INFINITY;
    GIVES(PYLSTM_NOT_FINITE, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, SECOND, 4, out, ROWS, &n));
    s->pcm[SECOND - 1] = saved;
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_flush(NULL, out, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_flush(stream, NULL, ROWS, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_flush(stream, out, ROWS, NULL));
    CHECK(n == 7 && pylstm_stream_position(stream) == 0 && pylstm_stream_rows_written(stream) == 0);
    CHECK(pylstm_stream_position(NULL) == 0 && pylstm_stream_rows_written(NULL) == 0);

    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, NULL, 0, 4, NULL, 0, &n));
    CHECK(n == 0);
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, 200, 4, out, ROWS, &n));
    GIVES(PYLSTM_WRONG_INPUT, pylstm_stream_push_frames(stream, s->pcm, 1, 4 * 13, out, ROWS, &n));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_stream_flush(stream, out, 0, &n));
    GIVES(PYLSTM_OK, pylstm_stream_flush(stream, out, ROWS, &n));
    GIVES(PYLSTM_FLUSHED, pylstm_stream_flush(stream, out, ROWS, &n));
    GIVES(PYLSTM_FLUSHED, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, 200, 4, out, ROWS, &n));
    GIVES(PYLSTM_FLUSHED, pylstm_stream_push_frames(stream, s->pcm, 1, 4 * 13, out, ROWS, &n));
    GIVES(PYLSTM_FLUSHED, pylstm_stream_rows_due(stream, 1, 0, &rows));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_reset(NULL));
    GIVES(PYLSTM_OK, pylstm_stream_reset(stream));
    GIVES(PYLSTM_OK, pylstm_stream_flush(stream, out, ROWS, &n)); /* nothing came, nothing comes out */
    CHECK(n == 0);
    pylstm_stream_destroy(stream), pylstm_stream_destroy(frames);
    stream = stream_of(m->deltas);
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, 480, 4, out, ROWS, &n));
    GIVES(PYLSTM_TOO_SHORT, pylstm_stream_flush(stream, out, ROWS, &n));
    GIVES(PYLSTM_TOO_SHORT, pylstm_stream_rows_due(stream, 0, 1, &rows));
    pylstm_stream_destroy(stream);
    free(out), free(s), free(memory);
}

/* Who watches for another scale gets the samples back, and the rows of the others are those that nobody watches. */
static void another_scale(const models *m) {
    sound *s = malloc(sizeof *s);
    pylstm_stream *watching = stream_of(m->words), *plain = stream_of(m->words), *frames = stream_of(m->frames);
    float *a = rows_of(m->words, ROWS), *b = rows_of(m->words, ROWS), loud[2] = {PYLSTM_LARGEST_SAMPLE, 0.0f};
    size_t n = 7, k;
    fill_audio(s->pcm, s->pcm16, SECOND);
    for (k = 0; k < SECOND; k++)
        s->pcm[k] *= 32768.0f;
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_watch_scale(NULL, 1));
    GIVES(PYLSTM_OK, pylstm_stream_watch_scale(watching, 1));
    for (k = 0; k < 2; k++) {
        GIVES(PYLSTM_OFF_SCALE, pylstm_stream_push(watching, PYLSTM_FLOAT32, s->pcm, SECOND, 4, a, ROWS, &n));
        GIVES(PYLSTM_OFF_SCALE, pylstm_stream_push(watching, PYLSTM_FLOAT32, s->pcm + SECOND - 1, SECOND, -4, a, ROWS, &n));
        CHECK(n == 7 && pylstm_stream_position(watching) == 0);
        GIVES(PYLSTM_OK, pylstm_stream_push(watching, PYLSTM_INT16, s->pcm16, SECOND, 2, a, ROWS, &n));
        GIVES(PYLSTM_OK, pylstm_stream_push(watching, PYLSTM_FLOAT32, loud, 2, 4, a, ROWS, &n));
        loud[1] = -PYLSTM_LARGEST_SAMPLE * 1.0001f;
        GIVES(PYLSTM_OFF_SCALE, pylstm_stream_push(watching, PYLSTM_FLOAT32, loud, 2, 4, a, ROWS, &n));
        loud[1] = NAN;
        GIVES(PYLSTM_NOT_FINITE, pylstm_stream_push(watching, PYLSTM_FLOAT32, loud, 2, 4, a, ROWS, &n));
        loud[1] = 0.0f;
        GIVES(PYLSTM_OK, pylstm_stream_reset(watching)); /* and still watches */
        n = 7;
    }
    GIVES(PYLSTM_OK, pylstm_stream_copy(watching, plain));
    GIVES(PYLSTM_OFF_SCALE, pylstm_stream_push(watching, PYLSTM_FLOAT32, s->pcm, SECOND, 4, a, ROWS, &n));
    GIVES(PYLSTM_OK, pylstm_stream_watch_scale(watching, 0));
    GIVES(PYLSTM_OK, pylstm_stream_push(watching, PYLSTM_FLOAT32, s->pcm, SECOND, 4, a, ROWS, &n));
    GIVES(PYLSTM_OK, pylstm_stream_push(plain, PYLSTM_FLOAT32, s->pcm, SECOND, 4, b, ROWS, &n));
    CHECK(memcmp(a, b, n * (size_t)pylstm_model_n_outputs(m->words) * sizeof *a) == 0);
    GIVES(PYLSTM_OK, pylstm_stream_watch_scale(frames, 1)); /* frames have no scale */
    GIVES(PYLSTM_OK, pylstm_stream_push_frames(frames, s->pcm, 2, 4 * pylstm_model_n_features(m->frames), a, 2, &n));
    pylstm_stream_destroy(watching), pylstm_stream_destroy(plain), pylstm_stream_destroy(frames);
    free(a), free(b), free(s);
}

static void frames_and_memories(const models *m) {
    const pylstm_model *model = m->frames;
    const size_t n_frames = 30, width = 7, n_outputs = 5, trace_width = (size_t)pylstm_model_trace_width(model);
    sound *s = malloc(sizeof *s);
    float *a = rows_of(model, n_frames), *b = rows_of(model, n_frames), state[2][40];
    float *trace = malloc(n_frames * trace_width * sizeof *trace);
    pylstm_stream *stream = stream_of(model), *other = stream_of(m->words);
    size_t n, last = (n_frames - 1) * trace_width;
    fill_audio(s->pcm, s->pcm16, SECOND);
    GIVES(PYLSTM_OK, pylstm_stream_push_frames(stream, s->pcm, n_frames, (ptrdiff_t)(width * sizeof(float)), a, n_frames, &n));
    CHECK(n == n_frames && pylstm_stream_position(stream) == (int64_t)n_frames);
    GIVES(PYLSTM_OK, pylstm_stream_get_state(stream, state[0], 40));
    GIVES(PYLSTM_OK, pylstm_stream_reset(stream));
    GIVES(PYLSTM_OK,
          pylstm_stream_trace_frames(stream, s->pcm, n_frames, (ptrdiff_t)(width * sizeof(float)), b, n_frames, &n, trace));
    CHECK(memcmp(a, b, n_frames * n_outputs * sizeof *a) == 0);
    CHECK(memcmp(state[0], trace + last + 5 * 20, 20 * sizeof(float)) == 0);      /* h */
    CHECK(memcmp(state[0] + 20, trace + last + 4 * 20, 20 * sizeof(float)) == 0); /* c */
    GIVES(PYLSTM_OK, pylstm_stream_reset(stream));
    GIVES(PYLSTM_OK, pylstm_stream_set_state(stream, state[0], 40));
    GIVES(PYLSTM_OK, pylstm_stream_get_state(stream, state[1], 40));
    CHECK(memcmp(state[0], state[1], sizeof state[0]) == 0);

    /* Without a place for the trace it is push_frames. */
    GIVES(PYLSTM_OK, pylstm_stream_reset(stream));
    GIVES(PYLSTM_OK, pylstm_stream_trace_frames(stream, s->pcm, n_frames, 28, b, n_frames, &n, NULL));
    CHECK(n == n_frames && memcmp(a, b, n_frames * n_outputs * sizeof *a) == 0);

    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_push_frames(NULL, s->pcm, 1, 28, a, 1, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_push_frames(stream, NULL, 1, 28, a, 1, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_push_frames(stream, s->pcm, 1, 28, NULL, 1, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_push_frames(stream, s->pcm, 1, 28, a, 1, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_trace_frames(NULL, s->pcm, 1, 28, a, 1, &n, trace));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_stream_trace_frames(stream, s->pcm, 2, 28, a, 1, &n, trace));
    s->pcm[10] = NAN;
    GIVES(PYLSTM_NOT_FINITE, pylstm_stream_push_frames(stream, s->pcm, 2, 28, a, 2, &n));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_get_state(NULL, state[0], 40));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_get_state(stream, NULL, 40));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_stream_get_state(stream, state[0], 39));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_set_state(NULL, state[0], 40));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_set_state(stream, NULL, 40));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_set_state(stream, state[0], 39));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_set_state(stream, state[0], 41));
    state[0][19] = NAN;
    GIVES(PYLSTM_NOT_FINITE, pylstm_stream_set_state(stream, state[0], 40));
    state[0][19] = 0, state[0][39] = INFINITY;
    GIVES(PYLSTM_NOT_FINITE, pylstm_stream_set_state(stream, state[0], 40));
    GIVES(PYLSTM_OK, pylstm_stream_get_state(stream, state[0], 40));
    CHECK(isfinite(state[0][19]) && isfinite(state[0][39]));
    pylstm_stream_destroy(stream), pylstm_stream_destroy(other);
    free(a), free(b), free(trace), free(s);
}

/* A second pass that keeps the peak clamps against the maximum of the whole: what was quiet before the loudest moment differs,
 * and nothing else is kept. */
static void second_pass(const models *m) {
    const size_t width = (size_t)pylstm_model_n_outputs(m->bare);
    sound *s = malloc(sizeof *s);
    float *first = rows_of(m->bare, ROWS), *second = rows_of(m->bare, ROWS);
    pylstm_stream *stream = stream_of(m->bare);
    size_t n, again, k, changed = 0;
    fill_audio(s->pcm, s->pcm16, SECOND);
    for (k = 0; k < SECOND / 2; k++)
        s->pcm[k] *= 1e-5f; /* 100 dB below what follows */
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, SECOND, sizeof(float), first, ROWS, &n));
    GIVES(PYLSTM_OK, pylstm_stream_reset_keep_peak(stream));
    CHECK(pylstm_stream_position(stream) == 0 && pylstm_stream_rows_written(stream) == 0);
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, SECOND, sizeof(float), second, ROWS, &again));
    CHECK(n == again && n > 90);
    for (k = 0; k < n * width; k++) {
        CHECK(second[k] >= first[k]);
        changed += second[k] > first[k];
    }
    CHECK(changed > 30 * width && memcmp(first + 60 * width, second + 60 * width, (n - 60) * width * sizeof(float)) == 0);
    GIVES(PYLSTM_OK, pylstm_stream_reset(stream));
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, SECOND, sizeof(float), second, ROWS, &again));
    CHECK(memcmp(first, second, n * width * sizeof(float)) == 0);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_reset_keep_peak(NULL));
    pylstm_stream_destroy(stream);
    free(first), free(second), free(s);
}

void test_streams(const models *m) {
    one_sound(m->words, 2);
    one_sound(m->deltas, 1);
    one_sound(m->bare, 0);
    if (m->int8)
        one_sound(m->int8, 2);
    if (m->bfloat16)
        one_sound(m->bfloat16, 2);
    refusals(m);
    another_scale(m);
    frames_and_memories(m);
    second_pass(m);
}

void test_snapshots(const models *m) {
    const size_t size = pylstm_snapshot_size(m->words), half = SECOND / 2;
    sound *s = malloc(sizeof *s);
    char *snapshot = malloc(size), *spoilt = malloc(size + 1);
    float *a = rows_of(m->words, ROWS), *b = rows_of(m->words, ROWS);
    pylstm_stream *stream = stream_of(m->words), *other = stream_of(m->words), *foreign = stream_of(m->deltas);
    size_t n, k;
    fill_audio(s->pcm, s->pcm16, SECOND);
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm, half, 4, a, ROWS, &n));
    GIVES(PYLSTM_OK, pylstm_stream_snapshot(stream, snapshot, size));
    GIVES(PYLSTM_OK, pylstm_stream_push(stream, PYLSTM_FLOAT32, s->pcm + half, half, 4, a, ROWS, &n));
    GIVES(PYLSTM_OK, pylstm_stream_restore(other, snapshot, size));
    GIVES(PYLSTM_OK, pylstm_stream_push(other, PYLSTM_FLOAT32, s->pcm + half, half, 4, b, ROWS, &k));
    CHECK(k == n && memcmp(a, b, n * 3 * sizeof *a) == 0);
    GIVES(PYLSTM_OK, pylstm_stream_reset(other));
    GIVES(PYLSTM_OK, pylstm_stream_copy(other, stream));
    GIVES(PYLSTM_OK, pylstm_stream_copy(other, other));
    CHECK(pylstm_stream_position(other) == SECOND);

    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_snapshot(NULL, snapshot, size));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_snapshot(stream, NULL, size));
    GIVES(PYLSTM_OUT_TOO_SMALL, pylstm_stream_snapshot(stream, snapshot, size - 1));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_restore(NULL, snapshot, size));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_restore(stream, NULL, size));
    for (k = 0; k < size; k += k < 64 ? 13 : 501) {
        char *part = malloc(k + 1);
        memcpy(part, snapshot, k);
        GIVES(PYLSTM_SNAPSHOT_DAMAGED, pylstm_stream_restore(stream, part, k));
        free(part);
        memcpy(spoilt, snapshot, size);
        spoilt[k] = (char)(spoilt[k] ^ 1);
        CHECK(pylstm_stream_restore(stream, spoilt, size) != PYLSTM_OK);
    }
    memcpy(spoilt, snapshot, size);
    GIVES(PYLSTM_SNAPSHOT_DAMAGED, pylstm_stream_restore(stream, spoilt, size + 1));
    GIVES(PYLSTM_SNAPSHOT_FOREIGN, pylstm_stream_restore(foreign, snapshot, size));
    GIVES(PYLSTM_SNAPSHOT_FOREIGN, pylstm_stream_copy(foreign, stream));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_copy(NULL, stream));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_stream_copy(stream, NULL));
    CHECK(pylstm_stream_position(stream) == SECOND);
    pylstm_stream_destroy(stream), pylstm_stream_destroy(other), pylstm_stream_destroy(foreign);
    free(a), free(b), free(snapshot), free(spoilt), free(s);
}
