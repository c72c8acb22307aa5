/* LSTM: one step of one stream, projections of inputs, one step of many streams, and the sums alone for cells whose update is
 * another one (lstm_options.inc.h).
 *
 * PyTorch's torch.nn.LSTM (Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000):
 *
 *     i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)      f = sigmoid(W_if x + b_if + W_hf h + b_hf)
 *     g =    tanh(W_ig x + b_ig + W_hg h + b_hg)      o = sigmoid(W_io x + b_io + W_ho h + b_ho)
 *     c' = f * c + i * g                              h' = o * tanh(c')
 *
 * A step is bound by reading the weights, so they are read once, front to back, while the four gates of 16 units stand in
 * registers; gates and cell update follow before the registers are given up.
 */
#include "kernels/lstm_kernels.h"

#define BLOCK_WORDS (PYLSTM_GATES * PYLSTM_UNITS) /* words of a row of one block */

/* From the sums of the gates of 16 units to their new c and h. */
PYLSTM_LARGE void lstm_update(const v16 sum[PYLSTM_GATES], float *c, float *h_next, float *gates, size_t padded, size_t unit) {
    const v16 i = v16_sigmoid(sum[0]), f = v16_sigmoid(sum[1]);
    const v16 g = v16_tanh(sum[2]), o = v16_sigmoid(sum[3]);
    const v16 cell = v16_fma(f, v16_load(c + unit), v16_mul(i, g));
    v16_store(c + unit, cell);
    v16_store(h_next + unit, v16_mul(o, v16_tanh(cell)));
    if (gates) {
        v16_store(gates + 0 * padded + unit, i);
        v16_store(gates + 1 * padded + unit, f);
        v16_store(gates + 2 * padded + unit, g);
        v16_store(gates + 3 * padded + unit, o);
    }
}

PYLSTM_INLINE size_t lstm_padded(const pylstm_lstm_weights *layer) {
    return ((size_t)layer->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS * PYLSTM_UNITS;
}

PYLSTM_INLINE size_t lstm_block_words(const pylstm_lstm_weights *layer, int precision) {
    return (packed_rows((size_t)layer->input_size, precision) + packed_rows((size_t)layer->h_size, precision)) * BLOCK_WORDS;
}

/* One step of n_blocks neighbouring blocks; or, where `updates` is 0, the sums of x or of h alone, stored in h_next. n_blocks,
 * precision and updates are constants where it is called. */
PYLSTM_INLINE void lstm_blocks(const pylstm_lstm_weights *layer, const void *x, const float *z, const void *h, float *c,
                               float *h_next, float *gates, int block, const int n_blocks, const int precision,
                               const int updates) {
    const size_t block_words = lstm_block_words(layer, precision);
    const float *start = (x ? layer->bias : z) + (size_t)block * BLOCK_WORDS;
    const float *w = layer->weights + (size_t)block * block_words;
    v16 sum[PYLSTM_BLOCKS_AT_ONCE][MOST_VECTORS];
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++) {
        PYLSTM_UNROLL
        for (int gate = 0; gate < PYLSTM_GATES; gate++)
            sum[b][gate] = v16_load(start + b * BLOCK_WORDS + gate * PYLSTM_UNITS);
    }
    if (x) {
        w = add_column(sum, w, block_words, BLOCK_WORDS, x, (size_t)layer->input_size, n_blocks, PYLSTM_GATES, precision);
    } else {
        w += packed_rows((size_t)layer->input_size, precision) * BLOCK_WORDS;
    }
    if (updates || h)
        add_column(sum, w, block_words, BLOCK_WORDS, h, (size_t)layer->h_size, n_blocks, PYLSTM_GATES, precision);
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++) {
        if (updates) {
            lstm_update(sum[b], c, h_next, gates, lstm_padded(layer), (size_t)(block + b) * PYLSTM_UNITS);
        } else {
            PYLSTM_UNROLL
            for (int gate = 0; gate < PYLSTM_GATES; gate++)
                v16_store(h_next + (block + b) * BLOCK_WORDS + gate * PYLSTM_UNITS, sum[b][gate]);
        }
    }
}

PYLSTM_INLINE void lstm_all_blocks(const pylstm_lstm_weights *layer, const void *x, const float *z, const void *h, float *c,
                                   float *h_next, float *gates, const int precision, const int updates) {
    int block = 0;
    for (; block + PYLSTM_BLOCKS_AT_ONCE <= layer->n_blocks; block += PYLSTM_BLOCKS_AT_ONCE)
        lstm_blocks(layer, x, z, h, c, h_next, gates, block, PYLSTM_BLOCKS_AT_ONCE, precision, updates);
    for (; block < layer->n_blocks; block++)
        lstm_blocks(layer, x, z, h, c, h_next, gates, block, 1, precision, updates);
}

/* --- several columns -------------------------------------------------------------------------------------------------- */

