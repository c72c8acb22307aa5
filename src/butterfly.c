/* The butterflies of the FFT: for all p < m, q < s, j < r
 *
 *     y[q + s (r p + j)] = w_l^(p j)  sum over k < r of  x[q + s (p + m k)] w_r^(j k)
 *
 * for r = 4, 2, 3, 5 written out (the usual ways to share sums), and for any other radix by definition. The loop over q is
 * contiguous in input and output; restrict tells the compiler that the two are apart. Without twiddles (m = 1) they are all 1.
 */
#include "butterfly.h"

#define RE(j) twiddle[2 * ((j) - 1) * m + p]
#define IM(j) twiddle[(2 * ((j) - 1) + 1) * m + p]

static inline void pass4(size_t m, size_t s, const double *restrict twiddle, const double *restrict xr,
                         const double *restrict xi, double *restrict yr, double *restrict yi) {
    size_t p, q;
    for (p = 0; p < m; p++) {
        const double w1r = RE(1), w1i = IM(1), w2r = RE(2), w2i = IM(2), w3r = RE(3), w3i = IM(3);
        const double *ar = xr + s * p, *br = ar + s * m, *cr = br + s * m, *dr = cr + s * m;
        const double *ai = xi + s * p, *bi = ai + s * m, *ci = bi + s * m, *di = ci + s * m;
        double *er = yr + 4 * s * p, *ei = yi + 4 * s * p;
        for (q = 0; q < s; q++) {
            double sr = ar[q] + cr[q], si = ai[q] + ci[q], tr = ar[q] - cr[q], ti = ai[q] - ci[q];
            double ur = br[q] + dr[q], ui = bi[q] + di[q], vr = bi[q] - di[q], vi = dr[q] - br[q]; /* v = -i (b - d) */
            double fr = tr + vr, fi = ti + vi, gr = sr - ur, gi = si - ui, hr = tr - vr, hi = ti - vi;
            er[q] = sr + ur, ei[q] = si + ui;
            er[q + s] = fr * w1r - fi * w1i, ei[q + s] = fr * w1i + fi * w1r;
            er[q + 2 * s] = gr * w2r - gi * w2i, ei[q + 2 * s] = gr * w2i + gi * w2r;
            er[q + 3 * s] = hr * w3r - hi * w3i, ei[q + 3 * s] = hr * w3i + hi * w3r;
        }
    }
}

/* The first stage, s = 1: here the loop over p is the contiguous one. */
static void pass4_first(size_t m, const double *restrict twiddle, const double *restrict xr, const double *restrict xi,
                        double *restrict yr, double *restrict yi) {
    size_t p;
    for (p = 0; p < m; p++) {
        double sr = xr[p] + xr[p + 2 * m], si = xi[p] + xi[p + 2 * m], tr = xr[p] - xr[p + 2 * m], ti = xi[p] - xi[p + 2 * m];
        double ur = xr[p + m] + xr[p + 3 * m], ui = xi[p + m] + xi[p + 3 * m];
        double vr = xi[p + m] - xi[p + 3 * m], vi = xr[p + 3 * m] - xr[p + m];
        double fr = tr + vr, fi = ti + vi, gr = sr - ur, gi = si - ui, hr = tr - vr, hi = ti - vi;
        yr[4 * p] = sr + ur, yi[4 * p] = si + ui;
        yr[4 * p + 1] = fr * RE(1) - fi * IM(1), yi[4 * p + 1] = fr * IM(1) + fi * RE(1);
        yr[4 * p + 2] = gr * RE(2) - gi * IM(2), yi[4 * p + 2] = gr * IM(2) + gi * RE(2);
        yr[4 * p + 3] = hr * RE(3) - hi * IM(3), yi[4 * p + 3] = hr * IM(3) + hi * RE(3);
    }
}

