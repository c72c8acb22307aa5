/* The model file: safetensors in memory -> configuration values and tensors, or the rule that it breaks.
 *
 * Nothing here allocates: a modelfile is a view of the bytes. modelfile_open proves the container sound; the typed getters then
 * take what the model calls for and mark it as used; modelfile_finish refuses whatever was left over. So the set of names is
 * exactly the set that the configuration asks for. Every failure is PYLSTM_BAD_MODEL with a message that begins with the rule's
 * name in square brackets, "[duplicate-key] ...".
 */
#ifndef PYLSTM_MODELFILE_H
#define PYLSTM_MODELFILE_H

#include "platform/errors.h"

#define PYLSTM_MAX_FILE      ((size_t)256 << 20)
#define PYLSTM_MAX_HEADER    ((size_t)1 << 20)
#define PYLSTM_MAX_TENSORS   1024
#define PYLSTM_MAX_METADATA  2048
#define PYLSTM_MAX_NAME      128  /* bytes of a tensor name or a metadata key */
#define PYLSTM_MAX_TEXT      4096 /* bytes of a metadata value, unescaped */
#define PYLSTM_MAX_RANK      4
#define PYLSTM_MAX_DIMENSION 65536

typedef struct pylstm_tensor {
    char name[PYLSTM_MAX_NAME + 1];
    int dtype; /* index into F32, F64, F16, BF16, I8 */
    int rank;
    int64_t shape[PYLSTM_MAX_RANK];
    size_t count;              /* number of values */
    const unsigned char *data; /* any alignment, little endian */
} pylstm_tensor;

/* A view, about 20 KB of tables: the caller's stack is fine. Copying it is fine too. The fields are for the reader alone. */
typedef struct pylstm_modelfile {
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
    unsigned char tensor_used[PYLSTM_MAX_TENSORS / 8];
    unsigned char metadata_used[PYLSTM_MAX_METADATA / 8];
} pylstm_modelfile;

/* Validates the whole container, weights' finiteness included, and takes the key pylstm.format. The bytes must stay where they
 * are while file is used. After a failure file is an empty one. */
pylstm_status pylstm_modelfile_open(pylstm_modelfile *file, const void *bytes, size_t size, pylstm_error *why);

/* Configuration values. Each is a string in the file, read by a strict grammar, checked against its range, marked as used. A
 * missing key is a failure. */
pylstm_status pylstm_modelfile_integer(pylstm_modelfile *file, const char *key, int64_t low, int64_t high, int *value,
                                       pylstm_error *why);
pylstm_status pylstm_modelfile_number(pylstm_modelfile *file, const char *key, double low, double high, double *value,
                                      pylstm_error *why);
pylstm_status pylstm_modelfile_boolean(pylstm_modelfile *file, const char *key, int *value, pylstm_error *why); /* true/false */
/* choices: a NULL-terminated list; *value is the index of the one that stands in the file. */
pylstm_status pylstm_modelfile_choice(pylstm_modelfile *file, const char *key, const char *const *choices, int *value,
                                      pylstm_error *why);
/* Text of at most capacity - 1 bytes, terminated, without NUL inside. */
pylstm_status pylstm_modelfile_text(pylstm_modelfile *file, const char *key, char *text, size_t capacity, pylstm_error *why);
/* A number by the strict grammar of JSON, whatever the locale is; text has at most PYLSTM_MAX_TEXT bytes. 0: it is none. */
int pylstm_read_number(const char *text, double *value);
/* Whether a key is there; marks nothing. */
int pylstm_modelfile_has(const pylstm_modelfile *file, const char *key);

/* A tensor of exactly this shape and dtype; dtype NULL: any of F32, F64, F16 and BF16. */
pylstm_status pylstm_modelfile_tensor(pylstm_modelfile *file, const char *name, const char *dtype, int rank,
                                      const int64_t *shape, pylstm_tensor *tensor, pylstm_error *why);
/* Its values as float32, count of them, native order. */
void pylstm_tensor_read(const pylstm_tensor *tensor, float *values);
/* count of them from the given one on: a row of a matrix. */
void pylstm_tensor_read_range(const pylstm_tensor *tensor, size_t first, size_t count, float *values);

/* What keys begin with that are for people and programs around a model: no getter asks for them. */
#define PYLSTM_INFO "info."

/* Nothing may be left that no getter asked for, except metadata below PYLSTM_INFO. */
pylstm_status pylstm_modelfile_finish(const pylstm_modelfile *file, pylstm_error *why);

/* Everything in file order, for those who show a file rather than run it. index < n_metadata, n_tensors. */
void pylstm_modelfile_metadata_at(const pylstm_modelfile *file, int index, char key[PYLSTM_MAX_NAME + 1],
                                  char value[PYLSTM_MAX_TEXT + 1]);
void pylstm_modelfile_tensor_at(const pylstm_modelfile *file, int index, pylstm_tensor *tensor);

#endif
