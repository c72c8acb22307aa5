/* What the steps of GRU and RNN cells are made of: sums of the gates of a block for one column or several, and columns in the
 * precision of the weights. h may be of any size, so with int8 weights it becomes bytes by its largest magnitude, as x does. */
#include "kernels/recurrent_kernels.h"

PYLSTM_INLINE size_t recurrent_padded(const pylstm_recurrent_weights *layer) {
    return ((size_t)layer->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS * PYLSTM_UNITS;
}

/* Columns in the precision of the weights: floats or pairs (bfloat16), or bytes (int8). */
typedef struct rounded_columns {
    const void *const *values;
    const byte_column *bytes;
} rounded_columns;

/* Where columns stand once they are rounded. */
typedef struct column_places {
    const void *values[PYLSTM_MAX_COLUMNS];
    byte_column bytes[PYLSTM_MAX_COLUMNS];
} column_places;

/* Rounds n columns; room: pylstm_column_room(size) bytes for each. places and room are not used with float32 weights. */
static rounded_columns round_columns(const float *const *x, int n, int size, int precision, column_places *places,
                                     unsigned char *room) {
    rounded_columns rounded = {.values = (const void *const *)x, .bytes = NULL};
    if (precision == PYLSTM_WEIGHTS_FLOAT32)
        return rounded;
    for (int t = 0; t < n; t++, room += pylstm_column_room(size)) {
        if (precision == PYLSTM_WEIGHTS_BFLOAT16) {
            places->values[t] = to_pairs(x[t], size, (uint32_t *)room);
        } else {
            places->bytes[t] = to_bytes(x[t], size, 0.0f, room);
        }
    }
    rounded.values = places->values;
    rounded.bytes = places->bytes;
    return rounded;
}

/* Adds to sum[t][v] the products of n columns from `column` on with n_vectors vectors from `first` on of a block, of whose
 * rows each has row_vectors; n, n_vectors and precision are constants where it is called. */
PYLSTM_INLINE void add_matrix(v16 sum[PYLSTM_TILE_COLUMNS][MOST_VECTORS], const pylstm_cell_matrix *matrix, int block,
                              int first, const rounded_columns *x, int column, int size, const int n, const int n_vectors,
                              const int row_vectors, const int precision) {
    const size_t row = (size_t)row_vectors * PYLSTM_UNITS, skipped = (size_t)first * PYLSTM_UNITS;
    const float *w = matrix->weights + (size_t)block * matrix->block_words + skipped;
    if (precision == PYLSTM_WEIGHTS_INT8) {
        add_byte_columns(sum, w, row, x->bytes + column, (size_t)size, matrix->scale + (size_t)block * row + skipped,
                         matrix->offset + (size_t)block * row + skipped, n, n_vectors);
    } else {
        add_columns(sum, w, row, x->values + column, (size_t)size, n, n_vectors, precision);
    }
}

/* The same for one column and n_blocks blocks that follow each other. */
PYLSTM_INLINE void add_matrix_blocks(v16 (*sum)[MOST_VECTORS], const pylstm_cell_matrix *matrix, int block, const void *x,
                                     int size, const int n_blocks, const int n_vectors, const int precision) {
    add_column(sum, matrix->weights + (size_t)block * matrix->block_words, matrix->block_words,
               (size_t)n_vectors * PYLSTM_UNITS, x, (size_t)size, n_blocks, n_vectors, precision);
}

/* What becomes of a sum: n of a GRU, h' of an RNN. It is finite whatever the sum is. */
PYLSTM_INLINE v16 recurrent_activation(const pylstm_recurrent_weights *layer, v16 sum) {
    return layer->relu ? v16_max(v16_bounded(sum), v16_set(0.0f)) : v16_tanh(sum);
}

/* Blocks that run side by side where each has one vector. */
#if PYLSTM_TILE_COLUMNS > 1
#define NARROW_BLOCKS 4
#else
#define NARROW_BLOCKS 1
#endif

/* TILE(block, column, how many) for every block and n columns, as many at a time as there are registers for, then two, then
 * one; at_once is a constant. */
#if PYLSTM_TILE_COLUMNS > 1
#define EVERY_TILE(layer, n, at_once, TILE)                                                                                    \
    for (int block = 0; block < ((layer)->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS; block++) {                           \
        int column = 0;                                                                                                        \
        for (; (at_once) > 2 && column + (at_once) <= (n); column += (at_once))                                                \
            TILE(block, column, at_once);                                                                                      \
        for (; (at_once) > 1 && column + 2 <= (n); column += 2)                                                                \
            TILE(block, column, (at_once) > 1 ? 2 : 1);                                                                        \
        for (; column < (n); column++)                                                                                         \
            TILE(block, column, 1);                                                                                            \
    }
#else
#define EVERY_TILE(layer, n, at_once, TILE)                                                                                    \
    (void)(at_once);                                                                                                           \
    for (int block = 0; block < ((layer)->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS; block++) {                           \
        for (int column = 0; column < (n); column++)                                                                           \
            TILE(block, column, 1);                                                                                            \
    }
#endif