/* What a step of n columns reads and writes: arrays of n, NULL where not used. */
typedef struct lstm_columns {
    const void *const *x, *const *h;      /* floats, or pairs with bfloat16 weights; h NULL: sums of x alone */
    const byte_column *x_bytes, *h_bytes; /* with int8 weights these are read instead */
    const float *const *start;            /* the projections, or NULL to begin at the bias */
    float *const *sums;                   /* where the sums go, */
    float *const *c;                      /* or, where this is given, the new c and h */
    float *const *h_next;
    float *gates; /* of a single column */
} lstm_columns;

/* n columns of the vectors `first` to `first + n_vectors - 1` of one block; n, n_vectors and precision are constants where it
 * is called. */
PYLSTM_INLINE void lstm_sums(const pylstm_lstm_weights *layer, int block, int first, const lstm_columns *columns, int column,
                             float (*sums)[BLOCK_WORDS], const int n, const int n_vectors, const int precision) {
    const size_t place = (size_t)block * BLOCK_WORDS + (size_t)first * PYLSTM_UNITS;
    const size_t input_size = (size_t)layer->input_size, h_size = (size_t)layer->h_size;
    const float *w = layer->weights + (size_t)block * lstm_block_words(layer, precision) + first * PYLSTM_UNITS;
    v16 sum[PYLSTM_TILE_COLUMNS][MOST_VECTORS];
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++) {
        const float *start = columns->start ? columns->start[column + t] : layer->bias;
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++)
            sum[t][v] = v16_load(start + place + v * PYLSTM_UNITS);
    }
    if (columns->start) {
        w += packed_rows(input_size, precision) * BLOCK_WORDS;
    } else if (precision == PYLSTM_WEIGHTS_INT8) {
        w = add_byte_columns(sum, w, BLOCK_WORDS, columns->x_bytes + column, input_size, layer->scale_x + place,
                             layer->offset_x + place, n, n_vectors);
    } else {
        w = add_columns(sum, w, BLOCK_WORDS, columns->x + column, input_size, n, n_vectors, precision);
    }
    if (columns->h) {
        if (precision == PYLSTM_WEIGHTS_INT8) {
            add_byte_columns(sum, w, BLOCK_WORDS, columns->h_bytes + column, h_size, layer->scale_h + place,
                             layer->offset_h + place, n, n_vectors);
        } else {
            add_columns(sum, w, BLOCK_WORDS, columns->h + column, h_size, n, n_vectors, precision);
        }
    }
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++) {
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++)
            v16_store(sums[t] + (first + v) * PYLSTM_UNITS, sum[t][v]);
    }
}

/* Computes all gates of one block for n columns, and stores them or updates c and h with them. */
PYLSTM_INLINE void lstm_tile(const pylstm_lstm_weights *layer, int block, const lstm_columns *columns, int column, const int n,
                             const int precision) {
    float sums[PYLSTM_TILE_COLUMNS][BLOCK_WORDS];
    for (int first = 0; first < PYLSTM_GATES; first += PYLSTM_TILE_VECTORS)
        lstm_sums(layer, block, first, columns, column, sums, n, PYLSTM_TILE_VECTORS, precision);
    for (int t = 0; t < n; t++) {
        if (columns->c) {
            v16 sum[PYLSTM_GATES];
            for (int gate = 0; gate < PYLSTM_GATES; gate++)
                sum[gate] = v16_load(sums[t] + gate * PYLSTM_UNITS);
            lstm_update(sum, columns->c[column + t], columns->h_next[column + t], columns->gates, lstm_padded(layer),
                        (size_t)block * PYLSTM_UNITS);
        } else {
            memcpy(columns->sums[column + t] + (size_t)block * BLOCK_WORDS, sums[t], sizeof sums[t]);
        }
    }
}

