/* Windows of a layer: their keys, and whether they fit. */
#include "layers/window_reading.h"
#include "layers/layer_reading.h"

pylstm_status pylstm_read_time_window(pylstm_model_file *file, pylstm_layer *layer, int is_dilated, pylstm_error *why) {
    pylstm_time_window *window = &layer->window;
    char key[PYLSTM_MAX_NAME + 1];
    int padding[2], reach;
    PYLSTM_TRY(pylstm_layer_size(file, layer, "kernel_size", PYLSTM_MAX_TAPS, &window->n_taps, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "stride", PYLSTM_MAX_WINDOW, &window->stride, why));
    if (is_dilated)
        PYLSTM_TRY(pylstm_layer_size(file, layer, "dilation", PYLSTM_MAX_WINDOW, &window->step, why));
    reach = pylstm_window_reach(window);
    if (reach > PYLSTM_MAX_WINDOW) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[value] layers.%d.dilation is %d; expected at most %d with a kernel_size of %d", layer->index,
                           window->step, PYLSTM_MAX_WINDOW / (window->n_taps - 1), window->n_taps);
    }
    pylstm_layer_key(key, layer, "padding", -1);
    PYLSTM_TRY(pylstm_config_pair(file, key, PYLSTM_MAX_WINDOW, padding, why));
    if (padding[0] + padding[1] > reach) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[value] layers.%d.padding is %d,%d; expected a sum of at most %d, so that a window sees a row",
                           layer->index, padding[0], padding[1], reach);
    }
    window->left = padding[0];
    window->right = padding[1];
    return PYLSTM_OK;
}

/* Whether the window fits; its outputs. */
static pylstm_status fit_positions(const pylstm_layer *layer, pylstm_position_window *window, pylstm_error *why) {
    const int64_t span = (int64_t)(window->kernel - 1) * window->dilation + 1;
    const int64_t around = (int64_t)window->positions + window->low + window->high;
    if (window->low >= span || window->high >= span) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[value] layers.%d.padding_positions is %d,%d; expected at most %lld of each, so that a window sees "
                           "a position",
                           layer->index, window->low, window->high, (long long)(span - 1));
    }
    if (span > around) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[value] layers.%d.kernel_positions is %d, which with its dilation takes %lld positions; expected "
                           "one that fits into %lld",
                           layer->index, window->kernel, (long long)span, (long long)around);
    }
    window->outputs = (int)((around - span) / window->stride + 1);
    return PYLSTM_OK;
}

pylstm_status pylstm_read_position_window(pylstm_model_file *file, pylstm_layer *layer, int is_dilated,
                                          pylstm_position_window *window, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    int padding[2];
    PYLSTM_TRY(pylstm_layer_size(file, layer, "positions", PYLSTM_MAX_SIZE, &window->positions, why));
    if (layer->input_size % window->positions) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] layers.%d.positions is %d; expected a divisor of its input_size, %d",
                           layer->index, window->positions, layer->input_size);
    }
    window->channels = layer->input_size / window->positions;
    PYLSTM_TRY(pylstm_layer_size(file, layer, "kernel_positions", PYLSTM_MAX_SIZE, &window->kernel, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "stride_positions", PYLSTM_MAX_SIZE, &window->stride, why));
    window->dilation = 1;
    if (is_dilated)
        PYLSTM_TRY(pylstm_layer_size(file, layer, "dilation_positions", PYLSTM_MAX_SIZE, &window->dilation, why));
    pylstm_layer_key(key, layer, "padding_positions", -1);
    PYLSTM_TRY(pylstm_config_pair(file, key, PYLSTM_MAX_SIZE, padding, why));
    window->low = padding[0];
    window->high = padding[1];
    PYLSTM_TRY(fit_positions(layer, window, why));
    layer->input_positions = window->positions;
    layer->output_positions = window->outputs;
    return PYLSTM_OK;
}

pylstm_status pylstm_set_output_size(pylstm_layer *layer, const char *what, int channels, pylstm_error *why) {
    const int64_t size = (int64_t)layer->output_positions * channels;
    if (size > PYLSTM_MAX_SIZE) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] layers.%d.%s is %d; expected at most %d, with %d positions",
                           layer->index, what, channels, PYLSTM_MAX_SIZE / layer->output_positions, layer->output_positions);
    }
    layer->output_size = (int)size;
    return PYLSTM_OK;
}
