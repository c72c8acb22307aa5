/* The kernels of the features, compiled by an isa_*.c file after a vector vocabulary, once for all sets that share it. */
#ifndef PYLSTM_VECTOR
#error "feature.inc.h is included after a vector vocabulary (vector.h)"
#endif

#include "kernels/feature_kernels.h"
#include "kernels/instruction_sets.h"

#include "kernels/butterfly.inc.h"

static void butterfly(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi) {
    const size_t radix = stage->radix, m = stage->m, s = stage->s;
    if (radix == 4 && s == 1 && m >= VD_LANES)
        first4(stage, xr, xi, yr, yi);
#if VD_LANES == 8
    else if (radix == 4 && s == 4 && m >= 2)
        second4(stage, xr, xi, yr, yi);
    else if (radix == 2 && s == 4 && m >= 2)
        second2(stage, xr, xi, yr, yi);
#endif
    else if (s < VD_LANES || radix > 5)
        pylstm_butterfly_run(stage, xr, xi, yr, yi);
    else if (radix == 4)
        pass4(stage, xr, xi, yr, yi);
    else if (radix == 2)
        pass2(stage, xr, xi, yr, yi);
    else if (radix == 3)
        pass3(stage, xr, xi, yr, yi);
    else
        pass5(stage, xr, xi, yr, yi);
}

static void butterfly_windowed(const pylstm_butterfly *stage, const float *x, const double *window, double *yr, double *yi) {
    if (stage->m < VD_LANES)
        pylstm_butterfly_windowed(stage, x, window, yr, yi);
    else
        first4_windowed(stage, x, window, yr, yi);
}

static void untangle_any(size_t m, const double *twiddle, const double *zr, const double *zi, float *re, float *im) {
    if (m / 2 < VD_LANES)
        pylstm_untangle(m, twiddle, zr, zi, re, im);
    else
        untangle(m, twiddle, zr, zi, re, im);
}

static void square(const float *re, const float *im, size_t n, float *power) {
    const v8 largest = v8_set(FLT_MAX);
    for (size_t k = 0; k < n; k += PYLSTM_FEATURE_LANES) {
        const v8 r = v8_load(re + k), i = v8_load(im + k);
        v8_store(power + k, v8_min(v8_add(v8_mul(r, r), v8_mul(i, i)), largest));
    }
}

static void magnitude(const float *re, const float *im, size_t n, float *out) {
    const v8 largest = v8_set(FLT_MAX);
    for (size_t k = 0; k < n; k += PYLSTM_FEATURE_LANES) {
        for (size_t i = k; i < k + PYLSTM_FEATURE_LANES; i += VD_LANES) {
            const vd r = vd_load_float(re + i), q = vd_load_float(im + i);
            vd_store_float(out + i, vd_sqrt(vd_add(vd_mul(r, r), vd_mul(q, q))));
        }
        v8_store(out + k, v8_min(v8_load(out + k), largest));
    }
}

static void mel_bands(const pylstm_mel_band *bands, int n, const float *power, float *energy) {
    for (int i = 0; i < n; i++) {
        const float *w = bands[i].weights, *s = power + bands[i].first;
        v8 sum = v8_set(0.0f);
        for (int k = 0; k < bands[i].count; k += PYLSTM_FEATURE_LANES)
            sum = v8_add(sum, v8_mul(v8_load(w + k), v8_load(s + k)));
        const float total = v8_sum(sum);
        energy[i] = total < FLT_MAX ? total : FLT_MAX;
    }
}

/* In place, VD_LANES values: log10(max(least, x)).
 *
 * The logarithm is our own, so that every platform gives the same bits and compilers can vectorise it. With x = 2^e m and m in
 * [sqrt(1/2), sqrt(2)), t = (m - 1) / (m + 1):
 *
 *     log10 x = e log10(2) + (2 / ln 10) (t + t^3 / 3 + t^5 / 5 + ... )
 *
 * |t| <= 0.172, so that seven terms leave a relative error below 2e-12; evaluated in double and rounded once, the result is the
 * float32 nearest to log10 x in all but about one of 10,000 cases.
 */
