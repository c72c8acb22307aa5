/* The functions of gates in the vector vocabulary (vector.h): exponential, sigmoid, hard sigmoid, tanh. For the streaming
 * kernels and those of bulk passes (bulk/bulk_kernels.inc.h), so that both worlds have the same gates. */

/* expm1(x) as s * p + (s - 1): s = 2^n with n = round(x / ln 2), p = expm1(x - n ln 2).
 *
 * p is the minimax polynomial r + r^2 (c0 + ... + c4 r^4) on |r| <= ln(2) / 2, relative error 1.4e-8 (Remez exchange on the
 * relative error of expm1). ln 2 is split in two so that n times the upper part is exact. For x in -87..88. */
typedef struct v16_exponential {
    v16 s, p;
} v16_exponential;

PYLSTM_LARGE v16_exponential v16_exp_parts(v16 x) {
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

/* min(max(slope x + 1/2, 0), 1). NaN leaves it as a number, too. */
PYLSTM_INLINE v16 v16_hard_sigmoid(v16 x, float slope) {
    return v16_max(v16_min(v16_fma(x, v16_set(slope), v16_set(0.5f)), v16_set(1.0f)), v16_set(0.0f));
}

/* E / (E + 2) with E = expm1(2 x): no cancellation near 0. Beyond 9.02 the nearest float is 1. */
PYLSTM_INLINE v16 v16_tanh(v16 x) {
    const v16 bounded = v16_max(v16_min(x, v16_set(9.02f)), v16_set(-9.02f));
    const v16_exponential e = v16_exp_parts(v16_add(bounded, bounded));
    const v16 expm1 = v16_fma(e.s, e.p, v16_sub(e.s, v16_set(1.0f)));
    return v16_div(expm1, v16_add(expm1, v16_set(2.0f)));
}

/* Within the floats: a sum that has overflowed becomes the largest one, not-a-number too. */
PYLSTM_INLINE v16 v16_bounded(v16 x) {
    return v16_max(v16_min(x, v16_set(FLT_MAX)), v16_set(-FLT_MAX));
}
