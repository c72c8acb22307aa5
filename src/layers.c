/* The layer kinds: an LSTM stack and a dense layer. A new kind is one more entry in `kinds` and the functions it names. */
#include "layers.h"

#include <stdio.h>
#include <string.h>

#define MAX_SIZE  65536
#define MAX_CELLS 128

/* "layers.3.weight_ih_l0" */
static const char *tensor_name(char name[PYLSTM_MAX_NAME + 1], const pylstm_layer *layer, const char *what, int cell) {
    if (cell < 0) {
        snprintf(name, PYLSTM_MAX_NAME + 1, "layers.%d.%s", layer->index, what);
    } else {
        snprintf(name, PYLSTM_MAX_NAME + 1, "layers.%d.%s_l%d", layer->index, what, cell);
    }
    return name;
}

static pylstm_status check_tensor(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows,
                                  int64_t columns, pylstm_tensor *tensor, pylstm_error *why) {
    char name[PYLSTM_MAX_NAME + 1];
    int64_t shape[2];
    shape[0] = rows, shape[1] = columns;
    return pylstm_modelfile_tensor(file, tensor_name(name, layer, what, cell), columns ? 2 : 1, shape, tensor, why);
}

/* For tensors that the read pass has already found. */
static pylstm_tensor get_tensor(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int cell, int64_t rows,
                                int64_t columns) {
    pylstm_tensor tensor;
    memset(&tensor, 0, sizeof tensor);
    check_tensor(file, layer, what, cell, rows, columns, &tensor, NULL);
    return tensor;
}

static void read_row(const pylstm_tensor *tensor, size_t row, size_t columns, float *values) {
    pylstm_tensor_read_range(tensor, row * columns, columns, values);
}

static pylstm_status read_size(pylstm_modelfile *file, const pylstm_layer *layer, const char *what, int64_t high, int *value,
                               pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    return pylstm_modelfile_integer(file, tensor_name(key, layer, what, -1), 1, high, value, why);
}

static pylstm_status read_bias(pylstm_modelfile *file, pylstm_layer *layer, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    return pylstm_modelfile_boolean(file, tensor_name(key, layer, "bias", -1), &layer->bias, why);
}

/* --- lstm ------------------------------------------------------------------------------------------------------------- */

/* layer->packed: one pylstm_lstm_weights per cell. State: for each cell h, then c. Scratch: the projections of a block of
 * frames, then two buffers of rows between cells. */

static int cell_input_size(const pylstm_layer *layer, int cell) {
    return cell == 0 ? layer->input_size : layer->output_size;
}

static pylstm_status lstm_read(pylstm_modelfile *file, pylstm_layer *layer, pylstm_error *why) {
    pylstm_status status;
    pylstm_tensor tensor;
    int cell;
    if ((status = read_size(file, layer, "hidden_size", MAX_SIZE / PYLSTM_GATES, &layer->output_size, why)))
        return status;
    if ((status = read_size(file, layer, "num_layers", MAX_CELLS, &layer->num_layers, why)))
        return status;
    if ((status = read_bias(file, layer, why)))
        return status;
    for (cell = 0; cell < layer->num_layers; cell++) {
        const int64_t rows = (int64_t)PYLSTM_GATES * layer->output_size;
        const int64_t columns = cell_input_size(layer, cell);
        if ((status = check_tensor(file, layer, "weight_ih", cell, rows, columns, &tensor, why)))
            return status;
        if ((status = check_tensor(file, layer, "weight_hh", cell, rows, layer->output_size, &tensor, why)))
            return status;
        if (!layer->bias)
            continue;
        if ((status = check_tensor(file, layer, "bias_ih", cell, rows, 0, &tensor, why)))
            return status;
        if ((status = check_tensor(file, layer, "bias_hh", cell, rows, 0, &tensor, why)))
            return status;
    }
    return PYLSTM_OK;
}

