/* The layer kind dense: y = activation(W x + b). layer->packed: a pylstm_dense_weights. */
#include "kernels/dense_kernels.h"
#include "layers/activation_function.h"

#include <string.h>

typedef struct dense_config {
    int bias;
    pylstm_activation activation;
} dense_config;
PYLSTM_CHECK_LAYER_CONFIG(dense_config);

static const dense_config *dense_config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

static pylstm_status dense_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    dense_config *config = (void *)layer->config;
    pylstm_tensor tensor, scales;
    PYLSTM_TRY(pylstm_layer_precision(file, layer, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "output_size", PYLSTM_MAX_SIZE, &layer->output_size, why));
    PYLSTM_TRY(pylstm_layer_read_activation(file, layer, &config->activation, why));
    PYLSTM_TRY(pylstm_layer_bias(file, layer, &config->bias, why));
    PYLSTM_TRY(pylstm_layer_matrix(file, layer, "weight", -1, layer->output_size, layer->input_size, &tensor, &scales, why));
    return config->bias
               ? pylstm_layer_tensor(file, layer, "bias", -1, PYLSTM_DTYPE_ANY_FLOAT, layer->output_size, 0, &tensor, why)
               : PYLSTM_OK;
}

static void dense_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena) {
    const size_t padded = pylstm_padded(layer->output_size), input_size = (size_t)layer->input_size;
    pylstm_packing to = {
        .precision = layer->precision,
        .n_vectors = 1,
        .block_rows = pylstm_packed_rows(input_size, layer->precision),
    };
    pylstm_dense_weights *packed = pylstm_arena_take(arena, 1, sizeof *packed);
    float *row_values = pylstm_arena_take(arena, input_size, sizeof *row_values); /* only while packing */
    float *bias = pylstm_arena_take(arena, padded, sizeof *bias);
    pylstm_tensor matrix, scales;
    pylstm_packing_take(&to, arena, padded / PYLSTM_UNITS, 1, row_values);
    layer->packed = packed;
    if (!packed || !bias || !to.weights ||
        pylstm_layer_matrix(file, layer, "weight", -1, layer->output_size, layer->input_size, &matrix, &scales, NULL))
        return;
    pylstm_pack(&to, &matrix, &scales, 0, layer->output_size, layer->input_size, 0);
    memset(bias, 0, padded * sizeof *bias);
    if (dense_config_of(layer)->bias) {
        const pylstm_tensor tensor = pylstm_layer_vector(file, layer, "bias", -1, layer->output_size);
        pylstm_tensor_read(&tensor, bias);
    }
    *packed = (pylstm_dense_weights){
        .precision = layer->precision,
        .input_size = layer->input_size,
        .output_size = layer->output_size,
        .weights = to.weights,
        .bias = bias,
        .scale = to.scale,
        .offset = to.offset,
    };
}

/* Room for one row: rows are rounded to the precision of the weights one at a time. */
static size_t dense_scratch_size(const pylstm_layer *layer, size_t n_rows) {
    (void)n_rows;
    return layer->precision ? pylstm_column_room(layer->input_size) / sizeof(float) : 0;
}

static void dense_rows(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y) {
    const pylstm_activation *activation = &dense_config_of(layer)->activation;
    layer->kernels->dense->forward(layer->packed, x, n_rows, y, (unsigned char *)scratch);
    for (int row = 0; row < n_rows; row++)
        layer->kernels->activation->apply(activation, y[row], y[row], layer->output_size);
}

const pylstm_layer_kind pylstm_layer_dense = {
    .name = "dense",
    .format = 1,
    .read = dense_read,
    .pack = dense_pack,
    .scratch_size = dense_scratch_size,
    .rows = dense_rows,
};
