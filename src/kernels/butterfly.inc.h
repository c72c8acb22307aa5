/* The butterflies of the FFT, written once in the vector vocabulary (vector.h): for all p < m, q < s, j < r
 *
 *     y[q + s (r p + j)] = w_l^(p j)  sum over k < r of  x[q + s (p + m k)] w_r^(j k)
 *
 * for r = 4, 2, 3, 5 (the usual ways to share sums). The loop over q is contiguous in input and output, and a vector holds
 * neighbouring q. In the first stage s is 1: there it holds neighbouring p, and what it gives is sorted on the way to memory.
 * Without twiddles (m = 1) they are all 1.
 *
 * An element is computed the same way wherever in a vector it stands, so the bits do not depend on the width.
 */
#include "kernels/butterfly.h"

/* VD_LANES complex numbers. */
typedef struct vc {
    vd re, im;
} vc;

PYLSTM_INLINE vc vc_of(vd re, vd im) {
    return (vc){.re = re, .im = im};
}
PYLSTM_INLINE vc vc_load(const double *re, const double *im, size_t at) {
    return vc_of(vd_load(re + at), vd_load(im + at));
}
PYLSTM_INLINE void vc_store(double *re, double *im, size_t at, vc a) {
    vd_store(re + at, a.re);
    vd_store(im + at, a.im);
}
PYLSTM_INLINE vc vc_add(vc a, vc b) {
    return vc_of(vd_add(a.re, b.re), vd_add(a.im, b.im));
}
PYLSTM_INLINE vc vc_sub(vc a, vc b) {
    return vc_of(vd_sub(a.re, b.re), vd_sub(a.im, b.im));
}
PYLSTM_INLINE vc vc_mul(vc a, vc w) {
    return vc_of(vd_sub(vd_mul(a.re, w.re), vd_mul(a.im, w.im)), vd_add(vd_mul(a.re, w.im), vd_mul(a.im, w.re)));
}
/* By a real number. */
PYLSTM_INLINE vc vc_scale(double c, vc a) {
    return vc_of(vd_mul(vd_set(c), a.re), vd_mul(vd_set(c), a.im));
}
/* -i (a - b) */
PYLSTM_INLINE vc vc_sub_turned(vc a, vc b) {
    return vc_of(vd_sub(a.im, b.im), vd_sub(b.re, a.re));
}

/* From one vector to the next over n >= VD_LANES elements: the last one may overlap the one before it, and then computes some
 * elements a second time. */
PYLSTM_INLINE size_t next_vector(size_t q, size_t n) {
    q += VD_LANES;
    return q >= n || n - q >= VD_LANES ? q : n - VD_LANES;
}

/* The twiddle factor w_l^(p j), the same for all lanes, or for p, p + 1, p + 2 ... */
PYLSTM_INLINE vc twiddle_of(const pylstm_butterfly *stage, size_t p, size_t j) {
    const double *at = stage->twiddle + 2 * (j - 1) * stage->m + p;
    return vc_of(vd_set(at[0]), vd_set(at[stage->m]));
}
PYLSTM_INLINE vc twiddles_of(const pylstm_butterfly *stage, size_t p, size_t j) {
    const double *at = stage->twiddle + 2 * (j - 1) * stage->m + p;
    return vc_of(vd_load(at), vd_load(at + stage->m));
}

PYLSTM_INLINE void radix4(vc a, vc b, vc c, vc d, vc *y) {
    const vc s = vc_add(a, c), t = vc_sub(a, c), u = vc_add(b, d), v = vc_sub_turned(b, d);
    y[0] = vc_add(s, u);
    y[1] = vc_add(t, v);
    y[2] = vc_sub(s, u);
    y[3] = vc_sub(t, v);
}

static void pass4(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi) {
    const size_t m = stage->m, s = stage->s, step = s * m;
    vc y[4];
    if (m == 1) {
        for (size_t q = 0; q < s; q = next_vector(q, s)) {
            radix4(vc_load(xr, xi, q), vc_load(xr, xi, q + s), vc_load(xr, xi, q + 2 * s), vc_load(xr, xi, q + 3 * s), y);
            vc_store(yr, yi, q, y[0]);
            vc_store(yr, yi, q + s, y[1]);
            vc_store(yr, yi, q + 2 * s, y[2]);
            vc_store(yr, yi, q + 3 * s, y[3]);
        }
        return;
    }
    for (size_t p = 0; p < m; p++, xr += s, xi += s, yr += 4 * s, yi += 4 * s) {
        const vc w1 = twiddle_of(stage, p, 1), w2 = twiddle_of(stage, p, 2), w3 = twiddle_of(stage, p, 3);
        for (size_t q = 0; q < s; q = next_vector(q, s)) {
            radix4(vc_load(xr, xi, q), vc_load(xr, xi, q + step), vc_load(xr, xi, q + 2 * step), vc_load(xr, xi, q + 3 * step),
                   y);
            vc_store(yr, yi, q, y[0]);
            vc_store(yr, yi, q + s, vc_mul(y[1], w1));
            vc_store(yr, yi, q + 2 * s, vc_mul(y[2], w2));
            vc_store(yr, yi, q + 3 * s, vc_mul(y[3], w3));
        }
    }
}

