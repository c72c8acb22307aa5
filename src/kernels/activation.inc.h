/* Activations in the vector vocabulary. */
#include "kernels/activation_kernels.h"

#if PYLSTM_KIND_activation

/* log(x) for normal x above 0: the logarithm of the power of two, and that of m in [sqrt(1/2), sqrt(2)) as 2 artanh(s), s = (m
 * - 1) / (m + 1). artanh(s) = s + s^3 (c0 + ... + c3 s^6), minimax in the relative error, 1.7e-9 of the bracket. ln 2 is split
 * in two so that the exponent times the upper part is exact. */
PYLSTM_INLINE v16 v16_log(v16 x) {
    v16 exponent, m, s, w, q;
    v16_split(x, &exponent, &m);
    m = v16_sub(m, v16_set(1.0f));
    s = v16_div(m, v16_add(m, v16_set(2.0f)));
    s = v16_add(s, s);
    w = v16_mul(v16_mul(s, s), v16_set(0.25f));
    q = v16_fma(v16_set(0x1.ddc7a6p-4f), w, v16_set(0x1.245c76p-3f));
    q = v16_fma(q, w, v16_set(0x1.9999eap-3f));
    q = v16_fma(q, w, v16_set(0x1.555556p-2f));
    q = v16_fma(exponent, v16_set(0x1.7f7d1cp-20f), v16_mul(v16_mul(s, w), q));
    return v16_fma(exponent, v16_set(0x1.62e4p-1f), v16_add(s, q));
}

/* erfc(z) for 0 <= z <= 9.9: exp(-z^2) t (c0 + ... + c8 t^8) with t = 1 / (1 + 0.3 z). That is the form of Abramowitz and
 * Stegun, 7.1.26, with minimax coefficients for a relative error of 2e-8. */
PYLSTM_LARGE v16 v16_erfc(v16 z) {
    const v16 one = v16_set(1.0f), t = v16_div(one, v16_fma(z, v16_set(0.3f), one));
    v16 q = v16_fma(v16_set(-0x1.093cd4p-3f), t, v16_set(0x1.f1267ep-2f));
    q = v16_fma(q, t, v16_set(-0x1.063634p-1f));
    q = v16_fma(q, t, v16_set(0x1.1856bap-1f));
    q = v16_fma(q, t, v16_set(-0x1.831cd2p-4f));
    q = v16_fma(q, t, v16_set(0x1.b807c2p-3f));
    q = v16_fma(q, t, v16_set(0x1.2fd6c6p-3f));
    q = v16_fma(q, t, v16_set(0x1.5d9e46p-3f));
    q = v16_fma(q, t, v16_set(0x1.5a7f5cp-3f));
    return v16_mul(v16_mul(q, t), v16_exp(v16_mul(v16_sub(v16_set(0.0f), z), z)));
}

#endif

PYLSTM_INLINE v16 v16_above(v16 x) {
    return v16_max(x, v16_set(0.0f));
}

PYLSTM_INLINE v16 v16_below(v16 x) {
    return v16_min(x, v16_set(0.0f));
}

PYLSTM_INLINE v16 v16_magnitude(v16 x) {
    return v16_max(x, v16_sub(v16_set(0.0f), x));
}

/* x above 0, slope x below. */
PYLSTM_INLINE v16 v16_leaky(v16 x, v16 slope) {
    return v16_bounded(v16_fma(slope, v16_below(x), v16_above(x)));
}

#if PYLSTM_KIND_activation

/* x Phi(x), Phi being the normal distribution: max(x, 0) - |x| erfc(|x| / sqrt 2) / 2, where nothing cancels. From 14 on the
 * last term is nothing beside the floats. */
PYLSTM_INLINE v16 v16_gelu(v16 x) {
    const v16 size = v16_min(v16_magnitude(x), v16_set(14.0f));
    const v16 tail = v16_mul(v16_mul(size, v16_set(0.5f)), v16_erfc(v16_mul(size, v16_set(0x1.6a09e6p-1f))));
    return v16_sub(v16_above(x), tail);
}

/* x sigmoid(gate). Below -88 it is nothing beside the floats, but x times the smallest sigmoid would not be. */
PYLSTM_INLINE v16 v16_gated(v16 x, v16 gate) {
    return v16_mul(v16_max(x, v16_set(-88.0f)), v16_sigmoid(gate));
}

/* x (1 + tanh(u)) / 2 = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3). */
PYLSTM_INLINE v16 v16_gelu_tanh(v16 x) {
    const v16 inside = v16_max(v16_min(x, v16_set(88.0f)), v16_set(-88.0f));
    const v16 slope = v16_fma(v16_mul(inside, inside), v16_set(0x1.2444f2p-4f), v16_set(0x1.988454p+0f));
    return v16_gated(x, v16_mul(inside, slope));
}

