/* The layer kind conv: a convolution over time and positions, and an activation. layer->packed: a pylstm_conv_weights. */
#include "kernels/activation_kernels.h"
#include "kernels/conv_kernels.h"
#include "layers/layer_reading.h"
#include "layers/window_reading.h"

#include <string.h>

static const char *const activations[] = {"linear", "sigmoid", "tanh", "relu", NULL};
enum { LINEAR, SIGMOID, TANH, RELU };

typedef struct conv_config {
    pylstm_position_window window;
    int output_channels, groups, bias, activation;
} conv_config;
PYLSTM_CHECK_LAYER_CONFIG(conv_config);

static const conv_config *conv_config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static pylstm_status read_groups(pylstm_model_file *file, const pylstm_layer *layer, conv_config *config, pylstm_error *why) {
    PYLSTM_TRY(pylstm_layer_size(file, layer, "output_channels", PYLSTM_MAX_SIZE, &config->output_channels, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "groups", PYLSTM_MAX_SIZE, &config->groups, why));
    if (config->window.channels % config->groups == 0 && config->output_channels % config->groups == 0)
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_BAD_MODEL,
                       "[value] layers.%d.groups is %d; expected a divisor of %d channels of a position and of %d "
                       "output_channels",
                       layer->index, config->groups, config->window.channels, config->output_channels);
}

/* The weights are (output_channels, channels of a group, kernel_size), and kernel_positions where these are several. */
static pylstm_status find_kernel(pylstm_model_file *file, const pylstm_layer *layer, pylstm_tensor *kernel,
                                 pylstm_tensor *scales, pylstm_error *why) {
    const conv_config *config = conv_config_of(layer);
    const int64_t shape[] = {config->output_channels, config->window.channels / config->groups, layer->window.n_taps,
                             config->window.kernel};
    return pylstm_layer_kernel(file, layer, "weight", config->window.kernel > 1 ? 4 : 3, shape, kernel, scales, why);
}

static pylstm_status conv_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    conv_config *config = (void *)layer->config;
    char key[PYLSTM_MAX_NAME + 1];
    pylstm_tensor tensor, scales;
    PYLSTM_TRY(pylstm_layer_precision(file, layer, why));
    PYLSTM_TRY(pylstm_read_time_window(file, layer, 1, why));
    PYLSTM_TRY(pylstm_read_position_window(file, layer, 1, &config->window, why));
    PYLSTM_TRY(read_groups(file, layer, config, why));
    PYLSTM_TRY(pylstm_set_output_size(layer, "output_channels", config->output_channels, why));
    pylstm_layer_key(key, layer, "activation", -1);
    PYLSTM_TRY(pylstm_config_choice(file, key, activations, &config->activation, why));
    layer->independent_outputs = config->activation == SIGMOID;
    PYLSTM_TRY(pylstm_layer_bias(file, layer, &config->bias, why));
    PYLSTM_TRY(find_kernel(file, layer, &tensor, &scales, why));
    return config->bias
               ? pylstm_layer_tensor(file, layer, "bias", -1, PYLSTM_DTYPE_ANY_FLOAT, config->output_channels, 0, &tensor, why)
               : PYLSTM_OK;
}

/* --- packing ---------------------------------------------------------------------------------------------------------- */

/* What the kernels get, but for the weights. */
static pylstm_conv_weights shape_of(const pylstm_layer *layer) {
    const conv_config *config = conv_config_of(layer);
    const pylstm_position_window *window = &config->window;
    const int in_one_piece = config->groups == 1 && window->dilation == 1;
    return (pylstm_conv_weights){
        .precision = layer->precision,
        .relu = config->activation == RELU,
        .positions = window->positions,
        .channels = window->channels,
        .output_positions = window->outputs,
        .output_channels = config->output_channels,
        .n_taps = layer->window.n_taps,
        .kernel = window->kernel,
        .stride = window->stride,
        .dilation = window->dilation,
        .low = window->low,
        .high = window->high,
        .groups = config->groups,
        .depthwise = config->groups == window->channels && config->groups == config->output_channels,
        .n_runs = in_one_piece ? 1 : window->kernel,
        .run_length = in_one_piece ? window->kernel * window->channels : window->channels / config->groups,
    };
}

/* Lanes of output channels: those of each block of each group, or of all channels as one group where it is depthwise. */
static int lane_groups(const pylstm_conv_weights *shape) {
    return shape->depthwise ? 1 : shape->groups;
}

