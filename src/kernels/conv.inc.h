/* Convolutions: products of the kernel's weights with several columns at once, a column being one position of one output row.
 *
 * What a column sees is read where it lies: nothing is copied in float32. A position outside of a row is a pointer to zeros,
 * and where all columns are outside, their weights are not read. Every output is one accumulator from the bias over the taps,
 * the oldest first, then over positions, then over channels; adding products with zeros changes nothing in it.
 *
 * With bfloat16 and int8 weights the rows that an output row sees are rounded first, each row as a whole: to bfloat16, or to
 * bytes by its own largest magnitude. Zeros are put around them, so that no column is at an edge. The products with the bytes
 * of a row are summed exactly, and their sum, times the worth of a step, is added to the accumulator row by row.
 */
#include "kernels/conv_kernels.h"

#define MOST_CONV_BLOCKS 4

/* --- sums ------------------------------------------------------------------------------------------------------------- */

/* Adds the products of one run with n columns and n_blocks blocks. n, n_blocks and precision are constants where it is called.
 * x: floats; with bfloat16 weights they are rounded to it, and one more follows the run. */
PYLSTM_INLINE void conv_run(v16 sum[PYLSTM_CONV_COLUMNS][MOST_CONV_BLOCKS], const float *w, size_t block_words,
                            const float *const *x, size_t length, const int n, const int n_blocks, const int precision) {
    if (precision == PYLSTM_WEIGHTS_BFLOAT16) {
        for (size_t k = 0; k < length; k += 2, w += PYLSTM_UNITS) {
            v16 words[MOST_CONV_BLOCKS];
            PYLSTM_UNROLL
            for (int b = 0; b < n_blocks; b++)
                words[b] = v16_load(w + (size_t)b * block_words);
            PYLSTM_UNROLL
            for (int t = 0; t < n; t++) {
                const v16_pair pair = v16_pair_of(x[t][k], x[t][k + 1]);
                PYLSTM_UNROLL
                for (int b = 0; b < n_blocks; b++)
                    sum[t][b] = v16_dot_pair(sum[t][b], words[b], pair);
            }
        }
    } else {
        for (size_t k = 0; k < length; k++, w += PYLSTM_UNITS) {
            v16 weight[MOST_CONV_BLOCKS];
            PYLSTM_UNROLL
            for (int b = 0; b < n_blocks; b++)
                weight[b] = v16_load(w + (size_t)b * block_words);
            PYLSTM_UNROLL
            for (int t = 0; t < n; t++) {
                const v16 value = v16_set(x[t][k]);
                PYLSTM_UNROLL
                for (int b = 0; b < n_blocks; b++)
                    sum[t][b] = v16_fma(weight[b], value, sum[t][b]);
            }
        }
    }
}

/* The same for bytes, into sums of whole numbers. */
PYLSTM_INLINE void conv_byte_run(v16i sum[PYLSTM_CONV_COLUMNS][MOST_CONV_BLOCKS], const float *w, size_t block_words,
                                 const unsigned char *const *x, size_t length, const int n, const int n_blocks) {
    for (size_t k = 0; k < length; k += 4, w += PYLSTM_UNITS) {
        PYLSTM_UNROLL
        for (int b = 0; b < n_blocks; b++) {
            const v16q weights = v16q_load(w + (size_t)b * block_words);
            PYLSTM_UNROLL
            for (int t = 0; t < n; t++)
                sum[t][b] = v16i_dot(sum[t][b], weights, x[t] + k);
        }
    }
}

/* --- tiles ------------------------------------------------------------------------------------------------------------ */

PYLSTM_INLINE size_t conv_block_words(const pylstm_conv_weights *layer, const int precision) {
    return (size_t)layer->n_taps * (size_t)layer->n_runs * packed_rows((size_t)layer->run_length, precision) * PYLSTM_UNITS;
}

