/* The layer kind affine: y = weight x + bias, value by value. layer->packed: the weights of a whole row, then its biases. */
#include "kernels/elementwise_kernels.h"
#include "layers/layer_reading.h"

#include <string.h>

static const char *const units[] = {"element", "channel", "position", NULL};
enum { ELEMENT, CHANNEL, POSITION };

typedef struct affine_config {
    int per, positions, bias;
} affine_config;
PYLSTM_CHECK_LAYER_CONFIG(affine_config);

static const affine_config *affine_config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

static int n_weights(const pylstm_layer *layer) {
    const affine_config *config = affine_config_of(layer);
    return config->per == ELEMENT ? layer->input_size : config->per == POSITION ? config->positions : layer->input_size / config->positions;
}

static pylstm_status affine_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    affine_config *config = (void *)layer->config;
    char key[PYLSTM_MAX_NAME + 1];
    pylstm_tensor tensor;
    layer->output_size = layer->input_size;
    PYLSTM_TRY(pylstm_layer_positions(file, layer, layer->input_size, &config->positions, why));
    PYLSTM_TRY(pylstm_config_choice(file, pylstm_layer_key(key, layer, "per", -1), units, &config->per, why));
    PYLSTM_TRY(pylstm_layer_bias(file, layer, &config->bias, why));
    PYLSTM_TRY(pylstm_layer_tensor(file, layer, "weight", -1, PYLSTM_DTYPE_ANY_FLOAT, n_weights(layer), 0, &tensor, why));
    return config->bias ? pylstm_layer_tensor(file, layer, "bias", -1, PYLSTM_DTYPE_ANY_FLOAT, n_weights(layer), 0, &tensor, why)
                        : PYLSTM_OK;
}

/* A tensor of weights, one for each value of a row: values has room for them beside each other. */
static void spread(const pylstm_layer *layer, const pylstm_tensor *tensor, float *values, float *row) {
    const affine_config *config = affine_config_of(layer);
    const int channels = layer->input_size / config->positions;
    pylstm_tensor_read(tensor, values);
    for (int k = 0; k < layer->input_size; k++)
        row[k] = values[config->per == ELEMENT ? k : config->per == CHANNEL ? k % channels : k / channels];
}

static void affine_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena) {
    const size_t padded = pylstm_padded(layer->input_size);
    float *values = pylstm_arena_take(arena, (size_t)n_weights(layer), sizeof *values); /* only while packing */
    float *rows = pylstm_arena_take(arena, 2 * padded, sizeof *rows);
    layer->packed = rows;
    if (!values || !rows)
        return;
    memset(rows, 0, 2 * padded * sizeof *rows);
    const pylstm_tensor weight = pylstm_layer_vector(file, layer, "weight", -1, n_weights(layer));
    spread(layer, &weight, values, rows);
    if (affine_config_of(layer)->bias) {
        const pylstm_tensor bias = pylstm_layer_vector(file, layer, "bias", -1, n_weights(layer));
        spread(layer, &bias, values, rows + padded);
    }
}

static uint64_t affine_operations(const pylstm_layer *layer) {
    return 6 * (uint64_t)layer->input_size + 100;
}

static void affine_rows(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y) {
    const float *weight = layer->packed, *bias = weight + pylstm_padded(layer->input_size);
    (void)scratch;
    for (int row = 0; row < n_rows; row++)
        layer->kernels->elementwise->affine(weight, bias, x[row], y[row], layer->input_size);
}

const pylstm_layer_kind pylstm_layer_affine = {
    .name = "affine",
    .format = 2,
    .keeps_positions = 1,
    .read = affine_read,
    .pack = affine_pack,
    .operations = affine_operations,
    .rows = affine_rows,
};
