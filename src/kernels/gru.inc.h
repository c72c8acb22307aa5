/* GRU: one step of one stream, projections of inputs, one step of many streams.
 *
 * Cho et al. 2014, as torch.nn.GRU has it, with the reset gate after the product, or before it:
 *
 *     r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)      z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
 *     n = a(W_in x + b_in + r * (W_hn h + b_hn))      or, before,  n = a(W_in x + b_in + W_hn (r * h) + b_hn)
 *     h' = (1 - z) * n + z * h
 *
 * A step is bound by reading the weights, so they are read once, front to back, while the gates of 16 units stand in registers.
 * After the product, gates and h' follow before the registers are given up. Before it, n needs r of all units: a first run over
 * the blocks leaves r * h, z and the part of n that comes from x, a second one reads W_hn.
 */
#include "kernels/recurrent_kernels.h"

#define GRU_WORDS (PYLSTM_GRU_GATES * PYLSTM_UNITS) /* gates of a block */

/* Blocks of a step that run side by side. With AVX2 12 of the 16 registers accumulate then, where 6 would wait for each other;
 * a cell of more blocks waits for its weights, which come faster front to back. */
#define GRU_BLOCKS_AT_ONCE  (PYLSTM_TILE_COLUMNS > 1 ? 2 : 1)
#define GRU_SIDE_BY_SIDE(n) (PYLSTM_BLOCKS_AT_ONCE == GRU_BLOCKS_AT_ONCE || (n) == GRU_BLOCKS_AT_ONCE)

/* From z and the whole sum of n to h'. Both terms are finite, so that h' is, whatever h was. */
PYLSTM_INLINE void gru_finish(const pylstm_recurrent_weights *layer, v16 z, v16 sum, const float *h, float *h_next,
                              float *gates, size_t unit) {
    const v16 n = recurrent_activation(layer, sum);
    const v16 fresh = v16_mul(v16_sub(v16_set(1.0f), z), n);
    v16_store(h_next + unit, v16_bounded(v16_fma(z, v16_load(h + unit), fresh)));
    if (gates)
        v16_store(gates + PYLSTM_GRU_N * recurrent_padded(layer) + unit, n);
}

/* Reset after the product: from r, z, W_hn h + b_hn and what n gets from x, of 16 units, to h'. */
PYLSTM_INLINE void gru_update(const pylstm_recurrent_weights *layer, v16 r, v16 z, v16 from_h, v16 from_x, const float *h,
                              float *h_next, float *gates, size_t unit) {
    const size_t padded = recurrent_padded(layer);
    if (gates) {
        v16_store(gates + PYLSTM_GRU_R * padded + unit, r);
        v16_store(gates + PYLSTM_GRU_Z * padded + unit, z);
        v16_store(gates + PYLSTM_GRU_FROM_H * padded + unit, from_h);
    }
    gru_finish(layer, z, v16_fma(r, from_h, from_x), h, h_next, gates, unit);
}

/* Reset before the product, first run: keeps r, z, what n gets from x, and r * h, of 16 units. */
PYLSTM_INLINE void gru_reset(const pylstm_recurrent_weights *layer, v16 r, v16 z, v16 from_x, const float *h, float *gates,
                             size_t unit) {
    const size_t padded = recurrent_padded(layer);
    v16_store(gates + PYLSTM_GRU_R * padded + unit, r);
    v16_store(gates + PYLSTM_GRU_Z * padded + unit, z);
    v16_store(gates + PYLSTM_GRU_N * padded + unit, from_x);
    v16_store(gates + PYLSTM_GRU_FROM_H * padded + unit, v16_mul(r, v16_load(h + unit)));
}

enum { GRU_FROM_X = PYLSTM_GRU_GATES, GRU_SUMS }; /* a place more than gates: of n there are two sums */

/* What follows the sums of a block: h', or what the second run needs. Calls, not inlined: they are the larger part of a kernel.
 */
static void gru_gates_before(const pylstm_recurrent_weights *layer, const float *sums, const float *h, float *gates,
                             size_t unit) {
    const v16 r = v16_sigmoid(v16_load(sums + PYLSTM_GRU_R * PYLSTM_UNITS));
    const v16 z = v16_sigmoid(v16_load(sums + PYLSTM_GRU_Z * PYLSTM_UNITS));
    gru_reset(layer, r, z, v16_load(sums + GRU_FROM_X * PYLSTM_UNITS), h, gates, unit);
}

