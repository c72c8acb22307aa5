/* The layer kind activation: a function of each value, or of the row. layer->packed: prelu's slopes for a whole row. */
#include "layers/activation_function.h"

#include <float.h>
#include <string.h>

typedef struct activation_config {
    pylstm_activation activation;
    int n_slopes; /* of prelu: 1, or one for each channel */
} activation_config;
PYLSTM_CHECK_LAYER_CONFIG(activation_config);

static const activation_config *activation_config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

static pylstm_status read_parameter(pylstm_model_file *file, const pylstm_layer *layer, const char *name, double low,
                                    float *value, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    double number = 0;
    PYLSTM_TRY(pylstm_config_number(file, pylstm_layer_key(key, layer, name, -1), low, FLT_MAX, &number, why));
    *value = (float)number;
    return PYLSTM_OK;
}

static pylstm_status read_slopes(pylstm_model_file *file, pylstm_layer *layer, int *n_slopes, pylstm_error *why) {
    pylstm_tensor tensor;
    int positions, channels;
    PYLSTM_TRY(pylstm_layer_positions(file, layer, layer->input_size, &positions, why));
    channels = layer->input_size / positions;
    PYLSTM_TRY(pylstm_layer_size(file, layer, "num_parameters", channels, n_slopes, why));
    if (*n_slopes != 1 && *n_slopes != channels) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] layers.%d.num_parameters is %d; expected 1 or %d, one for each channel",
                           layer->index, *n_slopes, channels);
    }
    return pylstm_layer_tensor(file, layer, "weight", -1, PYLSTM_DTYPE_ANY_FLOAT, *n_slopes, 0, &tensor, why);
}

static pylstm_status activation_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    activation_config *config = (void *)layer->config;
    pylstm_activation *activation = &config->activation;
    char key[PYLSTM_MAX_NAME + 1];
    layer->output_size = layer->input_size;
    pylstm_layer_key(key, layer, "function", -1);
    PYLSTM_TRY(pylstm_config_choice(file, key, pylstm_activation_names, &activation->function, why));
    layer->independent_outputs = activation->function == PYLSTM_SIGMOID || activation->function == PYLSTM_HARD_SIGMOID;
    switch (activation->function) {
    case PYLSTM_LEAKY_RELU:
    case PYLSTM_ELU:
        return read_parameter(file, layer, "alpha", -FLT_MAX, &activation->first, why);
    case PYLSTM_CLIPPED_RELU:
        PYLSTM_TRY(read_parameter(file, layer, "low", -FLT_MAX, &activation->first, why));
        return read_parameter(file, layer, "high", activation->first, &activation->second, why);
    case PYLSTM_HARD_SIGMOID:
        PYLSTM_TRY(read_parameter(file, layer, "slope", -FLT_MAX, &activation->first, why));
        return read_parameter(file, layer, "offset", -FLT_MAX, &activation->second, why);
    case PYLSTM_LOG:
        return read_parameter(file, layer, "floor", FLT_MIN, &activation->first, why);
    case PYLSTM_PRELU:
        return read_slopes(file, layer, &config->n_slopes, why);
    default:
        return PYLSTM_OK;
    }
}

static void activation_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena) {
    const int n_slopes = activation_config_of(layer)->n_slopes;
    const size_t padded = pylstm_padded(layer->input_size);
    float *values, *slopes;
    if (!n_slopes)
        return;
    values = pylstm_arena_take(arena, (size_t)n_slopes, sizeof *values); /* only while packing */
    slopes = pylstm_arena_take(arena, padded, sizeof *slopes);
    layer->packed = slopes;
    if (!values || !slopes)
        return;
    const pylstm_tensor weight = pylstm_layer_vector(file, layer, "weight", -1, n_slopes);
    pylstm_tensor_read(&weight, values);
    memset(slopes, 0, padded * sizeof *slopes);
    for (int k = 0; k < layer->input_size; k++)
        slopes[k] = values[k % n_slopes]; /* channels stand side by side in each position */
}

static uint64_t activation_operations(const pylstm_layer *layer) {
    return pylstm_activation_operations(&activation_config_of(layer)->activation, layer->input_size) + 100;
}

static void activation_rows(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y) {
    const pylstm_activation_kernels *kernels = layer->kernels->activation;
    const pylstm_activation *activation = &activation_config_of(layer)->activation;
    (void)scratch;
    for (int row = 0; row < n_rows; row++) {
        if (activation->function == PYLSTM_PRELU) {
            kernels->prelu(layer->packed, x[row], y[row], layer->input_size);
        } else {
            kernels->apply(activation, x[row], y[row], layer->input_size);
        }
    }
}

const pylstm_layer_kind pylstm_layer_activation = {
    .name = "activation",
    .format = 2,
    .keeps_positions = 1,
    .read = activation_read,
    .pack = activation_pack,
    .operations = activation_operations,
    .rows = activation_rows,
};
