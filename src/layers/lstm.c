/* The layer kind lstm: a stack of cells.
 *
 * A cell of PyTorch's takes one kernel a step. One with options (peepholes and so on) has its sums computed by that kernel's
 * family and its update by another; a projection is a dense layer behind each step.
 */
#include "layers/lstm_weights.h"

#include <string.h>

#if PYLSTM_KIND_lstm

static int hidden_size_of(const pylstm_layer *layer) {
    return pylstm_lstm_config_of(layer)->hidden_size;
}

static int h_size_of(const pylstm_layer *layer) {
    return layer->output_size;
}

enum { STATE_H, STATE_C, N_STATE };

static const pylstm_cell_part lstm_state[] = {
    [STATE_H] = {"h", h_size_of},
    [STATE_C] = {"c", hidden_size_of},
    [N_STATE] = {NULL, NULL},
};

/* Where a part of a cell's state stands. */
static float *lstm_state_at(const pylstm_layer *layer, float *state, int cell, int part) {
    const size_t h = pylstm_padded(h_size_of(layer)), c = pylstm_padded(hidden_size_of(layer));
    return state + (size_t)cell * (h + c) + (part == STATE_C ? h : 0);
}

/* The gates come first, in the order of their rows. */
enum { TRACE_C = PYLSTM_GATES, TRACE_H, N_TRACE };

static const pylstm_cell_part lstm_trace[] = {
    {"i", hidden_size_of},
    {"f", hidden_size_of},
    {"g", hidden_size_of},
    {"o", hidden_size_of},
    [TRACE_C] = {"c", hidden_size_of},
    [TRACE_H] = {"h", h_size_of},
    [N_TRACE] = {NULL, NULL},
};

/* The trace of one step of a cell, as lstm_trace says. */
static void lstm_trace_step(const pylstm_layer *layer, float *trace, const float *gates, const float *c, const float *h) {
    const size_t hidden_size = (size_t)hidden_size_of(layer), padded = pylstm_padded(hidden_size_of(layer));
    for (size_t gate = 0; gate < PYLSTM_GATES; gate++)
        memcpy(trace + gate * hidden_size, gates + gate * padded, hidden_size * sizeof(float));
    memcpy(trace + TRACE_C * hidden_size, c, hidden_size * sizeof(float));
    memcpy(trace + TRACE_H * hidden_size, h, (size_t)h_size_of(layer) * sizeof(float));
}

/* --- scratch ---------------------------------------------------------------------------------------------------------- */

/* Where the parts of the scratch for n_rows rows begin, and its size: floats. */
typedef struct lstm_scratch {
    size_t lanes; /* of the sums of a row */
    size_t gates; /* of a traced step */
    size_t between[2], room;
    size_t h_sums; /* layer normalisation: sums of W_hh h alone */
    size_t memory; /* before a projection: o tanh(c) */
    size_t size;
} lstm_scratch;

/* Bytes that the rounded rows take with bfloat16 and int8 weights. */
static size_t room_size(const pylstm_layer *layer, size_t n_rows) {
    const int widest = layer->input_size > layer->output_size ? layer->input_size : layer->output_size;
    const size_t rows = n_rows * (pylstm_column_room(widest) + pylstm_column_room(layer->output_size));
    const size_t memory = pylstm_column_room(hidden_size_of(layer)); /* before a projection: one at a time */
    return rows > memory ? rows : memory;
}

/* First of all stand the sums. A frame of a plain float32 cell must not wait for more than the first lines of this. */
static inline lstm_scratch lay_out(const pylstm_layer *layer, size_t n_rows) {
    const pylstm_lstm_config *config = pylstm_lstm_config_of(layer);
    const size_t hidden = pylstm_padded(config->hidden_size), h = pylstm_padded(layer->output_size);
    lstm_scratch parts;
    parts.lanes = (size_t)pylstm_lstm_n_blocks(layer) * PYLSTM_GATES * PYLSTM_UNITS;
    parts.gates = n_rows * parts.lanes;
    parts.between[0] = parts.gates + PYLSTM_GATES * hidden;
    parts.between[1] = parts.between[0] + n_rows * h;
    parts.room = parts.between[1] + n_rows * h;
    parts.h_sums = parts.room;
    if (layer->precision)
        parts.h_sums += room_size(layer, n_rows) / sizeof(float);
    parts.memory = parts.h_sums;
    if (config->layer_norm)
        parts.memory += n_rows * parts.lanes;
    parts.size = parts.memory;
    if (config->proj_size)
        parts.size += n_rows * hidden;
    return parts;
}