/* The first stage, s = 1, m >= VD_LANES, from y[j] before the twiddles. */
PYLSTM_INLINE void first4_store(const pylstm_butterfly *stage, size_t p, vc *y, double *yr, double *yi) {
    y[1] = vc_mul(y[1], twiddles_of(stage, p, 1));
    y[2] = vc_mul(y[2], twiddles_of(stage, p, 2));
    y[3] = vc_mul(y[3], twiddles_of(stage, p, 3));
    vd_store_fours(yr + 4 * p, y[0].re, y[1].re, y[2].re, y[3].re);
    vd_store_fours(yi + 4 * p, y[0].im, y[1].im, y[2].im, y[3].im);
}

static inline void first4(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi) {
    const size_t m = stage->m;
    vc y[4];
    for (size_t p = 0; p < m; p = next_vector(p, m)) {
        radix4(vc_load(xr, xi, p), vc_load(xr, xi, p + m), vc_load(xr, xi, p + 2 * m), vc_load(xr, xi, p + 3 * m), y);
        first4_store(stage, p, y, yr, yi);
    }
}

/* Complex number t of a windowed frame: x[2 t] window[t] + i x[2 t + 1] window[n + t]. */
PYLSTM_INLINE vc vc_load_windowed(const float *x, const double *window, size_t n, size_t t) {
    vd even, odd;
    vd_load_pairs(x + 2 * t, &even, &odd);
    return vc_of(vd_mul(even, vd_load(window + t)), vd_mul(odd, vd_load(window + n + t)));
}

static void first4_windowed(const pylstm_butterfly *stage, const float *x, const double *window, double *yr, double *yi) {
    const size_t m = stage->m, n = 4 * m;
    vc y[4];
    for (size_t p = 0; p < m; p = next_vector(p, m)) {
        radix4(vc_load_windowed(x, window, n, p), vc_load_windowed(x, window, n, p + m),
               vc_load_windowed(x, window, n, p + 2 * m), vc_load_windowed(x, window, n, p + 3 * m), y);
        first4_store(stage, p, y, yr, yi);
    }
}

#if VD_LANES == 8
/* s = 4, m >= 2: a vector holds four q of p and four of p + 1. */
PYLSTM_INLINE size_t next_two(size_t p, size_t m) {
    p += 2;
    return p >= m || m - p >= 2 ? p : m - 2;
}
PYLSTM_INLINE vc twiddles_of_two(const pylstm_butterfly *stage, size_t p, size_t j) {
    const double *at = stage->twiddle + 2 * (j - 1) * stage->m + p;
    return vc_of(vd_load_two(at), vd_load_two(at + stage->m));
}
PYLSTM_INLINE void vc_store_halves(double *re, double *im, size_t low, size_t high, vc a, vc b) {
    vd_store_halves(re + low, re + high, a.re, b.re);
    vd_store_halves(im + low, im + high, a.im, b.im);
}

static void second4(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi) {
    const size_t m = stage->m, step = 4 * m;
    vc y[4];
    for (size_t p = 0; p < m; p = next_two(p, m)) {
        const size_t q = 4 * p;
        radix4(vc_load(xr, xi, q), vc_load(xr, xi, q + step), vc_load(xr, xi, q + 2 * step), vc_load(xr, xi, q + 3 * step), y);
        y[1] = vc_mul(y[1], twiddles_of_two(stage, p, 1));
        y[2] = vc_mul(y[2], twiddles_of_two(stage, p, 2));
        y[3] = vc_mul(y[3], twiddles_of_two(stage, p, 3));
        vc_store_halves(yr, yi, 4 * q, 4 * q + 16, y[0], y[1]);
        vc_store_halves(yr, yi, 4 * q + 8, 4 * q + 24, y[2], y[3]);
    }
}

static void second2(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi) {
    const size_t m = stage->m, step = 4 * m;
    for (size_t p = 0; p < m; p = next_two(p, m)) {
        const size_t q = 4 * p;
        const vc a = vc_load(xr, xi, q), b = vc_load(xr, xi, q + step);
        vc_store_halves(yr, yi, 2 * q, 2 * q + 8, vc_add(a, b), vc_mul(vc_sub(a, b), twiddles_of_two(stage, p, 1)));
    }
}
#endif

