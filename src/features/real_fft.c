/* Real FFT by a complex FFT of half the length.
 *
 * For even n = 2 m: z[t] = x[2 t] + i x[2 t + 1], Z its transform. The transforms of the even and of the odd samples are
 *
 *     E[k] = (Z[k] + conj Z[m - k]) / 2,    O[k] = -i (Z[k] - conj Z[m - k]) / 2,    X[k] = E[k] + exp(-2 pi i k / n) O[k]
 *
 * and X[m - k] = conj(E[k] - exp(-2 pi i k / n) O[k]), so bins come in pairs. The halves are in the window already. Odd lengths
 * take the complex transform of length n.
 */
#include "features/real_fft.h"
#include "features/complex_fft.h"
#include "features/window.h"

#include <string.h>

struct pylstm_fft {
    const pylstm_feature_kernels *kernels;
    size_t n, m;      /* m: length of the complex transform */
    size_t work_size; /* doubles */
    const pylstm_cfft *cfft;
    const double *window;  /* even n: halved, for the even samples, then for the odd ones */
    const double *twiddle; /* even n: real parts of exp(-2 pi i k / n) for k = 0 ... m / 2, then the imaginary parts */
};

pylstm_fft *pylstm_fft_init(pylstm_arena *arena, const pylstm_features_config *config, const pylstm_feature_kernels *kernels) {
    pylstm_fft *fft = pylstm_arena_take(arena, 1, sizeof *fft);
    size_t n = (size_t)config->n_fft, even = n % 2 == 0, m = even ? n / 2 : n;
    size_t offset = (n - (size_t)config->win_length) / 2; /* the window is in the middle */
    const pylstm_cfft *cfft = pylstm_cfft_init(arena, m, kernels);
    double *window = pylstm_arena_take(arena, n, sizeof(double));
    double *twiddle = even ? pylstm_arena_take(arena, 2 * (m / 2 + 1), sizeof(double)) : NULL;
    if (!fft)
        return NULL;
    *fft = (pylstm_fft){
        .kernels = kernels,
        .n = n,
        .m = m,
        .work_size = 4 * m + pylstm_cfft_work_size(m),
        .cfft = cfft,
        .window = window,
        .twiddle = twiddle,
    };
    memset(window, 0, n * sizeof(double));
    for (size_t k = offset; k < offset + (size_t)config->win_length; k++) {
        double w = pylstm_window(config, (int)(k - offset));
        if (even)
            window[k % 2 * m + k / 2] = 0.5 * w;
        else
            window[k] = w;
    }
    for (size_t k = 0; twiddle && k <= m / 2; k++)
        pylstm_root_of_unity(k, n, &twiddle[k], &twiddle[m / 2 + 1 + k]);
    return fft;
}

size_t pylstm_fft_work_size(const pylstm_fft *fft) {
    return fft->work_size;
}

static void odd_run(const pylstm_fft *fft, const float *x, float *re, float *im, double *work) {
    const size_t n = fft->n;
    double *ar = work, *ai = work + n, *zr = work + 2 * n, *zi = work + 3 * n;
    for (size_t k = 0; k < n; k++)
        ar[k] = x[k] * fft->window[k];
    memset(ai, 0, n * sizeof(double));
    pylstm_cfft_run(fft->cfft, ar, ai, zr, zi, work + 4 * n);
    for (size_t k = 0; k <= n / 2; k++) {
        re[k] = (float)zr[k];
        im[k] = (float)zi[k];
    }
}

void pylstm_fft_run(const pylstm_fft *fft, const float *x, float *re, float *im, double *work) {
    size_t m = fft->m;
    double *zr = work, *zi = work + m;
    if (!fft->twiddle) {
        odd_run(fft, x, re, im, work);
        return;
    }
    pylstm_cfft_run_windowed(fft->cfft, x, fft->window, zr, zi, work + 2 * m);
    re[0] = (float)(2.0 * (zr[0] + zi[0]));
    re[m] = (float)(2.0 * (zr[0] - zi[0]));
    im[0] = im[m] = 0.0f;
    fft->kernels->untangle(m, fft->twiddle, zr, zi, re, im);
}
