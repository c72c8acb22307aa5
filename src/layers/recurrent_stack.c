/* Stacks of cells that remember h alone.
 *
 * Scratch: for each row the projections, a row in each of two buffers between cells, and the places of a step's gates; then
 * rounded rows.
 */
#include "layers/recurrent_stack.h"

#include <string.h>

#if PYLSTM_KIND_gru || PYLSTM_KIND_rnn

#define MAX_CELLS 128

/* The limit of hidden_size is that of an LSTM, whose matrices have the most rows. */
#define MAX_HIDDEN_SIZE (PYLSTM_MAX_SIZE / 4)

static const pylstm_recurrent_config *config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

int pylstm_recurrent_hidden_size(const pylstm_layer *layer) {
    return layer->output_size;
}

const pylstm_cell_part pylstm_recurrent_state[] = {
    {"h", pylstm_recurrent_hidden_size},
    {NULL, NULL},
};

static float *h_at(const pylstm_layer *layer, float *state, int cell) {
    return state + (size_t)cell * pylstm_padded(layer->output_size);
}

static int cell_input_size(const pylstm_layer *layer, int cell) {
    return cell == 0 ? layer->input_size : layer->output_size;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static pylstm_status read_cell(pylstm_model_file *file, const pylstm_layer *layer, int cell, pylstm_error *why) {
    const int64_t hidden_size = layer->output_size, rows = config_of(layer)->n_gates * hidden_size;
    pylstm_tensor tensor, scales;
    PYLSTM_TRY(pylstm_layer_matrix(file, layer, "weight_ih", cell, rows, cell_input_size(layer, cell), &tensor, &scales, why));
    PYLSTM_TRY(pylstm_layer_matrix(file, layer, "weight_hh", cell, rows, hidden_size, &tensor, &scales, why));
    if (!config_of(layer)->bias)
        return PYLSTM_OK;
    PYLSTM_TRY(pylstm_layer_tensor(file, layer, "bias_ih", cell, PYLSTM_DTYPE_ANY_FLOAT, rows, 0, &tensor, why));
    return pylstm_layer_tensor(file, layer, "bias_hh", cell, PYLSTM_DTYPE_ANY_FLOAT, rows, 0, &tensor, why);
}

pylstm_status pylstm_recurrent_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    pylstm_recurrent_config *config = (void *)layer->config;
    PYLSTM_TRY(pylstm_layer_precision(file, layer, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "hidden_size", MAX_HIDDEN_SIZE, &layer->output_size, why));
    PYLSTM_TRY(pylstm_layer_size(file, layer, "num_layers", MAX_CELLS, &layer->n_cells, why));
    PYLSTM_TRY(pylstm_layer_bias(file, layer, &config->bias, why));
    for (int cell = 0; cell < layer->n_cells; cell++)
        PYLSTM_TRY(read_cell(file, layer, cell, why));
    return PYLSTM_OK;
}

/* --- packing ---------------------------------------------------------------------------------------------------------- */

/* Gates `first` to `first + n - 1` of a cell's matrix, as rows of n vectors. */
static void pack_matrix(pylstm_model_file *file, const pylstm_layer *layer, pylstm_arena *arena, float *row_values,
                        const char *what, int cell, int columns, int first, int n, pylstm_cell_matrix *packed) {
    const int hidden_size = layer->output_size;
    const int64_t rows = (int64_t)config_of(layer)->n_gates * hidden_size;
    pylstm_packing to = {
        .precision = layer->precision,
        .n_vectors = n,
        .block_rows = pylstm_packed_rows((size_t)columns, layer->precision),
    };
    pylstm_tensor matrix, scales;
    pylstm_packing_take(&to, arena, pylstm_padded(hidden_size) / PYLSTM_UNITS, 1, row_values);
    if (!to.weights || pylstm_layer_matrix(file, layer, what, cell, rows, columns, &matrix, &scales, NULL))
        return;
    for (int gate = 0; gate < n; gate++)
        pylstm_pack(&to, &matrix, &scales, (size_t)(first + gate) * (size_t)hidden_size, hidden_size, columns, gate);
    *packed = (pylstm_cell_matrix){
        .weights = to.weights,
        .block_words = to.block_rows * (size_t)n * PYLSTM_UNITS,
        .scale = to.scale,
        .offset = to.offset,
    };
}