PYLSTM_INLINE vc vc_twiddled(vc a, const pylstm_butterfly *stage, size_t p, size_t j) {
    return stage->twiddle ? vc_mul(a, twiddle_of(stage, p, j)) : a;
}

static void pass2(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi) {
    const size_t m = stage->m, s = stage->s, step = s * m;
    for (size_t p = 0; p < m; p++, xr += s, xi += s, yr += 2 * s, yi += 2 * s)
        for (size_t q = 0; q < s; q = next_vector(q, s)) {
            const vc a = vc_load(xr, xi, q), b = vc_load(xr, xi, q + step);
            vc_store(yr, yi, q, vc_add(a, b));
            vc_store(yr, yi, q + s, vc_twiddled(vc_sub(a, b), stage, p, 1));
        }
}

static void pass3(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi) {
    const double h = 0.86602540378443864676; /* sin(pi / 3) */
    const size_t m = stage->m, s = stage->s, step = s * m;
    for (size_t p = 0; p < m; p++, xr += s, xi += s, yr += 3 * s, yi += 3 * s)
        for (size_t q = 0; q < s; q = next_vector(q, s)) {
            const vc a = vc_load(xr, xi, q), b = vc_load(xr, xi, q + step), c = vc_load(xr, xi, q + 2 * step);
            const vc t = vc_add(b, c), v = vc_scale(h, vc_sub_turned(b, c)), half = vc_sub(a, vc_scale(0.5, t));
            vc_store(yr, yi, q, vc_add(a, t));
            vc_store(yr, yi, q + s, vc_twiddled(vc_add(half, v), stage, p, 1));
            vc_store(yr, yi, q + 2 * s, vc_twiddled(vc_sub(half, v), stage, p, 2));
        }
}

static void pass5(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi) {
    const double c1 = 0.30901699437494742410, c2 = -0.80901699437494742410; /* cos(2 pi / 5), cos(4 pi / 5) */
    const double s1 = 0.95105651629515357212, s2 = 0.58778525229247312917;  /* sin */
    const size_t m = stage->m, s = stage->s, step = s * m;
    for (size_t p = 0; p < m; p++, xr += s, xi += s, yr += 5 * s, yi += 5 * s)
        for (size_t q = 0; q < s; q = next_vector(q, s)) {
            const vc a = vc_load(xr, xi, q), b = vc_load(xr, xi, q + step), c = vc_load(xr, xi, q + 2 * step);
            const vc d = vc_load(xr, xi, q + 3 * step), e = vc_load(xr, xi, q + 4 * step);
            const vc t = vc_add(b, e), u = vc_add(c, d), v = vc_sub_turned(b, e), w = vc_sub_turned(c, d);
            const vc f = vc_add(vc_add(a, vc_scale(c1, t)), vc_scale(c2, u)), g = vc_add(vc_scale(s1, v), vc_scale(s2, w));
            const vc h = vc_add(vc_add(a, vc_scale(c2, t)), vc_scale(c1, u)), k = vc_sub(vc_scale(s2, v), vc_scale(s1, w));
            vc_store(yr, yi, q, vc_add(vc_add(a, t), u));
            vc_store(yr, yi, q + s, vc_twiddled(vc_add(f, g), stage, p, 1));
            vc_store(yr, yi, q + 2 * s, vc_twiddled(vc_add(h, k), stage, p, 2));
            vc_store(yr, yi, q + 3 * s, vc_twiddled(vc_sub(h, k), stage, p, 3));
            vc_store(yr, yi, q + 4 * s, vc_twiddled(vc_sub(f, g), stage, p, 4));
        }
}

/* Bins k and m - k for k = 1 ... m / 2 >= VD_LANES; real_fft.c has the formula. */
static void untangle(size_t m, const double *twiddle, const double *zr, const double *zi, float *re, float *im) {
    const size_t half = m / 2;
    for (size_t at = 0; at < half; at = next_vector(at, half)) {
        const size_t k = at + 1, mirror = m - k - (VD_LANES - 1);
        const vc z = vc_load(zr, zi, k), y = vc_of(vd_reverse(vd_load(zr + mirror)), vd_reverse(vd_load(zi + mirror)));
        const vc w = vc_load(twiddle, twiddle + half + 1, k);
        const vd even_re = vd_add(z.re, y.re), even_im = vd_sub(z.im, y.im);
        const vc odd = vc_mul(vc_of(vd_add(z.im, y.im), vd_sub(y.re, z.re)), w);
        vd_store_float(re + k, vd_add(even_re, odd.re));
        vd_store_float(im + k, vd_add(even_im, odd.im));
        vd_store_float(re + mirror, vd_reverse(vd_sub(even_re, odd.re)));
        vd_store_float(im + mirror, vd_reverse(vd_sub(odd.im, even_im)));
    }
}
