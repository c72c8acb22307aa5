/* The layer kind lstm: a stack of cells.
 *
 * layer->packed: one pylstm_lstm_weights per cell. State: for each cell h, then c. Scratch: the projections of a block of
 * frames, then two buffers of rows between cells.
 */
#include "kernels/lstm_kernels.h"
#include "layers/layer_reading.h"

#include <string.h>

#define MAX_CELLS 128

static int cell_input_size(const pylstm_layer *layer, int cell) {
    return cell == 0 ? layer->input_size : layer->output_size;
}

static pylstm_status lstm_read(pylstm_modelfile *file, pylstm_layer *layer, pylstm_error *why) {
    pylstm_status status;
    pylstm_tensor tensor, scales;
    int cell;
    if ((status = pylstm_layer_size(file, layer, "hidden_size", PYLSTM_MAX_SIZE / PYLSTM_GATES, &layer->output_size, why)))
        return status;
    if ((status = pylstm_layer_size(file, layer, "num_layers", MAX_CELLS, &layer->num_layers, why)))
        return status;
    if ((status = pylstm_layer_bias(file, layer, why)))
        return status;
    for (cell = 0; cell < layer->num_layers; cell++) {
        const int64_t rows = (int64_t)PYLSTM_GATES * layer->output_size;
        const int64_t columns = cell_input_size(layer, cell);
        if ((status = pylstm_layer_matrix(file, layer, "weight_ih", cell, rows, columns, &tensor, &scales, why)))
            return status;
        if ((status = pylstm_layer_matrix(file, layer, "weight_hh", cell, rows, layer->output_size, &tensor, &scales, why)))
            return status;
        if (!layer->bias)
            continue;
        if ((status = pylstm_layer_tensor(file, layer, "bias_ih", cell, NULL, rows, 0, &tensor, why)))
            return status;
        if ((status = pylstm_layer_tensor(file, layer, "bias_hh", cell, NULL, rows, 0, &tensor, why)))
            return status;
    }
    return PYLSTM_OK;
}

/* Both matrices of a cell, then its two biases as one. */
static void pack_cell(pylstm_modelfile *file, const pylstm_layer *layer, int cell, pylstm_packing to, float *bias,
                      pylstm_lstm_weights *packed) {
    const int hidden_size = layer->output_size, input_size = cell_input_size(layer, cell);
    const size_t lanes = PYLSTM_GATES * pylstm_padded(hidden_size);
    const int64_t rows = (int64_t)PYLSTM_GATES * hidden_size;
    int gate, unit, which;
    packed->precision = layer->precision;
    packed->input_size = input_size;
    packed->hidden_size = hidden_size;
    packed->weights = to.weights;
    packed->bias = bias;
    packed->scale_x = to.scale;
    packed->offset_x = to.offset;
    packed->scale_h = to.scale + (layer->precision == PYLSTM_WEIGHTS_INT8 ? lanes : 0);
    packed->offset_h = to.offset + (layer->precision == PYLSTM_WEIGHTS_INT8 ? lanes : 0);
    for (which = 0; which < 2; which++) {
        const int columns = which ? hidden_size : input_size;
        pylstm_tensor matrix, scales;
        if (pylstm_layer_matrix(file, layer, which ? "weight_hh" : "weight_ih", cell, rows, columns, &matrix, &scales, NULL))
            return; /* not reached: the read pass has found them */
        for (gate = 0; gate < PYLSTM_GATES; gate++)
            pylstm_pack(&to, &matrix, &scales, (size_t)gate * (size_t)hidden_size, hidden_size, columns, gate);
        to.first_row += pylstm_packed_rows((size_t)columns, layer->precision);
        to.scale = (float *)packed->scale_h;
        to.offset = (int32_t *)packed->offset_h;
    }
    for (which = 0; layer->bias && which < 2; which++) {
        const pylstm_tensor tensor = pylstm_layer_vector(file, layer, which ? "bias_hh" : "bias_ih", cell, rows);
        for (gate = 0; gate < PYLSTM_GATES; gate++) {
            pylstm_tensor_read_range(&tensor, (size_t)gate * (size_t)hidden_size, (size_t)hidden_size, to.row_values);
            for (unit = 0; unit < hidden_size; unit++) {
                bias[(size_t)(unit / PYLSTM_UNITS * PYLSTM_GATES + gate) * PYLSTM_UNITS + (size_t)(unit % PYLSTM_UNITS)] +=
                    to.row_values[unit];
            }
        }
    }
}

static void lstm_pack(pylstm_modelfile *file, pylstm_layer *layer, pylstm_arena *arena) {
    const size_t padded = pylstm_padded(layer->output_size);
    const size_t widest = pylstm_padded(layer->input_size > layer->output_size ? layer->input_size : layer->output_size);
    pylstm_lstm_weights *cells = pylstm_arena_take(arena, (size_t)layer->num_layers, sizeof *cells);
    float *row_values = pylstm_arena_take(arena, widest, sizeof *row_values); /* only while packing */
    int cell;
    for (cell = 0; cell < layer->num_layers; cell++) {
        pylstm_packing to = {layer->precision, PYLSTM_GATES, 0, 0, NULL, NULL, NULL, NULL};
        float *bias = pylstm_arena_take(arena, PYLSTM_GATES * padded, sizeof *bias);
        to.block_rows = pylstm_packed_rows((size_t)cell_input_size(layer, cell), layer->precision) +
                        pylstm_packed_rows((size_t)layer->output_size, layer->precision);
        pylstm_take_packed(arena, &to, padded / PYLSTM_UNITS, 2, row_values);
        if (!cells || !bias || !to.weights)
            continue;
        memset(bias, 0, PYLSTM_GATES * padded * sizeof *bias);
        pack_cell(file, layer, cell, to, bias, &cells[cell]);
    }
    layer->packed = cells;
}

