/* A safetensors container in memory, read by stricter rules than its own library's (docs/model-file.md).
 *
 * Opening proves the whole header sound and fills the tables with where each name stands, sorted; what is asked later is read
 * again from there, by the same code, and cannot fail. Nothing is allocated, and no cost grows faster than
 * header * log(names).
 */
#ifndef PYLSTM_MODELFILE_SAFETENSORS_H
#define PYLSTM_MODELFILE_SAFETENSORS_H

#include "modelfile/tensor.h"

#define PYLSTM_MAX_FILE     ((size_t)256 << 20)
#define PYLSTM_MAX_HEADER   ((size_t)1 << 20)
#define PYLSTM_MAX_TENSORS  1024
#define PYLSTM_MAX_METADATA 2048
#define PYLSTM_MAX_TEXT     4096 /* bytes of a metadata value, unescaped */

/* A view of the bytes, with about 18 KB of tables: the caller's stack is fine. Copying it is fine too. */
typedef struct pylstm_safetensors {
    const unsigned char *bytes;
    size_t size;
    const char *header; /* the JSON, header_size bytes */
    size_t header_size;
    const unsigned char *data;
    size_t data_size;
    int n_tensors, n_metadata;
    uint32_t tensor_places[PYLSTM_MAX_TENSORS]; /* where in the header each name's opening quote stands, in file order */
    uint32_t metadata_places[PYLSTM_MAX_METADATA];
    uint16_t tensor_sorted[PYLSTM_MAX_TENSORS]; /* the indices in the order of the names */
    uint16_t metadata_sorted[PYLSTM_MAX_METADATA];
} pylstm_safetensors;

/* Everything that makes the file a sound container. The values of the tensors are not looked at. The bytes must stay where they
 * are while file is used. */
pylstm_status pylstm_safetensors_open(pylstm_safetensors *file, const void *bytes, size_t size, pylstm_error *why);

/* The index of a metadata key, of a tensor; -1 where there is none. */
int pylstm_safetensors_find_key(const pylstm_safetensors *file, const char *key);
int pylstm_safetensors_find_tensor(const pylstm_safetensors *file, const char *name);

/* What stands at an index, in file order: below n_metadata, n_tensors. Returns the number of bytes of the value. */
size_t pylstm_safetensors_metadata(const pylstm_safetensors *file, int index, char key[PYLSTM_MAX_NAME + 1],
                                   char value[PYLSTM_MAX_TEXT + 1]);
void pylstm_safetensors_tensor(const pylstm_safetensors *file, int index, pylstm_tensor *tensor);

#endif