static size_t lstm_scratch_size(const pylstm_layer *layer, size_t n_rows) {
    return lay_out(layer, n_rows).size;
}

/* --- steps ------------------------------------------------------------------------------------------------------------ */

static int is_plain(const pylstm_layer *layer, const pylstm_lstm_cell *cell) {
    return !pylstm_lstm_has_options(cell) && !pylstm_lstm_config_of(layer)->proj_size;
}

/* The inputs' part of the sums of n rows, for a cell with options. */
static void project_with_options(const pylstm_layer *layer, const pylstm_lstm_cell *cell, const float *const *x, int n,
                                 float *const *z, unsigned char *room) {
    layer->kernels->lstm->sums(&cell->gates, n, x, NULL, NULL, z, room);
    for (int t = 0; pylstm_lstm_config_of(layer)->layer_norm && t < n; t++)
        layer->kernels->lstm_options->normalise(&cell->options, z[t], cell->options.gain_ih, cell->options.bias, z[t]);
}

/* From the inputs' part of the sums of n streams to c and to what h is before a projection. */
static void update_with_options(const pylstm_layer *layer, const pylstm_lstm_cell *cell, int n, float *const *z,
                                const float *const *h, float *const *c, float *const *h_next, float *gates, float *scratch,
                                const lstm_scratch *parts) {
    const pylstm_lstm_options_kernels *kernels = layer->kernels->lstm_options;
    unsigned char *room = (unsigned char *)(scratch + parts->room);
    const float *start[PYLSTM_GROUP_STREAMS];
    float *sums[PYLSTM_GROUP_STREAMS];
    for (int t = 0; t < n; t++) {
        const int apart = pylstm_lstm_config_of(layer)->layer_norm;
        start[t] = apart ? cell->gates.bias : z[t]; /* a normalised cell's bias is not in its sums: this one is 0 */
        sums[t] = apart ? scratch + parts->h_sums + (size_t)t * parts->lanes : z[t];
    }
    layer->kernels->lstm->sums(&cell->gates, n, NULL, start, h, sums, room);
    for (int t = 0; t < n; t++) {
        if (sums[t] != z[t])
            kernels->normalise(&cell->options, sums[t], cell->options.gain_hh, z[t], z[t]);
        kernels->update(&cell->options, z[t], c[t], h_next[t], gates);
    }
}

/* One step of n streams of a cell that is not plain. With options, z are the inputs' parts of the sums; else x, or, where that
 * is NULL, z. gates: of a single stream, or NULL. */
static void step_with_options(const pylstm_layer *layer, const pylstm_lstm_cell *cell, int n, const float *const *x,
                              float *const *z, const float *const *h, float *const *c, float *const *h_next, float *gates,
                              float *scratch, const lstm_scratch *parts) {
    const int projected = pylstm_lstm_config_of(layer)->proj_size;
    const size_t padded = pylstm_padded(hidden_size_of(layer));
    unsigned char *room = (unsigned char *)(scratch + parts->room);
    float *memory[PYLSTM_GROUP_STREAMS];
    for (int t = 0; t < n; t++)
        memory[t] = projected ? scratch + parts->memory + (size_t)t * padded : h_next[t];
    if (pylstm_lstm_has_options(cell)) {
        update_with_options(layer, cell, n, z, h, c, memory, gates, scratch, parts);
    } else if (n == 1) {
        layer->kernels->lstm->step(&cell->gates, x ? x[0] : NULL, z[0], h[0], c[0], memory[0], gates, room);
    } else {
        layer->kernels->lstm->step_many(&cell->gates, n, x, (const float *const *)z, h, c, memory, room);
    }
    if (projected)
        layer->kernels->dense->forward(&cell->projection, (const float *const *)memory, n, h_next, room);
}

