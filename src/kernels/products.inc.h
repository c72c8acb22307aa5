/* Products of a weight matrix with one or several columns, in the three precisions of weights: what layers are made of.
 *
 * Every sum runs over the inputs in their order, whatever else runs beside it. With bfloat16 weights inputs are rounded to
 * bfloat16 too; products of two are exact, sums are float32: the bits of a float layer with rounded weights and rounded inputs.
 * Sums of bytes are exact integers.
 */

/* Vectors of a row of packed weights that are summed side by side at most: the gates of an LSTM. */
#define MOST_VECTORS 4

/* Row k of packed weights: the words that are multiplied by input k (float32), by inputs 2k and 2k + 1 (bfloat16) or by 4k to
 * 4k + 3 (int8). */
PYLSTM_INLINE size_t packed_rows(size_t inputs, int precision) {
    return precision == PYLSTM_WEIGHTS_FLOAT32    ? inputs
           : precision == PYLSTM_WEIGHTS_BFLOAT16 ? (inputs + 1) / 2
                                                  : (inputs + 3) / 4;
}

/* --- bfloat16 --------------------------------------------------------------------------------------------------------- */

#ifdef PYLSTM_DOT_PAIR
/* The same of two floats that bfloat16 holds. */
PYLSTM_INLINE v16_pair v16_pair_of(float first, float second) {
    const float values[2] = {first, second};
    uint32_t bits[2], pair;
    memcpy(bits, values, sizeof bits);
    pair = (bits[0] & 0xffff0000u) | bits[1] >> 16;
    return v16_pair_load(&pair);
}
#else
/* Two inputs that follow each other, the same for all lanes. */
typedef struct v16_pair {
    v16 first, second;
} v16_pair;

PYLSTM_INLINE v16_pair v16_pair_load(const uint32_t *pair) {
    const uint32_t bits[2] = {*pair & 0xffff0000u, *pair << 16};
    float values[2];
    v16_pair result;
    memcpy(values, bits, sizeof values);
    result.first = v16_set(values[0]);
    result.second = v16_set(values[1]);
    return result;
}
PYLSTM_INLINE v16_pair v16_pair_of(float first, float second) {
    v16_pair result;
    result.first = v16_set(first);
    result.second = v16_set(second);
    return result;
}
PYLSTM_INLINE v16 v16_dot_pair(v16 sum, v16 words, v16_pair inputs) {
    sum = v16_fma(v16_high_bfloat16(words), inputs.first, sum);
    return v16_fma(v16_low_bfloat16(words), inputs.second, sum);
}
#endif

/* To the nearest bfloat16, ties to even; not-a-number and what would overflow become the largest. */
PYLSTM_INLINE uint32_t to_bfloat16(float x) {
    const float largest = 0x1.fep+127f;
    uint32_t bits;
    x = x < largest ? x : largest;
    x = x > -largest ? x : -largest;
    memcpy(&bits, &x, 4);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/* A column as pairs, the first input of each in the upper half. */
static const uint32_t *to_pairs(const float *x, int size, uint32_t *pairs) {
    int k = 0;
    for (; k + 2 <= size; k += 2)
        pairs[k / 2] = to_bfloat16(x[k]) << 16 | to_bfloat16(x[k + 1]);
    if (k < size)
        pairs[k / 2] = to_bfloat16(x[k]) << 16;
    return pairs;
}

/* --- one column, several columns -------------------------------------------------------------------------------------- */

/* Adds to sum[b][v] the products of one column with the n_vectors vectors of n_blocks blocks; returns where the weights go on.
 * n_blocks, n_vectors and precision are constants where it is called. x: floats, or pairs with bfloat16 weights. */
PYLSTM_INLINE const float *add_column(v16 sum[PYLSTM_BLOCKS_AT_ONCE][MOST_VECTORS], const float *w, size_t block_stride,
                                      size_t row, const void *x, size_t size, const int n_blocks, const int n_vectors,
                                      const int precision) {
    const size_t rows = packed_rows(size, precision);
    if (precision == PYLSTM_WEIGHTS_BFLOAT16) {
        const uint32_t *pairs = x;
        for (size_t k = 0; k < rows; k++, w += row) {
            const v16_pair pair = v16_pair_load(pairs + k);
            PYLSTM_UNROLL
            for (int b = 0; b < n_blocks; b++) {
                PYLSTM_UNROLL
                for (int v = 0; v < n_vectors; v++)
                    sum[b][v] = v16_dot_pair(sum[b][v], v16_load(w + b * block_stride + v * PYLSTM_UNITS), pair);
            }
        }
    } else {
        const float *values = x;
        for (size_t k = 0; k < rows; k++, w += row) {
            const v16 value = v16_set(values[k]);
            PYLSTM_UNROLL
            for (int b = 0; b < n_blocks; b++) {
                PYLSTM_UNROLL
                for (int v = 0; v < n_vectors; v++)
                    sum[b][v] = v16_fma(v16_load(w + b * block_stride + v * PYLSTM_UNITS), value, sum[b][v]);
            }
        }
    }
    return w;
}

/* Adds to sum[t][v] the products of n columns with n_vectors vectors, the weights read once for all columns. */
PYLSTM_INLINE const float *add_columns(v16 sum[PYLSTM_TILE_COLUMNS][MOST_VECTORS], const float *w, size_t row,
                                       const void *const *x, size_t size, const int n, const int n_vectors,
                                       const int precision) {
    const size_t rows = packed_rows(size, precision);
    for (size_t k = 0; k < rows; k++, w += row) {
        v16 weight[MOST_VECTORS];
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++)
            weight[v] = v16_load(w + v * PYLSTM_UNITS);
        if (precision == PYLSTM_WEIGHTS_BFLOAT16) {
            PYLSTM_UNROLL
            for (int t = 0; t < n; t++) {
                const v16_pair pair = v16_pair_load((const uint32_t *)x[t] + k);
                PYLSTM_UNROLL
                for (int v = 0; v < n_vectors; v++)
                    sum[t][v] = v16_dot_pair(sum[t][v], weight[v], pair);
            }
        } else {
            PYLSTM_UNROLL
            for (int t = 0; t < n; t++) {
                const v16 value = v16_set(((const float *)x[t])[k]);
                PYLSTM_UNROLL
                for (int v = 0; v < n_vectors; v++)
                    sum[t][v] = v16_fma(weight[v], value, sum[t][v]);
            }
        }
    }
    return w;
}

