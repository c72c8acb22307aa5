/* The container of a model file: safetensors, read by stricter rules than its own library's (docs/model-file.md).
 *
 * Opening proves the whole header sound and fills the tables of pylstm_modelfile with where each name stands, sorted; what is
 * asked later is read again from there, by the same code, and cannot fail. No cost grows faster than header * log(names).
 */
#ifndef PYLSTM_SAFETENSORS_H
#define PYLSTM_SAFETENSORS_H

#include "modelfile/modelfile.h"

/* The name of a dtype, by the index that pylstm_tensor.dtype holds. */
const char *pylstm_safetensors_dtype(int dtype);

/* Bytes of one value, by the index that pylstm_tensor.dtype holds. */
size_t pylstm_safetensors_width(int dtype);

/* Everything that makes the file a sound container. The values of the tensors are not looked at. */
pylstm_status pylstm_safetensors_open(pylstm_modelfile *file, const void *bytes, size_t size, pylstm_error *why);

/* The index of a metadata key, of a tensor; -1 where there is none. */
int pylstm_safetensors_find_key(const pylstm_modelfile *file, const char *key);
int pylstm_safetensors_find_tensor(const pylstm_modelfile *file, const char *name);

/* What stands at an index. Returns the number of bytes of the value. */
size_t pylstm_safetensors_metadata(const pylstm_modelfile *file, int index, char key[PYLSTM_MAX_NAME + 1],
                                   char value[PYLSTM_MAX_TEXT + 1]);
void pylstm_safetensors_tensor(const pylstm_modelfile *file, int index, pylstm_tensor *tensor);

#endif
