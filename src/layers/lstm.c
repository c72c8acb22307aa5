/* The layer kind lstm: a stack of cells.
 *
 * layer->packed: one pylstm_lstm_weights per cell. Scratch: the projections of a block of frames, then two buffers of rows
 * between cells.
 */
#include "kernels/lstm_kernels.h"
#include "layers/layer_reading.h"

#include <string.h>

#define MAX_CELLS 128

typedef struct lstm_config {
    int bias;
} lstm_config;
PYLSTM_CHECK_LAYER_CONFIG(lstm_config);

static const lstm_config *lstm_config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

static int lstm_hidden_size(const pylstm_layer *layer) {
    return layer->output_size;
}

enum { STATE_H, STATE_C, N_STATE };

static const pylstm_cell_part lstm_state[] = {
    [STATE_H] = {"h", lstm_hidden_size},
    [STATE_C] = {"c", lstm_hidden_size},
    [N_STATE] = {NULL, NULL},
};

/* Where a part of a cell's state stands. */
static float *lstm_state_at(const pylstm_layer *layer, float *state, int cell, int part) {
    return state + (size_t)(cell * N_STATE + part) * pylstm_padded(layer->output_size);
}

/* The gates come first, in the order of their rows. */
enum { TRACE_C = PYLSTM_GATES, TRACE_H, N_TRACE };

static const pylstm_cell_part lstm_trace[] = {
    {"i", lstm_hidden_size},
    {"f", lstm_hidden_size},
    {"g", lstm_hidden_size},
    {"o", lstm_hidden_size},
    [TRACE_C] = {"c", lstm_hidden_size},
    [TRACE_H] = {"h", lstm_hidden_size},
    [N_TRACE] = {NULL, NULL},
};

static int cell_input_size(const pylstm_layer *layer, int cell) {
    return cell == 0 ? layer->input_size : layer->output_size;
}

static pylstm_status read_cell(pylstm_model_file *file, const pylstm_layer *layer, int cell, pylstm_error *why) {
    const int64_t hidden_size = layer->output_size, rows = PYLSTM_GATES * hidden_size;
    pylstm_tensor tensor, scales;
    PYLSTM_TRY(pylstm_layer_matrix(file, layer, "weight_ih", cell, rows, cell_input_size(layer, cell), &tensor, &scales, why));
    PYLSTM_TRY(pylstm_layer_matrix(file, layer, "weight_hh", cell, rows, hidden_size, &tensor, &scales, why));
    if (!lstm_config_of(layer)->bias)
        return PYLSTM_OK;
    PYLSTM_TRY(pylstm_layer_tensor(file, layer, "bias_ih", cell, PYLSTM_DTYPE_ANY_FLOAT, rows, 0, &tensor, why));
    return pylstm_layer_tensor(file, layer, "bias_hh", cell, PYLSTM_DTYPE_ANY_FLOAT, rows, 0, &tensor, why);
}

static pylstm_status lstm_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    lstm_config *config = (void *)layer->config;
    PYLSTM_TRY(pylstm_layer_precision(file, layer, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "hidden_size", PYLSTM_MAX_SIZE / PYLSTM_GATES, &layer->output_size, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "num_layers", MAX_CELLS, &layer->n_cells, why));
    PYLSTM_TRY(pylstm_layer_bias(file, layer, &config->bias, why));
    for (int cell = 0; cell < layer->n_cells; cell++)
        PYLSTM_TRY(read_cell(file, layer, cell, why));
    return PYLSTM_OK;
}

