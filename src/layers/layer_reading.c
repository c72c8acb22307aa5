/* What every kind of layer reads from a model file. */
#include "layers/layer_reading.h"
#include "platform/formatted_text.h"

#define SMALLEST_LIMIT 1e-30
#define LARGEST_LIMIT  3e38

const char *pylstm_layer_key(char name[PYLSTM_MAX_NAME + 1], const pylstm_layer *layer, const char *what, int cell) {
    if (cell < 0) {
        pylstm_format(name, PYLSTM_MAX_NAME + 1, "layers.%d.%s", layer->index, what);
    } else {
        pylstm_format(name, PYLSTM_MAX_NAME + 1, "layers.%d.%s_l%d", layer->index, what, cell);
    }
    return name;
}

pylstm_status pylstm_layer_tensor(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int cell,
                                  pylstm_dtype dtype, int64_t rows, int64_t columns, pylstm_tensor *tensor, pylstm_error *why) {
    char name[PYLSTM_MAX_NAME + 1];
    const int64_t shape[2] = {rows, columns};
    return pylstm_model_file_tensor(file, pylstm_layer_key(name, layer, what, cell), dtype, columns ? 2 : 1, shape, tensor,
                                    why);
}

/* Of weights, by precision. */
static const pylstm_dtype weight_dtypes[] = {PYLSTM_DTYPE_ANY_FLOAT, PYLSTM_DTYPE_BF16, PYLSTM_DTYPE_I8};

/* The value of a step in each row of int8 weights. */
static pylstm_status read_scales(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows,
                                 pylstm_tensor *scales, pylstm_error *why) {
    char scale[32];
    if (layer->precision != PYLSTM_WEIGHTS_INT8)
        return PYLSTM_OK;
    pylstm_format(scale, sizeof scale, cell < 0 ? "%s_scale" : "%s_l%d_scale", what, cell);
    return pylstm_layer_tensor(file, layer, scale, -1, PYLSTM_DTYPE_ANY_FLOAT, rows, 0, scales, why);
}

pylstm_status pylstm_layer_matrix(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows,
                                  int64_t columns, pylstm_tensor *matrix, pylstm_tensor *scales, pylstm_error *why) {
    PYLSTM_TRY(pylstm_layer_tensor(file, layer, what, cell, weight_dtypes[layer->precision], rows, columns, matrix, why));
    return read_scales(file, layer, what, cell, rows, scales, why);
}

pylstm_status pylstm_layer_kernel(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int rank,
                                  const int64_t *shape, pylstm_tensor *kernel, pylstm_tensor *scales, pylstm_error *why) {
    char name[PYLSTM_MAX_NAME + 1];
    pylstm_layer_key(name, layer, what, -1);
    PYLSTM_TRY(pylstm_model_file_tensor(file, name, weight_dtypes[layer->precision], rank, shape, kernel, why));
    return read_scales(file, layer, what, -1, shape[0], scales, why);
}

pylstm_tensor pylstm_layer_vector(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int cell,
                                  int64_t rows) {
    pylstm_tensor tensor = {.rank = 0};
    pylstm_layer_tensor(file, layer, what, cell, PYLSTM_DTYPE_ANY_FLOAT, rows, 0, &tensor, NULL);
    return tensor;
}

pylstm_status pylstm_layer_limit(pylstm_model_file *file, const pylstm_layer *layer, const char *what, float without,
                                 float *limit, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    double value;
    *limit = without;
    if (!pylstm_config_has(file, pylstm_layer_key(key, layer, what, -1)))
        return PYLSTM_OK;
    PYLSTM_TRY(pylstm_config_number(file, key, SMALLEST_LIMIT, LARGEST_LIMIT, &value, why));
    *limit = (float)value;
    return PYLSTM_OK;
}

pylstm_status pylstm_layer_size(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int64_t high, int *value,
                                pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    return pylstm_config_integer(file, pylstm_layer_key(key, layer, what, -1), 1, high, value, why);
}

pylstm_status pylstm_layer_precision(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    static const char *const precisions[] = {"bf16", "int8", NULL}, *const left_out[] = {"PYLSTM_NO_BFLOAT16",
                                                                                         "PYLSTM_NO_INT8"};
    char key[PYLSTM_MAX_NAME + 1];
    if (!pylstm_config_has(file, pylstm_layer_key(key, layer, "precision", -1)))
        return PYLSTM_OK;
    PYLSTM_TRY(pylstm_config_choice(file, key, precisions, &layer->precision, why));
    layer->precision++; /* PYLSTM_WEIGHTS_BFLOAT16, PYLSTM_WEIGHTS_INT8 */
    if (PYLSTM_PRECISION(layer) == layer->precision)
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_NOT_BUILT,
                       "layers.%d.precision is %s; expected a precision that this build of pylstm has kernels for, or a build "
                       "without %s and PYLSTM_FLOAT_ONLY",
                       layer->index, precisions[layer->precision - 1], left_out[layer->precision - 1]);
}

pylstm_status pylstm_layer_bias(pylstm_model_file *file, const pylstm_layer *layer, int *bias, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    return pylstm_config_boolean(file, pylstm_layer_key(key, layer, "bias", -1), bias, why);
}

pylstm_status pylstm_layer_positions(pylstm_model_file *file, pylstm_layer *layer, int width, int *positions,
                                     pylstm_error *why) {
    PYLSTM_TRY(pylstm_layer_size(file, layer, "positions", PYLSTM_MAX_SIZE, positions, why));
    if (width % *positions) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[value] layers.%d.positions is %d; expected a divisor of %d, the row's width", layer->index,
                           *positions, width);
    }
    layer->input_positions = layer->output_positions = *positions;
    return PYLSTM_OK;
}