static void gru_gates_after(const pylstm_recurrent_weights *layer, const float *sums, const float *h, float *h_next,
                            float *gates, size_t unit) {
    const v16 r = v16_sigmoid(v16_load(sums + PYLSTM_GRU_R * PYLSTM_UNITS));
    const v16 z = v16_sigmoid(v16_load(sums + PYLSTM_GRU_Z * PYLSTM_UNITS));
    const v16 from_h = v16_load(sums + PYLSTM_GRU_N * PYLSTM_UNITS);
    gru_update(layer, r, z, from_h, v16_load(sums + GRU_FROM_X * PYLSTM_UNITS), h, h_next, gates, unit);
}

static void gru_gates_hard(const pylstm_recurrent_weights *layer, const float *sums, const float *h, float *h_next,
                           float *gates, size_t unit) {
    const v16 r = v16_hard_sigmoid(v16_load(sums + PYLSTM_GRU_R * PYLSTM_UNITS), layer->gate_slope);
    const v16 z = v16_hard_sigmoid(v16_load(sums + PYLSTM_GRU_Z * PYLSTM_UNITS), layer->gate_slope);
    const v16 from_h = v16_load(sums + PYLSTM_GRU_N * PYLSTM_UNITS), from_x = v16_load(sums + GRU_FROM_X * PYLSTM_UNITS);
    if (layer->reset_after) {
        gru_update(layer, r, z, from_h, from_x, h, h_next, gates, unit);
    } else {
        gru_reset(layer, r, z, from_x, h, gates, unit);
    }
}

PYLSTM_INLINE void gru_gates(const pylstm_recurrent_weights *layer, const float *sums, const float *h, float *h_next,
                             float *gates, size_t unit) {
    if (layer->form == PYLSTM_GRU_AFTER) {
        gru_gates_after(layer, sums, h, h_next, gates, unit);
    } else if (!PYLSTM_KIND_gru_options || layer->form == PYLSTM_GRU_BEFORE) {
        gru_gates_before(layer, sums, h, gates, unit);
    } else {
        gru_gates_hard(layer, sums, h, h_next, gates, unit);
    }
}

/* Second run: n and h' of 16 units, with the whole sum of n. */
static void gru_candidate(const pylstm_recurrent_weights *layer, const float *sum, const float *h, float *h_next, float *gates,
                          size_t unit) {
    const v16 z = v16_load(gates + PYLSTM_GRU_Z * recurrent_padded(layer) + unit);
    gru_finish(layer, z, v16_load(sum), h, h_next, gates, unit);
}

/* --- one column ------------------------------------------------------------------------------------------------------- */

/* n_blocks neighbouring blocks; n_blocks and precision are constants where it is called. x and h as the precision has them;
 * values: h as floats. */
PYLSTM_INLINE void gru_blocks(const pylstm_recurrent_weights *layer, const void *x, const float *z, const void *h,
                              const float *values, float *h_next, float *gates, int block, const int n_blocks,
                              const int precision) {
    const float *start = (x ? layer->bias : z) + (size_t)block * GRU_WORDS;
    float sums[GRU_BLOCKS_AT_ONCE][GRU_SUMS * PYLSTM_UNITS];
    v16 sum[GRU_BLOCKS_AT_ONCE][MOST_VECTORS];
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++) {
        PYLSTM_UNROLL
        for (int gate = 0; gate < PYLSTM_GRU_GATES; gate++)
            sum[b][gate] = v16_load(start + b * GRU_WORDS + gate * PYLSTM_UNITS);
    }
    if (x)
        add_matrix_blocks(sum, &layer->x, block, x, layer->input_size, n_blocks, PYLSTM_GRU_GATES, precision);
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++)
        v16_store(sums[b] + GRU_FROM_X * PYLSTM_UNITS, sum[b][PYLSTM_GRU_N]);
    if (layer->reset_after) {
        PYLSTM_UNROLL
        for (int b = 0; b < n_blocks; b++)
            sum[b][PYLSTM_GRU_N] = v16_load(layer->bias_candidate + (block + b) * PYLSTM_UNITS);
        add_matrix_blocks(sum, &layer->h, block, h, layer->hidden_size, n_blocks, PYLSTM_GRU_GATES, precision);
    } else {
        add_matrix_blocks(sum, &layer->h, block, h, layer->hidden_size, n_blocks, PYLSTM_GRU_N, precision);
    }
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++) {
        PYLSTM_UNROLL
        for (int gate = 0; gate < PYLSTM_GRU_GATES; gate++)
            v16_store(sums[b] + gate * PYLSTM_UNITS, sum[b][gate]);
    }
    for (int b = 0; b < n_blocks; b++)
        gru_gates(layer, sums[b], values, h_next, gates, (size_t)(block + b) * PYLSTM_UNITS);
}

