/* Dense layers: y = W x + b, before the activation. */
#include "kernels/dense_kernels.h"

/* n_blocks blocks of 16 outputs for one column of floats. */
PYLSTM_INLINE void dense_blocks(const pylstm_dense_weights *layer, const float *x, float *y, int block, const int n_blocks) {
    const size_t input_size = (size_t)layer->input_size, block_words = input_size * PYLSTM_UNITS;
    const float *w = layer->weights + (size_t)block * block_words;
    v16 sum[4];
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++)
        sum[b] = v16_load(layer->bias + (block + b) * PYLSTM_UNITS);
    for (size_t k = 0; k < input_size; k++, w += PYLSTM_UNITS) {
        const v16 value = v16_set(x[k]);
        PYLSTM_UNROLL
        for (int b = 0; b < n_blocks; b++)
            sum[b] = v16_fma(v16_load(w + b * block_words), value, sum[b]);
    }
    PYLSTM_UNROLL
    for (int b = 0; b < n_blocks; b++)
        v16_store(y + (block + b) * PYLSTM_UNITS, v16_bounded(sum[b]));
}

/* One block of outputs for n columns, the weights read once; n and precision are constants where it is called. */
PYLSTM_INLINE void dense_tile(const pylstm_dense_weights *layer, const void *const *x, const byte_column *bytes,
                              float *const *y, int block, const int n, const int precision) {
    const size_t input_size = (size_t)layer->input_size, unit = (size_t)block * PYLSTM_UNITS;
    const float *w = layer->weights + (size_t)block * packed_rows(input_size, precision) * PYLSTM_UNITS;
    v16 sum[PYLSTM_TILE_COLUMNS][MOST_VECTORS];
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++)
        sum[t][0] = v16_load(layer->bias + unit);
    if (precision == PYLSTM_WEIGHTS_INT8) {
        add_byte_columns(sum, w, PYLSTM_UNITS, bytes, input_size, layer->scale + unit, layer->offset + unit, n, 1);
    } else {
        add_columns(sum, w, PYLSTM_UNITS, x, input_size, n, 1, precision);
    }
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++)
        v16_store(y[t] + unit, v16_bounded(sum[t][0]));
}

static void dense_float32(const pylstm_dense_weights *layer, const float *const *x, int n, float *const *y) {
    const int n_blocks = (layer->output_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    int t = 0;
    for (; PYLSTM_TILE_COLUMNS > 1 && t + PYLSTM_TILE_COLUMNS <= n; t += PYLSTM_TILE_COLUMNS) {
        for (int block = 0; block < n_blocks; block++)
            dense_tile(layer, (const void *const *)x + t, NULL, y + t, block, PYLSTM_TILE_COLUMNS, PYLSTM_WEIGHTS_FLOAT32);
    }
    for (; t < n; t++) {
        int block = 0;
        for (; block + 4 <= n_blocks; block += 4)
            dense_blocks(layer, x[t], y[t], block, 4);
        for (; block < n_blocks; block++)
            dense_blocks(layer, x[t], y[t], block, 1);
    }
}

static void dense_forward(const pylstm_dense_weights *layer, const float *const *x, int n, float *const *y,
                          unsigned char *room) {
    const int n_blocks = (layer->output_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_FLOAT32) {
        dense_float32(layer, x, n, y);
        return;
    }
    for (int t = 0; t < n; t++) {
        if (PYLSTM_PRECISION(layer) == PYLSTM_WEIGHTS_BFLOAT16) {
            const void *pairs = to_pairs(x[t], layer->input_size, (uint32_t *)room);
            for (int block = 0; block < n_blocks; block++)
                dense_tile(layer, &pairs, NULL, y + t, block, 1, PYLSTM_WEIGHTS_BFLOAT16);
        } else {
            const byte_column bytes = to_bytes(x[t], layer->input_size, 0.0f, room);
            for (int block = 0; block < n_blocks; block++)
                dense_tile(layer, NULL, &bytes, y + t, block, 1, PYLSTM_WEIGHTS_INT8);
        }
    }
}

static const pylstm_dense_kernels dense_kernels = {.forward = dense_forward};
