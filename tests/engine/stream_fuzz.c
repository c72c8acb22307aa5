/* Drives streams through the public C API with odd sizes, odd memory and forged snapshots, to be built with sanitizers.
 *
 *     stream_fuzz rounds seed model...
 *
 * Every buffer that a call is given has exactly the size that the call may touch, at any alignment, so that one byte too many
 * is caught. For each instruction set that runs here (or the one that PYLSTM_ISA names) and each model:
 *
 *     walks     the same input in random cuts, with refused calls, snapshots, copies and traces in between, gives the bits that
 *               one push and a flush give; a refused call changes no byte of the state, and no call changes the caller's
 *               floating-point mode
 *     forgeries a snapshot with altered fields and a hash that fits is refused, or is a stream that works: it writes as many
 *               rows as it promises, and its own snapshots are accepted
 *     modes     a model made in any floating-point mode has the same bits, and nothing traps
 *     twins     models with one fingerprint do not reach into each other's state
 *
 * Prints how many walks there were and how many forgeries were accepted and refused.
 */
#define _POSIX_C_SOURCE 200112L /* setenv, posix_memalign */

#include "pylstm.h"

#include "platform/hash.h"  /* a forger knows it, too */
#include "engine/model.h" /* and makes fingerprints equal */

#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
/* Sticky flags and an odd rounding mode included: the caller's is given back whole. */
#define ODD_MODE    (0x1f80u | 0x4000u | 0x0015u) /* round upwards; invalid, zero-divide and underflow have happened */
#define MODE()      _mm_getcsr()
#define SET_MODE(m) _mm_setcsr(m)
#else
#define ODD_MODE    0u
#define MODE()      0u
#define SET_MODE(m) (void)(m)
#endif

#define SAMPLES 3000 /* of a walk's input */
#define FRAMES  60
#define HEADER  64 /* bytes of a snapshot before the state */
#define HASH_AT 32 /* of the state, within that header */

static unsigned long walks, accepted, refused;
static uint64_t random_state;

#define REQUIRE(condition)                                                                                                     \
    do {                                                                                                                       \
        if (!(condition)) {                                                                                                    \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                                                    \
            abort();                                                                                                           \
        }                                                                                                                      \
    } while (0)

static size_t random_below(size_t bound) { /* xorshift64 */
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state % bound);
}

/* Memory of exactly size bytes, its address off the alignment that malloc gives by shift bytes. */
typedef struct room {
    char *whole, *at;
} room;

static room room_of(size_t size, size_t shift) {
    room r;
    r.whole = malloc(size + shift ? size + shift : 1);
    REQUIRE(r.whole);
    r.at = r.whole + shift;
    return r;
}

/* What a walk is made of. */
typedef struct subject {
    pylstm_model *model;
    size_t n_features, n_outputs, snapshot_size;
    int audio;     /* whether samples go in, or frames */
    size_t n;      /* how many of them */
    float *floats; /* the input */
    int16_t *shorts;
    pylstm_sample_type type;
    float *rows; /* what one push and a flush give */
    size_t n_rows;
} subject;