static void pass4_last(size_t s, const double *restrict xr, const double *restrict xi, double *restrict yr,
                       double *restrict yi) {
    size_t q;
    for (q = 0; q < s; q++) {
        double sr = xr[q] + xr[q + 2 * s], si = xi[q] + xi[q + 2 * s], tr = xr[q] - xr[q + 2 * s], ti = xi[q] - xi[q + 2 * s];
        double ur = xr[q + s] + xr[q + 3 * s], ui = xi[q + s] + xi[q + 3 * s];
        double vr = xi[q + s] - xi[q + 3 * s], vi = xr[q + 3 * s] - xr[q + s];
        yr[q] = sr + ur, yi[q] = si + ui;
        yr[q + s] = tr + vr, yi[q + s] = ti + vi;
        yr[q + 2 * s] = sr - ur, yi[q + 2 * s] = si - ui;
        yr[q + 3 * s] = tr - vr, yi[q + 3 * s] = ti - vi;
    }
}

static void pass2(size_t m, size_t s, const double *restrict twiddle, const double *restrict xr, const double *restrict xi,
                  double *restrict yr, double *restrict yi) {
    size_t p, q;
    for (p = 0; p < m; p++) {
        const double wr = twiddle ? RE(1) : 1.0, wi = twiddle ? IM(1) : 0.0;
        const double *ar = xr + s * p, *ai = xi + s * p, *br = ar + s * m, *bi = ai + s * m;
        double *er = yr + 2 * s * p, *ei = yi + 2 * s * p;
        for (q = 0; q < s; q++) {
            double dr = ar[q] - br[q], di = ai[q] - bi[q];
            er[q] = ar[q] + br[q], ei[q] = ai[q] + bi[q];
            er[q + s] = dr * wr - di * wi, ei[q + s] = dr * wi + di * wr;
        }
    }
}

static void pass3(size_t m, size_t s, const double *restrict twiddle, const double *restrict xr, const double *restrict xi,
                  double *restrict yr, double *restrict yi) {
    const double h = 0.86602540378443864676; /* sin(pi / 3) */
    size_t p, q;
    for (p = 0; p < m; p++) {
        const double w1r = twiddle ? RE(1) : 1.0, w1i = twiddle ? IM(1) : 0.0;
        const double w2r = twiddle ? RE(2) : 1.0, w2i = twiddle ? IM(2) : 0.0;
        const double *ar = xr + s * p, *br = ar + s * m, *cr = br + s * m;
        const double *ai = xi + s * p, *bi = ai + s * m, *ci = bi + s * m;
        double *er = yr + 3 * s * p, *ei = yi + 3 * s * p;
        for (q = 0; q < s; q++) {
            double tr = br[q] + cr[q], ti = bi[q] + ci[q];
            double mr = ar[q] - 0.5 * tr, mi = ai[q] - 0.5 * ti;
            double vr = h * (bi[q] - ci[q]), vi = h * (cr[q] - br[q]); /* -i sin(pi/3) (b - c) */
            double fr = mr + vr, fi = mi + vi, gr = mr - vr, gi = mi - vi;
            er[q] = ar[q] + tr, ei[q] = ai[q] + ti;
            er[q + s] = fr * w1r - fi * w1i, ei[q + s] = fr * w1i + fi * w1r;
            er[q + 2 * s] = gr * w2r - gi * w2i, ei[q + 2 * s] = gr * w2i + gi * w2r;
        }
    }
}