/* n columns of n_blocks blocks of one group, `block` the first. n, n_blocks and precision are constants where it is called. */
PYLSTM_INLINE void conv_blocks(const pylstm_conv_weights *layer, const conv_tile *tile, const conv_rows *rows, int group,
                               int block, const int n, const int n_blocks, const int precision) {
    const int group_outputs = layer->output_channels / layer->groups, group_channels = layer->channels / layer->groups;
    const int index = group * pylstm_conv_blocks(group_outputs) + block; /* of the first block among all */
    const size_t block_words = conv_block_words(layer, precision);
    /* In one piece only where no column is at an edge. */
    const int in_pieces = precision == PYLSTM_WEIGHTS_FLOAT32 && !tile->whole && layer->n_runs == 1;
    const int n_runs = in_pieces ? layer->kernel : layer->n_runs;
    const size_t length = (size_t)(in_pieces ? layer->channels : layer->run_length);
    const size_t run_words = packed_rows(length, precision) * PYLSTM_UNITS;
    const size_t place = (size_t)index * PYLSTM_UNITS;
    const float *w = layer->weights + (size_t)index * block_words;
    const ptrdiff_t group_first = (ptrdiff_t)group * group_channels;
    v16 sum[PYLSTM_CONV_COLUMNS][MOST_CONV_BLOCKS];
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++) {
        PYLSTM_UNROLL
        for (int b = 0; b < n_blocks; b++)
            sum[t][b] = v16_load(layer->bias + place + (size_t)b * PYLSTM_UNITS);
    }
    for (int tap = 0; tap < layer->n_taps; tap++) {
        v16i products[PYLSTM_CONV_COLUMNS][MOST_CONV_BLOCKS];
        if (precision == PYLSTM_WEIGHTS_INT8) {
            const int32_t *offset = layer->offset + ((size_t)index * (size_t)layer->n_taps + (size_t)tap) * PYLSTM_UNITS;
            PYLSTM_UNROLL
            for (int t = 0; t < n; t++) {
                PYLSTM_UNROLL
                for (int b = 0; b < n_blocks; b++)
                    products[t][b] = v16i_start(offset + (size_t)b * (size_t)layer->n_taps * PYLSTM_UNITS);
            }
        }
        for (int run = 0; run < n_runs; run++, w += run_words) {
            const void *x[PYLSTM_CONV_COLUMNS];
            int inside = tile->whole;
            for (int t = 0; t < n; t++) {
                const int position = tile->first[t] + run * layer->dilation;
                const ptrdiff_t at = (ptrdiff_t)position * layer->channels + group_first;
                if (precision == PYLSTM_WEIGHTS_INT8) {
                    x[t] = (const unsigned char *)tile->taps[t][tap] + at;
                } else if (tile->whole || (position >= 0 && position < rows->positions)) {
                    x[t] = tile->taps[t][tap] + at;
                    inside = 1;
                } else {
                    x[t] = layer->zeros;
                }
            }
            if (precision == PYLSTM_WEIGHTS_INT8) {
                conv_byte_run(products, w, block_words, (const unsigned char *const *)x, length, n, n_blocks);
            } else if (inside) {
                conv_run(sum, w, block_words, (const float *const *)x, length, n, n_blocks, precision);
            }
        }
        if (precision == PYLSTM_WEIGHTS_INT8) {
            const v16 step = v16_set(rows->scales[tap]);
            PYLSTM_UNROLL
            for (int b = 0; b < n_blocks; b++) {
                const v16 worth = v16_mul(v16_load(layer->scale + place + (size_t)b * PYLSTM_UNITS), step);
                PYLSTM_UNROLL
                for (int t = 0; t < n; t++)
                    sum[t][b] = v16_fma(v16i_float(products[t][b]), worth, sum[t][b]);
            }
        }
    }
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++) {
        const int first = group * group_outputs + pylstm_conv_block_first(block + b, group_outputs);
        PYLSTM_UNROLL
        for (int t = 0; t < n; t++)
            conv_store(layer, tile->y[t] + first, sum[t][b], group_outputs);
    }
}

/* All blocks for n columns; n_blocks of them side by side, so that there are sums enough to hide the latency of the
 * multiply-add. */
