/* Drives the reader of model files with cut, flipped and mutated files, to be built with sanitizers.
 *
 *     model_file_fuzz mutations seed file...
 *
 * Three in four mutated files that have a checksum get the one that fits, so that what lies behind it is reached, too.
 * Every variant lies in memory of exactly its size, so that one byte read too many is caught. What opens is read through every
 * getter, and what the header promises about it is checked; what is refused must name a rule. Prints two counts.
 */
#include "fitted_checksum.h"
#include "fuzzing.h"
#include "modelfile/configuration.h"

#include <string.h>

#define EXHAUSTIVE ((size_t)8192) /* sound files up to this size are tried at every length and with every bit flipped */

static unsigned long opened, refused;
static uint64_t random_state;

static size_t random_below(size_t bound) {
    return random_from(&random_state, bound);
}

/* A message is printable ASCII and begins with "[rule] ". */
static void check_message(pylstm_status status, const pylstm_error *why) {
    const char *end = strstr(why->message, "] "), *character;
    REQUIRE(status == PYLSTM_BAD_MODEL && why->status == status);
    REQUIRE(why->message[0] == '[' && end && end > why->message + 1);
    for (character = why->message; *character; character++)
        REQUIRE(*character >= ' ' && *character <= '~');
}

static void read_metadata(pylstm_model_file *file, int index) {
    static const char *const choices[] = {"mfcc", "log_mel", NULL};
    char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1], text[PYLSTM_MAX_TEXT + 1], small[4];
    double number;
    int whole;
    pylstm_error why;
    pylstm_status status;
    pylstm_safetensors_metadata(&file->container, index, key, value);
    REQUIRE(pylstm_config_has(file, key));
    if ((status = pylstm_config_integer(file, key, -1000, 1000, &whole, &why)))
        check_message(status, &why);
    else
        REQUIRE(whole >= -1000 && whole <= 1000);
    if ((status = pylstm_config_number(file, key, -1e300, 1e300, &number, &why)))
        check_message(status, &why);
    else
        REQUIRE(number >= -1e300 && number <= 1e300);
    if ((status = pylstm_config_boolean(file, key, &whole, &why)))
        check_message(status, &why);
    if ((status = pylstm_config_choice(file, key, choices, &whole, &why)))
        check_message(status, &why);
    if ((status = pylstm_config_text(file, key, small, sizeof small, &why)))
        check_message(status, &why);
    REQUIRE(pylstm_config_text(file, key, text, sizeof text, &why) == PYLSTM_OK && strcmp(text, value) == 0);
}

static size_t read_tensor(pylstm_model_file *file, int index) {
    static const size_t widths[] = {4, 8, 2, 2, 1};
    pylstm_tensor tensor, same;
    int64_t other[PYLSTM_MAX_RANK];
    pylstm_error why;
    float *values;
    size_t bytes, i;
    pylstm_safetensors_tensor(&file->container, index, &tensor);
    REQUIRE(tensor.rank >= 1 && tensor.rank <= PYLSTM_MAX_RANK && tensor.dtype < PYLSTM_N_DTYPES);
    bytes = tensor.count * widths[tensor.dtype];
    REQUIRE(tensor.data >= file->container.data && tensor.data + bytes <= file->container.data + file->container.data_size);
    memcpy(other, tensor.shape, sizeof other);
    other[0]++;
    check_message(pylstm_model_file_tensor(file, tensor.name, PYLSTM_DTYPE_ANY_FLOAT, tensor.rank, other, &same, &why), &why);
    REQUIRE(pylstm_model_file_tensor(file, tensor.name,
                                     tensor.dtype == PYLSTM_DTYPE_I8 ? PYLSTM_DTYPE_I8 : PYLSTM_DTYPE_ANY_FLOAT, tensor.rank,
                                     tensor.shape, &same, &why) == PYLSTM_OK);
    REQUIRE(same.data == tensor.data);
    values = malloc(tensor.count * sizeof *values);
    REQUIRE(values);
    pylstm_tensor_read(&tensor, values);
    for (i = 0; i < tensor.count; i++)
        REQUIRE(values[i] - values[i] == 0);
    free(values);
    return bytes;
}

