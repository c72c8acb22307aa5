#include "walk.h"

#include "platform/hash.h"
#include "engine/stream.h" /* to hold a stream as another thread would, and to know where the layers' state stands */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 16000
#define FRAMES 40    /* at most in a push of frames */
#define ROWS   16100 /* room in out: a hop may be one sample */
#define HEADER 64    /* bytes of a snapshot before the state */

struct walk {
    const pylstm_model *model;
    int audio;
    size_t n_features, n_outputs, state_width, trace_width, snapshot_size;
    void *memory[3];
    pylstm_stream *a, *b, *c, *foreign;
    pylstm_batch *batch;
    char *snapshot, *other_snapshot, *spoilt;
    float *pcm, *tiny, *silence, *frames, *out, *trace, *state;
    int16_t *pcm16;
    const guard *around;
    long calls;
    uint64_t hash;
};

static void require(int condition, int line, const char *text) {
    if (!condition) {
        fprintf(stderr, "walk.c, line %d: not so: %s\n", line, text);
        abort();
    }
}

#define REQUIRE(condition) require(!!(condition), __LINE__, #condition)

/* One guarded call and what it must return. */
#define RT(expected, call)                                                                                                     \
    do {                                                                                                                       \
        long long returned_;                                                                                                   \
        w->around->enter();                                                                                                    \
        returned_ = (long long)(call);                                                                                         \
        w->around->leave(#call);                                                                                               \
        w->calls++;                                                                                                            \
        require(returned_ == (long long)(expected), __LINE__, #call " == " #expected);                                         \
    } while (0)

static void *room(size_t size) {
    void *memory = calloc(1, size + 1);
    REQUIRE(memory);
    return memory;
}

static void *aligned_room(size_t size) {
    char *memory = room(size + PYLSTM_ALIGNMENT);
    return memory + (PYLSTM_ALIGNMENT - (uintptr_t)memory % PYLSTM_ALIGNMENT);
}

static void fill(float *values, size_t n, float level) {
    uint64_t x = 88172645463325252u;
    for (; n > 0; n--) { /* xorshift64 */
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        *values++ = level * ((float)(x % 65536) / 32768.0f - 1.0f);
    }
}

walk *walk_create(const pylstm_model *model, const pylstm_model *stranger) {
    walk *w = room(sizeof *w);
    const size_t size = pylstm_stream_size(model);
    int k;
    w->model = model;
    w->audio = pylstm_model_sample_rate(model) != 0;
    w->n_features = (size_t)pylstm_model_n_features(model);
    w->n_outputs = (size_t)pylstm_model_n_outputs(model);
    w->state_width = (size_t)pylstm_model_state_width(model);
    w->trace_width = (size_t)pylstm_model_trace_width(model);
    w->snapshot_size = pylstm_snapshot_size(model);
    for (k = 0; k < 3; k++)
        w->memory[k] = aligned_room(size);
    REQUIRE(pylstm_stream_create(stranger, &w->foreign) == PYLSTM_OK);
    REQUIRE(pylstm_batch_create(model, 1, &w->batch) == PYLSTM_OK);
    w->snapshot = room(w->snapshot_size);
    w->spoilt = room(w->snapshot_size);
    w->other_snapshot = room(pylstm_snapshot_size(stranger));
    REQUIRE(pylstm_stream_snapshot(w->foreign, w->other_snapshot, pylstm_snapshot_size(stranger)) == PYLSTM_OK);
    w->pcm = room(SECOND * sizeof(float));
    w->tiny = room(SECOND * sizeof(float));
    w->silence = room(SECOND * sizeof(float));
    w->frames = room((FRAMES * w->n_features + 2) * sizeof(float));
    w->out = room(3 * ROWS * w->n_outputs * sizeof(float));
    w->trace = room((FRAMES * w->trace_width + 1) * sizeof(float));
    w->state = room(w->state_width * sizeof(float));
    w->pcm16 = room(SECOND * sizeof(int16_t));
    fill(w->pcm, SECOND, 0.5f);
    fill(w->tiny, SECOND, 1e-40f); /* subnormal, every one */
    fill(w->frames, FRAMES * w->n_features + 2, 3.0f);
    for (k = 0; k < SECOND; k++)
        w->pcm16[k] = (int16_t)(20000.0f * w->pcm[k]);
    return w;
}

static void keep(walk *w, const void *bytes, size_t size) {
    w->hash = (w->hash ^ pylstm_hash(bytes, size)) * UINT64_C(0x9e3779b97f4a7c15);
}

static void keep_rows(walk *w, size_t rows) {
    keep(w, w->out, rows * w->n_outputs * sizeof(float));
}

static void keep_state(walk *w, pylstm_stream *stream) {
    RT(PYLSTM_OK, pylstm_stream_snapshot(stream, w->snapshot, w->snapshot_size));
    keep(w, w->snapshot, w->snapshot_size);
}

/* --- questions -------------------------------------------------------------------------------------------------------- */

static void ask(walk *w) {
    const pylstm_model *m = w->model;
    const char *isa = pylstm_model_isa(m), *label = pylstm_model_label(m, 0);
    pylstm_layer_part part;
    int status;
    for (status = -1; status < 14; status++)
        RT(1, pylstm_strerror((pylstm_status)status) != NULL);
    RT(1, pylstm_version() != NULL);
    RT(1, pylstm_isa_built(isa));
    RT(1, pylstm_isa_supported(isa));
    RT(0, pylstm_isa_supported("none"));
    RT(w->n_features, pylstm_model_n_features(m));
    RT(w->n_outputs, pylstm_model_n_outputs(m));
    RT(w->audio, pylstm_model_sample_rate(m) != 0);
    RT(1, pylstm_model_latency(m) >= 0);
    RT(1, pylstm_model_isa(m) == isa);
    RT(1, pylstm_model_label(m, 0) == label);
    RT(w->state_width, pylstm_model_state_width(m));
    RT(w->trace_width, pylstm_model_trace_width(m));
    RT(1, pylstm_model_n_state_parts(m) > 0);
    RT(1, pylstm_model_n_trace_parts(m) > 0);
    RT(PYLSTM_OK, pylstm_model_state_part(m, pylstm_model_n_state_parts(m) - 1, &part));
    REQUIRE(part.offset + part.size == w->state_width);
    RT(PYLSTM_OK, pylstm_model_trace_part(m, pylstm_model_n_trace_parts(m) - 1, &part));
    REQUIRE(part.offset + part.size == w->trace_width);
    RT(PYLSTM_BAD_ARGUMENT, pylstm_model_state_part(m, pylstm_model_n_state_parts(m), &part));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_model_trace_part(m, -1, &part));
    RT(w->snapshot_size, pylstm_snapshot_size(m));
}

/* --- audio ------------------------------------------------------------------------------------------------------------ */

static void push(walk *w, pylstm_stream *stream, pylstm_sample_type type, const void *pcm, size_t n, ptrdiff_t stride) {
    int64_t promised;
    size_t rows;
    RT(PYLSTM_OK, pylstm_stream_rows_due(stream, n, 0, &promised));
    RT(PYLSTM_OK, pylstm_stream_push(stream, type, pcm, n, stride, w->out, ROWS, &rows));
    REQUIRE((int64_t)rows == promised);
    keep_rows(w, rows);
}

static void push_audio(walk *w) {
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
    keep_state(w, w->a);
}

static void refuse_audio(walk *w) {
    const float sound = w->pcm[700];
    int64_t promised;
    size_t rows = 0;
    keep_state(w, w->a);
    w->pcm[700] = NAN;
    RT(PYLSTM_NOT_FINITE, pylstm_stream_push(w->a, PYLSTM_FLOAT32, w->pcm, SECOND, 4, w->out, ROWS, &rows));
    w->pcm[700] = -INFINITY;
    RT(PYLSTM_NOT_FINITE, pylstm_stream_push(w->a, PYLSTM_FLOAT32, w->pcm + 1000, 1000, -4, w->out, ROWS, &rows));
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
    keep_state(w, w->a);
}

static void flush_audio(walk *w) {
    int64_t promised;
    size_t rows;
    RT(PYLSTM_OK, pylstm_stream_rows_due(w->a, 0, 1, &promised));
    if (promised)
        RT(PYLSTM_OUT_TOO_SMALL, pylstm_stream_flush(w->a, w->out, (size_t)promised - 1, &rows));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_flush(w->a, NULL, ROWS, &rows));
    RT(PYLSTM_OK, pylstm_stream_flush(w->a, w->out, ROWS, &rows));
    REQUIRE((int64_t)rows == promised);
    keep_rows(w, rows);
    RT(PYLSTM_FLUSHED, pylstm_stream_flush(w->a, w->out, ROWS, &rows));
    RT(PYLSTM_FLUSHED, pylstm_stream_push(w->a, PYLSTM_FLOAT32, w->pcm, 160, 4, w->out, ROWS, &rows));
    RT(PYLSTM_FLUSHED, pylstm_stream_rows_due(w->a, 160, 0, &promised));
    keep_state(w, w->a);
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

static void push_frames(walk *w) {
    static const size_t sizes[] = {1, 0, 2, 11, 12, 13, FRAMES};
    const ptrdiff_t row = (ptrdiff_t)(w->n_features * sizeof(float));
    const float sound = w->frames[0];
    float *odd = (float *)(void *)((char *)w->frames + 1); /* at an odd address */
    size_t k, rows;
    for (k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        RT(PYLSTM_OK, pylstm_stream_push_frames(w->c, w->frames, sizes[k], row, w->out, ROWS, &rows));
        keep_rows(w, rows);
        RT(PYLSTM_OK, pylstm_stream_trace_frames(w->c, w->frames, sizes[k], row, w->out, ROWS, &rows, w->trace));
        keep_rows(w, rows);
        keep(w, w->trace, rows * w->trace_width * sizeof(float));
    }
    fill(odd, FRAMES * w->n_features, 1.0f);
    RT(PYLSTM_OK, pylstm_stream_push_frames(w->c, odd, FRAMES, row, w->out, ROWS, &rows));
    keep_rows(w, rows);
    fill(w->frames, FRAMES * w->n_features + 2, 3.0f);
    w->frames[0] = INFINITY;
    RT(PYLSTM_NOT_FINITE, pylstm_stream_push_frames(w->c, w->frames, FRAMES, row, w->out, ROWS, &rows));
    RT(PYLSTM_NOT_FINITE, pylstm_stream_trace_frames(w->c, w->frames, FRAMES, row, w->out, ROWS, &rows, w->trace));
    w->frames[0] = sound;
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_stream_push_frames(w->c, w->frames, FRAMES, row, w->out, FRAMES - 1, &rows));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_push_frames(w->c, NULL, FRAMES, row, w->out, ROWS, &rows));
    RT(PYLSTM_WRONG_INPUT, pylstm_stream_push(w->c, PYLSTM_FLOAT32, w->pcm, 160, 4, w->out, ROWS, &rows));
    keep_state(w, w->c);
}