PYLSTM_INLINE void conv_columns(const pylstm_conv_weights *layer, const conv_tile *tile, const conv_rows *rows, const int n,
                                const int n_blocks, const int precision) {
    const int count = pylstm_conv_blocks(layer->output_channels / layer->groups);
    for (int group = 0; group < layer->groups; group++) {
        int block = 0;
        for (; block + n_blocks <= count; block += n_blocks)
            conv_blocks(layer, tile, rows, group, block, n, n_blocks, precision);
        for (; n_blocks > 1 && block < count; block++)
            conv_blocks(layer, tile, rows, group, block, n, 1, precision);
    }
}

/* --- all columns, in place -------------------------------------------------------------------------------------------- */

static void conv_tile_float32(const pylstm_conv_weights *layer, const conv_tile *tile, const conv_rows *rows, int n) {
    switch (n) {
#if PYLSTM_CONV_COLUMNS > 6
    case 8:
        conv_columns(layer, tile, rows, 8, 1, PYLSTM_WEIGHTS_FLOAT32);
        return;
    case 7:
        conv_columns(layer, tile, rows, 7, 1, PYLSTM_WEIGHTS_FLOAT32);
        return;
#endif
#if PYLSTM_CONV_COLUMNS > 1
    case 6:
        conv_columns(layer, tile, rows, 6, 1, PYLSTM_WEIGHTS_FLOAT32);
        return;
    case 5:
        conv_columns(layer, tile, rows, 5, 1, PYLSTM_WEIGHTS_FLOAT32);
        return;
    case 4:
        conv_columns(layer, tile, rows, 4, 1, PYLSTM_WEIGHTS_FLOAT32);
        return;
    case 3:
        conv_columns(layer, tile, rows, 3, 2, PYLSTM_WEIGHTS_FLOAT32);
        return;
    case 2:
        conv_columns(layer, tile, rows, 2, 2, PYLSTM_WEIGHTS_FLOAT32);
        return;
#endif
    default:
        conv_columns(layer, tile, rows, 1, 4, PYLSTM_WEIGHTS_FLOAT32);
    }
}

/* Columns in tiles of nearly the same size, none of them so small that the multiply-adds wait for each other. */
static void conv_float32(const pylstm_conv_weights *layer, const float *const *x, int n_rows, float *const *y) {
    const size_t total = (size_t)n_rows * (size_t)layer->output_positions;
    const size_t n_tiles = (total + PYLSTM_CONV_COLUMNS - 1) / PYLSTM_CONV_COLUMNS;
    const size_t least = total / n_tiles, larger = total % n_tiles;
    const conv_rows rows = {.positions = layer->positions};
    conv_place next = {0, 0};
    for (size_t k = 0; k < n_tiles; k++) {
        const int n = (int)(least + (k < larger));
        conv_tile tile = {.whole = 1};
        for (int t = 0; t < n; t++) {
            tile.whole &= is_whole(layer, next.position);
            take_column(layer, x, y, &tile, t, &next);
        }
        conv_tile_float32(layer, &tile, &rows, n);
    }
}

/* --- all columns, rounded --------------------------------------------------------------------------------------------- */

/* A row with zeros around it, rounded to bfloat16. */
static void round_row(const pylstm_conv_weights *layer, const float *x, float *rounded) {
    const size_t low = (size_t)layer->low * (size_t)layer->channels, total = pylstm_conv_rounded(layer);
    const size_t size = (size_t)layer->positions * (size_t)layer->channels;
    memset(rounded, 0, total * sizeof *rounded);
    for (size_t k = 0; k < size; k++) {
        const uint32_t bits = to_bfloat16(x[k]) << 16;
        memcpy(rounded + low + k, &bits, sizeof bits);
    }
}

/* The same as bytes; returns the value of a step. Depthwise: as whole numbers in floats, whose products and sums are exact. */
static float bytes_of_row(const pylstm_conv_weights *layer, const float *x, float *rounded) {
    const size_t low = (size_t)layer->low * (size_t)layer->channels, total = pylstm_conv_rounded(layer);
    const int size = layer->positions * layer->channels;
    byte_column column;
    unsigned char *bytes = (unsigned char *)rounded;
    if (!layer->depthwise) {
        memset(bytes, 128, total);
        return to_bytes(x, size, 0.0f, bytes + low).scale;
    }
    /* The bytes stand behind the place of the floats that are made of them before the next ones are read. */
    memset(rounded, 0, total * sizeof *rounded);
    bytes += 4 * low + 3 * (size_t)size;
    column = to_bytes(x, size, 0.0f, bytes);
    for (int k = 0; k < size; k++)
        rounded[low + (size_t)k] = (float)(bytes[k] - 128);
    memset(rounded + low + (size_t)size, 0, (total - low - (size_t)size) * sizeof *rounded);
    return column.scale;
}

