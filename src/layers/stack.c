/* The layer kind stack: neighbouring rows side by side, the oldest first. */
#include "layers/layer_reading.h"

#include <string.h>

static pylstm_status read_count(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int *value,
                                pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    return pylstm_config_integer(file, pylstm_layer_key(key, layer, what, -1), 0, PYLSTM_MAX_TAPS - 1, value, why);
}

static pylstm_status stack_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    pylstm_time_window *window = &layer->window;
    int most = PYLSTM_MAX_SIZE / layer->input_size;
    most = most < PYLSTM_MAX_TAPS ? most : PYLSTM_MAX_TAPS;
    PYLSTM_TRY(read_count(file, layer, "left", &window->left, why));
    PYLSTM_TRY(read_count(file, layer, "right", &window->right, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "stride", PYLSTM_MAX_WINDOW, &window->stride, why));
    window->n_taps = window->left + 1 + window->right;
    if (window->n_taps > most) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL,
                           "[value] layers.%d.left is %d and .right is %d; expected a sum of at most %d with an input_size of "
                           "%d",
                           layer->index, window->left, window->right, most - 1, layer->input_size);
    }
    layer->output_size = window->n_taps * layer->input_size;
    return PYLSTM_OK;
}

static uint64_t stack_operations(const pylstm_layer *layer) {
    return 2 * (uint64_t)layer->output_size;
}

static void stack_rows(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y) {
    const size_t size = (size_t)layer->input_size, width = (size_t)layer->output_size;
    (void)scratch;
    for (int row = 0; row < n_rows; row++) {
        for (int tap = 0; tap < layer->window.n_taps; tap++)
            memcpy(y[row] + (size_t)tap * size, *x++, size * sizeof *y[row]);
        memset(y[row] + width, 0, (pylstm_padded(layer->output_size) - width) * sizeof *y[row]);
    }
}

const pylstm_layer_kind pylstm_layer_stack = {
    .name = "stack",
    .format = 2,
    .read = stack_read,
    .operations = stack_operations,
    .rows = stack_rows,
};