/* One matrix of a cell into its place among the packed weights: rows of four gates, columns first_column on. */
static void pack_matrix(const pylstm_tensor *matrix, int hidden_size, int columns, int first_column, int all_columns,
                        float *row_values, float *weights) {
    int gate, unit, k;
    for (gate = 0; gate < PYLSTM_GATES; gate++) {
        for (unit = 0; unit < hidden_size; unit++) {
            float *block = weights + (size_t)(unit / PYLSTM_UNITS) * (size_t)all_columns * PYLSTM_GATES * PYLSTM_UNITS;
            read_row(matrix, (size_t)gate * hidden_size + unit, (size_t)columns, row_values);
            for (k = 0; k < columns; k++) {
                block[((size_t)(first_column + k) * PYLSTM_GATES + gate) * PYLSTM_UNITS + unit % PYLSTM_UNITS] = row_values[k];
            }
        }
    }
}

static void pack_cell(pylstm_modelfile *file, const pylstm_layer *layer, int cell, float *row_values, float *weights,
                      float *bias) {
    const int hidden_size = layer->output_size, input_size = cell_input_size(layer, cell), columns = input_size + hidden_size;
    const int64_t rows = (int64_t)PYLSTM_GATES * hidden_size;
    pylstm_tensor tensor = get_tensor(file, layer, "weight_ih", cell, rows, input_size);
    int gate, unit, which;
    pack_matrix(&tensor, hidden_size, input_size, 0, columns, row_values, weights);
    tensor = get_tensor(file, layer, "weight_hh", cell, rows, hidden_size);
    pack_matrix(&tensor, hidden_size, hidden_size, input_size, columns, row_values, weights);
    for (which = 0; layer->bias && which < 2; which++) {
        tensor = get_tensor(file, layer, which ? "bias_hh" : "bias_ih", cell, rows, 0);
        for (gate = 0; gate < PYLSTM_GATES; gate++) {
            read_row(&tensor, (size_t)gate, (size_t)hidden_size, row_values);
            for (unit = 0; unit < hidden_size; unit++) {
                bias[(size_t)(unit / PYLSTM_UNITS * PYLSTM_GATES + gate) * PYLSTM_UNITS + unit % PYLSTM_UNITS] +=
                    row_values[unit];
            }
        }
    }
}

static void lstm_pack(pylstm_modelfile *file, pylstm_layer *layer, pylstm_arena *arena) {
    const size_t hidden_padded = pylstm_padded(layer->output_size);
    const size_t widest = pylstm_padded(layer->input_size > layer->output_size ? layer->input_size : layer->output_size);
    pylstm_lstm_weights *cells = pylstm_arena_take(arena, (size_t)layer->num_layers, sizeof *cells);
    float *row_values = pylstm_arena_take(arena, widest, sizeof *row_values); /* only while packing */
    int cell;
    for (cell = 0; cell < layer->num_layers; cell++) {
        const int input_size = cell_input_size(layer, cell);
        const size_t n_weights = ((size_t)input_size + layer->output_size) * PYLSTM_GATES * hidden_padded;
        const size_t n_bias = PYLSTM_GATES * hidden_padded;
        float *weights = pylstm_arena_take(arena, n_weights, sizeof *weights);
        float *bias = pylstm_arena_take(arena, n_bias, sizeof *bias);
        if (!weights || !bias || !cells || !row_values)
            continue;
        memset(weights, 0, n_weights * sizeof *weights);
        memset(bias, 0, n_bias * sizeof *bias);
        pack_cell(file, layer, cell, row_values, weights, bias);
        cells[cell].weights = weights;
        cells[cell].bias = bias;
        cells[cell].input_size = input_size;
        cells[cell].hidden_size = layer->output_size;
    }
    layer->packed = cells;
}

static size_t lstm_state_size(const pylstm_layer *layer) {
    return 2 * (size_t)layer->num_layers * pylstm_padded(layer->output_size);
}

