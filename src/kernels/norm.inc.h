/* Layer norm in the vector vocabulary.
 *
 * Mean and variance are sums of doubles: of floats, a mean far from 0 beside the deviations would be too coarse. Value k goes
 * into sum k modulo 16, and these are added up in pairs, so the order is the same however many lanes a vector of doubles has.
 * No sum overflows: a double has room for the squares of 65,536 of the largest floats. */
#include "kernels/norm_kernels.h"

#include <math.h>

#define NORM_PAIRS (PYLSTM_UNITS / (2 * VD_LANES)) /* pairs of vectors of doubles for 16 floats */

/* lanes added up: 8 apart first, then 4, 2 and 1. */
static double sum_of_lanes(double lanes[PYLSTM_UNITS]) {
    for (int apart = PYLSTM_UNITS / 2; apart > 0; apart /= 2) {
        for (int k = 0; k < apart; k++)
            lanes[k] += lanes[k + apart];
    }
    return lanes[0];
}

/* The sum of x, or of its squared distances from the mean; squared is a constant where it is called. */
PYLSTM_INLINE double sum_of(const float *x, int n, double mean, const int squared) {
    const vd middle = vd_set(mean);
    vd even[NORM_PAIRS], odd[NORM_PAIRS];
    double lanes[PYLSTM_UNITS], evens[VD_LANES], odds[VD_LANES];
    int k = 0;
    for (int j = 0; j < NORM_PAIRS; j++)
        even[j] = odd[j] = vd_set(0.0);
    for (; k + PYLSTM_UNITS <= n; k += PYLSTM_UNITS) {
        for (int j = 0; j < NORM_PAIRS; j++) {
            vd a, b;
            vd_load_pairs(x + k + 2 * VD_LANES * j, &a, &b);
            if (squared) {
                a = vd_sub(a, middle);
                b = vd_sub(b, middle);
                a = vd_mul(a, a);
                b = vd_mul(b, b);
            }
            even[j] = vd_add(even[j], a);
            odd[j] = vd_add(odd[j], b);
        }
    }
    for (int j = 0; j < NORM_PAIRS; j++) {
        vd_store(evens, even[j]);
        vd_store(odds, odd[j]);
        for (int lane = 0; lane < VD_LANES; lane++) {
            lanes[2 * (VD_LANES * j + lane)] = evens[lane];
            lanes[2 * (VD_LANES * j + lane) + 1] = odds[lane];
        }
    }
    for (int lane = 0; k + lane < n; lane++) {
        const double value = squared ? x[k + lane] - mean : x[k + lane];
        lanes[lane] += squared ? value * value : value;
    }
    return sum_of_lanes(lanes);
}

/* The mean is a float and what that leaves of it: the difference from x then has a float's precision. */
PYLSTM_INLINE v16 normalised(v16 x, v16 mean, v16 rest, v16 deviation, v16 weight, v16 bias) {
    const v16 distance = v16_bounded(v16_sub(v16_sub(x, mean), rest));
    return v16_bounded(v16_fma(v16_div(distance, deviation), weight, bias));
}

static void norm_position(const pylstm_norm_weights *norm, const float *x, float *y) {
    const int n = norm->channels;
    const double mean = sum_of(x, n, 0.0, 0) / n;
    const double deviation = sqrt(sum_of(x, n, mean, 1) / n + norm->eps);
    const float upper = (float)mean;
    const v16 high = v16_set(upper), low = v16_set((float)(mean - upper));
    const v16 divisor = v16_set(deviation < FLT_MAX ? (float)deviation : FLT_MAX);
    float last[PYLSTM_UNITS] = {0};
    int k = 0;
    for (; k + PYLSTM_UNITS <= n; k += PYLSTM_UNITS)
        v16_store(y + k, normalised(v16_load(x + k), high, low, divisor, v16_load(norm->weight + k), v16_load(norm->bias + k)));
    if (k == n)
        return;
    memcpy(last, x + k, (size_t)(n - k) * sizeof *x);
    v16_store(last, normalised(v16_load(last), high, low, divisor, v16_load(norm->weight + k), v16_load(norm->bias + k)));
    memcpy(y + k, last, (size_t)(n - k) * sizeof *y);
}

static void norm_rows(const pylstm_norm_weights *norm, const float *const *x, int n, float *const *y) {
    const size_t size = (size_t)norm->positions * (size_t)norm->channels;
    for (int row = 0; row < n; row++) {
        for (int p = 0; p < norm->positions; p++)
            norm_position(norm, x[row] + (size_t)p * norm->channels, y[row] + (size_t)p * norm->channels);
        memset(y[row] + size, 0, (PYLSTM_UNITS - size % PYLSTM_UNITS) % PYLSTM_UNITS * sizeof(float));
    }
}

static const pylstm_norm_kernels norm_kernels = {.rows = norm_rows};