/* Both matrices of a cell, then its two biases as one. */
static void pack_cell(pylstm_model_file *file, const pylstm_layer *layer, int cell, pylstm_packing to, float *bias,
                      pylstm_lstm_weights *packed) {
    const int hidden_size = layer->output_size, input_size = cell_input_size(layer, cell);
    const size_t lanes = PYLSTM_GATES * pylstm_padded(hidden_size);
    const int64_t rows = (int64_t)PYLSTM_GATES * hidden_size;
    const size_t scales_x = layer->precision == PYLSTM_WEIGHTS_INT8 ? lanes : 0;
    *packed = (pylstm_lstm_weights){
        .precision = layer->precision,
        .input_size = input_size,
        .hidden_size = hidden_size,
        .weights = to.weights,
        .bias = bias,
        .scale_x = to.scale,
        .scale_h = to.scale + scales_x,
        .offset_x = to.offset,
        .offset_h = to.offset + scales_x,
    };
    for (int which = 0; which < 2; which++) {
        const int columns = which ? hidden_size : input_size;
        pylstm_tensor matrix, scales;
        if (pylstm_layer_matrix(file, layer, which ? "weight_hh" : "weight_ih", cell, rows, columns, &matrix, &scales, NULL))
            return; /* not reached: the read pass has found them */
        for (int gate = 0; gate < PYLSTM_GATES; gate++)
            pylstm_pack(&to, &matrix, &scales, (size_t)gate * (size_t)hidden_size, hidden_size, columns, gate);
        to.first_row += pylstm_packed_rows((size_t)columns, layer->precision);
        to.scale = (float *)packed->scale_h;
        to.offset = (int32_t *)packed->offset_h;
    }
    for (int which = 0; lstm_config_of(layer)->bias && which < 2; which++) {
        const pylstm_tensor tensor = pylstm_layer_vector(file, layer, which ? "bias_hh" : "bias_ih", cell, rows);
        for (int gate = 0; gate < PYLSTM_GATES; gate++) {
            pylstm_tensor_read_range(&tensor, (size_t)gate * (size_t)hidden_size, (size_t)hidden_size, to.row_values);
            for (int unit = 0; unit < hidden_size; unit++) {
                bias[(size_t)(unit / PYLSTM_UNITS * PYLSTM_GATES + gate) * PYLSTM_UNITS + (size_t)(unit % PYLSTM_UNITS)] +=
                    to.row_values[unit];
            }
        }
    }
}

static void lstm_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena) {
    const size_t padded = pylstm_padded(layer->output_size);
    const size_t widest = pylstm_padded(layer->input_size > layer->output_size ? layer->input_size : layer->output_size);
    pylstm_lstm_weights *cells = pylstm_arena_take(arena, (size_t)layer->n_cells, sizeof *cells);
    float *row_values = pylstm_arena_take(arena, widest, sizeof *row_values); /* only while packing */
    for (int cell = 0; cell < layer->n_cells; cell++) {
        pylstm_packing to = {
            .precision = layer->precision,
            .n_vectors = PYLSTM_GATES,
            .block_rows = pylstm_packed_rows((size_t)cell_input_size(layer, cell), layer->precision) +
                          pylstm_packed_rows((size_t)layer->output_size, layer->precision),
        };
        float *bias = pylstm_arena_take(arena, PYLSTM_GATES * padded, sizeof *bias);
        pylstm_packing_take(&to, arena, padded / PYLSTM_UNITS, 2, row_values);
        if (!cells || !bias || !to.weights)
            continue;
        memset(bias, 0, PYLSTM_GATES * padded * sizeof *bias);
        pack_cell(file, layer, cell, to, bias, &cells[cell]);
    }
    layer->packed = cells;
}

/* Bytes that a row takes once it is rounded to the precision of the weights. */
static size_t lstm_room(const pylstm_layer *layer) {
    const int widest = layer->input_size > layer->output_size ? layer->input_size : layer->output_size;
    return layer->precision ? pylstm_column_room(widest) + pylstm_column_room(layer->output_size) : 0;
}

/* Projections of the rows, two buffers of rows between cells, the gates of a traced step, rounded rows. */
static size_t lstm_scratch_size(const pylstm_layer *layer, size_t n_rows) {
    return (n_rows * (PYLSTM_GATES + 2) + PYLSTM_GATES) * pylstm_padded(layer->output_size) +
           n_rows * lstm_room(layer) / sizeof(float);
}

/* The trace of one step of a cell, as lstm_trace says. */
static void lstm_trace_step(float *trace, const float *gates, const float *c, const float *h, int hidden_size) {
    const size_t padded = pylstm_padded(hidden_size), bytes = (size_t)hidden_size * sizeof(float);
    for (int gate = 0; gate < PYLSTM_GATES; gate++)
        memcpy(trace + gate * hidden_size, gates + gate * padded, bytes);
    memcpy(trace + TRACE_C * hidden_size, c, bytes);
    memcpy(trace + TRACE_H * hidden_size, h, bytes);
}