/* Whether the file opened. */
static int try_bytes(const unsigned char *bytes, size_t size) {
    unsigned char *copy = malloc(size ? size : 1);
    pylstm_model_file file;
    pylstm_error why;
    pylstm_status status;
    size_t covered = 0;
    int i;
    REQUIRE(copy);
    memcpy(copy, bytes, size);
    status = pylstm_model_file_open(&file, copy, size, &why);
    if (status) {
        check_message(status, &why);
        REQUIRE(file.container.bytes == NULL && file.container.n_tensors == 0 && file.container.n_metadata == 0);
        refused++;
    } else {
        for (i = 0; i < file.container.n_metadata; i++)
            read_metadata(&file, i);
        for (i = 0; i < file.container.n_tensors; i++)
            covered += read_tensor(&file, i);
        REQUIRE(covered == file.container.data_size);
        REQUIRE(pylstm_model_file_finish(&file, &why) == PYLSTM_OK);
        opened++;
    }
    free(copy);
    return status == PYLSTM_OK;
}

static void try_prefixes_and_flips(unsigned char *bytes, size_t size) {
    size_t i;
    for (i = 0; i < size; i++)
        REQUIRE(!try_bytes(bytes, i));
    for (i = 0; i < size * 8; i++) {
        bytes[i / 8] ^= (unsigned char)(1u << i % 8);
        try_bytes(bytes, size);
        bytes[i / 8] ^= (unsigned char)(1u << i % 8);
    }
}

/* One random change; returns the new size. There is room for size + 64 bytes. */
static size_t mutate(unsigned char *bytes, size_t size) {
    static const char *const tokens[] = {"{",     "}",   "[",  "]",    "\"",   ",",        ":",     "0",   "-1",
                                         "1e9",   "F64", "\\", "\\u",  "null", "\xC3\xA9", "\\ud8", "0.5", "__metadata__",
                                         "shape", "NaN", " ",  "65536"};
    const char *token = tokens[random_below(sizeof tokens / sizeof *tokens)];
    size_t at, length = strlen(token);
    if (size <= 8)
        return size;
    at = 8 + random_below(size - 8 < 2048 ? size - 8 : 2048); /* mostly in the header */
    switch (random_below(6)) {
    case 0:
        bytes[at] = (unsigned char)random_below(256);
        break;
    case 1:
        bytes[random_below(size)] ^= (unsigned char)(1u << random_below(8));
        break;
    case 2: /* put a token in */
        memmove(bytes + at + length, bytes + at, size - at);
        memcpy(bytes + at, token, length);
        size += length;
        bytes[0] = (unsigned char)(bytes[0] + length); /* usually keeps the length of the header right */
        break;
    case 3: /* take some out */
        length = 1 + random_below(size - at < 12 ? size - at : 12);
        memmove(bytes + at, bytes + at + length, size - at - length);
        size -= length;
        bytes[0] = (unsigned char)(bytes[0] - length);
        break;
    case 4: /* write a token over what is there */
        memcpy(bytes + at, token, length < size - at ? length : size - at);
        break;
    default: /* repeat what stands elsewhere */
        length = 1 + random_below(size - at < 48 ? size - at : 48);
        memmove(bytes + at, bytes + 8 + random_below(size - 7 - length), length);
    }
    return size;
}

int main(int argc, char **argv) {
    unsigned long mutations = argc > 3 ? strtoul(argv[1], NULL, 10) : 0, round;
    int index;
    if (argc < 4) {
        fprintf(stderr, "usage: model_file_fuzz mutations seed file...\n");
        return 2;
    }
    random_state = strtoull(argv[2], NULL, 10) * 2 + 1;
    for (index = 3; index < argc; index++) {
        size_t size;
        unsigned char *bytes = read_whole(argv[index], &size), *changed = malloc(size + 8 * 64 + 1);
        REQUIRE(changed);
        if (try_bytes(bytes, size) && size <= EXHAUSTIVE)
            try_prefixes_and_flips(bytes, size);
        for (round = 0; round < mutations; round++) {
            size_t now = size, change, changes = 1 + random_below(4);
            memcpy(changed, bytes, size);
            for (change = 0; change < changes; change++)
                now = mutate(changed, now);
            if (random_below(4))
                fit_checksum(changed, now);
            try_bytes(changed, now);
        }
        free(bytes);
        free(changed);
    }
    printf("%lu opened, %lu refused\n", opened, refused);
    return 0;
}
