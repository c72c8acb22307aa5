/* Depthwise convolutions: each output channel sees one channel, so that channels stand side by side in vectors. */
#include "kernels/conv_kernels.h"

#define DEPTHWISE_COLUMNS (PYLSTM_CONV_COLUMNS > 4 ? 4 : 1)

/* The first n of 16 floats, n below 16, the others 0. */
PYLSTM_INLINE v16 load_first(const float *x, int n) {
    float lanes[PYLSTM_UNITS] = {0.0f};
    memcpy(lanes, x, (size_t)n * sizeof *x);
    return v16_load(lanes);
}

/* n columns of a block of 16 channels, or of all where there are fewer, from a column of the tile on. n, whole (whether no
 * window goes beyond an edge) and narrow are constants where it is called. */
PYLSTM_INLINE void depthwise_block(const pylstm_conv_weights *layer, const conv_tile *tile, const conv_rows *rows, int block,
                                   int column, const int n, const int whole, const int narrow) {
    const int first = pylstm_conv_block_first(block, layer->channels), kernel = layer->kernel;
    const ptrdiff_t step = (ptrdiff_t)layer->dilation * layer->channels;
    const size_t place = (size_t)block * PYLSTM_UNITS;
    const float *w = layer->weights + place * (size_t)layer->n_taps * (size_t)kernel;
    v16 sum[DEPTHWISE_COLUMNS];
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++)
        sum[t] = v16_load(layer->bias + place);
    for (int tap = 0; tap < layer->n_taps; tap++) {
        ptrdiff_t at[DEPTHWISE_COLUMNS];
        v16 own[DEPTHWISE_COLUMNS]; /* int8: the sum of one row, a whole number */
        PYLSTM_UNROLL
        for (int t = 0; t < n; t++) {
            at[t] = (ptrdiff_t)tile->first[column + t] * layer->channels + first;
            own[t] = rows->scales ? v16_set(0.0f) : sum[t];
        }
        for (int m = 0; m < kernel; m++, w += PYLSTM_UNITS) {
            const v16 weight = v16_load(w);
            PYLSTM_UNROLL
            for (int t = 0; t < n; t++, at[t - 1] += step) {
                const int position = tile->first[column + t] + m * layer->dilation;
                if (whole || (position >= 0 && position < rows->positions)) {
                    const float *x = tile->taps[column + t][tap] + at[t];
                    own[t] = v16_fma(weight, narrow ? load_first(x, layer->channels) : v16_load(x), own[t]);
                }
            }
        }
        if (rows->scales) {
            const v16 worth = v16_mul(v16_load(layer->scale + place), v16_set(rows->scales[tap]));
            PYLSTM_UNROLL
            for (int t = 0; t < n; t++)
                sum[t] = v16_fma(own[t], worth, sum[t]);
        } else {
            PYLSTM_UNROLL
            for (int t = 0; t < n; t++)
                sum[t] = own[t];
        }
    }
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++)
        conv_store(layer, tile->y[column + t] + first, sum[t], layer->channels);
}

/* n columns, side by side where no window goes beyond an edge. */
static void depthwise_tile(const pylstm_conv_weights *layer, const conv_tile *tile, const conv_rows *rows, int n) {
    const int count = pylstm_conv_blocks(layer->channels);
    if (DEPTHWISE_COLUMNS > 1 && n == DEPTHWISE_COLUMNS && tile->whole && layer->channels >= PYLSTM_UNITS) {
        for (int block = 0; block < count; block++)
            depthwise_block(layer, tile, rows, block, 0, DEPTHWISE_COLUMNS, 1, 0);
        return;
    }
    for (int t = 0; t < n; t++) {
        for (int block = 0; block < count; block++) {
            if (layer->channels < PYLSTM_UNITS) {
                depthwise_block(layer, tile, rows, block, t, 1, 0, 1);
            } else {
                depthwise_block(layer, tile, rows, block, t, 1, 0, 0);
            }
        }
    }
}

/* Columns at an edge by themselves. */
static void depthwise_float32(const pylstm_conv_weights *layer, const float *const *x, int n_rows, float *const *y) {
    const conv_rows rows = {.positions = layer->positions};
    conv_place next = {0, 0};
    while (next.row < n_rows) {
        conv_tile tile = {.whole = is_whole(layer, next.position)};
        int n = 0;
        do
            take_column(layer, x, y, &tile, n++, &next);
        while (n < DEPTHWISE_COLUMNS && tile.whole && next.row < n_rows && is_whole(layer, next.position));
        depthwise_tile(layer, &tile, &rows, n);
    }
}