/* The second run of n_blocks neighbouring blocks; reset: r * h as the precision has it. */
PYLSTM_INLINE void gru_candidate_blocks(const pylstm_recurrent_weights *layer, const void *reset, const float *values,
                                        float *h_next, float *gates, int block, const int n_blocks, const int precision) {
    const float *from_x = gates + PYLSTM_GRU_N * recurrent_padded(layer) + (size_t)block * PYLSTM_UNITS;
    float sums[NARROW_BLOCKS][PYLSTM_UNITS];
    v16 sum[NARROW_BLOCKS][MOST_VECTORS];
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++)
        sum[b][0] = v16_load(from_x + b * PYLSTM_UNITS);
    add_matrix_blocks(sum, &layer->candidate, block, reset, layer->hidden_size, n_blocks, 1, precision);
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++)
        v16_store(sums[b], sum[b][0]);
    for (int b = 0; b < n_blocks; b++)
        gru_candidate(layer, sums[b], values, h_next, gates, (size_t)(block + b) * PYLSTM_UNITS);
}

PYLSTM_INLINE void gru_all_blocks(const pylstm_recurrent_weights *layer, const void *x, const float *z, const void *h,
                                  const float *values, float *h_next, float *gates, const int precision) {
    const int n_blocks = (layer->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    int block = 0;
    for (; GRU_SIDE_BY_SIDE(n_blocks) && block + GRU_BLOCKS_AT_ONCE <= n_blocks; block += GRU_BLOCKS_AT_ONCE)
        gru_blocks(layer, x, z, h, values, h_next, gates, block, GRU_BLOCKS_AT_ONCE, precision);
    for (; block < n_blocks; block++)
        gru_blocks(layer, x, z, h, values, h_next, gates, block, 1, precision);
}

PYLSTM_INLINE void gru_all_candidates(const pylstm_recurrent_weights *layer, const void *reset, const float *values,
                                      float *h_next, float *gates, const int precision) {
    const int n_blocks = (layer->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    int block = 0;
    for (; block + NARROW_BLOCKS <= n_blocks; block += NARROW_BLOCKS)
        gru_candidate_blocks(layer, reset, values, h_next, gates, block, NARROW_BLOCKS, precision);
    for (; block < n_blocks; block++)
        gru_candidate_blocks(layer, reset, values, h_next, gates, block, 1, precision);
}

/* --- several columns -------------------------------------------------------------------------------------------------- */

/* What a step of n columns reads and writes: arrays of n, NULL where not used. */
typedef struct gru_columns {
    rounded_columns x, h;       /* of the second run: h is r * h */
    const float *const *start;  /* the projections, or NULL to begin at the bias */
    float *const *sums;         /* where projections go, or else NULL */
    const float *const *values; /* h as floats */
    float *const *h_next;
    float *const *gates;
} gru_columns;

/* n columns of the gates `first` to `first + n_vectors - 1` of one block; n, n_vectors and precision are constants where it is
 * called. */
PYLSTM_INLINE void gru_sums(const pylstm_recurrent_weights *layer, int block, int first, const gru_columns *columns, int column,
                            float (*sums)[GRU_SUMS * PYLSTM_UNITS], const int n, const int n_vectors, const int precision) {
    const int n_place = PYLSTM_GRU_N - first, before_n = n_place < n_vectors ? n_place : n_vectors;
    v16 sum[PYLSTM_TILE_COLUMNS][MOST_VECTORS];
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++) {
        const float *start = (columns->start ? columns->start[column + t] : layer->bias) + (size_t)block * GRU_WORDS;
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++)
            sum[t][v] = v16_load(start + (first + v) * PYLSTM_UNITS);
    }
    if (!columns->start)
        add_matrix(sum, &layer->x, block, first, &columns->x, column, layer->input_size, n, n_vectors, PYLSTM_GRU_GATES,
                   precision);
    if (!columns->sums && n_place < n_vectors) {
        PYLSTM_UNROLL
        for (int t = 0; t < n; t++)
            v16_store(sums[t] + GRU_FROM_X * PYLSTM_UNITS, sum[t][n_place]);
    }
    if (!columns->sums && layer->reset_after) {
        if (n_place < n_vectors) {
            PYLSTM_UNROLL
            for (int t = 0; t < n; t++)
                sum[t][n_place] = v16_load(layer->bias_candidate + block * PYLSTM_UNITS);
        }
        add_matrix(sum, &layer->h, block, first, &columns->h, column, layer->hidden_size, n, n_vectors, PYLSTM_GRU_GATES,
                   precision);
    } else if (!columns->sums && before_n > 0) {
        add_matrix(sum, &layer->h, block, first, &columns->h, column, layer->hidden_size, n, before_n, PYLSTM_GRU_N, precision);
    }
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++) {
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++)
            v16_store(sums[t] + (first + v) * PYLSTM_UNITS, sum[t][v]);
    }
}