static void lstm_forward(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames, float *y,
                         float *trace, size_t trace_stride) {
    const pylstm_lstm_weights *cells = layer->packed;
    const size_t padded = pylstm_padded(layer->output_size);
    float *gates = scratch + PYLSTM_BLOCK_FRAMES * PYLSTM_GATES * padded;
    float *between[] = {gates + PYLSTM_GATES * padded, gates + (PYLSTM_GATES + PYLSTM_BLOCK_FRAMES) * padded};
    float *z[PYLSTM_BLOCK_FRAMES];
    const float *rows[PYLSTM_BLOCK_FRAMES];
    unsigned char *room = (unsigned char *)(between[1] + PYLSTM_BLOCK_FRAMES * padded);
    memcpy(rows, x, (size_t)n_frames * sizeof *rows);
    for (int t = 0; t < n_frames; t++)
        z[t] = scratch + (size_t)t * PYLSTM_GATES * padded;
    for (int cell = 0; cell < layer->n_cells; cell++) {
        float *h = lstm_state_at(layer, state, cell, STATE_H), *c = lstm_state_at(layer, state, cell, STATE_C);
        float *out = cell == layer->n_cells - 1 ? y : between[cell % 2];
        const float *h_before = h;
        /* A frame alone keeps its projection in registers; several read the input weights once between them. */
        if (n_frames > 1)
            layer->kernels->lstm->project(&cells[cell], rows, n_frames, z, room);
        for (int t = 0; t < n_frames; t++) {
            float *h_next = out + (size_t)t * padded;
            layer->kernels->lstm->step(&cells[cell], n_frames > 1 ? NULL : rows[t], z[t], h_before, c, h_next,
                                       trace ? gates : NULL, room);
            if (trace) {
                lstm_trace_step(trace + (size_t)t * trace_stride + (size_t)(cell * N_TRACE) * (size_t)layer->output_size, gates,
                                c, h_next, layer->output_size);
            }
            h_before = h_next;
        }
        memcpy(h, h_before, padded * sizeof *h);
        for (int t = 0; t < n_frames; t++)
            rows[t] = out + (size_t)t * padded;
    }
}

static void lstm_forward_group(const pylstm_layer *layer, const pylstm_group *group, float *scratch) {
    const pylstm_lstm_weights *cells = layer->packed;
    const size_t padded = pylstm_padded(layer->output_size);
    const int one_frame_each = group->n_rows == group->n_streams;
    float *z[PYLSTM_GROUP_ROWS], *out[PYLSTM_GROUP_ROWS];
    const float *x[PYLSTM_GROUP_ROWS];
    float *between = scratch + (size_t)group->n_rows * PYLSTM_GATES * padded;
    unsigned char *room = (unsigned char *)(between + 2 * (size_t)group->n_rows * padded);
    memcpy(x, group->x, (size_t)group->n_rows * sizeof *x);
    for (int row = 0; row < group->n_rows; row++)
        z[row] = scratch + (size_t)row * PYLSTM_GATES * padded;
    for (int cell = 0; cell < layer->n_cells; cell++) {
        int n = 1;
        for (int row = 0; row < group->n_rows; row++) {
            const size_t place = ((size_t)(cell % 2) * (size_t)group->n_rows + (size_t)row) * padded;
            out[row] = cell == layer->n_cells - 1 ? group->y[row] : between + place;
        }
        if (!one_frame_each)
            layer->kernels->lstm->project(&cells[cell], x, group->n_rows, z, room);
        for (int t = 0; n; t++) { /* frame t of every stream that has one */
            const float *step_x[PYLSTM_GROUP_STREAMS], *h[PYLSTM_GROUP_STREAMS];
            float *c[PYLSTM_GROUP_STREAMS], *h_next[PYLSTM_GROUP_STREAMS];
            n = 0;
            for (int row = 0, stream = 0; stream < group->n_streams; row += group->n_frames[stream++]) {
                if (t >= group->n_frames[stream])
                    continue;
                step_x[n] = one_frame_each ? x[row] : z[row + t];
                h[n] = t ? out[row + t - 1] : lstm_state_at(layer, group->state[stream], cell, STATE_H);
                c[n] = lstm_state_at(layer, group->state[stream], cell, STATE_C);
                h_next[n++] = out[row + t];
            }
            if (n)
                layer->kernels->lstm->step_many(&cells[cell], n, one_frame_each ? step_x : NULL, step_x, h, c, h_next, room);
        }
        for (int row = 0, stream = 0; stream < group->n_streams; row += group->n_frames[stream++]) {
            memcpy(lstm_state_at(layer, group->state[stream], cell, STATE_H), out[row + group->n_frames[stream] - 1],
                   padded * sizeof(float));
        }
        for (int row = 0; row < group->n_rows; row++)
            x[row] = out[row];
    }
}

const pylstm_layer_kind pylstm_layer_lstm = {
    .name = "lstm",
    .format = 1,
    .read = lstm_read,
    .pack = lstm_pack,
    .state = lstm_state,
    .trace = lstm_trace,
    .scratch_size = lstm_scratch_size,
    .forward = lstm_forward,
    .forward_group = lstm_forward_group,
};
