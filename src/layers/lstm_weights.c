/* Reading an LSTM from a model file, and its weights in the order in which the kernels take them. */
#include "layers/lstm_weights.h"
#include "layers/layer_reading.h"

#include <float.h>
#include <string.h>

#if PYLSTM_KIND_lstm

#define MAX_CELLS 128

PYLSTM_CHECK_LAYER_CONFIG(pylstm_lstm_config);

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static int has_options(const pylstm_lstm_config *config) {
    return config->peepholes || config->coupled || config->layer_norm || config->gate_clip < FLT_MAX ||
           config->cell_clip < FLT_MAX || config->gate_slope > 0.0f;
}

static pylstm_status read_flag(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int *flag,
                               pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    return pylstm_config_has(file, pylstm_layer_key(key, layer, what, -1)) ? pylstm_config_boolean(file, key, flag, why)
                                                                           : PYLSTM_OK;
}

static pylstm_status read_projection(pylstm_model_file *file, const pylstm_layer *layer, pylstm_lstm_config *config,
                                     pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    if (!pylstm_config_has(file, pylstm_layer_key(key, layer, "proj_size", -1)))
        return PYLSTM_OK;
    PYLSTM_TRY(pylstm_layer_size(file, layer, "proj_size", PYLSTM_MAX_SIZE, &config->proj_size, why));
    if (config->proj_size < config->hidden_size)
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_BAD_MODEL, "[value] '%s' is '%d'; expected less than hidden_size, which is %d", key,
                       config->proj_size, config->hidden_size);
}

static pylstm_status find_vector(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows,
                                 pylstm_error *why) {
    pylstm_tensor tensor;
    return pylstm_layer_tensor(file, layer, what, cell, PYLSTM_DTYPE_ANY_FLOAT, rows, 0, &tensor, why);
}

static pylstm_status find_matrix(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows,
                                 int64_t columns, pylstm_error *why) {
    pylstm_tensor tensor, scales;
    return pylstm_layer_matrix(file, layer, what, cell, rows, columns, &tensor, &scales, why);
}

static pylstm_status read_cell(pylstm_model_file *file, const pylstm_layer *layer, int cell, pylstm_error *why) {
    const pylstm_lstm_config *config = pylstm_lstm_config_of(layer);
    const int64_t hidden_size = config->hidden_size, rows = pylstm_lstm_n_gates(layer) * hidden_size;
    PYLSTM_TRY(find_matrix(file, layer, "weight_ih", cell, rows, pylstm_lstm_cell_input_size(layer, cell), why));
    PYLSTM_TRY(find_matrix(file, layer, "weight_hh", cell, rows, layer->output_size, why));
    if (config->bias) {
        PYLSTM_TRY(find_vector(file, layer, "bias_ih", cell, rows, why));
        PYLSTM_TRY(find_vector(file, layer, "bias_hh", cell, rows, why));
    }
    if (config->proj_size)
        PYLSTM_TRY(find_matrix(file, layer, "weight_hr", cell, config->proj_size, hidden_size, why));
    if (config->peepholes) {
        PYLSTM_TRY(find_vector(file, layer, "peephole_i", cell, hidden_size, why));
        if (!config->coupled)
            PYLSTM_TRY(find_vector(file, layer, "peephole_f", cell, hidden_size, why));
        PYLSTM_TRY(find_vector(file, layer, "peephole_o", cell, hidden_size, why));
    }
    if (config->layer_norm) {
        PYLSTM_TRY(find_vector(file, layer, "gain_ih", cell, rows, why));
        PYLSTM_TRY(find_vector(file, layer, "gain_hh", cell, rows, why));
        PYLSTM_TRY(find_vector(file, layer, "gain_c", cell, hidden_size, why));
        if (config->bias)
            PYLSTM_TRY(find_vector(file, layer, "bias_c", cell, hidden_size, why));
    }
    return PYLSTM_OK;
}

