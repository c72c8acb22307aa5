/* What a model file says: typed configuration values, tensors as float32, and the rule that nothing is left over. */
#include "modelfile/modelfile.h"
#include "modelfile/json.h"
#include "modelfile/safetensors.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_KEY "pylstm.format"
#define FORMAT     "1"

static void mark(unsigned char *used, int index) {
    used[index / 8] |= (unsigned char)(1u << index % 8);
}

static int is_marked(const unsigned char *used, int index) {
    return used[index / 8] >> index % 8 & 1;
}

/* --- the values of tensors -------------------------------------------------------------------------------------------- */

/* All conversions work on bits, so they give the same result whatever rounding or flush-to-zero mode the thread is in. */

static uint64_t little_endian(const unsigned char *bytes, size_t width) {
    uint64_t value = 0;
    while (width-- > 0)
        value = value << 8 | bytes[width];
    return value;
}

static uint32_t from_float16(uint32_t half) {
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 0x1F, fraction = half & 0x3FF;
    if (exponent == 0x1F)
        return sign | 0x7F800000 | fraction << 13;
    if (exponent == 0) {
        if (fraction == 0)
            return sign;
        for (exponent = 1; !(fraction & 0x400); exponent--) /* a subnormal of float16 is a normal number of float32 */
            fraction <<= 1;
        fraction &= 0x3FF;
    }
    return sign | (exponent + 127 - 15) << 23 | fraction << 13; /* exponent may have gone below 0: unsigned sums wrap back */
}

/* Rounded to the nearest, ties to even; too large becomes infinity. */
static uint32_t from_float64(uint64_t wide) {
    uint32_t sign = (uint32_t)(wide >> 32 & 0x80000000), rounded;
    int exponent = (int)(wide >> 52 & 0x7FF) - 1023 + 127, dropped = 52 - 23;
    uint64_t fraction = wide & (((uint64_t)1 << 52) - 1), rest, half;
    if (exponent == 0x7FF - 1023 + 127)
        return sign | 0x7F800000 | (fraction ? 0x400000 : 0);
    if (exponent >= 255)
        return sign | 0x7F800000;
    if (exponent <= 0) { /* a subnormal of float32, or nothing */
        if (exponent < -23)
            return sign;
        fraction |= (uint64_t)1 << 52;
        dropped += 1 - exponent;
        exponent = 0;
    }
    rest = fraction & (((uint64_t)1 << dropped) - 1);
    half = (uint64_t)1 << (dropped - 1);
    rounded = (uint32_t)exponent << 23 | (uint32_t)(fraction >> dropped);
    if (rest > half || (rest == half && (rounded & 1)))
        rounded++; /* may carry into the exponent, and from the largest number to infinity: both are right */
    return sign | rounded;
}

/* One value as the bits of a float32. */
static uint32_t float32_bits(int dtype, const unsigned char *data) {
    switch (dtype) {
    case 0:
        return (uint32_t)little_endian(data, 4);
    case 1:
        return from_float64(little_endian(data, 8));
    case 2:
        return from_float16((uint32_t)little_endian(data, 2));
    case 3:
        return (uint32_t)little_endian(data, 2) << 16;
    default: {
        const float value = (float)(*data < 128 ? *data : *data - 256); /* exact */
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        return bits;
    }
    }
}

static pylstm_status check_finite(const pylstm_modelfile *file, pylstm_error *why) {
    pylstm_tensor tensor;
    size_t value, width;
    int i;
    for (i = 0; i < file->n_tensors; i++) {
        pylstm_safetensors_tensor(file, i, &tensor);
        width = pylstm_safetensors_width(tensor.dtype);
        for (value = 0; value < tensor.count; value++) {
            const unsigned char *at = tensor.data + value * width;
            if ((float32_bits(tensor.dtype, at) & 0x7F800000) != 0x7F800000)
                continue;
            if (width == 8 && (little_endian(at, 8) >> 52 & 0x7FF) != 0x7FF)
                return pylstm_fail(why, PYLSTM_BAD_MODEL, "[float32-range] value %zu of tensor '%s' is too large for a float32",
                                   value, tensor.name);
            return pylstm_fail(why, PYLSTM_BAD_MODEL, "[not-finite] value %zu of tensor '%s' is NaN or infinite", value,
                               tensor.name);
        }
    }
    return PYLSTM_OK;
}