/* Projections of the rows, two buffers of rows between cells, the gates of a traced step. */
static size_t lstm_scratch_size(const pylstm_layer *layer, size_t n_rows) {
    return (n_rows * (PYLSTM_GATES + 2) + PYLSTM_GATES) * pylstm_padded(layer->output_size);
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
    int cell, t;
    between[0] = gates + PYLSTM_GATES * padded;
    between[1] = between[0] + PYLSTM_BLOCK_FRAMES * padded;
    memcpy(rows, x, (size_t)n_frames * sizeof *rows);
    for (t = 0; t < n_frames; t++)
        z[t] = scratch + (size_t)t * PYLSTM_GATES * padded;
    for (cell = 0; cell < layer->num_layers; cell++) {
        float *h = pylstm_layer_h(layer, state, cell), *c = pylstm_layer_c(layer, state, cell);
        float *out = cell == layer->num_layers - 1 ? y : between[cell % 2];
        const float *h_before = h;
        /* A frame alone keeps its projection in registers; several read the input weights once between them. */
        if (n_frames > 1)
            layer->kernels->lstm_project(&cells[cell], rows, n_frames, z);
        for (t = 0; t < n_frames; t++) {
            float *h_next = out + (size_t)t * padded;
            layer->kernels->lstm_step(&cells[cell], n_frames > 1 ? NULL : rows[t], z[t], h_before, c, h_next,
                                      trace ? gates : NULL);
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
            layer->kernels->lstm_project(&cells[cell], x, group->n_rows, z);
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
                layer->kernels->lstm_step_many(&cells[cell], n, one_frame_each ? step_x : NULL, step_x, h, c, h_next);
        }
        for (row = 0, stream = 0; stream < group->n_streams; row += group->n_frames[stream++]) {
            memcpy(pylstm_layer_h(layer, group->state[stream], cell), out[row + group->n_frames[stream] - 1],
                   padded * sizeof(float));
        }
        for (row = 0; row < group->n_rows; row++)
            x[row] = out[row];
    }
}

/* --- dense ------------------------------------------------------------------------------------------------------------ */

enum { LINEAR, SIGMOID, TANH, RELU, SOFTMAX };

static const char *const activations[] = {"linear", "sigmoid", "tanh", "relu", "softmax", NULL};

static pylstm_status dense_read(pylstm_modelfile *file, pylstm_layer *layer, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    pylstm_status status;
    pylstm_tensor tensor;
    if ((status = read_size(file, layer, "output_size", MAX_SIZE, &layer->output_size, why)))
        return status;
    if ((status =
             pylstm_modelfile_choice(file, tensor_name(key, layer, "activation", -1), activations, &layer->activation, why))) {
        return status;
    }
    if ((status = read_bias(file, layer, why)))
        return status;
    if ((status = check_tensor(file, layer, "weight", -1, layer->output_size, layer->input_size, &tensor, why)))
        return status;
    return layer->bias ? check_tensor(file, layer, "bias", -1, layer->output_size, 0, &tensor, why) : PYLSTM_OK;
}

static void dense_pack(pylstm_modelfile *file, pylstm_layer *layer, pylstm_arena *arena) {
    const size_t padded = pylstm_padded(layer->output_size), input_size = (size_t)layer->input_size;
    pylstm_dense_weights *packed = pylstm_arena_take(arena, 1, sizeof *packed);
    float *row_values = pylstm_arena_take(arena, input_size, sizeof *row_values); /* only while packing */
    float *weights = pylstm_arena_take(arena, padded * input_size, sizeof *weights);
    float *bias = pylstm_arena_take(arena, padded, sizeof *bias);
    pylstm_tensor tensor;
    int output;
    size_t k;
    layer->packed = packed;
    if (!packed || !row_values || !weights || !bias)
        return;
    memset(weights, 0, padded * input_size * sizeof *weights);
    memset(bias, 0, padded * sizeof *bias);
    tensor = get_tensor(file, layer, "weight", -1, layer->output_size, layer->input_size);
    for (output = 0; output < layer->output_size; output++) {
        float *block = weights + (size_t)(output / PYLSTM_UNITS) * input_size * PYLSTM_UNITS;
        read_row(&tensor, (size_t)output, input_size, row_values);
        for (k = 0; k < input_size; k++)
            block[k * PYLSTM_UNITS + output % PYLSTM_UNITS] = row_values[k];
    }
    if (layer->bias) {
        tensor = get_tensor(file, layer, "bias", -1, layer->output_size, 0);
        pylstm_tensor_read(&tensor, bias);
    }
    packed->weights = weights;
    packed->bias = bias;
    packed->input_size = layer->input_size;
    packed->output_size = layer->output_size;
}