static pylstm_status read_options(pylstm_model_file *file, const pylstm_layer *layer, pylstm_lstm_config *config,
                                  pylstm_error *why) {
    PYLSTM_TRY(read_flag(file, layer, "peepholes", &config->peepholes, why));
    PYLSTM_TRY(read_flag(file, layer, "coupled", &config->coupled, why));
    PYLSTM_TRY(read_flag(file, layer, "layer_norm", &config->layer_norm, why));
    PYLSTM_TRY(pylstm_layer_limit(file, layer, "gate_clip", FLT_MAX, &config->gate_clip, why));
    PYLSTM_TRY(pylstm_layer_limit(file, layer, "cell_clip", FLT_MAX, &config->cell_clip, why));
    PYLSTM_TRY(pylstm_layer_limit(file, layer, "gate_slope", 0.0f, &config->gate_slope, why));
    if (PYLSTM_KIND_lstm_options || !has_options(config))
        return PYLSTM_OK;
    return pylstm_fail(why, PYLSTM_NOT_BUILT,
                       "layers.%d is an LSTM with options; expected a plain one, or a build of pylstm with lstm_options among "
                       "KINDS",
                       layer->index);
}

pylstm_status pylstm_lstm_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    pylstm_lstm_config *config = (void *)layer->config;
    PYLSTM_TRY(pylstm_layer_precision(file, layer, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "hidden_size", PYLSTM_MAX_SIZE / PYLSTM_GATES, &config->hidden_size, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "num_layers", MAX_CELLS, &layer->n_cells, why));
    PYLSTM_TRY(pylstm_layer_bias(file, layer, &config->bias, why));
    PYLSTM_TRY(read_projection(file, layer, config, why));
    PYLSTM_TRY(read_options(file, layer, config, why));
    layer->output_size = config->proj_size ? config->proj_size : config->hidden_size;
    for (int cell = 0; cell < layer->n_cells; cell++)
        PYLSTM_TRY(read_cell(file, layer, cell, why));
    return PYLSTM_OK;
}

/* --- packing ---------------------------------------------------------------------------------------------------------- */

/* A vector of the file with hidden_size values for each of n_gates gates, added to 16 values of each gate, unit by unit. */
static void add_vector(pylstm_model_file *file, const pylstm_layer *layer, const char *what, int cell, int n_gates,
                       float *values, float *to) {
    const int hidden_size = pylstm_lstm_config_of(layer)->hidden_size;
    const pylstm_tensor tensor = pylstm_layer_vector(file, layer, what, cell, (int64_t)n_gates * hidden_size);
    for (int gate = 0; gate < n_gates; gate++) {
        pylstm_tensor_read_range(&tensor, (size_t)gate * (size_t)hidden_size, (size_t)hidden_size, values);
        for (int unit = 0; unit < hidden_size; unit++)
            to[(size_t)(unit / PYLSTM_UNITS * n_gates + gate) * PYLSTM_UNITS + (size_t)(unit % PYLSTM_UNITS)] += values[unit];
    }
}

/* Rows of a gate go to a vector of a block 16 at a time: vectors stand unit by unit, four in a block. */
static void pack_gate(const pylstm_packing *to, const pylstm_layer *layer, const pylstm_tensor *matrix,
                      const pylstm_tensor *scales, int columns, int gate) {
    const int hidden_size = pylstm_lstm_config_of(layer)->hidden_size, n_gates = pylstm_lstm_n_gates(layer);
    for (int unit = 0; unit < hidden_size; unit += PYLSTM_UNITS) {
        const int vector = unit / PYLSTM_UNITS * n_gates + gate;
        const int units = hidden_size - unit < PYLSTM_UNITS ? hidden_size - unit : PYLSTM_UNITS;
        const size_t block = (size_t)(vector / PYLSTM_GATES), block_words = PYLSTM_GATES * PYLSTM_UNITS;
        pylstm_packing part = *to;
        part.weights += block * to->block_rows * block_words;
        if (to->precision == PYLSTM_WEIGHTS_INT8) {
            part.scale += block * block_words;
            part.offset += block * block_words;
        }
        pylstm_pack(&part, matrix, scales, (size_t)gate * (size_t)hidden_size + (size_t)unit, units, columns,
                    vector % PYLSTM_GATES);
    }
}

