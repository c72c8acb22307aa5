/* The layer kind pool: the largest value, or the mean, of each channel over a window of time and positions. Rows before the
 * first one are rows of zeros, as for a convolution; positions outside of a row take no part in a maximum. */
#include "layers/layer_reading.h"
#include "layers/window_reading.h"

#include <float.h>
#include <string.h>

#if PYLSTM_KIND_pool

static const char *const modes[] = {"max", "mean", NULL};
enum { MAX, MEAN };

typedef struct pool_config {
    pylstm_position_window window;
    int mode, count_include_pad;
} pool_config;
PYLSTM_CHECK_LAYER_CONFIG(pool_config);

static const pool_config *pool_config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

static pylstm_status pool_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    pool_config *config = (void *)layer->config;
    char key[PYLSTM_MAX_NAME + 1];
    PYLSTM_TRY(pylstm_config_choice(file, pylstm_layer_key(key, layer, "mode", -1), modes, &config->mode, why));
    PYLSTM_TRY(pylstm_read_time_window(file, layer, 0, why));
    PYLSTM_TRY(pylstm_read_position_window(file, layer, 0, &config->window, why));
    pylstm_layer_key(key, layer, "count_include_pad", -1);
    PYLSTM_TRY(pylstm_config_boolean(file, key, &config->count_include_pad, why));
    return pylstm_set_output_size(layer, "positions", config->window.channels, why);
}

static uint64_t pool_operations(const pylstm_layer *layer) {
    const pylstm_position_window *window = &pool_config_of(layer)->window;
    const uint64_t seen = (uint64_t)layer->window.n_taps * (uint64_t)window->kernel;
    return (uint64_t)window->outputs * ((uint64_t)window->channels * (3 * seen + 8) + 8 * seen + 40);
}

static void take_largest(float *y, const float *x, size_t channels) {
    for (size_t c = 0; c < channels; c++)
        y[c] = x[c] > y[c] ? x[c] : y[c];
}

/* Within the floats, as all kinds keep their rows. */
static void add(float *y, const float *x, size_t channels) {
    for (size_t c = 0; c < channels; c++) {
        const float sum = y[c] + x[c];
        y[c] = sum > FLT_MAX ? FLT_MAX : sum < -FLT_MAX ? -FLT_MAX : sum;
    }
}

/* One position of an output row. Taps are gone through from the oldest, and of each the positions upwards. */
static void pool_position(const pylstm_layer *layer, const float *const *taps, int output, float *y) {
    const pool_config *config = pool_config_of(layer);
    const pylstm_position_window *window = &config->window;
    const size_t channels = (size_t)window->channels;
    const int begin = output * window->stride - window->low, end = begin + window->kernel;
    const int first = begin > 0 ? begin : 0, past = end < window->positions ? end : window->positions;
    const int seen = config->count_include_pad ? window->kernel : past - first;
    const float n = (float)seen * (float)layer->window.n_taps;
    memcpy(y, taps[0] + (size_t)first * channels, channels * sizeof *y);
    for (int tap = 0; tap < layer->window.n_taps; tap++) {
        for (int position = first + (tap == 0); position < past; position++) {
            const float *x = taps[tap] + (size_t)position * channels;
            if (config->mode == MAX) {
                take_largest(y, x, channels);
            } else {
                add(y, x, channels);
            }
        }
    }
    for (size_t c = 0; config->mode == MEAN && c < channels; c++)
        y[c] /= n;
}

static void pool_rows(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y) {
    const pylstm_position_window *window = &pool_config_of(layer)->window;
    const size_t width = (size_t)layer->output_size;
    (void)scratch;
    for (int row = 0; row < n_rows; row++, x += layer->window.n_taps) {
        for (int output = 0; output < window->outputs; output++)
            pool_position(layer, x, output, y[row] + (size_t)output * (size_t)window->channels);
        memset(y[row] + width, 0, (pylstm_padded(layer->output_size) - width) * sizeof *y[row]);
    }
}

const pylstm_layer_kind pylstm_layer_pool = {
    .name = "pool",
    .format = 2,
    .read = pool_read,
    .operations = pool_operations,
    .rows = pool_rows,
};

#endif
