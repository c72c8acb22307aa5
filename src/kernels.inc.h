/* The kernel bodies, written once in the vector vocabulary (simd_*.h) and compiled once per instruction set.
 *
 * LSTM step (PyTorch's torch.nn.LSTM, Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000):
 *
 *     i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)      f = sigmoid(W_if x + b_if + W_hf h + b_hf)
 *     g =    tanh(W_ig x + b_ig + W_hg h + b_hg)      o = sigmoid(W_io x + b_io + W_ho h + b_ho)
 *     c' = f * c + i * g                              h' = o * tanh(c')
 *
 * A step is bound by reading the weights, so they are read once, front to back, while the four gates of 16 units stand in
 * registers; gates and cell update follow before the registers are given up.
 */
#ifndef PYLSTM_ISA_NAME
#error "kernels.inc.h is compiled by the kernels_*.c files, after a vector vocabulary"
#endif

#if defined(_MSC_VER)
#define PYLSTM_INLINE static __forceinline
#define PYLSTM_UNROLL
#else
#define PYLSTM_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define PYLSTM_UNROLL _Pragma("clang loop unroll(full)")
#else
#define PYLSTM_UNROLL _Pragma("GCC unroll 8")
#endif
#endif

#define BLOCK_WEIGHTS (PYLSTM_GATES * PYLSTM_UNITS) /* weights of one block that one input meets */

/* --- exponential, sigmoid, tanh --------------------------------------------------------------------------------------- */

/* expm1(x) as s * p + (s - 1): s = 2^n with n = round(x / ln 2), p = expm1(x - n ln 2).
 *
 * p is the minimax polynomial r + r^2 (c0 + ... + c4 r^4) on |r| <= ln(2) / 2, relative error 1.4e-8 (Remez exchange on the
 * relative error of expm1). ln 2 is split so that n * LN2_HIGH is exact. For x in -87..88. */
typedef struct v16_exponential {
    v16 s, p;
} v16_exponential;

PYLSTM_INLINE v16_exponential v16_exp_parts(v16 x) {
    const v16 n = v16_round(v16_mul(x, v16_set(0x1.715476p+0f)));
    v16 r = v16_fma(n, v16_set(-0x1.62e4p-1f), x);
    v16 q;
    v16_exponential e;
    r = v16_fma(n, v16_set(-0x1.7f7d1cp-20f), r);
    q = v16_fma(v16_set(0x1.6bebfep-10f), r, v16_set(0x1.1227bp-7f));
    q = v16_fma(q, r, v16_set(0x1.555674p-5f));
    q = v16_fma(q, r, v16_set(0x1.5554bp-3f));
    q = v16_fma(q, r, v16_set(0x1.fffffep-2f));
    e.p = v16_fma(v16_mul(r, r), q, r);
    e.s = v16_exp2_integer(n);
    return e;
}

PYLSTM_INLINE v16 v16_exp(v16 x) {
    const v16_exponential e = v16_exp_parts(v16_max(v16_min(x, v16_set(88.0f)), v16_set(-87.0f)));
    return v16_fma(e.s, e.p, e.s);
}

/* 1 / (1 + exp(-x)). NaN leaves the clamp as a number: a step never writes NaN into h or c. */
PYLSTM_INLINE v16 v16_sigmoid(v16 x) {
    const v16 one = v16_set(1.0f);
    return v16_div(one, v16_add(one, v16_exp(v16_sub(v16_set(0.0f), x))));
}

/* E / (E + 2) with E = expm1(2 x): no cancellation near 0. Beyond 9.02 the nearest float is 1. */
PYLSTM_INLINE v16 v16_tanh(v16 x) {
    const v16 bounded = v16_max(v16_min(x, v16_set(9.02f)), v16_set(-9.02f));
    const v16_exponential e = v16_exp_parts(v16_add(bounded, bounded));
    const v16 expm1 = v16_fma(e.s, e.p, v16_sub(e.s, v16_set(1.0f)));
    return v16_div(expm1, v16_add(expm1, v16_set(2.0f)));
}

/* --- LSTM ------------------------------------------------------------------------------------------------------------- */