/* Both matrices of a cell. */
static void pack_gates(pylstm_model_file *file, const pylstm_layer *layer, int cell, pylstm_packing to,
                       pylstm_lstm_weights *packed) {
    const pylstm_lstm_config *config = pylstm_lstm_config_of(layer);
    const int input_size = pylstm_lstm_cell_input_size(layer, cell), n_gates = pylstm_lstm_n_gates(layer);
    const int64_t rows = (int64_t)n_gates * config->hidden_size;
    const size_t lanes = (size_t)pylstm_lstm_n_blocks(layer) * PYLSTM_GATES * PYLSTM_UNITS;
    const size_t scales_x = layer->precision == PYLSTM_WEIGHTS_INT8 ? lanes : 0;
    *packed = (pylstm_lstm_weights){
        .precision = layer->precision,
        .input_size = input_size,
        .hidden_size = config->hidden_size,
        .h_size = layer->output_size,
        .h_largest = config->proj_size ? 0.0f : 1.0f, /* o tanh(c) is never larger than 1 */
        .n_blocks = pylstm_lstm_n_blocks(layer),
        .weights = to.weights,
        .bias = packed->bias,
        .scale_x = to.scale,
        .scale_h = to.scale + scales_x,
        .offset_x = to.offset,
        .offset_h = to.offset + scales_x,
    };
    for (int which = 0; which < 2; which++) {
        const int columns = which ? layer->output_size : input_size;
        pylstm_tensor matrix, scales;
        if (pylstm_layer_matrix(file, layer, which ? "weight_hh" : "weight_ih", cell, rows, columns, &matrix, &scales, NULL))
            return; /* not reached: the read pass has found them */
        for (int gate = 0; gate < n_gates; gate++)
            pack_gate(&to, layer, &matrix, &scales, columns, gate);
        to.first_row += pylstm_packed_rows((size_t)columns, layer->precision);
        to.scale = (float *)packed->scale_h;
        to.offset = (int32_t *)packed->offset_h;
    }
}

static float *take_zeros(pylstm_arena *arena, size_t n) {
    float *zeros = pylstm_arena_take(arena, n, sizeof *zeros);
    if (zeros)
        memset(zeros, 0, n * sizeof *zeros);
    return zeros;
}

/* What a cell with options has beside its matrices; NULL for `packed` only measures. */
static void pack_options(pylstm_model_file *file, const pylstm_layer *layer, int cell, pylstm_arena *arena, float *values,
                         pylstm_lstm_options *packed) {
    const pylstm_lstm_config *config = pylstm_lstm_config_of(layer);
    const int n_gates = pylstm_lstm_n_gates(layer);
    const size_t padded = pylstm_padded(config->hidden_size), lanes = (size_t)n_gates * padded;
    float *peepholes = config->peepholes ? take_zeros(arena, lanes - padded) : NULL;
    float *norm = config->layer_norm ? take_zeros(arena, 3 * lanes + 2 * padded) : NULL;
    if (!packed)
        return;
    *packed = (pylstm_lstm_options){
        .hidden_size = config->hidden_size,
        .n_gates = n_gates,
        .gate_clip = config->gate_clip,
        .cell_clip = config->cell_clip,
        .gate_slope = config->gate_slope,
        .peepholes = peepholes,
    };
    if (config->peepholes) {
        static const char *const names[] = {"peephole_i", "peephole_f", "peephole_o"};
        int place = 0;
        for (int gate = 0; gate < 3; gate++) {
            if (gate == 1 && config->coupled)
                continue;
            const pylstm_tensor tensor = pylstm_layer_vector(file, layer, names[gate], cell, config->hidden_size);
            pylstm_tensor_read(&tensor, values);
            for (int unit = 0; unit < config->hidden_size; unit++)
                peepholes[(unit / PYLSTM_UNITS * (n_gates - 1) + place) * PYLSTM_UNITS + unit % PYLSTM_UNITS] = values[unit];
            place++;
        }
    }
    if (config->layer_norm) {
        float *gain_ih = norm, *gain_hh = norm + lanes, *bias = norm + 2 * lanes, *gain_c = norm + 3 * lanes;
        add_vector(file, layer, "gain_ih", cell, n_gates, values, gain_ih);
        add_vector(file, layer, "gain_hh", cell, n_gates, values, gain_hh);
        add_vector(file, layer, "gain_c", cell, 1, values, gain_c);
        if (config->bias) {
            add_vector(file, layer, "bias_ih", cell, n_gates, values, bias);
            add_vector(file, layer, "bias_hh", cell, n_gates, values, bias);
            add_vector(file, layer, "bias_c", cell, 1, values, gain_c + padded);
        }
        packed->gain_ih = gain_ih;
        packed->gain_hh = gain_hh;
        packed->bias = bias;
        packed->gain_c = gain_c;
        packed->bias_c = gain_c + padded;
    }
}

