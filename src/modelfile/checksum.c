/* The checksum of a model file. A NUL ends each text, which holds none, so that different contents are different sums. */
#include "modelfile/checksum.h"
#include "modelfile/json.h"
#include "platform/crc32.h"
#include "platform/formatted_text.h"

#include <string.h>

/* Keys and values in the order of the keys, but for the checksum. */
static void add_metadata(pylstm_crc32 *crc, const pylstm_safetensors *file) {
    char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1];
    for (int k = 0; k < file->n_metadata; k++) {
        const size_t length = pylstm_safetensors_metadata(file, file->metadata_sorted[k], key, value);
        if (strcmp(key, PYLSTM_CHECKSUM_KEY) == 0)
            continue;
        pylstm_crc32_add(crc, key, strlen(key) + 1);
        pylstm_crc32_add(crc, value, length + 1);
    }
}

/* Name, dtype, shape and values in the order of the names. */
static void add_tensors(pylstm_crc32 *crc, const pylstm_safetensors *file) {
    for (int k = 0; k < file->n_tensors; k++) {
        pylstm_tensor tensor;
        const char *dtype;
        pylstm_safetensors_tensor(file, file->tensor_sorted[k], &tensor);
        dtype = pylstm_dtype_name(tensor.dtype);
        pylstm_crc32_add(crc, tensor.name, strlen(tensor.name) + 1);
        pylstm_crc32_add(crc, dtype, strlen(dtype) + 1);
        for (int axis = 0; axis < tensor.rank; axis++) {
            char size[24];
            const int length = pylstm_format(size, sizeof size, "%s%d", axis ? "," : "", (int)tensor.shape[axis]);
            pylstm_crc32_add(crc, size, (size_t)length);
        }
        pylstm_crc32_add(crc, "", 1);
        pylstm_crc32_add(crc, tensor.data, tensor.count * pylstm_dtype_width(tensor.dtype));
    }
}

void pylstm_checksum_of(const pylstm_safetensors *file, char checksum[PYLSTM_CHECKSUM_SIZE]) {
    pylstm_crc32 crc;
    pylstm_crc32_begin(&crc);
    add_metadata(&crc, file);
    pylstm_crc32_add(&crc, "", 1);
    add_tensors(&crc, file);
    memcpy(checksum, "crc32:", 6);
    for (int k = 0; k < 8; k++)
        checksum[6 + k] = "0123456789abcdef"[crc.value >> (28 - 4 * k) & 0xF];
    checksum[14] = '\0';
}

/* The header of a sound container may say the same with capital digits in an escape or with small ones, and with a tab between
 * tokens or a carriage return, which are each a flipped bit apart: here small digits and tabs are what is taken.
 * (In a string a carriage return is an escape.) */
static pylstm_status check_spelling(const pylstm_safetensors *file, pylstm_error *why) {
    const char *text = file->header;
    for (size_t at = 0; at < file->header_size; at++) {
        if (text[at] == '\r')
            return pylstm_fail(why, PYLSTM_BAD_MODEL,
                               "[checksum] byte %zu of the header is a carriage return; expected none in a file with a "
                               "'" PYLSTM_CHECKSUM_KEY "': remove that entry, or write line ends alone",
                               at);
        if (text[at] != '\\')
            continue;
        if (text[++at] != 'u')
            continue;
        for (int digit = 0; digit < 4; digit++)
            if (text[++at] >= 'A' && text[at] <= 'F')
                return pylstm_fail(why, PYLSTM_BAD_MODEL,
                                   "[checksum] byte %zu of the header is a capital digit of an escape; expected small ones in "
                                   "a file with a '" PYLSTM_CHECKSUM_KEY "': remove that entry, or write a to f",
                                   at);
    }
    return PYLSTM_OK;
}

pylstm_status pylstm_checksum_check(const pylstm_safetensors *file, int index, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1], found[PYLSTM_MAX_TEXT + 1], expected[PYLSTM_CHECKSUM_SIZE], shown[PYLSTM_SHOWN];
    const size_t length = pylstm_safetensors_metadata(file, index, key, found);
    pylstm_checksum_of(file, expected);
    if (strcmp(found, expected) != 0)
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[checksum] '" PYLSTM_CHECKSUM_KEY "' is '%s'; expected '%s', which is that of this content: the "
                           "file is damaged; copy it again, or, if a program has changed it on purpose, remove the entry "
                           "'" PYLSTM_CHECKSUM_KEY "' from its metadata (docs/model-file.md shows how)",
                           pylstm_json_show(shown, found, length), expected);
    return check_spelling(file, why);
}
