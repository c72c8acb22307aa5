/* For fuzzers of model files: nearly every change makes the checksum wrong, and then nothing behind it is reached. */
#ifndef FITTED_CHECKSUM_H
#define FITTED_CHECKSUM_H

#include "modelfile/checksum.h"

#include <string.h>

/* Writes the checksum that the content calls for into a file that still is a container with such an entry. */
static inline void fit_checksum(unsigned char *bytes, size_t size) {
    const size_t length = PYLSTM_CHECKSUM_SIZE - 1;
    char key[PYLSTM_MAX_NAME + 1], value[PYLSTM_MAX_TEXT + 1], fitting[PYLSTM_CHECKSUM_SIZE];
    pylstm_safetensors file;
    int index;
    if (pylstm_safetensors_open(&file, bytes, size, NULL))
        return;
    index = pylstm_safetensors_find_key(&file, PYLSTM_CHECKSUM_KEY);
    if (index < 0 || pylstm_safetensors_metadata(&file, index, key, value) != length)
        return;
    pylstm_checksum_of(&file, fitting);
    for (size_t at = file.metadata_places[index]; at + length <= file.header_size; at++) {
        if (memcmp(file.header + at, value, length) == 0) { /* else it is spelt with escapes */
            memcpy(bytes + 8 + at, fitting, length);
            return;
        }
    }
}

#endif