/* The projection: a dense layer without a bias. NULL for `packed` only measures. */
static void pack_projection(pylstm_model_file *file, const pylstm_layer *layer, int cell, pylstm_arena *arena, float *values,
                            pylstm_dense_weights *packed) {
    const int proj_size = layer->output_size, hidden_size = pylstm_lstm_config_of(layer)->hidden_size;
    const size_t padded = pylstm_padded(proj_size);
    pylstm_packing to = {
        .precision = layer->precision,
        .n_vectors = 1,
        .block_rows = pylstm_packed_rows((size_t)hidden_size, layer->precision),
    };
    float *bias = take_zeros(arena, padded);
    pylstm_tensor matrix, scales;
    pylstm_packing_take(&to, arena, padded / PYLSTM_UNITS, 1, values);
    if (!packed || pylstm_layer_matrix(file, layer, "weight_hr", cell, proj_size, hidden_size, &matrix, &scales, NULL))
        return;
    pylstm_pack(&to, &matrix, &scales, 0, proj_size, hidden_size, 0);
    *packed = (pylstm_dense_weights){
        .precision = layer->precision,
        .input_size = hidden_size,
        .output_size = proj_size,
        .weights = to.weights,
        .bias = bias,
        .scale = to.scale,
        .offset = to.offset,
    };
}

void pylstm_lstm_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena) {
    const pylstm_lstm_config *config = pylstm_lstm_config_of(layer);
    const int options = PYLSTM_KIND_lstm_options && has_options(config);
    const size_t n_blocks = (size_t)pylstm_lstm_n_blocks(layer), lanes = n_blocks * PYLSTM_GATES * PYLSTM_UNITS;
    const size_t widest = pylstm_padded(layer->input_size > config->hidden_size ? layer->input_size : config->hidden_size);
    pylstm_lstm_cell *cells = pylstm_arena_take(arena, (size_t)layer->n_cells, sizeof *cells);
    float *values = pylstm_arena_take(arena, widest, sizeof *values); /* only while packing */
    for (int cell = 0; cell < layer->n_cells; cell++) {
        pylstm_packing to = {
            .precision = layer->precision,
            .n_vectors = PYLSTM_GATES,
            .block_rows = pylstm_packed_rows((size_t)pylstm_lstm_cell_input_size(layer, cell), layer->precision) +
                          pylstm_packed_rows((size_t)layer->output_size, layer->precision),
        };
        float *bias = take_zeros(arena, lanes);
        pylstm_packing_take(&to, arena, n_blocks, 2, values);
        if (cells) {
            cells[cell] = (pylstm_lstm_cell){.has_options = options, .gates.bias = bias};
            pack_gates(file, layer, cell, to, &cells[cell].gates);
            if (config->bias && !config->layer_norm) {
                add_vector(file, layer, "bias_ih", cell, pylstm_lstm_n_gates(layer), values, bias);
                add_vector(file, layer, "bias_hh", cell, pylstm_lstm_n_gates(layer), values, bias);
            }
        }
        if (options)
            pack_options(file, layer, cell, arena, values, cells ? &cells[cell].options : NULL);
        if (config->proj_size)
            pack_projection(file, layer, cell, arena, values, cells ? &cells[cell].projection : NULL);
    }
    layer->packed = cells;
}

#endif
