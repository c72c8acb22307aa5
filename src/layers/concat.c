/* The layer kind concat: rows side by side, in the order of the inputs; with positions, the channels of each position. */
#include "layers/layer_reading.h"

#include <string.h>

#if PYLSTM_KIND_concat

typedef struct concat_config {
    int positions;
} concat_config;
PYLSTM_CHECK_LAYER_CONFIG(concat_config);

static const concat_config *concat_config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

static pylstm_status concat_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    concat_config *config = (void *)layer->config;
    int64_t width = 0;
    for (int i = 0; i < layer->n_inputs; i++) {
        PYLSTM_TRY(pylstm_layer_positions(file, layer, layer->input_widths[i], &config->positions, why));
        width += layer->input_widths[i];
    }
    if (width > PYLSTM_MAX_SIZE) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[layer-width] the rows of layers.%d are %lld wide; expected at most %d",
                           layer->index, (long long)width, PYLSTM_MAX_SIZE);
    }
    layer->output_size = (int)width;
    return PYLSTM_OK;
}

static uint64_t concat_operations(const pylstm_layer *layer) {
    return 2 * (uint64_t)layer->output_size + 20 * (uint64_t)layer->n_inputs * (uint64_t)concat_config_of(layer)->positions;
}

static void concat_rows(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y) {
    const int positions = concat_config_of(layer)->positions;
    (void)scratch;
    for (int row = 0; row < n_rows; row++, x += layer->n_inputs) {
        float *to = y[row];
        for (int p = 0; p < positions; p++) {
            for (int i = 0; i < layer->n_inputs; i++) {
                const size_t channels = (size_t)(layer->input_widths[i] / positions);
                memcpy(to, x[i] + (size_t)p * channels, channels * sizeof *to);
                to += channels;
            }
        }
        memset(to, 0, (pylstm_padded(layer->output_size) - (size_t)layer->output_size) * sizeof *to);
    }
}

const pylstm_layer_kind pylstm_layer_concat = {
    .name = "concat",
    .format = 2,
    .joins = 1,
    .puts_together = 1,
    .read = concat_read,
    .operations = concat_operations,
    .rows = concat_rows,
};

#endif
