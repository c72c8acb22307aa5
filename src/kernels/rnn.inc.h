/* Plain RNN: h' = a(W_ih x + b_ih + W_hh h + b_hh), as torch.nn.RNN has it (Elman 1990); a is tanh or max(., 0). One step of
 * one stream, projections of inputs, one step of many streams. */
#include "kernels/recurrent_kernels.h"

/* n_blocks neighbouring blocks of one column; n_blocks and precision are constants where it is called. */
PYLSTM_INLINE void rnn_blocks(const pylstm_recurrent_weights *layer, const void *x, const float *z, const void *h,
                              float *h_next, int block, const int n_blocks, const int precision) {
    const float *start = (x ? layer->bias : z) + block * PYLSTM_UNITS;
    v16 sum[NARROW_BLOCKS][MOST_VECTORS];
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++)
        sum[b][0] = v16_load(start + b * PYLSTM_UNITS);
    if (x)
        add_matrix_blocks(sum, &layer->x, block, x, layer->input_size, n_blocks, 1, precision);
    add_matrix_blocks(sum, &layer->h, block, h, layer->hidden_size, n_blocks, 1, precision);
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++)
        v16_store(h_next + (block + b) * PYLSTM_UNITS, recurrent_activation(layer, sum[b][0]));
}

PYLSTM_INLINE void rnn_all_blocks(const pylstm_recurrent_weights *layer, const void *x, const float *z, const void *h,
                                  float *h_next, const int precision) {
    const int n_blocks = (layer->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    int block = 0;
    for (; block + NARROW_BLOCKS <= n_blocks; block += NARROW_BLOCKS)
        rnn_blocks(layer, x, z, h, h_next, block, NARROW_BLOCKS, precision);
    for (; block < n_blocks; block++)
        rnn_blocks(layer, x, z, h, h_next, block, 1, precision);
}

/* What a step of n columns reads and writes: arrays of n, NULL where not used. */
typedef struct rnn_columns {
    rounded_columns x, h;
    const float *const *start; /* the projections, or NULL to begin at the bias */
    float *const *sums;        /* where projections go, or else NULL */
    float *const *h_next;
} rnn_columns;

/* One block for n columns; n and precision are constants where it is called. */
PYLSTM_INLINE void rnn_tile(const pylstm_recurrent_weights *layer, int block, const rnn_columns *columns, int column,
                            const int n, const int precision) {
    const size_t unit = (size_t)block * PYLSTM_UNITS;
    v16 sum[PYLSTM_TILE_COLUMNS][MOST_VECTORS];
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++)
        sum[t][0] = v16_load((columns->start ? columns->start[column + t] : layer->bias) + unit);
    if (!columns->start)
        add_matrix(sum, &layer->x, block, 0, &columns->x, column, layer->input_size, n, 1, 1, precision);
    if (!columns->sums)
        add_matrix(sum, &layer->h, block, 0, &columns->h, column, layer->hidden_size, n, 1, 1, precision);
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++) {
        if (columns->sums) {
            v16_store(columns->sums[column + t] + unit, sum[t][0]);
        } else {
            v16_store(columns->h_next[column + t] + unit, recurrent_activation(layer, sum[t][0]));
        }
    }
}

#define RNN_TILE(block, column, n) rnn_tile(layer, block, columns, column, n, precision)

PYLSTM_INLINE void rnn_tiles(const pylstm_recurrent_weights *layer, const rnn_columns *columns, int n, const int at_once,
                             const int precision) {
    EVERY_TILE(layer, n, at_once, RNN_TILE)
}

static void rnn_run(const pylstm_recurrent_weights *layer, const rnn_columns *columns, int n) {
    if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_FLOAT32) {
        rnn_tiles(layer, columns, n, PYLSTM_TILE_COLUMNS, PYLSTM_WEIGHTS_FLOAT32);
    } else if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_BFLOAT16) {
        rnn_tiles(layer, columns, n, PYLSTM_TILE_COLUMNS, PYLSTM_WEIGHTS_BFLOAT16);
    } else {
        rnn_tiles(layer, columns, n, PYLSTM_BYTE_COLUMNS, PYLSTM_WEIGHTS_INT8);
    }
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

static void rnn_project(const pylstm_recurrent_weights *layer, const float *const *x, int n, float *const *z,
                        unsigned char *room) {
    column_places places;
    const rnn_columns columns = {.x = round_columns(x, n, layer->input_size, PYLSTM_PRECISION(layer), &places, room),
                                 .sums = z};
    rnn_run(layer, &columns, n);
}

static void rnn_step_many(const pylstm_recurrent_weights *layer, int n, const float *const *x, const float *const *z,
                          const float *const *h, float *const *h_next, float *const *gates, unsigned char *room) {
    const int precision = PYLSTM_PRECISION(layer);
    unsigned char *h_room = precision ? room + (size_t)n * pylstm_column_room(layer->input_size) : NULL;
    column_places x_places, h_places;
    rnn_columns columns = {.start = x ? NULL : z, .h_next = h_next};
    (void)gates;
    if (x)
        columns.x = round_columns(x, n, layer->input_size, precision, &x_places, room);
    columns.h = round_columns(h, n, layer->hidden_size, precision, &h_places, h_room);
    rnn_run(layer, &columns, n);
}

static void rnn_step(const pylstm_recurrent_weights *layer, const float *x, const float *z, const float *h, float *h_next,
                     float *gates, unsigned char *room) {
    (void)gates;
    /* Where no blocks run side by side, a step has nothing over that of many. */
    if (PYLSTM_TILE_COLUMNS > 1 && PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_FLOAT32) {
        rnn_all_blocks(layer, x, z, h, h_next, PYLSTM_WEIGHTS_FLOAT32);
    } else if (PYLSTM_TILE_COLUMNS > 1 && PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_BFLOAT16) {
        uint32_t *h_room = (uint32_t *)(room + pylstm_column_room(layer->input_size));
        const uint32_t *x_pairs = x ? to_pairs(x, layer->input_size, (uint32_t *)room) : NULL;
        rnn_all_blocks(layer, x_pairs, z, to_pairs(h, layer->hidden_size, h_room), h_next, PYLSTM_WEIGHTS_BFLOAT16);
    } else {
        rnn_step_many(layer, 1, x ? &x : NULL, &z, &h, &h_next, NULL, room);
    }
}

static const pylstm_recurrent_kernels rnn_kernels = {
    .project = rnn_project,
    .step = rnn_step,
    .step_many = rnn_step_many,
};