/* --- state ------------------------------------------------------------------------------------------------------------ */

static void layers_state(walk *w, pylstm_stream *stream) {
    const size_t n = w->state_width;
    size_t k;
    RT(PYLSTM_OK, pylstm_stream_get_state(stream, w->state, n));
    keep(w, w->state, n * sizeof(float));
    for (k = 0; k < n; k++)
        w->state[k] = k % 2 ? 1e-40f : 0.25f; /* some subnormal */
    RT(PYLSTM_OK, pylstm_stream_set_state(stream, w->state, n));
    w->state[n - 1] = NAN;
    RT(PYLSTM_NOT_FINITE, pylstm_stream_set_state(stream, w->state, n));
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_stream_get_state(stream, w->state, n - 1));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_set_state(stream, w->state, n - 1));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_get_state(stream, NULL, n));
}

static void sign(walk *w, char *snapshot) {
    const uint64_t hash = pylstm_hash(snapshot + HEADER, w->snapshot_size - HEADER);
    memcpy(snapshot + 32, &hash, sizeof hash);
}

static void snapshots(walk *w, pylstm_stream *stream) {
    const size_t size = w->snapshot_size;
    const float wrong[] = {NAN, INFINITY};
    const uint32_t signalling = 0x7f800001; /* a NaN that traps where it is only looked at */
    size_t at;
    keep_state(w, stream);
    RT(PYLSTM_OK, pylstm_stream_restore(w->b, w->snapshot, size));
    RT(PYLSTM_OK, pylstm_stream_copy(w->b, stream));
    RT(PYLSTM_OK, pylstm_stream_copy(w->b, w->b));
    RT(PYLSTM_SNAPSHOT_FOREIGN, pylstm_stream_copy(w->b, w->foreign));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_copy(w->b, NULL));
    RT(PYLSTM_OUT_TOO_SMALL, pylstm_stream_snapshot(stream, w->spoilt, size - 1));
    RT(PYLSTM_BAD_ARGUMENT, pylstm_stream_snapshot(stream, NULL, size));
    RT(PYLSTM_SNAPSHOT_DAMAGED, pylstm_stream_restore(w->b, w->snapshot, size - 1));
    RT(PYLSTM_SNAPSHOT_DAMAGED, pylstm_stream_restore(w->b, w->snapshot, 0));
    RT(PYLSTM_SNAPSHOT_FOREIGN, pylstm_stream_restore(w->b, w->other_snapshot, size));
    memcpy(w->spoilt, w->snapshot, size);
    w->spoilt[0] ^= 1; /* magic */
    RT(PYLSTM_SNAPSHOT_DAMAGED, pylstm_stream_restore(w->b, w->spoilt, size));
    for (at = HEADER; at < size; at += 4) { /* a hash that fits over words that no stream writes */
        memcpy(w->spoilt, w->snapshot, size);
        memcpy(w->spoilt + at, at % 8 ? &wrong[at / 8 % 2] : (const void *)&signalling, 4);
        if (at == HEADER)
            RT(PYLSTM_SNAPSHOT_DAMAGED, pylstm_stream_restore(w->b, w->spoilt, size));
        sign(w, w->spoilt);
        w->around->enter();
        pylstm_stream_restore(w->b, w->spoilt, size); /* refused, except where it may be so: words of 64 bits, gaps */
        w->around->leave("pylstm_stream_restore of a forged snapshot");
        w->calls++;
    }
    RT(PYLSTM_OK, pylstm_stream_restore(w->b, w->snapshot, size));
    keep_state(w, w->b);
}