/* All gates of one block for n columns: stores the projections, or goes on to h' or r * h. */
PYLSTM_INLINE void gru_tile(const pylstm_recurrent_weights *layer, int block, const gru_columns *columns, int column,
                            const int n, const int precision) {
    const size_t unit = (size_t)block * PYLSTM_UNITS;
    float sums[PYLSTM_TILE_COLUMNS][GRU_SUMS * PYLSTM_UNITS];
    if (PYLSTM_TILE_VECTORS >= PYLSTM_GRU_GATES) {
        gru_sums(layer, block, 0, columns, column, sums, n, PYLSTM_GRU_GATES, precision);
    } else {
        gru_sums(layer, block, 0, columns, column, sums, n, 2, precision);
        gru_sums(layer, block, 2, columns, column, sums, n, 1, precision);
    }
    for (int t = 0; t < n; t++) {
        if (columns->sums) {
            memcpy(columns->sums[column + t] + (size_t)block * GRU_WORDS, sums[t], GRU_WORDS * sizeof(float));
        } else {
            gru_gates(layer, sums[t], columns->values[column + t], columns->h_next[column + t],
                      columns->gates ? columns->gates[column + t] : NULL, unit);
        }
    }
}

/* The second run of one block for n columns. */
PYLSTM_INLINE void gru_candidate_tile(const pylstm_recurrent_weights *layer, int block, const gru_columns *columns, int column,
                                      const int n, const int precision) {
    const size_t unit = (size_t)block * PYLSTM_UNITS, place = PYLSTM_GRU_N * recurrent_padded(layer) + unit;
    float sums[PYLSTM_TILE_COLUMNS][PYLSTM_UNITS];
    v16 sum[PYLSTM_TILE_COLUMNS][MOST_VECTORS];
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++)
        sum[t][0] = v16_load(columns->gates[column + t] + place);
    add_matrix(sum, &layer->candidate, block, 0, &columns->h, column, layer->hidden_size, n, 1, 1, precision);
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++)
        v16_store(sums[t], sum[t][0]);
    for (int t = 0; t < n; t++)
        gru_candidate(layer, sums[t], columns->values[column + t], columns->h_next[column + t], columns->gates[column + t],
                      unit);
}

#define GRU_TILE(block, column, n)           gru_tile(layer, block, columns, column, n, precision)
#define GRU_CANDIDATE_TILE(block, column, n) gru_candidate_tile(layer, block, columns, column, n, precision)

PYLSTM_INLINE void gru_tiles(const pylstm_recurrent_weights *layer, const gru_columns *columns, int n, int second_run,
                             const int at_once, const int precision) {
    if (second_run) {
        EVERY_TILE(layer, n, at_once, GRU_CANDIDATE_TILE)
    } else {
        EVERY_TILE(layer, n, at_once, GRU_TILE)
    }
}

static void gru_float32(const pylstm_recurrent_weights *layer, const gru_columns *columns, int n, int second_run) {
    gru_tiles(layer, columns, n, second_run, PYLSTM_TILE_COLUMNS, PYLSTM_WEIGHTS_FLOAT32);
}
static void gru_bfloat16(const pylstm_recurrent_weights *layer, const gru_columns *columns, int n, int second_run) {
    gru_tiles(layer, columns, n, second_run, PYLSTM_TILE_COLUMNS, PYLSTM_WEIGHTS_BFLOAT16);
}
static void gru_int8(const pylstm_recurrent_weights *layer, const gru_columns *columns, int n, int second_run) {
    gru_tiles(layer, columns, n, second_run, PYLSTM_BYTE_COLUMNS, PYLSTM_WEIGHTS_INT8);
}