/* From the sums of the gates of 16 units to their new c and h. */
PYLSTM_INLINE void lstm_update(const v16 sum[PYLSTM_GATES], float *c, float *h_next, float *gates, size_t padded, size_t unit) {
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

/* One step of n_blocks neighbouring blocks of 16 units; n_blocks is a constant where it is called. */
PYLSTM_INLINE void lstm_blocks(const pylstm_lstm_weights *layer, const float *x, const float *z, const float *h, float *c,
                               float *h_next, float *gates, int block, const int n_blocks) {
    const size_t input_size = (size_t)layer->input_size, hidden_size = (size_t)layer->hidden_size;
    const size_t padded = (hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS * PYLSTM_UNITS;
    const size_t block_stride = (input_size + hidden_size) * BLOCK_WEIGHTS;
    const float *start = (x ? layer->bias : z) + (size_t)block * BLOCK_WEIGHTS;
    const float *w = layer->weights + (size_t)block * block_stride;
    v16 sum[PYLSTM_BLOCKS_AT_ONCE][PYLSTM_GATES];
    size_t k;
    int b, gate;

    PYLSTM_UNROLL
    for (b = 0; b < n_blocks; b++) {
        PYLSTM_UNROLL
        for (gate = 0; gate < PYLSTM_GATES; gate++) {
            sum[b][gate] = v16_load(start + b * BLOCK_WEIGHTS + gate * PYLSTM_UNITS);
        }
    }
    if (x) {
        for (k = 0; k < input_size; k++, w += BLOCK_WEIGHTS) {
            const v16 value = v16_set(x[k]);
            PYLSTM_UNROLL
            for (b = 0; b < n_blocks; b++) {
                PYLSTM_UNROLL
                for (gate = 0; gate < PYLSTM_GATES; gate++) {
                    sum[b][gate] = v16_fma(v16_load(w + b * block_stride + gate * PYLSTM_UNITS), value, sum[b][gate]);
                }
            }
        }
    } else {
        w += input_size * BLOCK_WEIGHTS;
    }
    for (k = 0; k < hidden_size; k++, w += BLOCK_WEIGHTS) {
        const v16 value = v16_set(h[k]);
        PYLSTM_UNROLL
        for (b = 0; b < n_blocks; b++) {
            PYLSTM_UNROLL
            for (gate = 0; gate < PYLSTM_GATES; gate++) {
                sum[b][gate] = v16_fma(v16_load(w + b * block_stride + gate * PYLSTM_UNITS), value, sum[b][gate]);
            }
        }
    }
    PYLSTM_UNROLL
    for (b = 0; b < n_blocks; b++) {
        lstm_update(sum[b], c, h_next, gates, padded, (size_t)(block + b) * PYLSTM_UNITS);
    }
}

static void lstm_step(const pylstm_lstm_weights *layer, const float *x, const float *z, const float *h, float *c, float *h_next,
                      float *gates) {
    const int n_blocks = (layer->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    int block = 0;
    for (; block + PYLSTM_BLOCKS_AT_ONCE <= n_blocks; block += PYLSTM_BLOCKS_AT_ONCE) {
        lstm_blocks(layer, x, z, h, c, h_next, gates, block, PYLSTM_BLOCKS_AT_ONCE);
    }
    for (; block < n_blocks; block++)
        lstm_blocks(layer, x, z, h, c, h_next, gates, block, 1);
}

/* The sums of n columns (frames of one stream, or frames of many streams) for some gates of one block, the weights read once
 * for all of them; n is a constant where it is called. start: where each column's sum begins. h NULL: the inputs only; x NULL:
 * h only. */
PYLSTM_INLINE void lstm_sums(const float *w, size_t input_size, size_t hidden_size, const float *const *start,
                             size_t start_offset, const float *const *x, const float *const *h, float *const *sums,
                             size_t sums_offset, const int n) {
    v16 sum[PYLSTM_TILE_COLUMNS][PYLSTM_TILE_GATES];
    size_t k;
    int t, gate;
    PYLSTM_UNROLL
    for (t = 0; t < n; t++) {
        PYLSTM_UNROLL
        for (gate = 0; gate < PYLSTM_TILE_GATES; gate++)
            sum[t][gate] = v16_load(start[t] + start_offset + gate * PYLSTM_UNITS);
    }
#define ACCUMULATE(columns, size)                                                                                              \
    for (k = 0; k < (size); k++, w += BLOCK_WEIGHTS) {                                                                         \
        v16 weight[PYLSTM_TILE_GATES];                                                                                         \
        PYLSTM_UNROLL                                                                                                          \
        for (gate = 0; gate < PYLSTM_TILE_GATES; gate++)                                                                       \
            weight[gate] = v16_load(w + gate * PYLSTM_UNITS);                                                                  \
        PYLSTM_UNROLL                                                                                                          \
        for (t = 0; t < n; t++) {                                                                                              \
            const v16 value = v16_set((columns)[t][k]);                                                                        \
            PYLSTM_UNROLL                                                                                                      \
            for (gate = 0; gate < PYLSTM_TILE_GATES; gate++)                                                                   \
                sum[t][gate] = v16_fma(weight[gate], value, sum[t][gate]);                                                     \
        }                                                                                                                      \
    }
    if (x) {
        ACCUMULATE(x, input_size)
    } else {
        w += input_size * BLOCK_WEIGHTS;
    }
    if (h) {
        ACCUMULATE(h, hidden_size)
    }
#undef ACCUMULATE
    PYLSTM_UNROLL
    for (t = 0; t < n; t++) {
        PYLSTM_UNROLL
        for (gate = 0; gate < PYLSTM_TILE_GATES; gate++)
            v16_store(sums[t] + sums_offset + gate * PYLSTM_UNITS, sum[t][gate]);
    }
}

/* All four gates of one block for n columns, 1 to PYLSTM_TILE_COLUMNS of them. */
static void lstm_tile(const pylstm_lstm_weights *layer, int block, const float *const *start, size_t start_offset,
                      const float *const *x, const float *const *h, float *const *sums, size_t sums_offset, int n) {
    const size_t input_size = (size_t)layer->input_size, hidden_size = (size_t)layer->hidden_size;
    const float *w = layer->weights + (size_t)block * (input_size + hidden_size) * BLOCK_WEIGHTS;
    size_t first;
    for (first = 0; first < BLOCK_WEIGHTS; first += PYLSTM_TILE_GATES * PYLSTM_UNITS) {
#define TILE(columns)                                                                                                          \
    lstm_sums(w + first, input_size, hidden_size, start, start_offset + first, x, h, sums, sums_offset + first, columns)
        switch (n) {
#if PYLSTM_TILE_COLUMNS > 1
        case 1:
            TILE(1);
            break;
#endif
#if PYLSTM_TILE_COLUMNS > 2
        case 2:
            TILE(2);
            break;
#endif
#if PYLSTM_TILE_COLUMNS > 3
        case 3:
            TILE(3);
            break;
#endif
#if PYLSTM_TILE_COLUMNS > 4
        case 4:
            TILE(4);
            break;
        case 5:
            TILE(5);
            break;
#endif
        default:
            TILE(PYLSTM_TILE_COLUMNS);
            break;
        }
#undef TILE
    }
}

static void lstm_project(const pylstm_lstm_weights *layer, const float *const *x, int n, float *const *z) {
    const int n_blocks = (layer->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    const float *bias[PYLSTM_TILE_COLUMNS];
    int block, first, t;
    for (t = 0; t < PYLSTM_TILE_COLUMNS; t++)
        bias[t] = layer->bias;
    for (block = 0; block < n_blocks; block++) {
        const size_t offset = (size_t)block * BLOCK_WEIGHTS;
        for (first = 0; first < n; first += PYLSTM_TILE_COLUMNS) {
            const int columns = n - first < PYLSTM_TILE_COLUMNS ? n - first : PYLSTM_TILE_COLUMNS;
            lstm_tile(layer, block, bias, offset, x + first, NULL, z + first, offset, columns);
        }
    }
}

static void lstm_step_many(const pylstm_lstm_weights *layer, int n, const float *const *x, const float *const *z,
                           const float *const *h, float *const *c, float *const *h_next) {
    const int n_blocks = (layer->hidden_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    const float *bias[PYLSTM_TILE_COLUMNS];
    float room[PYLSTM_TILE_COLUMNS * BLOCK_WEIGHTS];
    float *sums[PYLSTM_TILE_COLUMNS];
    int block, first, t, gate;
    for (t = 0; t < PYLSTM_TILE_COLUMNS; t++) {
        bias[t] = layer->bias;
        sums[t] = room + t * BLOCK_WEIGHTS;
    }
    for (block = 0; block < n_blocks; block++) {
        for (first = 0; first < n; first += PYLSTM_TILE_COLUMNS) {
            const int columns = n - first < PYLSTM_TILE_COLUMNS ? n - first : PYLSTM_TILE_COLUMNS;
            lstm_tile(layer, block, x ? bias : z + first, (size_t)block * BLOCK_WEIGHTS, x ? x + first : NULL, h + first, sums,
                      0, columns);
            for (t = 0; t < columns; t++) {
                v16 sum[PYLSTM_GATES];
                for (gate = 0; gate < PYLSTM_GATES; gate++)
                    sum[gate] = v16_load(sums[t] + gate * PYLSTM_UNITS);
                lstm_update(sum, c[first + t], h_next[first + t], NULL, 0, (size_t)block * PYLSTM_UNITS);
            }
        }
    }
}

/* --- dense ------------------------------------------------------------------------------------------------------------ */

PYLSTM_INLINE void dense_blocks(const pylstm_dense_weights *layer, const float *x, float *y, int block, const int n_blocks) {
    const size_t input_size = (size_t)layer->input_size, block_stride = input_size * PYLSTM_UNITS;
    const float *w = layer->weights + (size_t)block * block_stride;
    v16 sum[4];
    size_t k;
    int b;
    PYLSTM_UNROLL
    for (b = 0; b < n_blocks; b++)
        sum[b] = v16_load(layer->bias + (block + b) * PYLSTM_UNITS);
    for (k = 0; k < input_size; k++, w += PYLSTM_UNITS) {
        const v16 value = v16_set(x[k]);
        PYLSTM_UNROLL
        for (b = 0; b < n_blocks; b++)
            sum[b] = v16_fma(v16_load(w + b * block_stride), value, sum[b]);
    }
    PYLSTM_UNROLL
    for (b = 0; b < n_blocks; b++)
        v16_store(y + (block + b) * PYLSTM_UNITS, sum[b]);
}

static void dense(const pylstm_dense_weights *layer, const float *x, float *y) {
    const int n_blocks = (layer->output_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    int block = 0;
    for (; block + 4 <= n_blocks; block += 4)
        dense_blocks(layer, x, y, block, 4);
    for (; block < n_blocks; block++)
        dense_blocks(layer, x, y, block, 1);
}

/* One block of outputs for n columns, the weights read once; n is a constant where it is called. */
PYLSTM_INLINE void dense_tile(const pylstm_dense_weights *layer, const float *const *x, float *const *y, int block,
                              const int n) {
    const size_t input_size = (size_t)layer->input_size, unit = (size_t)block * PYLSTM_UNITS;
    const float *w = layer->weights + unit * input_size;
    v16 sum[PYLSTM_TILE_COLUMNS];
    size_t k;
    int t;
    PYLSTM_UNROLL
    for (t = 0; t < n; t++)
        sum[t] = v16_load(layer->bias + unit);
    for (k = 0; k < input_size; k++, w += PYLSTM_UNITS) {
        const v16 weight = v16_load(w);
        PYLSTM_UNROLL
        for (t = 0; t < n; t++)
            sum[t] = v16_fma(weight, v16_set(x[t][k]), sum[t]);
    }
    PYLSTM_UNROLL
    for (t = 0; t < n; t++)
        v16_store(y[t] + unit, sum[t]);
}

static void dense_many(const pylstm_dense_weights *layer, int n, const float *const *x, float *const *y) {
    const int n_blocks = (layer->output_size + PYLSTM_UNITS - 1) / PYLSTM_UNITS;
    int block, t = 0;
    for (; t + PYLSTM_TILE_COLUMNS <= n; t += PYLSTM_TILE_COLUMNS) {
        for (block = 0; block < n_blocks; block++)
            dense_tile(layer, x + t, y + t, block, PYLSTM_TILE_COLUMNS);
    }
    for (; t < n; t++)
        dense(layer, x[t], y[t]);
}

/* --- activations ------------------------------------------------------------------------------------------------------ */

static void sigmoid_all(float *x, int n) {
    int k;
    for (k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_sigmoid(v16_load(x + k)));
}

static void tanh_all(float *x, int n) {
    int k;
    for (k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_tanh(v16_load(x + k)));
}

static void relu_all(float *x, int n) {
    int k;
    for (k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_max(v16_load(x + k), v16_set(0.0f)));
}

/* exp(x - max x) / sum: the largest term is 1, so nothing overflows. The room after the n values is scratch. */
static void softmax(float *x, int n) {
    float largest = x[0], sum = 0.0f;
    int k;
    for (k = 1; k < n; k++)
        largest = x[k] > largest ? x[k] : largest;
    for (k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_exp(v16_sub(v16_load(x + k), v16_set(largest))));
    for (k = 0; k < n; k++)
        sum += x[k];
    for (k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_div(v16_load(x + k), v16_set(sum)));
}

static const pylstm_kernels kernels = {
    PYLSTM_ISA_NAME, lstm_project, lstm_step, lstm_step_many, dense, dense_many, sigmoid_all, tanh_all, relu_all, softmax,
};
