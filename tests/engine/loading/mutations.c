/* Changes to a model file. Mostly other values for what its configuration has, of a form that the key may take: names of layers
 * for inputs, pairs for paddings, words for choices. */
#include "mutations.h"
#include "fuzzing.h"

#include "modelfile/safetensors.h"

#include <string.h>

#define COUNT(list)  (sizeof(list) / sizeof *(list))
#define ONE_OF(list) (list)[random_below(COUNT(list))]

#define MOST_NAMES 64

typedef struct entry {
    char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1];
    size_t begin, value_at, length; /* of the key's quote and of the value in the file; bytes of the value there */
} entry;

/* --- what stands there ------------------------------------------------------------------------------------------------ */

/* An entry of the metadata as pylstm writes it; returns 0 where it stands there in another spelling. */
static int read_entry(const pylstm_safetensors *file, int index, entry *e) {
    e->length = pylstm_safetensors_metadata(file, index, e->key, e->value);
    e->begin = 8 + file->metadata_places[index];
    e->value_at = e->begin + strlen(e->key) + 4; /* past "key":" */
    return e->value_at + e->length < file->size && memcmp(file->bytes + e->value_at, e->value, e->length) == 0;
}

/* What follows the last dot. */
static const char *setting_of(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

static int is_layer_key(const char *key) {
    return strncmp(key, "layers.", 7) == 0 && key[7] >= '0' && key[7] <= '9';
}

/* Puts a text in the place of some bytes of the header; returns the new size of the file. */
static size_t put(unsigned char *bytes, size_t size, size_t at, size_t old_length, const char *text) {
    const size_t length = strlen(text);
    uint64_t header;
    REQUIRE(length <= MUTATION_ROOM);
    memcpy(&header, bytes, 8); /* little-endian machines only: on others nothing loads */
    memmove(bytes + at + length, bytes + at + old_length, size - at - old_length);
    memcpy(bytes + at, text, length);
    header += length - old_length;
    memcpy(bytes, &header, 8);
    return size + length - old_length;
}

/* --- what could stand there ------------------------------------------------------------------------------------------- */

/* A name of a layer of the file, its number, the features', or none of these. */
static void draw_name(const pylstm_safetensors *file, char to[64]) {
    static const char *const others[] = {"features",
                                         "",
                                         "0",
                                         "1",
                                         "2",
                                         "7",
                                         "63",
                                         "64",
                                         "-1",
                                         "a b",
                                         "_",
                                         "nobody",
                                         "1a",
                                         "A234567890123456789012345678901",
                                         "A2345678901234567890123456789012"};
    char names[MOST_NAMES][PYLSTM_MAX_NAME + 1];
    size_t n = 0;
    entry e;
    for (int k = 0; k < file->n_metadata && n < MOST_NAMES; k++) {
        if (read_entry(file, k, &e) && is_layer_key(e.key) && strcmp(setting_of(e.key), "name") == 0 && e.length < 64)
            memcpy(names[n++], e.value, e.length + 1);
    }
    snprintf(to, 64, "%.63s", n && random_below(4) ? names[random_below(n)] : ONE_OF(others));
}

static void draw_inputs(const pylstm_safetensors *file, char to[MUTATION_ROOM]) {
    size_t n = 1 + random_below(random_below(8) ? 3 : 10), length = 0;
    char name[64];
    for (size_t k = 0; k < n && length < MUTATION_ROOM - 70; k++) {
        draw_name(file, name);
        length += (size_t)snprintf(to + length, MUTATION_ROOM - length, "%s%s", k ? "," : "", name);
    }
}

static void draw_pair(char to[MUTATION_ROOM]) {
    static const char *const numbers[] = {"0", "0", "1", "2", "3", "7", "127", "4096", "65536", "-1", ""};
    snprintf(to, MUTATION_ROOM, "%s,%s", ONE_OF(numbers), ONE_OF(numbers));
}

/* Any value of any key. */
static const char *draw_value(void) {
    static const char *const values[] = {
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "12",
        "16",
        "31",
        "127",
        "128",
        "512",
        "1000",
        "1024",
        "4096",
        "65521",
        "65536",
        "8000",
        "1e-30",
        "1e30",
        "768000",
        "0.5",
        "-1",
        "none",
        "true",
        "false",
        "reflect",
        "mfcc",
        "logmel",
        "constant",
        "softmax",
        "sigmoid",
        "relu",
        "kaldi",
        "chunk",
        "ln",
        "raw",
        "signal",
        "spectrum",
        "waveform",
        "windowed",
        "log10",
        "max",
        "mean",
        "element",
        "per",
        "bf16",
        "int8",
        "channel",
        "position",
        "prelu",
        "log",
        "elu",
        "gelu",
        "sqrt",
        "square",
        "symmetric",
        "tanh",
        "hard_sigmoid",
        "clipped_relu",
        "leaky_relu",
    };
    return ONE_OF(values);
}

/* The number there, or its neighbour. */
static void draw_near(const char *value, char to[MUTATION_ROOM]) {
    const long number = strtol(value, NULL, 10);
    snprintf(to, MUTATION_ROOM, "%ld", random_below(3) ? number + 1 - 2 * (long)random_below(2) : number * 2);
}

static void draw_for(const pylstm_safetensors *file, const char *key, const char *value, char to[MUTATION_ROOM]) {
    static const char *const kinds[] = {"lstm", "gru", "rnn",    "dense",  "norm", "affine", "activation",
                                        "add",  "mul", "concat", "select", "conv", "pool",   "stack"};
    const char *setting = setting_of(key);
    snprintf(to, MUTATION_ROOM, "%s", draw_value());
    if (random_below(8) == 0)
        return;
    if (is_layer_key(key) && strcmp(setting, "name") == 0)
        draw_name(file, to);
    else if (is_layer_key(key) && strcmp(setting, "inputs") == 0)
        draw_inputs(file, to);
    else if (is_layer_key(key) && strcmp(setting, "kind") == 0)
        snprintf(to, MUTATION_ROOM, "%s", ONE_OF(kinds));
    else if (strncmp(setting, "padding", 7) == 0)
        draw_pair(to);
    else if (*value >= '0' && *value <= '9' && random_below(2))
        draw_near(value, to);
}

/* --- changes ---------------------------------------------------------------------------------------------------------- */

static size_t change_value(const pylstm_safetensors *file, unsigned char *bytes, size_t size) {
    char text[MUTATION_ROOM];
    entry e, other;
    if (!read_entry(file, (int)random_below((size_t)file->n_metadata), &e))
        return size;
    draw_for(file, e.key, e.value, text);
    if (random_below(4) == 0) { /* what another layer has under this name */
        const int index = (int)random_below((size_t)file->n_metadata);
        if (read_entry(file, index, &other) && strcmp(setting_of(other.key), setting_of(e.key)) == 0 && other.length < 64)
            memcpy(text, other.value, other.length + 1);
    }
    return put(bytes, size, e.value_at, e.length, text);
}

/* An option that a layer, or the features, may have. */
static size_t add_entry(const pylstm_safetensors *file, unsigned char *bytes, size_t size) {
    static const char *const of_layers[] = {
        "name",      "name",      "inputs",    "inputs",     "positions",  "kernel_positions",  "stride_positions",
        "precision", "proj_size", "peepholes", "coupled",    "gate_clip",  "cell_clip",         "layer_norm",
        "groups",    "dilation",  "alpha",     "input_size", "activation", "padding_positions", "gate_slope"};
    static const char *const of_features[] = {"framing",   "scale",     "remove_dc_offset", "preemphasis",
                                              "log",       "energy",    "columns",          "column_hop",
                                              "pad_right", "triangles", "log_floor",        "periodic"};
    char key[128], value[MUTATION_ROOM], text[MUTATION_ROOM];
    entry first;
    if (!read_entry(file, 0, &first))
        return size;
    if (random_below(4))
        snprintf(key, sizeof key, "layers.%zu.%s", random_below(random_below(2) ? 3 : 16), ONE_OF(of_layers));
    else
        snprintf(key, sizeof key, "features.%s", ONE_OF(of_features));
    draw_for(file, key, "", value);
    snprintf(text, sizeof text, "\"%s\":\"%.300s\",", key, value);
    return put(bytes, size, first.begin, 0, text);
}

static size_t remove_entry(const pylstm_safetensors *file, unsigned char *bytes, size_t size) {
    entry e;
    if (!read_entry(file, (int)random_below((size_t)file->n_metadata), &e))
        return size;
    if (bytes[e.value_at + e.length + 1] != ',') /* the last one */
        return size;
    return put(bytes, size, e.begin, e.value_at + e.length + 2 - e.begin, "");
}

/* A digit of the header for another. */
static void change_digit(unsigned char *bytes, size_t size) {
    for (size_t k = 8 + random_below(size - 8 < 4096 ? size - 8 : 4096); k < size; k++) {
        if (bytes[k] >= '0' && bytes[k] <= '9') {
            bytes[k] = (unsigned char)('0' + random_below(10));
            return;
        }
    }
}

size_t mutate(unsigned char *bytes, size_t size) {
    static pylstm_safetensors file;
    const size_t way = random_below(8), at = 8 + random_below(size - 8);
    if (way == 0) {
        change_digit(bytes, size);
    } else if (way == 1) {
        bytes[at] ^= (unsigned char)(1u << random_below(8));
    } else if (pylstm_safetensors_open(&file, bytes, size, NULL) == PYLSTM_OK && file.n_metadata > 0) {
        if (way == 2)
            return add_entry(&file, bytes, size);
        return way == 3 ? remove_entry(&file, bytes, size) : change_value(&file, bytes, size);
    }
    return size;
}
