/* Changes configuration and weights of models, gives them the checksum that fits, and uses what loads; with sanitizers.
 *
 *     model_loading_fuzz mutations seed model...
 *
 * A model that loads keeps its promises: its file is within the rule of cost, a stream of it takes audio or frames, writes as
 * many rows as it says, all of them finite, and its snapshot is taken by another stream, which goes on with the same rows. A
 * model that is refused is refused by a rule. Prints how many were loaded and refused.
 */
#include "fitted_checksum.h"
#include "fuzzing.h"
#include "mutations.h"
#include "pylstm.h"

#define SAMPLES 160
#define MOST    ((size_t)1 << 20) /* values of output that are asked for */

static unsigned long loaded, refused;
static uint64_t random_state;

size_t random_below(size_t bound) {
    return random_from(&random_state, bound);
}

/* As many rows as there must be, of noise from the given place on; NULL where they are too many to be asked for. */
static float *rows_of(pylstm_stream *stream, const pylstm_model *model, const float *input, int flush, int64_t *n_rows) {
    const int audio = pylstm_model_sample_rate(model) != 0;
    const size_t width = (size_t)pylstm_model_n_outputs(model), n_features = (size_t)pylstm_model_n_features(model);
    const size_t n = audio ? SAMPLES : SAMPLES / 20;
    size_t written, all = 0;
    float *out;
    if ((audio ? pylstm_stream_rows_due : pylstm_stream_frame_rows_due)(stream, n, flush, n_rows))
        return NULL;
    if (*n_rows < 0 || (size_t)*n_rows > MOST / width)
        return NULL;
    out = malloc(((size_t)*n_rows * width + 1) * sizeof *out);
    REQUIRE(out);
    if (audio)
        REQUIRE(pylstm_stream_push(stream, PYLSTM_FLOAT32, input, n, sizeof *input, out, (size_t)*n_rows, &all) == PYLSTM_OK);
    else
        REQUIRE(pylstm_stream_push_frames(stream, input, n, (ptrdiff_t)(n_features * sizeof *input), out, (size_t)*n_rows,
                                          &all) == PYLSTM_OK);
    if (flush) {
        REQUIRE(pylstm_stream_flush(stream, out + all * width, (size_t)*n_rows - all, &written) == PYLSTM_OK);
        all += written;
    }
    REQUIRE(all == (size_t)*n_rows);
    for (size_t k = 0; k < all * width; k++)
        REQUIRE(out[k] - out[k] == 0.0f);
    return out;
}

static void use(const pylstm_model *model) {
    const size_t size = pylstm_snapshot_size(model), width = (size_t)pylstm_model_n_outputs(model);
    const size_t n = SAMPLES > SAMPLES / 20 * (size_t)pylstm_model_n_features(model)
                         ? SAMPLES
                         : SAMPLES / 20 * (size_t)pylstm_model_n_features(model);
    float *input = malloc(n * sizeof *input), *first, *second, *third;
    void *snapshot = malloc(size);
    pylstm_stream *stream, *other;
    int64_t n_first, n_second, n_third;
    REQUIRE(input && snapshot);
    for (size_t k = 0; k < n; k++)
        input[k] = (float)random_below(65536) / 32768.0f - 1.0f;
    REQUIRE(pylstm_stream_create(model, &stream) == PYLSTM_OK && pylstm_stream_create(model, &other) == PYLSTM_OK);
    first = rows_of(stream, model, input, 0, &n_first);
    REQUIRE(pylstm_stream_snapshot(stream, snapshot, size) == PYLSTM_OK);
    REQUIRE(pylstm_stream_restore(other, snapshot, size) == PYLSTM_OK);
    second = rows_of(stream, model, input, 1, &n_second);
    third = rows_of(other, model, input, 1, &n_third);
    REQUIRE(!second == !third);
    REQUIRE(!second || (n_second == n_third && memcmp(second, third, (size_t)n_second * width * sizeof *second) == 0));
    pylstm_stream_destroy(stream);
    pylstm_stream_destroy(other);
    free(first);
    free(second);
    free(third);
    free(snapshot);
    free(input);
}

static void try_bytes(const unsigned char *bytes, size_t size) {
    unsigned char *copy = malloc(size);
    pylstm_model *model;
    pylstm_error why;
    REQUIRE(copy);
    memcpy(copy, bytes, size);
    if (pylstm_model_create(copy, size, &model, &why) == PYLSTM_OK) {
        free(copy); /* the model keeps nothing of it */
        loaded++;
        use(model);
        pylstm_model_destroy(model);
        return;
    }
    REQUIRE(why.status == PYLSTM_BAD_MODEL && why.message[0] == '[' && strstr(why.message, "] "));
    refused++;
    free(copy);
}

int main(int argc, char **argv) {
    const unsigned long mutations = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;
    REQUIRE(argc > 3);
    random_state = strtoull(argv[2], NULL, 10) * 2 + 1;
    for (int index = 3; index < argc; index++) {
        size_t size;
        unsigned char *bytes = read_whole(argv[index], &size), *changed = malloc(size + 3 * MUTATION_ROOM);
        REQUIRE(changed);
        try_bytes(bytes, size);
        for (unsigned long round = 0; round < mutations; round++) {
            size_t now = size;
            memcpy(changed, bytes, size);
            for (size_t change = 1 + random_below(3); change > 0; change--)
                now = mutate(changed, now);
            fit_checksum(changed, now);
            try_bytes(changed, now);
        }
        free(bytes);
        free(changed);
    }
    printf("%lu loaded, %lu refused\n", loaded, refused);
    return 0;
}
