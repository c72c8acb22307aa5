/* A tensor of a model file: its dtype, its shape, and its values as float32. */
#ifndef PYLSTM_MODELFILE_TENSOR_H
#define PYLSTM_MODELFILE_TENSOR_H

#include "platform/errors.h"

#define PYLSTM_MAX_NAME      128 /* bytes of a tensor name or a metadata key */
#define PYLSTM_MAX_RANK      4
#define PYLSTM_MAX_DIMENSION 65536

typedef enum pylstm_dtype {
    PYLSTM_DTYPE_F32,
    PYLSTM_DTYPE_F64,
    PYLSTM_DTYPE_F16,
    PYLSTM_DTYPE_BF16,
    PYLSTM_DTYPE_I8,
    PYLSTM_N_DTYPES,
    PYLSTM_DTYPE_ANY_FLOAT = PYLSTM_N_DTYPES /* no tensor has it: for callers who take any of F32, F64, F16 and BF16 */
} pylstm_dtype;

typedef struct pylstm_tensor {
    char name[PYLSTM_MAX_NAME + 1];
    pylstm_dtype dtype;
    int rank;
    int64_t shape[PYLSTM_MAX_RANK];
    size_t count;              /* number of values */
    const unsigned char *data; /* any alignment, little endian */
} pylstm_tensor;

/* "F32", and for PYLSTM_DTYPE_ANY_FLOAT the list of what it stands for. */
const char *pylstm_dtype_name(pylstm_dtype dtype);
/* Bytes of one value. */
size_t pylstm_dtype_width(pylstm_dtype dtype);

/* Whether every value is finite, as float32 too. */
pylstm_status pylstm_tensor_check_finite(const pylstm_tensor *tensor, pylstm_error *why);

/* The values as float32, count of them, native order. */
void pylstm_tensor_read(const pylstm_tensor *tensor, float *values);
/* count of them from the given one on: a row of a matrix. */
void pylstm_tensor_read_range(const pylstm_tensor *tensor, size_t first, size_t count, float *values);

#endif