/* The output channel of a lane, -1 where it has none. */
static int channel_of(const pylstm_conv_weights *shape, int group, int block, int lane) {
    const int outputs = shape->output_channels / lane_groups(shape);
    const int channel = pylstm_conv_block_first(block, outputs) + lane;
    return channel < outputs ? group * outputs + channel : -1;
}

/* Where the weights of one output channel go. */
typedef struct lane {
    const pylstm_conv_weights *shape;
    const float *values; /* of the channel: channels of the group, taps, positions */
    float *words;        /* of its block, its own lane */
    int32_t *offset;     /* int8: of its first tap; the next ones follow 16 further on */
} lane;

/* value: a float, the value of a bfloat16 or of a byte. */
static void put_word(const lane *to, float *words, size_t k, float value) {
    if (to->shape->precision == PYLSTM_WEIGHTS_FLOAT32) {
        words[k * PYLSTM_UNITS] = value;
    } else if (to->shape->precision == PYLSTM_WEIGHTS_BFLOAT16) {
        pylstm_put_bfloat16(words + k / 2 * PYLSTM_UNITS, (int)(k % 2), value);
    } else {
        pylstm_put_byte(words + k / 4 * PYLSTM_UNITS, (int)(k % 4), value);
    }
}

static void pack_lane(const lane *to) {
    const pylstm_conv_weights *shape = to->shape;
    const int channels = shape->channels / shape->groups;
    const size_t run_words = pylstm_packed_rows((size_t)shape->run_length, shape->precision) * PYLSTM_UNITS;
    float *words = to->words;
    for (int tap = 0; tap < shape->n_taps; tap++) {
        for (int m = 0; m < shape->kernel; m++) {
            const size_t first = shape->n_runs == 1 ? (size_t)m * (size_t)channels : 0;
            for (int c = 0; c < channels; c++) {
                const size_t at = ((size_t)c * (size_t)shape->n_taps + (size_t)tap) * (size_t)shape->kernel + (size_t)m;
                put_word(to, words, first + (size_t)c, to->values[at]);
                if (to->offset)
                    to->offset[(size_t)tap * PYLSTM_UNITS] -= 128 * (int32_t)to->values[at];
            }
            words += shape->n_runs == 1 ? 0 : run_words;
        }
        words += shape->n_runs == 1 ? run_words : 0;
    }
}

/* A row of 16 weights for each tap and position, each a float whatever the precision is. */
static void pack_depthwise_lane(const lane *to) {
    const size_t n = (size_t)to->shape->n_taps * (size_t)to->shape->kernel;
    for (size_t k = 0; k < n; k++)
        to->words[k * PYLSTM_UNITS] = to->values[k];
}

