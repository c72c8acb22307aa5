/* A model file: a safetensors container whose metadata is the configuration of a model.
 *
 * Nothing here allocates: an opened file is a view of the bytes. pylstm_model_file_open proves the container sound; the getters
 * here and in configuration.h then take what the model calls for and mark it as used; pylstm_model_file_finish refuses whatever
 * was left over. So the set of names is exactly the set that the configuration asks for. Every failure is PYLSTM_BAD_MODEL with
 * a message that begins with the rule's name in square brackets, "[duplicate-key] ...".
 */
#ifndef PYLSTM_MODELFILE_MODEL_FILE_H
#define PYLSTM_MODELFILE_MODEL_FILE_H

#include "modelfile/safetensors.h"

/* The prefix of keys that are for people and for programs around a model; no getter reads them. */
#define PYLSTM_INFO "info."

/* Formats of model files. 2: every kind of layer, names and inputs of layers. */
#define PYLSTM_NEWEST_FORMAT 2

typedef struct pylstm_model_file {
    pylstm_safetensors container;
    int format;                                        /* 1 to PYLSTM_NEWEST_FORMAT */
    unsigned char tensor_used[PYLSTM_MAX_TENSORS / 8]; /* a bit for each index in the container */
    unsigned char metadata_used[PYLSTM_MAX_METADATA / 8];
} pylstm_model_file;

/* Validates the whole container, its checksum and weights' finiteness included, and takes the keys pylstm.format and
 * pylstm.checksum. After a failure file is an empty one. */
pylstm_status pylstm_model_file_open(pylstm_model_file *file, const void *bytes, size_t size, pylstm_error *why);

/* Takes a tensor of exactly this shape and dtype, which may be PYLSTM_DTYPE_ANY_FLOAT. */
pylstm_status pylstm_model_file_tensor(pylstm_model_file *file, const char *name, pylstm_dtype dtype, int rank,
                                       const int64_t *shape, pylstm_tensor *tensor, pylstm_error *why);

/* Marks a metadata key as used: for the getters of configuration.h. */
void pylstm_model_file_use_key(pylstm_model_file *file, int index);

/* Marks all metadata below a prefix as used. Returns how much there is. */
int pylstm_model_file_use_below(pylstm_model_file *file, const char *prefix);

/* Refuses whatever no getter has asked for, except metadata below PYLSTM_INFO. */
pylstm_status pylstm_model_file_finish(const pylstm_model_file *file, pylstm_error *why);

#endif