void pylstm_tensor_read_range(const pylstm_tensor *tensor, size_t first, size_t count, float *values) {
    size_t width = pylstm_safetensors_width(tensor->dtype), i;
    for (i = 0; i < count; i++) {
        uint32_t bits = float32_bits(tensor->dtype, tensor->data + (first + i) * width);
        memcpy(values + i, &bits, sizeof bits);
    }
}

void pylstm_tensor_read(const pylstm_tensor *tensor, float *values) {
    pylstm_tensor_read_range(tensor, 0, tensor->count, values);
}

/* --- opening ---------------------------------------------------------------------------------------------------------- */

static pylstm_status check_format(pylstm_modelfile *file, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1], format[PYLSTM_MAX_TEXT + 1], shown[PYLSTM_SHOWN];
    int index = pylstm_safetensors_find_key(file, FORMAT_KEY);
    size_t length;
    if (index < 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[format] this is a safetensors file but not a pylstm model: its metadata has no key '" FORMAT_KEY
                           "'; weights of other libraries become a model through pylstm.convert");
    length = pylstm_safetensors_metadata(file, index, key, format);
    if (strcmp(format, FORMAT) != 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[format] the file says " FORMAT_KEY " '%s'; this version of pylstm reads '" FORMAT
                           "' and a later one may be needed",
                           pylstm_json_show(shown, format, length));
    mark(file->metadata_used, index);
    return PYLSTM_OK;
}

pylstm_status pylstm_modelfile_open(pylstm_modelfile *file, const void *bytes, size_t size, pylstm_error *why) {
    pylstm_status status;
    if (!file)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "file is NULL");
    memset(file, 0, sizeof *file);
    if (!bytes)
        return pylstm_fail(why, PYLSTM_BAD_ARGUMENT, "bytes is NULL; expected the contents of a model file");
    status = pylstm_safetensors_open(file, bytes, size, why);
    if (!status)
        status = check_format(file, why);
    if (!status)
        status = check_finite(file, why); /* last: it is the one check that reads every byte */
    if (status)
        memset(file, 0, sizeof *file);
    return status;
}

/* --- configuration values --------------------------------------------------------------------------------------------- */

/* The text of a key, and its index; the key is not marked yet, because the text may still be refused. */
static pylstm_status find_value(const pylstm_modelfile *file, const char *key, char value[PYLSTM_MAX_TEXT + 1], int *index,
                                pylstm_error *why) {
    char found[PYLSTM_MAX_NAME + 1];
    *index = pylstm_safetensors_find_key(file, key);
    if (*index < 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[missing-key] the metadata has no key '%s', which this configuration calls for", key);
    (void)pylstm_safetensors_metadata(file, *index, found, value);
    return PYLSTM_OK;
}

static const char *skip_digits(const char *text) {
    while (*text >= '0' && *text <= '9')
        text++;
    return text;
}

/* Behind -?(0|[1-9][0-9]*), with which the text must begin; NULL where it does not. */
static const char *skip_integer(const char *text) {
    text += *text == '-';
    if (*text == '0')
        return text + 1;
    return *text >= '1' && *text <= '9' ? skip_digits(text) : NULL;
}

pylstm_status pylstm_modelfile_integer(pylstm_modelfile *file, const char *key, int64_t low, int64_t high, int *value,
                                       pylstm_error *why) {
    char text[PYLSTM_MAX_TEXT + 1], shown[PYLSTM_SHOWN];
    const char *end, *digit;
    int64_t sum = 0;
    int index;
    pylstm_status status = find_value(file, key, text, &index, why);
    if (status)
        return status;
    if (low < INT_MIN)
        low = INT_MIN;
    if (high > INT_MAX)
        high = INT_MAX;
    end = skip_integer(text);
    for (digit = text + (*text == '-'); end && digit < end && sum <= INT_MAX + (int64_t)1; digit++)
        sum = sum * 10 + (*digit - '0');
    if (*text == '-')
        sum = -sum;
    if (!end || *end != '\0' || sum < low || sum > high)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] '%s' is '%s'; expected a whole number from %" PRId64 " to %" PRId64,
                           key, pylstm_json_show(shown, text, strlen(text)), low, high);
    mark(file->metadata_used, index);
    *value = (int)sum;
    return PYLSTM_OK;
}