static void pass5(size_t m, size_t s, const double *restrict twiddle, const double *restrict xr, const double *restrict xi,
                  double *restrict yr, double *restrict yi) {
    const double c1 = 0.30901699437494742410, c2 = -0.80901699437494742410; /* cos(2 pi / 5), cos(4 pi / 5) */
    const double s1 = 0.95105651629515357212, s2 = 0.58778525229247312917;  /* sin */
    size_t p, q;
    for (p = 0; p < m; p++) {
        const double w1r = twiddle ? RE(1) : 1.0, w1i = twiddle ? IM(1) : 0.0, w2r = twiddle ? RE(2) : 1.0;
        const double w2i = twiddle ? IM(2) : 0.0, w3r = twiddle ? RE(3) : 1.0, w3i = twiddle ? IM(3) : 0.0;
        const double w4r = twiddle ? RE(4) : 1.0, w4i = twiddle ? IM(4) : 0.0;
        const double *ar = xr + s * p, *br = ar + s * m, *cr = br + s * m, *dr = cr + s * m, *er = dr + s * m;
        const double *ai = xi + s * p, *bi = ai + s * m, *ci = bi + s * m, *di = ci + s * m, *ei = di + s * m;
        double *zr = yr + 5 * s * p, *zi = yi + 5 * s * p;
        for (q = 0; q < s; q++) {
            double tr = br[q] + er[q], ti = bi[q] + ei[q], ur = cr[q] + dr[q], ui = ci[q] + di[q];
            double vr = bi[q] - ei[q], vi = er[q] - br[q], wr = ci[q] - di[q], wi = dr[q] - cr[q]; /* -i (b - e), -i (c - d) */
            double mr = ar[q] + c1 * tr + c2 * ur, mi = ai[q] + c1 * ti + c2 * ui;
            double nr = ar[q] + c2 * tr + c1 * ur, ni = ai[q] + c2 * ti + c1 * ui;
            double jr = s1 * vr + s2 * wr, ji = s1 * vi + s2 * wi, kr = s2 * vr - s1 * wr, ki = s2 * vi - s1 * wi;
            zr[q] = ar[q] + tr + ur, zi[q] = ai[q] + ti + ui;
            zr[q + s] = (mr + jr) * w1r - (mi + ji) * w1i, zi[q + s] = (mr + jr) * w1i + (mi + ji) * w1r;
            zr[q + 2 * s] = (nr + kr) * w2r - (ni + ki) * w2i, zi[q + 2 * s] = (nr + kr) * w2i + (ni + ki) * w2r;
            zr[q + 3 * s] = (nr - kr) * w3r - (ni - ki) * w3i, zi[q + 3 * s] = (nr - kr) * w3i + (ni - ki) * w3r;
            zr[q + 4 * s] = (mr - jr) * w4r - (mi - ji) * w4i, zi[q + 4 * s] = (mr - jr) * w4i + (mi - ji) * w4r;
        }
    }
}

/* Any radix: one output j at a time, its sum over k built up in y itself. */
static void pass_any(const pylstm_butterfly *stage, const double *restrict xr, const double *restrict xi, double *restrict yr,
                     double *restrict yi) {
    const size_t r = stage->radix, m = stage->m, s = stage->s;
    const double *twiddle = stage->twiddle, *roots = stage->roots;
    size_t p, q, j, k;
    for (p = 0; p < m; p++)
        for (j = 0; j < r; j++) {
            double *zr = yr + s * (r * p + j), *zi = yi + s * (r * p + j);
            for (q = 0; q < s; q++)
                zr[q] = xr[q + s * p], zi[q] = xi[q + s * p];
            for (k = 1; k < r; k++) {
                const double wr = roots[j * k % r], wi = roots[r + j * k % r];
                const double *ar = xr + s * (p + m * k), *ai = xi + s * (p + m * k);
                for (q = 0; q < s; q++)
                    zr[q] += ar[q] * wr - ai[q] * wi, zi[q] += ar[q] * wi + ai[q] * wr;
            }
            if (twiddle && j > 0) {
                const double wr = RE(j), wi = IM(j);
                for (q = 0; q < s; q++) {
                    double re = zr[q] * wr - zi[q] * wi;
                    zi[q] = zr[q] * wi + zi[q] * wr;
                    zr[q] = re;
                }
            }
        }
}

void pylstm_butterfly_run(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi) {
    const size_t m = stage->m, s = stage->s;
    switch (stage->radix) {
    case 4:
        if (m == 1)
            pass4_last(s, xr, xi, yr, yi);
        else if (s == 1)
            pass4_first(m, stage->twiddle, xr, xi, yr, yi);
        else if (s == 4)
            pass4(m, 4, stage->twiddle, xr, xi, yr, yi); /* a constant: the short inner loop is unrolled */
        else
            pass4(m, s, stage->twiddle, xr, xi, yr, yi);
        break;
    case 2:
        pass2(m, s, stage->twiddle, xr, xi, yr, yi);
        break;
    case 3:
        pass3(m, s, stage->twiddle, xr, xi, yr, yi);
        break;
    case 5:
        pass5(m, s, stage->twiddle, xr, xi, yr, yi);
        break;
    default:
        pass_any(stage, xr, xi, yr, yi);
    }
}