/* Adds one gate of a cell's bias to vector `vector` of each block of packed, which has n_vectors of them. */
static void add_bias(pylstm_model_file *file, const pylstm_layer *layer, float *row_values, const char *what, int cell,
                     int gate, float *packed, int n_vectors, int vector) {
    const int hidden_size = layer->output_size;
    const pylstm_tensor tensor = pylstm_layer_vector(file, layer, what, cell, (int64_t)config_of(layer)->n_gates * hidden_size);
    pylstm_tensor_read_range(&tensor, (size_t)gate * (size_t)hidden_size, (size_t)hidden_size, row_values);
    for (int unit = 0; unit < hidden_size; unit++)
        packed[(unit / PYLSTM_UNITS * n_vectors + vector) * PYLSTM_UNITS + unit % PYLSTM_UNITS] += row_values[unit];
}

static void pack_cell(pylstm_model_file *file, const pylstm_layer *layer, pylstm_arena *arena, float *row_values, int cell,
                      pylstm_recurrent_weights *packed) {
    const pylstm_recurrent_config *config = config_of(layer);
    const size_t padded = pylstm_padded(layer->output_size);
    const int n_gates = config->n_gates, last = n_gates - 1, hidden_size = layer->output_size;
    const int before = n_gates == PYLSTM_GRU_GATES && !config->reset_after;
    pylstm_cell_matrix x = {0}, h = {0}, candidate = {0};
    float *bias = pylstm_arena_take(arena, (size_t)n_gates * padded, sizeof *bias);
    float *bias_candidate = config->reset_after ? pylstm_arena_take(arena, padded, sizeof *bias_candidate) : NULL;
    pack_matrix(file, layer, arena, row_values, "weight_ih", cell, cell_input_size(layer, cell), 0, n_gates, &x);
    pack_matrix(file, layer, arena, row_values, "weight_hh", cell, hidden_size, 0, before ? last : n_gates, &h);
    if (before)
        pack_matrix(file, layer, arena, row_values, "weight_hh", cell, hidden_size, last, 1, &candidate);
    if (!packed || !bias || !x.weights)
        return;
    memset(bias, 0, (size_t)n_gates * padded * sizeof *bias);
    if (bias_candidate)
        memset(bias_candidate, 0, padded * sizeof *bias_candidate);
    for (int gate = 0; config->bias && gate < n_gates; gate++) {
        add_bias(file, layer, row_values, "bias_ih", cell, gate, bias, n_gates, gate);
        if (bias_candidate && gate == last) {
            add_bias(file, layer, row_values, "bias_hh", cell, gate, bias_candidate, 1, 0);
        } else {
            add_bias(file, layer, row_values, "bias_hh", cell, gate, bias, n_gates, gate);
        }
    }
    /* Field by field, so that what lies between fields is the same in every copy of a model. */
    packed += cell;
    memset(packed, 0, sizeof *packed);
    packed->precision = layer->precision;
    packed->input_size = cell_input_size(layer, cell);
    packed->hidden_size = hidden_size;
    packed->relu = config->relu;
    packed->reset_after = config->reset_after;
    packed->form = config->gate_slope > 0.0f ? PYLSTM_GRU_HARD : config->reset_after ? PYLSTM_GRU_AFTER : PYLSTM_GRU_BEFORE;
    packed->gate_slope = config->gate_slope;
    packed->x = x;
    packed->h = h;
    packed->candidate = candidate;
    packed->bias = bias;
    packed->bias_candidate = bias_candidate;
}

