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
 *     batches   streams that have come unequally far and are pushed together give these bits, too
 *     forgeries a snapshot with altered fields and a hash that fits is refused, or is a stream that works: it writes as many
 *               rows as it promises, and its own snapshots are accepted
 *     listeners decisions with random settings, likewise: the events of one push and a flush, however the input is cut; a
 *               forged state is refused, or gives no more events than it promises
 *     modes     a model made in any floating-point mode has the same bits, and nothing traps
 *     twins     models with one fingerprint do not reach into each other's state
 *
 * Prints how many walks there were and how many forgeries were accepted and refused.
 */
#define _POSIX_C_SOURCE 200112L /* setenv */

#include "fuzz.h"

#include <float.h>
#include <string.h>

unsigned long walks, accepted, refused;

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
    unsigned long round, time;
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
        if (round % 3 == 0)
            walk_together(&s);
        forge(&s);
        forge(&s);
        listen_to_model(&s);
        for (time = 0; time < 4; time++)
            listen_to_rows();
    }
    free(s.floats);
    free(s.shorts);
    free(s.rows);
}

static void try_null(void) {
    int64_t rows;
    size_t written;
    REQUIRE(pylstm_model_sample_rate(NULL) == 0 && pylstm_model_n_features(NULL) == 0 && pylstm_model_n_outputs(NULL) == 0);
    REQUIRE(pylstm_model_latency(NULL) == 0 && pylstm_model_isa(NULL) == NULL && pylstm_model_label(NULL, 0) == NULL);
    REQUIRE(pylstm_model_trace_width(NULL) == 0 && pylstm_model_state_width(NULL) == 0 &&
            pylstm_model_n_state_parts(NULL) == 0);
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
        size_t size;
        unsigned char *bytes = read_whole(argv[index], &size);
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