/* --- bytes ------------------------------------------------------------------------------------------------------------ */

/* A column as bytes, round(127 x / largest) + 128, and the value of one step. */
typedef struct byte_column {
    const unsigned char *bytes; /* up to a multiple of 4 inputs; those past the last one are multiplied by weights of 0 */
    float scale;
} byte_column;

/* The largest magnitude among n floats; not-a-number and infinity count as 3e38. */
static float largest_magnitude(const float *x, int n) {
    const v16 bound = v16_set(3e38f), zero = v16_set(0.0f);
    float lanes[PYLSTM_UNITS], largest = 0.0f;
    v16 found = zero;
    int k = 0;
    for (; k + PYLSTM_UNITS <= n; k += PYLSTM_UNITS) {
        const v16 value = v16_load(x + k);
        found = v16_max(found, v16_min(v16_max(value, v16_sub(zero, value)), bound));
    }
    v16_store(lanes, found);
    for (int lane = 0; lane < PYLSTM_UNITS; lane++)
        largest = largest > lanes[lane] ? largest : lanes[lane];
    for (; k < n; k++) {
        const float value = x[k] < 0.0f ? -x[k] : x[k];
        largest = largest > value ? largest : value <= 3e38f ? value : 3e38f;
    }
    return largest;
}

/* largest: what becomes 127; 0 for the largest magnitude in x itself. */
static byte_column to_bytes(const float *x, int size, float largest, unsigned char *bytes) {
    if (largest == 0.0f)
        largest = largest_magnitude(x, size);
    const float inverse = largest > 1e-30f ? 127.0f / largest : 0.0f; /* smaller: silence */
    int k = 0;
    for (; k < size; k++) {
        float value = x[k] < largest ? x[k] : largest;
        value = value > -largest ? value : -largest;
        bytes[k] = (unsigned char)(int)(value * inverse + 128.5f);
    }
    for (; k % 4; k++)
        bytes[k] = 128;
    return (byte_column){.bytes = bytes, .scale = largest > 1e-30f ? largest / 127.0f : 0.0f};
}

/* Adds scale * weight_scale * (sum of products of bytes) to sum[t][v]; returns where the weights go on. */
PYLSTM_INLINE const float *add_byte_columns(v16 sum[PYLSTM_TILE_COLUMNS][MOST_VECTORS], const float *w, size_t row,
                                            const byte_column *x, size_t size, const float *weight_scale, const int32_t *offset,
                                            const int n, const int n_vectors) {
    v16i products[PYLSTM_TILE_COLUMNS][MOST_VECTORS];
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++) {
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++)
            products[t][v] = v16i_start(offset + v * PYLSTM_UNITS);
    }
    for (size_t k = 0; k < size; k += 4, w += row) {
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++) {
            const v16q weights = v16q_load(w + v * PYLSTM_UNITS);
            const int last = n < PYLSTM_TILE_COLUMNS ? n : PYLSTM_TILE_COLUMNS; /* n; said again for compilers that miss it */
            PYLSTM_UNROLL
            for (int t = 0; t < last; t++)
                products[t][v] = v16i_dot(products[t][v], weights, x[t].bytes + k);
        }
    }
    PYLSTM_UNROLL
    for (int t = 0; t < n; t++) {
        const v16 scale = v16_set(x[t].scale);
        PYLSTM_UNROLL
        for (int v = 0; v < n_vectors; v++) {
            const v16 worth = v16_mul(v16_load(weight_scale + v * PYLSTM_UNITS), scale);
            sum[t][v] = v16_fma(v16i_float(products[t][v]), worth, sum[t][v]);
        }
    }
    return w;
}