/* Reads JSON's number grammar, correctly rounded. strtod looks for the decimal point of the locale, so it never sees one: the
 * point is taken out and the exponent lowered by the digits behind it, which is the same number. */
int pylstm_read_number(const char *text, double *value) {
    char digits[PYLSTM_MAX_TEXT + 32], *out = digits;
    const char *end = skip_integer(text), *fraction;
    long exponent = 0;
    int lowered = 0;
    if (!end)
        return 0;
    memcpy(out, text, (size_t)(end - text));
    out += end - text;
    if (*end == '.') {
        fraction = end + 1;
        end = skip_digits(fraction);
        if (end == fraction)
            return 0;
        memcpy(out, fraction, (size_t)(end - fraction));
        out += end - fraction;
        lowered = (int)(end - fraction);
    }
    if (*end == 'e' || *end == 'E') {
        int negative = end[1] == '-';
        const char *digit = end + 1 + (end[1] == '-' || end[1] == '+');
        end = skip_digits(digit);
        if (end == digit)
            return 0;
        for (; digit < end; digit++)
            if (exponent < 100000) /* far beyond what the digits of the longest text can make up for */
                exponent = exponent * 10 + (*digit - '0');
        if (negative)
            exponent = -exponent;
    }
    if (*end != '\0')
        return 0;
    snprintf(out, 32, "e%ld", exponent - lowered);
    *value = strtod(digits, NULL);
    return 1;
}

pylstm_status pylstm_modelfile_number(pylstm_modelfile *file, const char *key, double low, double high, double *value,
                                      pylstm_error *why) {
    char text[PYLSTM_MAX_TEXT + 1], shown[PYLSTM_SHOWN];
    double number = 0;
    int index;
    pylstm_status status = find_value(file, key, text, &index, why);
    if (status)
        return status;
    if (!pylstm_read_number(text, &number) || !(number >= low && number <= high) ||
        number - number != 0) /* the last: infinity */
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] '%s' is '%s'; expected a number from %g to %g", key,
                           pylstm_json_show(shown, text, strlen(text)), low, high);
    mark(file->metadata_used, index);
    *value = number;
    return PYLSTM_OK;
}

pylstm_status pylstm_modelfile_choice(pylstm_modelfile *file, const char *key, const char *const *choices, int *value,
                                      pylstm_error *why) {
    char text[PYLSTM_MAX_TEXT + 1], shown[PYLSTM_SHOWN], list[160];
    size_t used = 0;
    int index, i;
    pylstm_status status = find_value(file, key, text, &index, why);
    if (status)
        return status;
    for (i = 0; choices[i]; i++) {
        if (strcmp(text, choices[i]) == 0) {
            mark(file->metadata_used, index);
            *value = i;
            return PYLSTM_OK;
        }
    }
    list[0] = '\0';
    for (i = 0; choices[i] && used + strlen(choices[i]) + 3 < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", choices[i]);
    return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] '%s' is '%s'; expected one of: %s%s", key,
                       pylstm_json_show(shown, text, strlen(text)), list, choices[i] ? ", ..." : "");
}

pylstm_status pylstm_modelfile_boolean(pylstm_modelfile *file, const char *key, int *value, pylstm_error *why) {
    static const char *const choices[] = {"false", "true", NULL};
    return pylstm_modelfile_choice(file, key, choices, value, why);
}