PYLSTM_INLINE v16 v16_elu(v16 x, v16 alpha) {
    const v16_exponential e = v16_exp_parts(v16_max(v16_below(x), v16_set(-87.0f)));
    const v16 expm1 = v16_fma(e.s, e.p, v16_sub(e.s, v16_set(1.0f)));
    return v16_fma(alpha, expm1, v16_above(x));
}

PYLSTM_INLINE v16 v16_clipped(v16 x, v16 low, v16 high) {
    return v16_min(v16_max(x, low), high);
}

#endif

static float largest_of(const float *x, int n) {
    float largest = x[0];
    for (int k = 1; k < n; k++)
        largest = x[k] > largest ? x[k] : largest;
    return largest;
}

/* The largest term is 1, so nothing overflows. */
static void softmax(const float *x, float *y, int n) {
    const float largest = largest_of(x, n);
    float sum = 0.0f;
    for (int k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(y + k, v16_exp(v16_sub(v16_load(x + k), v16_set(largest))));
    for (int k = 0; k < n; k++)
        sum += y[k];
    for (int k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(y + k, v16_div(v16_load(y + k), v16_set(sum)));
}

#if PYLSTM_KIND_activation

/* x - max - log(sum exp(x - max)) */
static void log_softmax(const float *x, float *y, int n) {
    const v16 largest = v16_set(largest_of(x, n));
    float terms[PYLSTM_UNITS], sum = 0.0f;
    v16 log_sum;
    for (int k = 0; k < n; k += PYLSTM_UNITS) {
        v16_store(terms, v16_exp(v16_sub(v16_load(x + k), largest)));
        for (int j = 0; j < PYLSTM_UNITS && k + j < n; j++)
            sum += terms[j];
    }
    log_sum = v16_log(v16_set(sum));
    for (int k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(y + k, v16_bounded(v16_sub(v16_sub(v16_load(x + k), largest), log_sum)));
}

#endif

/* y = expression of v, the values of x, for all vectors. */
#define APPLY(expression)                                                                                                      \
    for (int k = 0; k < n; k += PYLSTM_UNITS) {                                                                                \
        const v16 v = v16_load(x + k);                                                                                         \
        v16_store(y + k, (expression));                                                                                        \
    }                                                                                                                          \
    break

static void activation_apply(const pylstm_activation *activation, const float *x, float *y, int n) {
#if PYLSTM_KIND_activation
    const v16 first = v16_set(activation->first), second = v16_set(activation->second), one = v16_set(1.0f);
#endif
    switch (activation->function) {
    case PYLSTM_LINEAR:
        if (x != y)
            memcpy(y, x, ((size_t)n + PYLSTM_UNITS - 1) / PYLSTM_UNITS * PYLSTM_UNITS * sizeof *y);
        break;
    case PYLSTM_SIGMOID:
        APPLY(v16_sigmoid(v));
    case PYLSTM_TANH:
        APPLY(v16_tanh(v));
    case PYLSTM_RELU:
        APPLY(v16_above(v));
    case PYLSTM_SOFTMAX:
        softmax(x, y, n);
        break;
#if PYLSTM_KIND_activation
    case PYLSTM_LOG_SOFTMAX:
        log_softmax(x, y, n);
        break;
    case PYLSTM_GELU:
        APPLY(v16_gelu(v));
    case PYLSTM_GELU_TANH:
        APPLY(v16_gelu_tanh(v));
    case PYLSTM_SILU:
        APPLY(v16_gated(v, v));
    case PYLSTM_SOFTSIGN:
        APPLY(v16_div(v, v16_bounded(v16_add(one, v16_magnitude(v)))));
    case PYLSTM_SQRT:
        APPLY(v16_sqrt(v16_above(v)));
    case PYLSTM_SQUARE:
        APPLY(v16_bounded(v16_mul(v, v)));
    case PYLSTM_LEAKY_RELU:
        APPLY(v16_leaky(v, first));
    case PYLSTM_ELU:
        APPLY(v16_elu(v, first));
    case PYLSTM_CLIPPED_RELU:
        APPLY(v16_clipped(v, first, second));
    case PYLSTM_HARD_SIGMOID:
        APPLY(v16_clipped(v16_fma(v, first, second), v16_set(0.0f), one));
    case PYLSTM_LOG:
        APPLY(v16_log(v16_max(v, first)));
#endif
    default:
        break;
    }
}

#undef APPLY

static void prelu(const float *slopes, const float *x, float *y, int n) {
    for (int k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(y + k, v16_leaky(v16_load(x + k), v16_load(slopes + k)));
}

static const pylstm_activation_kernels activation_kernels = {.apply = activation_apply, .prelu = prelu};