/* n columns of one row with rounded taps, from a position on. */
PYLSTM_INLINE conv_tile tile_of_row(const pylstm_conv_weights *layer, const float *const *taps, float *y, int position, int n) {
    conv_tile tile = {.whole = 1};
    for (int t = 0; t < n; t++) {
        tile.taps[t] = taps;
        tile.first[t] = (position + t) * layer->stride;
        tile.y[t] = y + (size_t)(position + t) * (size_t)layer->output_channels;
    }
    return tile;
}

/* All positions of one row; precision is a constant where it is called. */
PYLSTM_INLINE void conv_rounded_row(const pylstm_conv_weights *layer, const conv_rows *rows, const float *const *taps, float *y,
                                    const int precision) {
    const int most = layer->depthwise ? DEPTHWISE_COLUMNS : PYLSTM_TILE_COLUMNS;
    for (int position = 0, n; position < layer->output_positions; position += n) {
        const int left = layer->output_positions - position;
        conv_tile tile;
        n = left >= most ? most : layer->depthwise ? left : 1;
        tile = tile_of_row(layer, taps, y, position, n);
        if (layer->depthwise)
            depthwise_tile(layer, &tile, rows, n);
        else if (PYLSTM_TILE_COLUMNS > 1 && n > 1)
            conv_columns(layer, &tile, rows, PYLSTM_TILE_COLUMNS, 1, precision);
        else
            conv_columns(layer, &tile, rows, 1, precision == PYLSTM_WEIGHTS_INT8 ? 1 : 4, precision);
    }
}

/* One output row after the other, as the rows that it sees are rounded. */
static void conv_rounded(const pylstm_conv_weights *layer, const float *const *x, int n_rows, float *const *y,
                         unsigned char *room) {
    const size_t n_taps = (size_t)layer->n_taps, size = pylstm_conv_rounded(layer);
    const float **taps = (const float **)(void *)room;
    float *scales = (float *)(void *)(taps + n_taps), *rounded = scales + n_taps;
    const int is_int8 = PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_INT8;
    const conv_rows rows = {.positions = layer->low + layer->positions + layer->high, .scales = is_int8 ? scales : NULL};
    for (int row = 0; row < n_rows; row++, x += n_taps) {
        for (size_t tap = 0; tap < n_taps; tap++) {
            taps[tap] = rounded + tap * size;
            if (is_int8) {
                scales[tap] = bytes_of_row(layer, x[tap], rounded + tap * size);
            } else {
                round_row(layer, x[tap], rounded + tap * size);
            }
        }
        if (is_int8) {
            conv_rounded_row(layer, &rows, taps, y[row], PYLSTM_WEIGHTS_INT8);
        } else {
            conv_rounded_row(layer, &rows, taps, y[row], PYLSTM_WEIGHTS_BFLOAT16);
        }
    }
}

static void conv_forward(const pylstm_conv_weights *layer, const float *const *x, int n_rows, float *const *y,
                         unsigned char *room) {
    const size_t width = (size_t)layer->output_positions * (size_t)layer->output_channels;
    if (PYLSTM_PRECISION(layer) != PYLSTM_WEIGHTS_FLOAT32) {
        conv_rounded(layer, x, n_rows, y, room);
    } else if (layer->depthwise) {
        depthwise_float32(layer, x, n_rows, y);
    } else {
        conv_float32(layer, x, n_rows, y);
    }
    for (int row = 0; row < n_rows; row++) {
        for (size_t k = width; k % PYLSTM_UNITS; k++)
            y[row][k] = 0.0f;
    }
}

static const pylstm_conv_kernels conv_kernels = {.forward = conv_forward};
