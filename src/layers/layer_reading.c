/* What every kind of layer reads from a model file. */
#include "layers/layer_reading.h"

#include <stdio.h>
#include <string.h>

/* "layers.3.weight_ih_l0" */
const char *pylstm_layer_key(char name[PYLSTM_MAX_NAME + 1], const pylstm_layer *layer, const char *what, int cell) {
    if (cell < 0) {
        snprintf(name, PYLSTM_MAX_NAME + 1, "layers.%d.%s", layer->index, what);
    } else {
        snprintf(name, PYLSTM_MAX_NAME + 1, "layers.%d.%s_l%d", layer->index, what, cell);
    }
    return name;
}

/* A vector or matrix of floats (dtype NULL: any float dtype) or of one dtype. */
pylstm_status pylstm_layer_tensor(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int cell,
                                  const char *dtype, int64_t rows, int64_t columns, pylstm_tensor *tensor, pylstm_error *why) {
    char name[PYLSTM_MAX_NAME + 1];
    int64_t shape[2];
    shape[0] = rows, shape[1] = columns;
    return pylstm_modelfile_tensor(file, pylstm_layer_key(name, layer, what, cell), dtype, columns ? 2 : 1, shape, tensor, why);
}

/* A weight matrix in the layer's precision, with its scales where that is int8. */
pylstm_status pylstm_layer_matrix(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows,
                                  int64_t columns, pylstm_tensor *matrix, pylstm_tensor *scales, pylstm_error *why) {
    static const char *const dtypes[] = {NULL, "BF16", "I8"};
    char scale[32];
    const pylstm_status status =
        pylstm_layer_tensor(file, layer, what, cell, dtypes[layer->precision], rows, columns, matrix, why);
    if (status || layer->precision != PYLSTM_WEIGHTS_INT8)
        return status;
    snprintf(scale, sizeof scale, cell < 0 ? "%s_scale" : "%s_l%d_scale", what, cell);
    return pylstm_layer_tensor(file, layer, scale, -1, NULL, rows, 0, scales, why);
}

/* For tensors that the read pass has already found. */
pylstm_tensor pylstm_layer_vector(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows) {
    pylstm_tensor tensor;
    memset(&tensor, 0, sizeof tensor);
    pylstm_layer_tensor(file, layer, what, cell, NULL, rows, 0, &tensor, NULL);
    return tensor;
}

pylstm_status pylstm_layer_size(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int64_t high, int *value,
                                pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    return pylstm_modelfile_integer(file, pylstm_layer_key(key, layer, what, -1), 1, high, value, why);
}

/* layers.<index>.precision, which is there unless weights are float32. */
pylstm_status pylstm_layer_precision(pylstm_modelfile *file, pylstm_layer *layer, pylstm_error *why) {
    static const char *const precisions[] = {"bf16", "int8", NULL};
    char key[PYLSTM_MAX_NAME + 1];
    pylstm_status status;
    if (!pylstm_modelfile_has(file, pylstm_layer_key(key, layer, "precision", -1)))
        return PYLSTM_OK;
    if ((status = pylstm_modelfile_choice(file, key, precisions, &layer->precision, why)))
        return status;
    layer->precision++; /* PYLSTM_WEIGHTS_BFLOAT16, PYLSTM_WEIGHTS_INT8 */
#ifdef PYLSTM_FLOAT_ONLY
    return pylstm_fail(why, PYLSTM_NOT_BUILT, "layers.%d has %s weights; this build of pylstm has kernels for float32 only",
                       layer->index, precisions[layer->precision - 1]);
#else
    return PYLSTM_OK;
#endif
}

pylstm_status pylstm_layer_bias(pylstm_modelfile *file, pylstm_layer *layer, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    return pylstm_modelfile_boolean(file, pylstm_layer_key(key, layer, "bias", -1), &layer->bias, why);
}

/* Room for the packed weights of n_blocks blocks; measures only while the arena has no memory. */
void pylstm_take_packed(pylstm_arena *arena, pylstm_packing *to, size_t n_blocks, int n_matrices, float *row_values) {
    const size_t lanes = n_blocks * (size_t)to->n_vectors * PYLSTM_UNITS, n_weights = to->block_rows * lanes;
    const size_t n_scales = to->precision == PYLSTM_WEIGHTS_INT8 ? lanes * (size_t)n_matrices : 0;
    to->weights = pylstm_arena_take(arena, n_weights, sizeof *to->weights);
    to->scale = pylstm_arena_take(arena, n_scales, sizeof *to->scale);
    to->offset = pylstm_arena_take(arena, n_scales, sizeof *to->offset);
    to->row_values = row_values;
    if (!to->weights)
        return;
    memset(to->weights, 0, n_weights * sizeof *to->weights);
    memset(to->scale, 0, n_scales * sizeof *to->scale);
    memset(to->offset, 0, n_scales * sizeof *to->offset);
}