/* --- a stream that another thread is in ----------------------------------------------------------------------------------- */

static void busy(walk *w, pylstm_stream *stream) {
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
    REQUIRE(pylstm_stream_acquire(stream));
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
    pylstm_stream_release(stream);
}

/* --- many streams ----------------------------------------------------------------------------------------------------- */

static void batch(walk *w) {
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
            keep(w, parts[k].out, parts[k].rows * w->n_outputs * sizeof(float));
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
    fill(w->frames, FRAMES * w->n_features + 2, 3.0f);
    keep_state(w, w->a);
    keep_state(w, w->b);
    keep_state(w, w->c);
}

/* --- silence ---------------------------------------------------------------------------------------------------------- */

/* So many seconds of it, and then no subnormal number in what the layers remember. */
static void silence(walk *w, pylstm_stream *stream, size_t seconds) {
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
    keep_rows(w, rows);
    keep_state(w, stream);
    for (at = first; at < w->snapshot_size; at += 4) {
        uint32_t bits;
        memcpy(&bits, w->snapshot + at, 4);
        REQUIRE((bits & 0x7f800000) != 0 || (bits & 0x007fffff) == 0);
        REQUIRE((bits & 0x7f800000) != 0x7f800000);
    }
}

uint64_t walk_run(walk *w, const guard *around, long *calls) {
    const size_t size = pylstm_stream_size(w->model);
    pylstm_stream *main_one;
    w->around = around;
    w->calls = 0;
    w->hash = 0;
    REQUIRE(pylstm_stream_init(w->memory[0], size, w->model, &w->a) == PYLSTM_OK);
    REQUIRE(pylstm_stream_init(w->memory[1], size, w->model, &w->b) == PYLSTM_OK);
    REQUIRE(pylstm_stream_init(w->memory[2], size, w->model, &w->c) == PYLSTM_OK);
    main_one = w->audio ? w->a : w->c;
    ask(w);
    if (w->audio) {
        push_audio(w);
        refuse_audio(w);
        flush_audio(w);
    }
    push_frames(w);
    snapshots(w, main_one);
    layers_state(w, main_one);
    snapshots(w, main_one);
    busy(w, main_one);
    batch(w);
    RT(PYLSTM_OK, pylstm_stream_reset(main_one));
    silence(w, main_one, 60);
    layers_state(w, main_one);
    silence(w, main_one, 10);
    *calls += w->calls;
    return w->hash;
}