void pylstm_recurrent_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena) {
    const size_t widest = pylstm_padded(layer->input_size > layer->output_size ? layer->input_size : layer->output_size);
    pylstm_recurrent_weights *cells = pylstm_arena_take(arena, (size_t)layer->n_cells, sizeof *cells);
    float *row_values = pylstm_arena_take(arena, widest, sizeof *row_values); /* only while packing */
    for (int cell = 0; cell < layer->n_cells; cell++)
        pack_cell(file, layer, arena, row_values, cell, cells);
    layer->packed = cells;
}

/* --- running ---------------------------------------------------------------------------------------------------------- */

/* Floats that the gates of a step take; an RNN has none that anybody asks for. */
static size_t gates_size(const pylstm_layer *layer) {
    return config_of(layer)->n_gates == PYLSTM_GRU_GATES ? PYLSTM_GRU_PLACES * pylstm_padded(layer->output_size) : 0;
}

/* Of so many rows, how many have gates at a time: all where a step needs them, else that which is traced. */
static size_t rows_with_gates(const pylstm_layer *layer, size_t n_rows) {
    return config_of(layer)->reset_after ? 1 : n_rows;
}

/* Bytes that a row takes once it is rounded to the precision of the weights. */
static size_t rounded_room(const pylstm_layer *layer) {
    const int widest = layer->input_size > layer->output_size ? layer->input_size : layer->output_size;
    return layer->precision ? pylstm_column_room(widest) + pylstm_column_room(layer->output_size) : 0;
}

size_t pylstm_recurrent_scratch_size(const pylstm_layer *layer, size_t n_rows) {
    const size_t of_a_row = (size_t)(config_of(layer)->n_gates + 2) * pylstm_padded(layer->output_size);
    return n_rows * (of_a_row + rounded_room(layer) / sizeof(float)) + rows_with_gates(layer, n_rows) * gates_size(layer);
}

/* The parts of the scratch for n_rows rows. */
typedef struct scratch_parts {
    float *projections, *between, *gates;
    unsigned char *room;
} scratch_parts;

static scratch_parts parts_of(const pylstm_layer *layer, float *scratch, size_t n_rows) {
    const size_t padded = pylstm_padded(layer->output_size);
    scratch_parts parts = {.projections = scratch};
    parts.between = parts.projections + n_rows * (size_t)config_of(layer)->n_gates * padded;
    parts.gates = parts.between + 2 * n_rows * padded;
    parts.room = (unsigned char *)(parts.gates + rows_with_gates(layer, n_rows) * gates_size(layer));
    return parts;
}

/* The trace of one step of a cell: gates, then h. */
static void trace_step(float *trace, const float *gates, int n_traced, const float *h, int hidden_size) {
    const size_t padded = pylstm_padded(hidden_size), bytes = (size_t)hidden_size * sizeof(float);
    for (int gate = 0; gate < n_traced; gate++, trace += hidden_size)
        memcpy(trace, gates + (size_t)gate * padded, bytes);
    memcpy(trace, h, bytes);
}