pylstm_status pylstm_modelfile_text(pylstm_modelfile *file, const char *key, char *text, size_t capacity, pylstm_error *why) {
    char found[PYLSTM_MAX_TEXT + 1];
    size_t length;
    int index;
    pylstm_status status = find_value(file, key, found, &index, why);
    if (status)
        return status;
    length = strlen(found);
    if (length >= capacity)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] '%s' has %zu bytes; expected at most %zu", key, length,
                           capacity ? capacity - 1 : 0);
    memcpy(text, found, length + 1);
    mark(file->metadata_used, index);
    return PYLSTM_OK;
}

int pylstm_modelfile_has(const pylstm_modelfile *file, const char *key) {
    return pylstm_safetensors_find_key(file, key) >= 0;
}

/* --- tensors ---------------------------------------------------------------------------------------------------------- */

/* (4, 8) for a message. */
static void show_shape(char shown[64], int rank, const int64_t *shape) {
    size_t used = 0;
    int i;
    for (i = 0; i < rank && used < 64; i++)
        used += (size_t)snprintf(shown + used, 64 - used, "%s%" PRId64, i ? ", " : "(", shape[i]);
    snprintf(shown + (used < 62 ? used : 62), 2, ")");
}

pylstm_status pylstm_modelfile_tensor(pylstm_modelfile *file, const char *name, const char *dtype, int rank,
                                      const int64_t *shape, pylstm_tensor *tensor, pylstm_error *why) {
    char came[64], expected[64];
    const char *found_dtype;
    int index = pylstm_safetensors_find_tensor(file, name);
    pylstm_tensor found;
    if (index < 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[missing-tensor] the file has no tensor '%s', which this configuration calls for", name);
    pylstm_safetensors_tensor(file, index, &found);
    if (found.rank != rank || memcmp(found.shape, shape, (size_t)rank * sizeof *shape) != 0) {
        show_shape(came, found.rank, found.shape);
        show_shape(expected, rank, shape);
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[tensor-shape] tensor '%s' has shape %s; the configuration calls for %s",
                           name, came, expected);
    }
    found_dtype = pylstm_safetensors_dtype(found.dtype);
    if (dtype ? strcmp(found_dtype, dtype) != 0 : strcmp(found_dtype, "I8") == 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[tensor-dtype] tensor '%s' has dtype %s; the configuration calls for %s",
                           name, found_dtype, dtype ? dtype : "F32, F64, F16 or BF16");
    mark(file->tensor_used, index);
    *tensor = found;
    return PYLSTM_OK;
}

void pylstm_modelfile_metadata_at(const pylstm_modelfile *file, int index, char key[PYLSTM_MAX_NAME + 1],
                                  char value[PYLSTM_MAX_TEXT + 1]) {
    (void)pylstm_safetensors_metadata(file, index, key, value);
}

void pylstm_modelfile_tensor_at(const pylstm_modelfile *file, int index, pylstm_tensor *tensor) {
    pylstm_safetensors_tensor(file, index, tensor);
}

pylstm_status pylstm_modelfile_finish(const pylstm_modelfile *file, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1];
    pylstm_tensor tensor;
    int i;
    for (i = 0; i < file->n_metadata; i++) {
        if (is_marked(file->metadata_used, i))
            continue;
        (void)pylstm_safetensors_metadata(file, i, key, value);
        if (strncmp(key, PYLSTM_INFO, sizeof PYLSTM_INFO - 1) != 0)
            return pylstm_fail(
                why, PYLSTM_BAD_MODEL,
                "[unused-key] nothing in this configuration reads the metadata key '%s'; a note begins with " PYLSTM_INFO, key);
    }
    for (i = 0; i < file->n_tensors; i++) {
        if (is_marked(file->tensor_used, i))
            continue;
        pylstm_safetensors_tensor(file, i, &tensor);
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[unused-tensor] nothing in this configuration reads the tensor '%s'",
                           tensor.name);
    }
    return PYLSTM_OK;
}
