/* The layer kind select: values start ... stop - 1 of a row; with positions, these channels of each position. */
#include "layers/layer_reading.h"

#include <string.h>

#if PYLSTM_KIND_select

typedef struct select_config {
    int positions, start, stop;
} select_config;
PYLSTM_CHECK_LAYER_CONFIG(select_config);

static const select_config *select_config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

static pylstm_status select_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    select_config *config = (void *)layer->config;
    char key[PYLSTM_MAX_NAME + 1];
    int channels;
    PYLSTM_TRY(pylstm_layer_positions(file, layer, layer->input_size, &config->positions, why));
    channels = layer->input_size / config->positions;
    pylstm_layer_key(key, layer, "start", -1);
    PYLSTM_TRY(pylstm_config_integer(file, key, 0, channels - 1, &config->start, why));
    pylstm_layer_key(key, layer, "stop", -1);
    PYLSTM_TRY(pylstm_config_integer(file, key, config->start + 1, channels, &config->stop, why));
    layer->output_size = config->positions * (config->stop - config->start);
    return PYLSTM_OK;
}

static uint64_t select_operations(const pylstm_layer *layer) {
    return 2 * (uint64_t)layer->output_size + 20 * (uint64_t)select_config_of(layer)->positions;
}

static void select_rows(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y) {
    const select_config *config = select_config_of(layer);
    const size_t channels = (size_t)(layer->input_size / config->positions), kept = (size_t)(config->stop - config->start);
    (void)scratch;
    for (int row = 0; row < n_rows; row++) {
        float *to = y[row];
        for (int p = 0; p < config->positions; p++, to += kept)
            memcpy(to, x[row] + (size_t)p * channels + config->start, kept * sizeof *to);
        memset(to, 0, (pylstm_padded(layer->output_size) - (size_t)layer->output_size) * sizeof *to);
    }
}

const pylstm_layer_kind pylstm_layer_select = {
    .name = "select",
    .format = 2,
    .puts_together = 1,
    .read = select_read,
    .operations = select_operations,
    .rows = select_rows,
};

#endif