static size_t none(const pylstm_layer *layer) {
    (void)layer;
    return 0;
}

static size_t no_scratch(const pylstm_layer *layer, size_t n_rows) {
    (void)layer, (void)n_rows;
    return 0;
}

static void dense_activate(const pylstm_layer *layer, float *y) {
    switch (layer->activation) {
    case SIGMOID:
        layer->kernels->sigmoid(y, layer->output_size);
        break;
    case TANH:
        layer->kernels->tanh(y, layer->output_size);
        break;
    case RELU:
        layer->kernels->relu(y, layer->output_size);
        break;
    case SOFTMAX:
        layer->kernels->softmax(y, layer->output_size);
        break;
    default:
        break;
    }
}

static void dense_forward(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames,
                          float *y, float *trace, size_t trace_stride) {
    const size_t padded = pylstm_padded(layer->output_size);
    float *rows[PYLSTM_BLOCK_FRAMES] = {NULL};
    int t;
    (void)state, (void)scratch, (void)trace, (void)trace_stride;
    for (t = 0; t < n_frames; t++)
        rows[t] = y + (size_t)t * padded;
    layer->kernels->dense_many(layer->packed, n_frames, x, rows);
    for (t = 0; t < n_frames; t++)
        dense_activate(layer, rows[t]);
}

static void dense_forward_group(const pylstm_layer *layer, const pylstm_group *group, float *scratch) {
    int row;
    (void)scratch;
    layer->kernels->dense_many(layer->packed, group->n_rows, group->x, group->y);
    for (row = 0; row < group->n_rows; row++)
        dense_activate(layer, group->y[row]);
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

static const pylstm_layer_kind kinds[] = {
    {"lstm", lstm_read, lstm_pack, lstm_state_size, lstm_scratch_size, lstm_trace_size, lstm_forward, lstm_forward_group},
    {"dense", dense_read, dense_pack, none, no_scratch, none, dense_forward, dense_forward_group},
};

pylstm_status pylstm_layer_read(pylstm_modelfile *file, int index, int input_size, pylstm_layer *layer, pylstm_error *why) {
    enum { N_KINDS = sizeof kinds / sizeof *kinds };
    const char *names[N_KINDS + 1];
    char key[PYLSTM_MAX_NAME + 1];
    pylstm_status status;
    int k;
    memset(layer, 0, sizeof *layer);
    layer->index = index;
    for (k = 0; k < N_KINDS; k++)
        names[k] = kinds[k].name;
    names[N_KINDS] = NULL;
    if ((status = pylstm_modelfile_choice(file, tensor_name(key, layer, "kind", -1), names, &k, why)))
        return status;
    layer->kind = &kinds[k];
    if ((status = read_size(file, layer, "input_size", MAX_SIZE, &layer->input_size, why)))
        return status;
    if (input_size && layer->input_size != input_size) {
        return pylstm_fail(why, PYLSTM_BAD_MODEL, "[layer-width] layers.%d takes %d values but what comes before it gives %d",
                           index, layer->input_size, input_size);
    }
    return layer->kind->read(file, layer, why);
}

int pylstm_layer_cells(const pylstm_layer *layer) {
    return layer->num_layers;
}

float *pylstm_layer_h(const pylstm_layer *layer, float *state, int cell) {
    return state + 2 * (size_t)cell * pylstm_padded(layer->output_size);
}

float *pylstm_layer_c(const pylstm_layer *layer, float *state, int cell) {
    return pylstm_layer_h(layer, state, cell) + pylstm_padded(layer->output_size);
}