static void lstm_forward(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames, float *y,
                         float *trace, size_t trace_stride) {
    const pylstm_lstm_cell *cells = layer->packed;
    const lstm_scratch parts = lay_out(layer, PYLSTM_BLOCK_FRAMES);
    const size_t padded = pylstm_padded(layer->output_size);
    const size_t cell_trace = layer->trace_size / (size_t)layer->n_cells;
    float *gates = trace ? scratch + parts.gates : NULL;
    float *z[PYLSTM_BLOCK_FRAMES];
    const float *rows[PYLSTM_BLOCK_FRAMES];
    unsigned char *room = (unsigned char *)(scratch + parts.room);
    for (int t = 0; t < n_frames; t++) {
        rows[t] = x[t];
        z[t] = scratch + (size_t)t * parts.lanes;
    }
    for (int cell = 0; cell < layer->n_cells; cell++) {
        float *h = lstm_state_at(layer, state, cell, STATE_H), *c = lstm_state_at(layer, state, cell, STATE_C);
        float *out = cell == layer->n_cells - 1 ? y : scratch + parts.between[cell % 2];
        const float *h_before = h;
        const int plain = is_plain(layer, &cells[cell]);
        /* A frame alone keeps its projection in registers; several read the input weights once between them. */
        if (pylstm_lstm_has_options(&cells[cell]))
            project_with_options(layer, &cells[cell], rows, n_frames, z, room);
        else if (n_frames > 1)
            layer->kernels->lstm->project(&cells[cell].gates, rows, n_frames, z, room);
        for (int t = 0; t < n_frames; t++) {
            float *h_next = out + (size_t)t * padded;
            const float *step_x = n_frames > 1 ? NULL : rows[t];
            if (plain) {
                layer->kernels->lstm->step(&cells[cell].gates, step_x, z[t], h_before, c, h_next, gates, room);
            } else {
                step_with_options(layer, &cells[cell], 1, step_x ? &step_x : NULL, &z[t], &h_before, &c, &h_next, gates,
                                  scratch, &parts);
            }
            if (trace)
                lstm_trace_step(layer, trace + (size_t)t * trace_stride + (size_t)cell * cell_trace, gates, c, h_next);
            h_before = h_next;
        }
        memcpy(h, h_before, padded * sizeof *h);
        for (int t = 0; t < n_frames; t++)
            rows[t] = out + (size_t)t * padded;
    }
}

static void lstm_forward_group(const pylstm_layer *layer, const pylstm_group *group, float *scratch) {
    const pylstm_lstm_cell *cells = layer->packed;
    const lstm_scratch parts = lay_out(layer, (size_t)group->n_rows);
    const size_t padded = pylstm_padded(layer->output_size);
    const int one_frame_each = group->n_rows == group->n_streams;
    float *z[PYLSTM_GROUP_ROWS], *out[PYLSTM_GROUP_ROWS];
    const float *x[PYLSTM_GROUP_ROWS];
    unsigned char *room = (unsigned char *)(scratch + parts.room);
    memcpy(x, group->x, (size_t)group->n_rows * sizeof *x);
    for (int row = 0; row < group->n_rows; row++)
        z[row] = scratch + (size_t)row * parts.lanes;
    for (int cell = 0; cell < layer->n_cells; cell++) {
        const int plain = is_plain(layer, &cells[cell]), has_options = pylstm_lstm_has_options(&cells[cell]);
        int n = 1;
        for (int row = 0; row < group->n_rows; row++) {
            out[row] = cell == layer->n_cells - 1 ? group->y[row] : scratch + parts.between[cell % 2] + (size_t)row * padded;
        }
        if (has_options)
            project_with_options(layer, &cells[cell], x, group->n_rows, z, room);
        else if (!one_frame_each)
            layer->kernels->lstm->project(&cells[cell].gates, x, group->n_rows, z, room);
        for (int t = 0; n; t++) { /* frame t of every stream that has one */
            const float *step_x[PYLSTM_GROUP_STREAMS], *h[PYLSTM_GROUP_STREAMS];
            float *c[PYLSTM_GROUP_STREAMS], *h_next[PYLSTM_GROUP_STREAMS], *step_z[PYLSTM_GROUP_STREAMS];
            n = 0;
            for (int row = 0, stream = 0; stream < group->n_streams; row += group->n_frames[stream++]) {
                if (t >= group->n_frames[stream])
                    continue;
                step_x[n] = x[row + t];
                step_z[n] = z[row + t];
                h[n] = t ? out[row + t - 1] : lstm_state_at(layer, group->state[stream], cell, STATE_H);
                c[n] = lstm_state_at(layer, group->state[stream], cell, STATE_C);
                h_next[n++] = out[row + t];
            }
            if (n && plain) {
                layer->kernels->lstm->step_many(&cells[cell].gates, n, one_frame_each ? step_x : NULL,
                                                (const float *const *)step_z, h, c, h_next, room);
            } else if (n) {
                step_with_options(layer, &cells[cell], n, one_frame_each ? step_x : NULL, step_z, h, c, h_next, NULL, scratch,
                                  &parts);
            }
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
    .read = pylstm_lstm_read,
    .pack = pylstm_lstm_pack,
    .state = lstm_state,
    .trace = lstm_trace,
    .scratch_size = lstm_scratch_size,
    .forward = lstm_forward,
    .forward_group = lstm_forward_group,
};

#endif
