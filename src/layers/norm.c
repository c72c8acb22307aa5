/* The layer kind norm: layer norm over the channels of each position. layer->packed: a pylstm_norm_weights. */
#include "kernels/norm_kernels.h"
#include "layers/layer_reading.h"

#if PYLSTM_KIND_norm

typedef struct norm_config {
    double eps;
    int affine, positions;
} norm_config;
PYLSTM_CHECK_LAYER_CONFIG(norm_config);

static const norm_config *norm_config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

static pylstm_status norm_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    norm_config *config = (void *)layer->config;
    char key[PYLSTM_MAX_NAME + 1];
    pylstm_tensor tensor;
    int channels;
    layer->output_size = layer->input_size;
    PYLSTM_TRY(pylstm_layer_positions(file, layer, layer->input_size, &config->positions, why));
    channels = layer->input_size / config->positions;
    PYLSTM_TRY(pylstm_config_number(file, pylstm_layer_key(key, layer, "eps", -1), 1e-30, 1e30, &config->eps, why));
    PYLSTM_TRY(pylstm_config_boolean(file, pylstm_layer_key(key, layer, "affine", -1), &config->affine, why));
    if (!config->affine)
        return PYLSTM_OK;
    PYLSTM_TRY(pylstm_layer_tensor(file, layer, "weight", -1, PYLSTM_DTYPE_ANY_FLOAT, channels, 0, &tensor, why));
    return pylstm_layer_tensor(file, layer, "bias", -1, PYLSTM_DTYPE_ANY_FLOAT, channels, 0, &tensor, why);
}

static void norm_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena) {
    const norm_config *config = norm_config_of(layer);
    const int channels = layer->input_size / config->positions;
    const size_t padded = pylstm_padded(channels);
    pylstm_norm_weights *packed = pylstm_arena_take(arena, 1, sizeof *packed);
    float *weight = pylstm_arena_take(arena, padded, sizeof *weight);
    float *bias = pylstm_arena_take(arena, padded, sizeof *bias);
    layer->packed = packed;
    if (!packed || !weight || !bias)
        return;
    for (size_t k = 0; k < padded; k++) {
        weight[k] = 1.0f;
        bias[k] = 0.0f;
    }
    if (config->affine) {
        const pylstm_tensor weights = pylstm_layer_vector(file, layer, "weight", -1, channels);
        const pylstm_tensor biases = pylstm_layer_vector(file, layer, "bias", -1, channels);
        pylstm_tensor_read(&weights, weight);
        pylstm_tensor_read(&biases, bias);
    }
    *packed = (pylstm_norm_weights){
        .positions = config->positions,
        .channels = channels,
        .eps = config->eps,
        .weight = weight,
        .bias = bias,
    };
}

/* Two sums of doubles, a division and the rest for each value; the sums' lanes and a root for each position. */
static uint64_t norm_operations(const pylstm_layer *layer) {
    return 20 * (uint64_t)layer->input_size + 400 * (uint64_t)norm_config_of(layer)->positions;
}

static void norm_rows_of(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y) {
    (void)scratch;
    layer->kernels->norm->rows(layer->packed, x, n_rows, y);
}

const pylstm_layer_kind pylstm_layer_norm = {
    .name = "norm",
    .format = 2,
    .keeps_positions = 1,
    .read = norm_read,
    .pack = norm_pack,
    .operations = norm_operations,
    .rows = norm_rows_of,
};

#endif
