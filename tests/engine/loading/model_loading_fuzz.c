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
#include "pylstm.h"

#define SAMPLES 160
#define MOST    ((size_t)1 << 20) /* values of output that are asked for */

static unsigned long loaded, refused;
static uint64_t random_state;

static size_t random_below(size_t bound) {
    return random_from(&random_state, bound);
}

/* As many rows as there must be, of noise from the given place on; NULL where they are too many to be asked for. */
static float *rows_of(pylstm_stream *stream, const pylstm_model *model, const float *input, int flush, int64_t *n_rows) {
    const int audio = pylstm_model_sample_rate(model) != 0;
    const size_t width = (size_t)pylstm_model_n_outputs(model), n_features = (size_t)pylstm_model_n_features(model);
    const size_t n = audio ? SAMPLES : SAMPLES / 20;
    size_t written, all = 0;
    float *out;
    if (pylstm_stream_rows_due(stream, audio ? n : 0, flush && audio, n_rows))
        return NULL;
    if (!audio)
        *n_rows = (int64_t)n;
    if (*n_rows < 0 || (size_t)*n_rows > MOST / width)
        return NULL;
    out = malloc(((size_t)*n_rows * width + 1) * sizeof *out);
    REQUIRE(out);
    if (audio)
        REQUIRE(pylstm_stream_push(stream, PYLSTM_FLOAT32, input, n, sizeof *input, out, (size_t)*n_rows, &all) == PYLSTM_OK);
    else
        REQUIRE(pylstm_stream_push_frames(stream, input, n, (ptrdiff_t)(n_features * sizeof *input), out, n, &all) ==
                PYLSTM_OK);
    if (audio && flush) {
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

/* Writes a value that is not longer over one of the metadata; spaces behind the header make up for what it is shorter. */
static void change_value(unsigned char *bytes, size_t size) {
    static const char *const values[] = {"0",     "1",     "2",       "3",       "7",    "16",     "31",     "65521",
                                         "65536", "512",   "1000",    "1e-30",   "8000", "768000", "0.5",    "none",
                                         "true",  "false", "-1",      "reflect", "mfcc", "1024",   "logmel", "constant",
                                         "lstm",  "dense", "softmax", "gru",     "rnn"};
    char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1];
    pylstm_safetensors file;
    size_t length, new_length, at;
    const char *new_value = values[random_below(sizeof values / sizeof *values)];
    int index;
    if (pylstm_safetensors_open(&file, bytes, size, NULL) || file.n_metadata == 0)
        return;
    index = (int)random_below((size_t)file.n_metadata);
    length = pylstm_safetensors_metadata(&file, index, key, value);
    new_length = strlen(new_value);
    at = 8 + file.metadata_places[index] + strlen(key) + 4; /* past "key":" */
    if (new_length > length || at + length >= size || memcmp(bytes + at, value, length) != 0)
        return;
    memcpy(bytes + at, new_value, new_length);
    memmove(bytes + at + new_length, bytes + at + length, 8 + file.header_size - at - length);
    memset(bytes + 8 + file.header_size - (length - new_length), ' ', length - new_length);
}

static void mutate(unsigned char *bytes, size_t size) {
    const size_t at = 8 + random_below(size - 8);
    switch (random_below(4)) {
    case 0: /* a digit of the header for another */
        for (size_t k = 8 + random_below(size - 8 < 4096 ? size - 8 : 4096); k < size; k++) {
            if (bytes[k] >= '0' && bytes[k] <= '9') {
                bytes[k] = (unsigned char)('0' + random_below(10));
                return;
            }
        }
        break;
    case 1:
        bytes[at] ^= (unsigned char)(1u << random_below(8));
        break;
    default:
        change_value(bytes, size);
    }
}

int main(int argc, char **argv) {
    const unsigned long mutations = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;
    REQUIRE(argc > 3);
    random_state = strtoull(argv[2], NULL, 10) * 2 + 1;
    for (int index = 3; index < argc; index++) {
        size_t size;
        unsigned char *bytes = read_whole(argv[index], &size), *changed = malloc(size);
        REQUIRE(changed);
        try_bytes(bytes, size);
        for (unsigned long round = 0; round < mutations; round++) {
            memcpy(changed, bytes, size);
            for (size_t change = 1 + random_below(3); change > 0; change--)
                mutate(changed, size);
            fit_checksum(changed, size);
            try_bytes(changed, size);
        }
        free(bytes);
        free(changed);
    }
    printf("%lu loaded, %lu refused\n", loaded, refused);
    return 0;
}