/* Every block for n columns, as many at a time as there are registers for, then two, then one. */
PYLSTM_INLINE void lstm_tiles(const pylstm_lstm_weights *layer, const lstm_columns *columns, int n, const int at_once,
                              const int precision) {
    for (int block = 0; block < layer->n_blocks; block++) {
        int column = 0;
        for (; at_once > 2 && column + at_once <= n; column += at_once)
            lstm_tile(layer, block, columns, column, at_once, precision);
        for (; at_once > 1 && column + 2 <= n; column += 2)
            lstm_tile(layer, block, columns, column, at_once > 1 ? 2 : 1, precision);
        for (; column < n; column++)
            lstm_tile(layer, block, columns, column, 1, precision);
    }
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

static void lstm_float32(const pylstm_lstm_weights *layer, const lstm_columns *columns, int n) {
    lstm_tiles(layer, columns, n, PYLSTM_TILE_COLUMNS, PYLSTM_WEIGHTS_FLOAT32);
}
static void lstm_bfloat16(const pylstm_lstm_weights *layer, const lstm_columns *columns, int n) {
    lstm_tiles(layer, columns, n, PYLSTM_TILE_COLUMNS, PYLSTM_WEIGHTS_BFLOAT16);
}
static void lstm_int8(const pylstm_lstm_weights *layer, const lstm_columns *columns, int n) {
    lstm_tiles(layer, columns, n, PYLSTM_BYTE_COLUMNS, PYLSTM_WEIGHTS_INT8);
}

/* Runs n columns of floats, which are rounded to the precision of the weights first. */
static void lstm_run(const pylstm_lstm_weights *layer, const lstm_columns *columns, int n, unsigned char *room) {
    const size_t x_room = pylstm_column_room(layer->input_size), h_room = pylstm_column_room(layer->h_size);
    byte_column x_bytes[PYLSTM_MAX_COLUMNS], h_bytes[PYLSTM_MAX_COLUMNS];
    const void *x[PYLSTM_MAX_COLUMNS], *h[PYLSTM_MAX_COLUMNS];
    lstm_columns rounded = *columns;
    if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_FLOAT32) {
        lstm_float32(layer, columns, n);
        return;
    }
    rounded.x = x, rounded.h = columns->h ? h : NULL, rounded.x_bytes = x_bytes, rounded.h_bytes = h_bytes;
    for (int t = 0; t < n; t++, room += x_room + h_room) {
        if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_BFLOAT16) {
            if (!columns->start)
                x[t] = to_pairs(columns->x[t], layer->input_size, (uint32_t *)room);
            if (columns->h)
                h[t] = to_pairs(columns->h[t], layer->h_size, (uint32_t *)(room + x_room));
        } else {
            const byte_column none = {.bytes = NULL};
            x_bytes[t] = columns->start ? none : to_bytes(columns->x[t], layer->input_size, 0.0f, room);
            h_bytes[t] = columns->h ? to_bytes(columns->h[t], layer->h_size, layer->h_largest, room + x_room) : none;
        }
    }
    if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_BFLOAT16) {
        lstm_bfloat16(layer, &rounded, n);
    } else {
        lstm_int8(layer, &rounded, n);
    }
}

static void lstm_project(const pylstm_lstm_weights *layer, const float *const *x, int n, float *const *z, unsigned char *room) {
    const lstm_columns columns = {.x = (const void *const *)x, .sums = z};
    lstm_run(layer, &columns, n, room);
}

static void lstm_step_many(const pylstm_lstm_weights *layer, int n, const float *const *x, const float *const *z,
                           const float *const *h, float *const *c, float *const *h_next, unsigned char *room) {
    const lstm_columns columns = {
        .x = (const void *const *)x, .h = (const void *const *)h, .start = x ? NULL : z, .c = c, .h_next = h_next};
    lstm_run(layer, &columns, n, room);
}

static void lstm_step(const pylstm_lstm_weights *layer, const float *x, const float *z, const float *h, float *c, float *h_next,
                      float *gates, unsigned char *room) {
    if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_FLOAT32) {
        lstm_all_blocks(layer, x, z, h, c, h_next, gates, PYLSTM_WEIGHTS_FLOAT32, 1);
    } else if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_BFLOAT16) {
        uint32_t *h_room = (uint32_t *)(room + pylstm_column_room(layer->input_size));
        const uint32_t *x_pairs = x ? to_pairs(x, layer->input_size, (uint32_t *)room) : NULL;
        lstm_all_blocks(layer, x_pairs, z, to_pairs(h, layer->h_size, h_room), c, h_next, gates, PYLSTM_WEIGHTS_BFLOAT16, 1);
    } else {
        const void *one_x = x, *one_h = h;
        const lstm_columns one = {.x = &one_x, .h = &one_h, .start = x ? NULL : &z, .c = &c, .h_next = &h_next, .gates = gates};
        lstm_run(layer, &one, 1, room);
    }
}

/* A column alone takes the way of a step, which reads the weights front to back. */
static void lstm_sums_alone(const pylstm_lstm_weights *layer, int n, const float *const *x, const float *const *start,
                            const float *const *h, float *const *sums, unsigned char *room) {
    const lstm_columns columns = {
        .x = (const void *const *)x, .h = (const void *const *)h, .start = x ? NULL : start, .sums = sums};
    const float *one_x = x ? x[0] : NULL, *one_start = x ? NULL : start[0], *one_h = h ? h[0] : NULL;
    if (n > 1 || PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_INT8) {
        lstm_run(layer, &columns, n, room);
    } else if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_FLOAT32) {
        lstm_all_blocks(layer, one_x, one_start, one_h, NULL, sums[0], NULL, PYLSTM_WEIGHTS_FLOAT32, 0);
    } else {
        const uint32_t *x_pairs = x ? to_pairs(one_x, layer->input_size, (uint32_t *)room) : NULL;
        const uint32_t *h_pairs = h ? to_pairs(one_h, layer->h_size, (uint32_t *)room) : NULL;
        lstm_all_blocks(layer, x_pairs, one_start, h_pairs, NULL, sums[0], NULL, PYLSTM_WEIGHTS_BFLOAT16, 0);
    }
}

static const pylstm_lstm_kernels lstm_kernels = {
    .project = lstm_project,
    .sums = lstm_sums_alone,
    .step = lstm_step,
    .step_many = lstm_step_many,
};