static void conv_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena) {
    const pylstm_conv_weights shape = shape_of(layer);
    const int is_int8 = layer->precision == PYLSTM_WEIGHTS_INT8, groups = lane_groups(&shape);
    const int blocks = pylstm_conv_blocks(shape.output_channels / groups);
    const size_t n_blocks = (size_t)groups * (size_t)blocks, n_taps = (size_t)shape.n_taps, kernel = (size_t)shape.kernel;
    const size_t run_rows = pylstm_packed_rows((size_t)shape.run_length, layer->precision);
    const size_t block_rows = shape.depthwise ? n_taps * kernel : n_taps * (size_t)shape.n_runs * run_rows;
    const size_t n_values = (size_t)(shape.channels / shape.groups) * n_taps * kernel; /* of an output channel */
    const size_t n_offsets = is_int8 && !shape.depthwise ? n_blocks * n_taps * PYLSTM_UNITS : 0;
    pylstm_conv_weights *packed = pylstm_arena_take(arena, 1, sizeof *packed);
    float *values = pylstm_arena_take(arena, n_values, sizeof *values); /* only while packing */
    float *biases = pylstm_arena_take(arena, (size_t)shape.output_channels, sizeof *biases); /* likewise */
    float *weights = pylstm_arena_take(arena, n_blocks * block_rows * PYLSTM_UNITS, sizeof *weights);
    float *bias = pylstm_arena_take(arena, n_blocks * PYLSTM_UNITS, sizeof *bias);
    float *scale = pylstm_arena_take(arena, is_int8 ? n_blocks * PYLSTM_UNITS : 0, sizeof *scale);
    int32_t *offset = pylstm_arena_take(arena, n_offsets, sizeof *offset);
    float *zeros = pylstm_arena_take(arena, pylstm_padded(shape.channels) + PYLSTM_UNITS, sizeof *zeros);
    pylstm_tensor kernel_tensor, scales, bias_tensor;
    layer->packed = packed;
    if (!packed || !zeros || find_kernel(file, layer, &kernel_tensor, &scales, NULL))
        return;
    memset(weights, 0, n_blocks * block_rows * PYLSTM_UNITS * sizeof *weights);
    memset(bias, 0, n_blocks * PYLSTM_UNITS * sizeof *bias);
    memset(scale, 0, (is_int8 ? n_blocks * PYLSTM_UNITS : 0) * sizeof *scale);
    memset(offset, 0, n_offsets * sizeof *offset);
    memset(zeros, 0, (pylstm_padded(shape.channels) + PYLSTM_UNITS) * sizeof *zeros);
    memset(biases, 0, (size_t)shape.output_channels * sizeof *biases);
    if (conv_config_of(layer)->bias) {
        bias_tensor = pylstm_layer_vector(file, layer, "bias", -1, shape.output_channels);
        pylstm_tensor_read(&bias_tensor, biases);
    }
    for (size_t k = 0; k < n_blocks * PYLSTM_UNITS; k++) {
        const size_t block = k / PYLSTM_UNITS, in_block = k % PYLSTM_UNITS;
        const int channel = channel_of(&shape, (int)block / blocks, (int)block % blocks, (int)in_block);
        const lane to = {
            .shape = &shape,
            .values = values,
            .words = weights + block * block_rows * PYLSTM_UNITS + in_block,
            .offset = n_offsets ? offset + block * n_taps * PYLSTM_UNITS + in_block : NULL,
        };
        if (channel < 0)
            continue;
        bias[k] = biases[channel];
        pylstm_tensor_read_range(&kernel_tensor, (size_t)channel * n_values, n_values, values);
        if (is_int8)
            pylstm_tensor_read_range(&scales, (size_t)channel, 1, scale + k);
        if (shape.depthwise) {
            pack_depthwise_lane(&to);
        } else {
            pack_lane(&to);
        }
    }
    *packed = shape;
    packed->weights = weights;
    packed->bias = bias;
    packed->scale = scale;
    packed->offset = offset;
    packed->zeros = zeros;
}

/* --- running ---------------------------------------------------------------------------------------------------------- */

/* A product with the padded lanes of each block; pointers for each run; rows made fit for their precision. */
static uint64_t conv_operations(const pylstm_layer *layer) {
    const pylstm_conv_weights shape = shape_of(layer);
    const uint64_t groups = (uint64_t)lane_groups(&shape), kernel = (uint64_t)(shape.n_taps * (uint64_t)shape.kernel);
    const uint64_t blocks = groups * (uint64_t)pylstm_conv_blocks(shape.output_channels / (int)groups);
    const uint64_t inputs = kernel * (uint64_t)(shape.channels / shape.groups);
    const uint64_t of_block = inputs * (3 * PYLSTM_UNITS + 12) + kernel * 30 + 8 * PYLSTM_UNITS;
    const uint64_t rounded = layer->precision ? (uint64_t)shape.n_taps * pylstm_conv_rounded(&shape) * 16 : 0;
    return (uint64_t)shape.output_positions * (blocks * of_block + 40) + 40 * (uint64_t)layer->output_size + rounded + 400;
}

static size_t conv_scratch_size(const pylstm_layer *layer, size_t n_rows) {
    const pylstm_conv_weights shape = shape_of(layer);
    (void)n_rows; /* they are rounded for one output row at a time */
    return layer->precision ? pylstm_conv_room(&shape) / sizeof(float) + 1 : 0;
}

static void conv_rows(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y) {
    const int chosen = conv_config_of(layer)->activation;
    const pylstm_activation activation = {.function = chosen == SIGMOID ? PYLSTM_SIGMOID : PYLSTM_TANH};
    layer->kernels->conv->forward(layer->packed, x, n_rows, y, (unsigned char *)scratch);
    for (int row = 0; row < n_rows && (chosen == SIGMOID || chosen == TANH); row++)
        layer->kernels->activation->apply(&activation, y[row], y[row], layer->output_size);
}

const pylstm_layer_kind pylstm_layer_conv = {
    .name = "conv",
    .format = 2,
    .read = conv_read,
    .pack = conv_pack,
    .operations = conv_operations,
    .scratch_size = conv_scratch_size,
    .rows = conv_rows,
};