/* All blocks for n columns; second_run: of the candidate, where the reset comes before its product. */
static void gru_run(const pylstm_recurrent_weights *layer, const gru_columns *columns, int n, int second_run) {
    if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_FLOAT32) {
        gru_float32(layer, columns, n, second_run);
    } else if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_BFLOAT16) {
        gru_bfloat16(layer, columns, n, second_run);
    } else {
        gru_int8(layer, columns, n, second_run);
    }
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

static void gru_project(const pylstm_recurrent_weights *layer, const float *const *x, int n, float *const *z,
                        unsigned char *room) {
    column_places places;
    const gru_columns columns = {.x = round_columns(x, n, layer->input_size, PYLSTM_PRECISION(layer), &places, room),
                                 .sums = z};
    gru_run(layer, &columns, n, 0);
}

static void gru_step_many(const pylstm_recurrent_weights *layer, int n, const float *const *x, const float *const *z,
                          const float *const *h, float *const *h_next, float *const *gates, unsigned char *room) {
    const int precision = PYLSTM_PRECISION(layer);
    unsigned char *h_room = precision ? room + (size_t)n * pylstm_column_room(layer->input_size) : NULL;
    column_places x_places, h_places;
    const float *reset[PYLSTM_MAX_COLUMNS];
    gru_columns columns = {.start = x ? NULL : z, .values = h, .h_next = h_next, .gates = gates};
    if (x)
        columns.x = round_columns(x, n, layer->input_size, precision, &x_places, room);
    columns.h = round_columns(h, n, layer->hidden_size, precision, &h_places, h_room);
    gru_run(layer, &columns, n, 0);
    if (layer->reset_after)
        return;
    for (int t = 0; t < n; t++)
        reset[t] = gates[t] + PYLSTM_GRU_FROM_H * recurrent_padded(layer);
    columns.h = round_columns(reset, n, layer->hidden_size, precision, &h_places, h_room);
    gru_run(layer, &columns, n, 1);
}

/* With weights of floats or bfloat16, whose blocks can run side by side. */
PYLSTM_INLINE void gru_step_in(const pylstm_recurrent_weights *layer, const float *x, const float *z, const float *h,
                               float *h_next, float *gates, unsigned char *room, const int precision) {
    const int in_pairs = precision == PYLSTM_WEIGHTS_BFLOAT16;
    uint32_t *h_room = in_pairs ? (uint32_t *)(room + pylstm_column_room(layer->input_size)) : NULL;
    const void *x_own = in_pairs && x ? (const void *)to_pairs(x, layer->input_size, (uint32_t *)room) : x;
    const void *h_own = in_pairs ? (const void *)to_pairs(h, layer->hidden_size, h_room) : h;
    gru_all_blocks(layer, x_own, z, h_own, h, h_next, gates, precision);
    if (!layer->reset_after) {
        const float *reset = gates + PYLSTM_GRU_FROM_H * recurrent_padded(layer);
        gru_all_candidates(layer, in_pairs ? (const void *)to_pairs(reset, layer->hidden_size, h_room) : reset, h, h_next,
                           gates, precision);
    }
}

static void gru_step(const pylstm_recurrent_weights *layer, const float *x, const float *z, const float *h, float *h_next,
                     float *gates, unsigned char *room) {
    /* Where no blocks run side by side, a step has nothing over that of many. */
    if (PYLSTM_TILE_COLUMNS > 1 && PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_FLOAT32) {
        gru_step_in(layer, x, z, h, h_next, gates, room, PYLSTM_WEIGHTS_FLOAT32);
    } else if (PYLSTM_TILE_COLUMNS > 1 && PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_BFLOAT16) {
        gru_step_in(layer, x, z, h, h_next, gates, room, PYLSTM_WEIGHTS_BFLOAT16);
    } else {
        gru_step_many(layer, 1, x ? &x : NULL, &z, &h, &h_next, gates ? &gates : NULL, room);
    }
}

static const pylstm_recurrent_kernels gru_kernels = {
    .project = gru_project,
    .step = gru_step,
    .step_many = gru_step_many,
};