static size_t lstm_state_size(const pylstm_layer *layer) {
    return 2 * (size_t)layer->num_layers * pylstm_padded(layer->output_size);
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

static size_t lstm_trace_size(const pylstm_layer *layer) {
    return (size_t)layer->num_layers * (PYLSTM_GATES + 2) * (size_t)layer->output_size;
}

/* i, f, g, o, c, h of one step, hidden_size floats each. */
static void lstm_trace_step(float *trace, const float *gates, const float *c, const float *h, int hidden_size) {
    const size_t padded = pylstm_padded(hidden_size), bytes = (size_t)hidden_size * sizeof(float);
    int gate;
    for (gate = 0; gate < PYLSTM_GATES; gate++)
        memcpy(trace + gate * hidden_size, gates + gate * padded, bytes);
    memcpy(trace + PYLSTM_GATES * hidden_size, c, bytes);
    memcpy(trace + (PYLSTM_GATES + 1) * hidden_size, h, bytes);
}

static void lstm_forward(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames, float *y,
                         float *trace, size_t trace_stride) {
    const pylstm_lstm_weights *cells = layer->packed;
    const size_t padded = pylstm_padded(layer->output_size);
    float *gates = scratch + PYLSTM_BLOCK_FRAMES * PYLSTM_GATES * padded;
    float *z[PYLSTM_BLOCK_FRAMES], *between[2];
    const float *rows[PYLSTM_BLOCK_FRAMES];
    unsigned char *room;
    int cell, t;
    between[0] = gates + PYLSTM_GATES * padded;
    between[1] = between[0] + PYLSTM_BLOCK_FRAMES * padded;
    room = (unsigned char *)(between[1] + PYLSTM_BLOCK_FRAMES * padded);
    memcpy(rows, x, (size_t)n_frames * sizeof *rows);
    for (t = 0; t < n_frames; t++)
        z[t] = scratch + (size_t)t * PYLSTM_GATES * padded;
    for (cell = 0; cell < layer->num_layers; cell++) {
        float *h = pylstm_layer_h(layer, state, cell), *c = pylstm_layer_c(layer, state, cell);
        float *out = cell == layer->num_layers - 1 ? y : between[cell % 2];
        const float *h_before = h;
        /* A frame alone keeps its projection in registers; several read the input weights once between them. */
        if (n_frames > 1)
            layer->kernels->lstm->project(&cells[cell], rows, n_frames, z, room);
        for (t = 0; t < n_frames; t++) {
            float *h_next = out + (size_t)t * padded;
            layer->kernels->lstm->step(&cells[cell], n_frames > 1 ? NULL : rows[t], z[t], h_before, c, h_next,
                                       trace ? gates : NULL, room);
            if (trace) {
                lstm_trace_step(trace + (size_t)t * trace_stride +
                                    (size_t)cell * (PYLSTM_GATES + 2) * (size_t)layer->output_size,
                                gates, c, h_next, layer->output_size);
            }
            h_before = h_next;
        }
        memcpy(h, h_before, padded * sizeof *h);
        for (t = 0; t < n_frames; t++)
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
    int cell, row, stream, t;
    memcpy(x, group->x, (size_t)group->n_rows * sizeof *x);
    for (row = 0; row < group->n_rows; row++)
        z[row] = scratch + (size_t)row * PYLSTM_GATES * padded;
    for (cell = 0; cell < layer->num_layers; cell++) {
        int n = 1;
        for (row = 0; row < group->n_rows; row++) {
            const size_t place = ((size_t)(cell % 2) * (size_t)group->n_rows + (size_t)row) * padded;
            out[row] = cell == layer->num_layers - 1 ? group->y[row] : between + place;
        }
        if (!one_frame_each)
            layer->kernels->lstm->project(&cells[cell], x, group->n_rows, z, room);
        for (t = 0; n; t++) { /* frame t of every stream that has one */
            const float *step_x[PYLSTM_GROUP_STREAMS], *h[PYLSTM_GROUP_STREAMS];
            float *c[PYLSTM_GROUP_STREAMS], *h_next[PYLSTM_GROUP_STREAMS];
            for (n = 0, row = 0, stream = 0; stream < group->n_streams; row += group->n_frames[stream++]) {
                if (t >= group->n_frames[stream])
                    continue;
                step_x[n] = one_frame_each ? x[row] : z[row + t];
                h[n] = t ? out[row + t - 1] : pylstm_layer_h(layer, group->state[stream], cell);
                c[n] = pylstm_layer_c(layer, group->state[stream], cell);
                h_next[n++] = out[row + t];
            }
            if (n)
                layer->kernels->lstm->step_many(&cells[cell], n, one_frame_each ? step_x : NULL, step_x, h, c, h_next, room);
        }
        for (row = 0, stream = 0; stream < group->n_streams; row += group->n_frames[stream++]) {
            memcpy(pylstm_layer_h(layer, group->state[stream], cell), out[row + group->n_frames[stream] - 1],
                   padded * sizeof(float));
        }
        for (row = 0; row < group->n_rows; row++)
            x[row] = out[row];
    }
}

const pylstm_layer_kind pylstm_layer_lstm = {
    "lstm", lstm_read, lstm_pack, lstm_state_size, lstm_scratch_size, lstm_trace_size, lstm_forward, lstm_forward_group,
};