void pylstm_recurrent_forward(const pylstm_layer *layer, const pylstm_recurrent_kernels *kernels, int n_traced, float *state,
                              float *scratch, const float *const *x, int n_frames, float *y, float *trace,
                              size_t trace_stride) {
    const pylstm_recurrent_weights *cells = layer->packed;
    const size_t padded = pylstm_padded(layer->output_size), n_gates = (size_t)config_of(layer)->n_gates;
    const scratch_parts parts = parts_of(layer, scratch, PYLSTM_BLOCK_FRAMES);
    const float *rows[PYLSTM_BLOCK_FRAMES];
    float *z[PYLSTM_BLOCK_FRAMES];
    for (int t = 0; t < n_frames; t++) {
        rows[t] = x[t];
        z[t] = parts.projections + (size_t)t * n_gates * padded;
    }
    for (int cell = 0; cell < layer->n_cells; cell++) {
        float *h = h_at(layer, state, cell);
        float *out = cell == layer->n_cells - 1 ? y : parts.between + (size_t)(cell % 2 * PYLSTM_BLOCK_FRAMES) * padded;
        float *gates = trace || !cells[cell].reset_after ? parts.gates : NULL;
        const float *h_before = h;
        /* A frame alone keeps its projection in registers; several read the input weights once between them. */
        if (n_frames > 1)
            kernels->project(&cells[cell], rows, n_frames, z, parts.room);
        for (int t = 0; t < n_frames; t++) {
            float *h_next = out + (size_t)t * padded;
            kernels->step(&cells[cell], n_frames > 1 ? NULL : rows[t], z[t], h_before, h_next, gates, parts.room);
            if (trace) {
                const size_t place = (size_t)(cell * (n_traced + 1)) * (size_t)layer->output_size;
                trace_step(trace + (size_t)t * trace_stride + place, gates, n_traced, h_next, layer->output_size);
            }
            h_before = h_next;
        }
        memcpy(h, h_before, padded * sizeof *h);
        for (int t = 0; t < n_frames; t++)
            rows[t] = out + (size_t)t * padded;
    }
}

void pylstm_recurrent_forward_group(const pylstm_layer *layer, const pylstm_recurrent_kernels *kernels,
                                    const pylstm_group *group, float *scratch) {
    const pylstm_recurrent_weights *cells = layer->packed;
    const size_t padded = pylstm_padded(layer->output_size), n_gates = (size_t)config_of(layer)->n_gates;
    const size_t n_rows = (size_t)group->n_rows;
    const int one_frame_each = group->n_rows == group->n_streams;
    const scratch_parts parts = parts_of(layer, scratch, n_rows);
    float *z[PYLSTM_GROUP_ROWS], *out[PYLSTM_GROUP_ROWS], *gates[PYLSTM_GROUP_ROWS];
    const float *x[PYLSTM_GROUP_ROWS];
    memcpy(x, group->x, n_rows * sizeof *x);
    for (size_t row = 0; row < n_rows; row++) {
        z[row] = parts.projections + row * n_gates * padded;
        gates[row] = parts.gates + (cells->reset_after ? 0 : row * gates_size(layer));
    }
    for (int cell = 0; cell < layer->n_cells; cell++) {
        int n = 1;
        for (size_t row = 0; row < n_rows; row++) {
            float *between = parts.between + ((size_t)(cell % 2) * n_rows + row) * padded;
            out[row] = cell == layer->n_cells - 1 ? group->y[row] : between;
        }
        if (!one_frame_each)
            kernels->project(&cells[cell], x, group->n_rows, z, parts.room);
        for (int t = 0; n; t++) { /* frame t of every stream that has one */
            const float *step_x[PYLSTM_GROUP_STREAMS], *h[PYLSTM_GROUP_STREAMS];
            float *h_next[PYLSTM_GROUP_STREAMS];
            n = 0;
            for (int row = 0, stream = 0; stream < group->n_streams; row += group->n_frames[stream++]) {
                if (t >= group->n_frames[stream])
                    continue;
                step_x[n] = one_frame_each ? x[row] : z[row + t];
                h[n] = t ? out[row + t - 1] : h_at(layer, group->state[stream], cell);
                h_next[n++] = out[row + t];
            }
            if (n) {
                kernels->step_many(&cells[cell], n, one_frame_each ? step_x : NULL, step_x, h, h_next,
                                   cells[cell].reset_after ? NULL : gates, parts.room);
            }
        }
        for (int row = 0, stream = 0; stream < group->n_streams; row += group->n_frames[stream++]) {
            memcpy(h_at(layer, group->state[stream], cell), out[row + group->n_frames[stream] - 1], padded * sizeof(float));
        }
        for (size_t row = 0; row < n_rows; row++)
            x[row] = out[row];
    }
}

#endif