PYLSTM_LARGE void logarithms(float *x, float least) {
    const vd one = vd_set(1.0), log10_2 = vd_set(0.30102999566398119521), scale = vd_set(0.86858896380650365530);
    vd exponent, m;
    vd_load_split(x, least, &exponent, &m);
    const vd t = vd_div(vd_sub(m, one), vd_add(m, one)), u = vd_mul(t, t);
    vd sum = vd_add(vd_set(1.0 / 11), vd_mul(u, vd_set(1.0 / 13)));
    sum = vd_add(vd_set(1.0 / 9), vd_mul(u, sum));
    sum = vd_add(vd_set(1.0 / 7), vd_mul(u, sum));
    sum = vd_add(vd_set(1.0 / 5), vd_mul(u, sum));
    sum = vd_add(vd_set(1.0 / 3), vd_mul(u, sum));
    sum = vd_add(one, vd_mul(u, sum));
    vd_store_float(x, vd_add(vd_mul(exponent, log10_2), vd_mul(vd_mul(scale, t), sum)));
}

/* librosa.power_to_db with ref=1, amin=1e-10, top_db=None: 10 log10(max(1e-10, x)) in float32. */
static void decibel(float *x, int n) {
    for (int k = 0; k < n; k += PYLSTM_FEATURE_LANES) {
        for (int i = k; i < k + PYLSTM_FEATURE_LANES; i += VD_LANES)
            logarithms(x + i, 1e-10f);
        v8_store(x + k, v8_mul(v8_set(10.0f), v8_load(x + k)));
    }
}

static void logarithm(const pylstm_logarithm *of, float *x, int n) {
    const v8 offset = v8_set(of->offset), multiple = v8_set(of->multiple);
    for (int k = 0; k < n; k += PYLSTM_FEATURE_LANES) {
        v8_store(x + k, v8_add(v8_load(x + k), offset));
        for (int i = k; i < k + PYLSTM_FEATURE_LANES; i += VD_LANES)
            logarithms(x + i, of->least);
        v8_store(x + k, v8_mul(multiple, v8_load(x + k)));
    }
}

/* Two blocks of outputs side by side, or one; n_blocks is a constant where it is called. */
PYLSTM_INLINE void product_blocks(const double *matrix, int n, const int n_blocks, const float *x, float *y) {
    enum { VECTORS = PYLSTM_FEATURE_LANES / VD_LANES };
    const size_t block = (size_t)n * PYLSTM_FEATURE_LANES;
    vd sum[2 * VECTORS];
    for (int j = 0; j < n_blocks * VECTORS; j++)
        sum[j] = vd_set(0.0);
    for (int k = 0; k < n; k++, matrix += PYLSTM_FEATURE_LANES) {
        const vd value = vd_set(x[k]);
        for (int j = 0; j < n_blocks * VECTORS; j++)
            sum[j] = vd_add(sum[j], vd_mul(value, vd_load(matrix + j / VECTORS * block + j % VECTORS * VD_LANES)));
    }
    for (int j = 0; j < n_blocks * VECTORS; j++)
        vd_store_float(y + j * VD_LANES, sum[j]);
}

static void product(const double *matrix, int n, int n_blocks, const float *x, float *y) {
    const size_t block = (size_t)n * PYLSTM_FEATURE_LANES;
    for (; n_blocks >= 2; n_blocks -= 2, matrix += 2 * block, y += 2 * PYLSTM_FEATURE_LANES)
        product_blocks(matrix, n, 2, x, y);
    if (n_blocks)
        product_blocks(matrix, n, 1, x, y);
}

const pylstm_feature_kernels PYLSTM_JOIN(pylstm_feature_kernels_, PYLSTM_VECTOR) = {
    .butterfly = butterfly,
    .butterfly_windowed = butterfly_windowed,
    .untangle = untangle_any,
    .square = square,
    .magnitude = magnitude,
    .mel_bands = mel_bands,
    .decibel = decibel,
    .logarithm = logarithm,
    .product = product,
};
