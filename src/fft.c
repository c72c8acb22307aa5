/* Real FFT by a complex FFT of half the length.
 *
 * For even n = 2 m: z[t] = x[2 t] + i x[2 t + 1], Z its transform. The transforms of the even and of the odd samples are
 *
 *     E[k] = (Z[k] + conj Z[m - k]) / 2,    O[k] = -i (Z[k] - conj Z[m - k]) / 2,    X[k] = E[k] + exp(-2 pi i k / n) O[k]
 *
 * and X[m - k] = conj(E[k] - exp(-2 pi i k / n) O[k]), so bins come in pairs. Odd lengths take the complex transform of length
 * n.
 */
#include "fft.h"
#include "cfft.h"

#include <string.h>

struct pylstm_fft {
    size_t n, m; /* m: length of the complex transform */
    const pylstm_cfft *cfft;
    const double *twiddle; /* even n: real parts of exp(-2 pi i k / n) for k = 0 ... m / 2, then the imaginary parts */
};

pylstm_fft *pylstm_fft_init(pylstm_arena *arena, size_t n) {
    pylstm_fft *fft = (pylstm_fft *)pylstm_arena_take(arena, 1, sizeof *fft);
    size_t m = n % 2 == 0 ? n / 2 : n, k;
    const pylstm_cfft *cfft = pylstm_cfft_init(arena, m);
    double *twiddle = n % 2 == 0 ? (double *)pylstm_arena_take(arena, 2 * (m / 2 + 1), sizeof(double)) : NULL;
    if (!fft)
        return NULL;
    fft->n = n;
    fft->m = m;
    fft->cfft = cfft;
    fft->twiddle = twiddle;
    for (k = 0; twiddle && k <= m / 2; k++)
        pylstm_root_of_unity(k, n, &twiddle[k], &twiddle[m / 2 + 1 + k]);
    return fft;
}

size_t pylstm_fft_work_size(const pylstm_fft *fft) {
    return 4 * fft->m + pylstm_cfft_work_size(fft->m);
}

/* Bins k and m - k from Z, for k = 1 ... m / 2. */
static void untangle(size_t m, const double *restrict twiddle, const double *restrict zr, const double *restrict zi,
                     double *restrict re, double *restrict im) {
    const double *wr = twiddle, *wi = twiddle + m / 2 + 1;
    size_t k;
    for (k = 1; k <= m / 2; k++) {
        double er = 0.5 * (zr[k] + zr[m - k]), ei = 0.5 * (zi[k] - zi[m - k]);
        double dr = 0.5 * (zi[k] + zi[m - k]), di = 0.5 * (zr[m - k] - zr[k]);
        double tr = dr * wr[k] - di * wi[k], ti = dr * wi[k] + di * wr[k];
        re[k] = er + tr;
        im[k] = ei + ti;
        re[m - k] = er - tr;
        im[m - k] = ti - ei;
    }
}

void pylstm_fft_run(const pylstm_fft *fft, const double *x, double *re, double *im, double *work) {
    size_t m = fft->m, k;
    double *ar = work, *ai = work + m, *zr = work + 2 * m, *zi = work + 3 * m, *inner = work + 4 * m;
    if (fft->n % 2 != 0) {
        memset(ai, 0, m * sizeof(double));
        pylstm_cfft_run(fft->cfft, x, ai, zr, zi, inner);
        memcpy(re, zr, (m / 2 + 1) * sizeof(double));
        memcpy(im, zi, (m / 2 + 1) * sizeof(double));
        return;
    }
    for (k = 0; k < m; k++) {
        ar[k] = x[2 * k];
        ai[k] = x[2 * k + 1];
    }
    pylstm_cfft_run(fft->cfft, ar, ai, zr, zi, inner);
    re[0] = zr[0] + zi[0];
    im[0] = 0.0;
    re[m] = zr[0] - zi[0];
    im[m] = 0.0;
    untangle(m, fft->twiddle, zr, zi, re, im);
}