/* One push of the input from first on, in memory of its own and with a stride; rows that it wrote. */
static size_t push(const subject *s, pylstm_stream *stream, size_t first, size_t n, float *out, size_t out_rows) {
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

static size_t rows_after(const subject *s, pylstm_stream *stream, size_t n, int flush) {
    int64_t rows = 0;
    if (!s->audio)
        return n; /* a row for each frame, none at the end */
    REQUIRE(pylstm_stream_rows_due(stream, n, flush, &rows) == PYLSTM_OK);
    return (size_t)rows;
}

static size_t flush(const subject *s, pylstm_stream *stream, float *out) {
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

static room snapshot_of(const subject *s, pylstm_stream *stream) {
    room r = room_of(s->snapshot_size, random_below(5));
    REQUIRE(pylstm_stream_snapshot(stream, r.at, s->snapshot_size) == PYLSTM_OK);
    return r;
}

/* --- calls that are refused ------------------------------------------------------------------------------------------- */

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

static void refuse(const subject *s, pylstm_stream *stream) {
    room before = snapshot_of(s, stream), after;
    refuse_state(s, stream);
    refuse_input(s, stream);
    refuse_snapshots(s, stream, before.at);
    after = snapshot_of(s, stream);
    REQUIRE(memcmp(before.at, after.at, s->snapshot_size) == 0);
    free(before.whole);
    free(after.whole);
}

/* --- walks ------------------------------------------------------------------------------------------------------------ */

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

static void walk(const subject *s) {
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

/* --- forgeries -------------------------------------------------------------------------------------------------------- */

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
    int64_t promised = (int64_t)n;
    pylstm_status status = PYLSTM_OK;
    size_t written;
    float *out;
    if (s->audio)
        status = pylstm_stream_rows_due(stream, n, 0, &promised);
    if (!status) {
        REQUIRE(promised >= 0 && promised <= (int64_t)n + 16);
        REQUIRE(out = malloc((size_t)promised * s->n_outputs * sizeof *out + 1));
        if (s->audio) {
            status = pylstm_stream_push(stream, PYLSTM_FLOAT32, s->floats, n, 4, out, (size_t)promised, &written);
        } else {
            status = pylstm_stream_push_frames(stream, s->floats, n, (ptrdiff_t)(4 * s->n_features), out, n, &written);
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
    if (pylstm_stream_rows_due(stream, 0, 1, &promised)) { /* flushed, or too short for deltas */
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
static void forge(const subject *s) {
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

/* --- everything ------------------------------------------------------------------------------------------------------- */

/* Loud, quiet, silent, subnormal and the largest there is, in stretches. */
static void make_input(subject *s) {
    static const float levels[] = {0.5f, 1e-4f, 0.0f, 1e-40f, FLT_MAX, 1e20f};
    const size_t count = s->audio ? s->n : s->n * s->n_features;
    size_t k;
    float level = 0.5f;
    s->floats = malloc(count * sizeof *s->floats);
    s->shorts = malloc(count * sizeof *s->shorts);
    REQUIRE(s->floats && s->shorts);
    for (k = 0; k < count; k++) {
        if (random_below(200) == 0)
            level = levels[random_below(sizeof levels / sizeof *levels)];
        s->floats[k] = level * ((float)random_below(65536) / 32768.0f - 1.0f);
        s->shorts[k] = (int16_t)((int)random_below(65536) - 32768);
    }
}

static void try_model(pylstm_model *model, unsigned long rounds) {
    subject s;
    pylstm_stream *stream;
    unsigned long round;
    size_t first;
    memset(&s, 0, sizeof s);
    s.model = model;
    s.n_features = (size_t)pylstm_model_n_features(model);
    s.n_outputs = (size_t)pylstm_model_n_outputs(model);
    s.snapshot_size = pylstm_snapshot_size(model);
    s.audio = pylstm_model_sample_rate(model) != 0;
    s.n = s.audio ? SAMPLES : FRAMES;
    s.type = random_below(3) ? PYLSTM_FLOAT32 : PYLSTM_INT16;
    make_input(&s);
    REQUIRE(pylstm_stream_create(model, &stream) == PYLSTM_OK);
    s.n_rows = rows_after(&s, stream, s.n, 1);
    s.rows = malloc((s.n_rows + 1) * s.n_outputs * sizeof *s.rows);
    REQUIRE(s.rows);
    first = push(&s, stream, 0, s.n, s.rows, rows_after(&s, stream, s.n, 0));
    REQUIRE(first + flush(&s, stream, s.rows + first * s.n_outputs) == s.n_rows);
    pylstm_stream_destroy(stream);
    for (round = 0; round < rounds; round++) {
        SET_MODE(round % 2 ? ODD_MODE : 0x1f80u);
        walk(&s);
        SET_MODE(0x1f80u);
        forge(&s);
        forge(&s);
    }
    free(s.floats);
    free(s.shorts);
    free(s.rows);
}

/* Memory of the caller's: too small and misaligned are refused, exactly enough does. */
static void try_own_memory(const void *bytes, size_t size) {
    pylstm_model *model;
    pylstm_stream *stream;
    pylstm_error why;
    size_t needed;
    void *memory, *more;
    REQUIRE(pylstm_model_size(bytes, size, &needed, &why) == PYLSTM_OK);
    REQUIRE(posix_memalign(&memory, PYLSTM_ALIGNMENT, needed) == 0);
    REQUIRE(pylstm_model_init(memory, needed - 1, bytes, size, &model, &why) == PYLSTM_NO_MEMORY);
    REQUIRE(pylstm_model_init((char *)memory + 4, needed, bytes, size, &model, NULL) == PYLSTM_NO_MEMORY);
    REQUIRE(pylstm_model_init(memory, needed, bytes, size, &model, NULL) == PYLSTM_OK);
    needed = pylstm_stream_size(model);
    REQUIRE(posix_memalign(&more, PYLSTM_ALIGNMENT, needed) == 0);
    REQUIRE(pylstm_stream_init(more, needed - 1, model, &stream) == PYLSTM_NO_MEMORY);
    REQUIRE(pylstm_stream_init((char *)more + 8, needed, model, &stream) == PYLSTM_NO_MEMORY);
    REQUIRE(pylstm_stream_init(more, needed, model, &stream) == PYLSTM_OK);
    REQUIRE(pylstm_stream_position(stream) == 0 && pylstm_stream_reset(stream) == PYLSTM_OK);
    free(more);
    free(memory);
}

/* Tables have the same bits in every floating-point mode, nothing traps, and the mode is as it was. */
static void try_modes(const void *bytes, size_t size) {
    static const int roundings[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    static const unsigned modes[] = {0, 0x8040u | 0x15u, 0x8040u | 0x3fu}; /* no masks; flush to zero, sticky flags */
    void *memory;
    char *first;
    size_t needed, again, k;
    REQUIRE(pylstm_model_size(bytes, size, &needed, NULL) == PYLSTM_OK);
    REQUIRE(posix_memalign(&memory, PYLSTM_ALIGNMENT, needed) == 0 && (first = malloc(needed)));
    for (k = 0; k < 12; k++) {
        const int rounding = roundings[k % 4];
        const unsigned all = 0x1f80u, mode = modes[k / 4] ? all | modes[k / 4] : 0;
        pylstm_model *model;
        pylstm_stream *stream, *other;
        unsigned set;
        room snapshot;
        fenv_t before;
        memset(memory, 0, needed);
        REQUIRE(fegetenv(&before) == 0 && fesetround(rounding) == 0);
        set = (MODE() & 0x6000u) | mode;
        SET_MODE(set);
        REQUIRE(pylstm_model_size(bytes, size, &again, NULL) == PYLSTM_OK && again == needed);
        REQUIRE(pylstm_model_init(memory, needed, bytes, size, &model, NULL) == PYLSTM_OK);
        REQUIRE(pylstm_model_init(memory, needed, bytes, size - 1, &model, NULL) == PYLSTM_BAD_MODEL);
        REQUIRE(pylstm_stream_create(model, &stream) == PYLSTM_OK && pylstm_stream_create(model, &other) == PYLSTM_OK);
        snapshot = room_of(pylstm_snapshot_size(model), 0);
        REQUIRE(pylstm_stream_snapshot(stream, snapshot.at, pylstm_snapshot_size(model)) == PYLSTM_OK);
        REQUIRE(pylstm_stream_restore(other, snapshot.at, pylstm_snapshot_size(model)) == PYLSTM_OK);
        if (pylstm_model_sample_rate(model)) { /* a signalling NaN as the maximum, with a hash that fits */
            const uint32_t odd = 0x7fa00000u;
            const size_t state_size = pylstm_snapshot_size(model) - HEADER;
            uint64_t hash;
            memcpy(snapshot.at + HEADER + 64 + 28, &odd, 4);
            hash = pylstm_hash(snapshot.at + HEADER, state_size);
            memcpy(snapshot.at + HASH_AT, &hash, 8);
            REQUIRE(pylstm_stream_restore(other, snapshot.at, HEADER + state_size) == PYLSTM_SNAPSHOT_DAMAGED);
        }
        REQUIRE(MODE() == set && fegetround() == rounding);
        REQUIRE(fesetenv(&before) == 0);
        pylstm_stream_destroy(stream);
        pylstm_stream_destroy(other);
        free(snapshot.whole);
        if (k == 0) {
            memcpy(first, memory, needed);
        } else {
            REQUIRE(memcmp(first, memory, needed) == 0);
        }
    }
    free(first);
    free(memory);
}

/* Two models whose fingerprints a forger made equal: what is copied or restored between them stays inside of both. */
static void try_equal_fingerprints(pylstm_model *model, pylstm_model *other) {
    const uint64_t fingerprint = other->fingerprint;
    pylstm_model *const models[] = {model, other};
    int k;
    other->fingerprint = model->fingerprint;
    for (k = 0; k < 2; k++) {
        pylstm_stream *to, *from;
        room before = room_of(pylstm_snapshot_size(models[k]), 0), after = room_of(pylstm_snapshot_size(models[k]), 0);
        room foreign = room_of(pylstm_snapshot_size(models[1 - k]), 0);
        pylstm_status status;
        REQUIRE(pylstm_stream_create(models[k], &to) == PYLSTM_OK);
        REQUIRE(pylstm_stream_create(models[1 - k], &from) == PYLSTM_OK);
        REQUIRE(pylstm_stream_snapshot(to, before.at, pylstm_snapshot_size(models[k])) == PYLSTM_OK);
        REQUIRE(pylstm_stream_snapshot(from, foreign.at, pylstm_snapshot_size(models[1 - k])) == PYLSTM_OK);
        status = pylstm_stream_copy(to, from);
        REQUIRE(status == PYLSTM_SNAPSHOT_FOREIGN || models[k]->state_size == models[1 - k]->state_size);
        REQUIRE(pylstm_stream_snapshot(to, after.at, pylstm_snapshot_size(models[k])) == PYLSTM_OK);
        REQUIRE(!status || memcmp(before.at, after.at, pylstm_snapshot_size(models[k])) == 0);
        status = pylstm_stream_restore(to, foreign.at, pylstm_snapshot_size(models[1 - k]));
        REQUIRE(status == PYLSTM_SNAPSHOT_DAMAGED || models[k]->state_size == models[1 - k]->state_size);
        pylstm_stream_destroy(to);
        pylstm_stream_destroy(from);
        free(before.whole);
        free(after.whole);
        free(foreign.whole);
    }
    other->fingerprint = fingerprint;
}

static void try_null(void) {
    int64_t rows;
    size_t written;
    REQUIRE(pylstm_model_sample_rate(NULL) == 0 && pylstm_model_n_features(NULL) == 0 && pylstm_model_n_outputs(NULL) == 0);
    REQUIRE(pylstm_model_latency(NULL) == 0 && pylstm_model_isa(NULL) == NULL && pylstm_model_label(NULL, 0) == NULL);
    REQUIRE(pylstm_model_trace_width(NULL) == 0 && pylstm_model_state_width(NULL) == 0 && pylstm_model_n_state_parts(NULL) == 0);
    REQUIRE(pylstm_stream_size(NULL) == 0 && pylstm_snapshot_size(NULL) == 0);
    REQUIRE(pylstm_stream_position(NULL) == 0 && pylstm_stream_rows_written(NULL) == 0);
    REQUIRE(!pylstm_isa_built(NULL) && !pylstm_isa_supported(NULL));
    REQUIRE(pylstm_stream_rows_due(NULL, 0, 0, &rows) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_stream_flush(NULL, NULL, 0, &written) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_stream_push(NULL, PYLSTM_INT16, NULL, 0, 2, NULL, 0, &written) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_stream_copy(NULL, NULL) == PYLSTM_BAD_ARGUMENT && pylstm_stream_reset(NULL) == PYLSTM_BAD_ARGUMENT);
    REQUIRE(pylstm_batch_push(NULL, NULL, 0) == PYLSTM_BAD_ARGUMENT);
    pylstm_model_destroy(NULL);
    pylstm_stream_destroy(NULL);
    pylstm_batch_destroy(NULL);
}

int main(int argc, char **argv) {
    static const char *const isas[] = {"scalar", "avx2", "avx512", "neon"};
    const char *named = getenv("PYLSTM_ISA");
    unsigned long rounds = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;
    char only[16] = "";
    size_t isa;
    int index;
    pylstm_model *previous = NULL;
    if (argc < 4) {
        fprintf(stderr, "usage: stream_fuzz rounds seed model...\n");
        return 2;
    }
    if (named)
        snprintf(only, sizeof only, "%s", named); /* setenv below would change it */
    try_null();
    random_state = strtoull(argv[2], NULL, 10) * 2 + 1;
    for (index = 3; index < argc; index++) {
        FILE *file = fopen(argv[index], "rb");
        unsigned char *bytes;
        size_t size;
        REQUIRE(file && fseek(file, 0, SEEK_END) == 0);
        size = (size_t)ftell(file);
        rewind(file);
        bytes = malloc(size);
        REQUIRE(bytes && fread(bytes, 1, size, file) == size);
        fclose(file);
        for (isa = 0; isa < sizeof isas / sizeof *isas; isa++) {
            pylstm_model *model;
            pylstm_error why;
            if (!pylstm_isa_supported(isas[isa]) || (*only && strcmp(only, isas[isa]) != 0))
                continue;
            REQUIRE(setenv("PYLSTM_ISA", isas[isa], 1) == 0);
            REQUIRE(pylstm_model_create(bytes, size, &model, &why) == PYLSTM_OK);
            try_own_memory(bytes, size);
            try_modes(bytes, size);
            try_equal_fingerprints(model, previous ? previous : model);
            try_model(model, rounds);
            pylstm_model_destroy(previous);
            previous = model;
        }
        free(bytes);
    }
    pylstm_model_destroy(previous);
    printf("%lu walks, %lu forgeries accepted, %lu refused\n", walks, accepted, refused);
    return 0;
}
