/* Complex FFT of any length.
 *
 * Lengths whose prime factors are all at most PYLSTM_MAX_RADIX: Stockham's autosort algorithm, decimation in frequency. With r
 * a factor of the current length l = r m, and s the product of the factors already done, one stage (butterfly.inc.h) computes
 * for all p < m, q < s, j < r
 *
 *     y[q + s (r p + j)] = w_l^(p j)  sum over k < r of  x[q + s (p + m k)] w_r^(j k),      w_l = exp(-2 pi i / l)
 *
 * and hands y on as x with s := s r, l := m. Input and output are in natural order, there is no bit reversal, and the loop over
 * q runs over contiguous memory. (C. Van Loan, Computational Frameworks for the Fast Fourier Transform, 1992, section 1.7.)
 *
 * Other lengths: Bluestein's chirp transform. From t k = (t^2 + k^2 - (k - t)^2) / 2
 *
 *     X[k] = c[k]  sum over t of (x[t] c[t]) conj(c[k - t]),      c[t] = exp(-pi i t^2 / n)
 *
 * is a convolution, done by transforms of a power of two >= 2 n - 1. (L. Bluestein, 1970.)
 */
#include "features/complex_fft.h"
#include "kernels/butterfly.h"

#include <math.h>
#include <string.h>

#define MAX_STAGES 32

struct pylstm_cfft {
    const pylstm_feature_kernels *kernels;
    size_t n;
    int n_stages;
    pylstm_butterfly stages[MAX_STAGES];
    const pylstm_cfft *convolver; /* Bluestein: the transform of length n_convolver, else NULL */
    size_t n_convolver;
    const double *chirp, *kernel; /* c[t]: n + n parts; transform of conj(c) wrapped, over n_convolver: the same layout */
};

void pylstm_root_of_unity(uint64_t k, uint64_t n, double *re, double *im) {
    const double pi = 3.14159265358979323846;
    uint64_t octant, rest;
    double angle, c, s;
    k %= n;
    octant = 8 * k / n;
    rest = 8 * k - octant * n; /* k / n = octant / 8 + rest / (8 n) */
    if (octant & 1)
        rest = n - rest; /* measured back from the next multiple of a quarter turn */
    angle = pi * (double)rest / (4.0 * (double)n);
    c = cos(angle);
    s = sin(angle);
    switch (octant) {
    case 0:
        *re = c, *im = -s;
        break;
    case 1:
        *re = s, *im = -c;
        break;
    case 2:
        *re = -s, *im = -c;
        break;
    case 3:
        *re = -c, *im = -s;
        break;
    case 4:
        *re = -c, *im = s;
        break;
    case 5:
        *re = -s, *im = c;
        break;
    case 6:
        *re = s, *im = c;
        break;
    default:
        *re = c, *im = s;
        break;
    }
}

/* Factors in the order of the stages: 4 first (its loops are the fastest), then 2, 3, 5 and the other primes. Returns their
 * number, 0 for n = 1, -1 if a prime factor is too large. */
static int factorise(size_t n, size_t *factors) {
    int count = 0;
    while (n % 4 == 0)
        factors[count++] = 4, n /= 4;
    if (n % 2 == 0)
        factors[count++] = 2, n /= 2;
    for (size_t prime = 3; prime <= PYLSTM_MAX_RADIX; prime += 2)
        while (n % prime == 0)
            factors[count++] = prime, n /= prime;
    return n == 1 ? count : -1;
}

static size_t convolver_length(size_t n) {
    size_t length = 1;
    while (length < 2 * n - 1)
        length *= 2;
    return length;
}

static void stages_init(pylstm_arena *arena, pylstm_cfft *fft, size_t n, const size_t *factors, int count) {
    size_t s = 1, l = n;
    for (int i = 0; i < count; i++) {
        size_t r = factors[i], m = l / r;
        double *twiddle = m > 1 ? pylstm_arena_take(arena, 2 * (r - 1) * m, sizeof(double)) : NULL;
        double *roots = r > 5 ? pylstm_arena_take(arena, 2 * r, sizeof(double)) : NULL;
        if (fft) {
            fft->stages[i] = (pylstm_butterfly){.radix = r, .m = m, .s = s, .twiddle = twiddle, .roots = roots};
            for (size_t j = 0; roots && j < r; j++)
                pylstm_root_of_unity(j, r, &roots[j], &roots[r + j]);
            for (size_t j = 1; twiddle && j < r; j++)
                for (size_t p = 0; p < m; p++)
                    pylstm_root_of_unity(p * j, l, &twiddle[2 * (j - 1) * m + p], &twiddle[(2 * (j - 1) + 1) * m + p]);
        }
        s *= r;
        l = m;
    }
    if (fft)
        fft->n_stages = count;
}

/* In-place transform of a power of two, the plain textbook way: for tables only, where there is no working memory. */
static void plain_fft(size_t n, double *re, double *im) {
    for (size_t i = 1, j = 0; i < n; i++) {
        size_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j) {
            const double r = re[i], s = im[i];
            re[i] = re[j], im[i] = im[j];
            re[j] = r, im[j] = s;
        }
    }
    for (size_t half = 1; half < n; half *= 2)
        for (size_t k = 0; k < half; k++) {
            double wr, wi;
            pylstm_root_of_unity(k, 2 * half, &wr, &wi);
            for (size_t i = k; i < n; i += 2 * half) {
                const size_t j = i + half;
                const double ar = re[j] * wr - im[j] * wi, ai = re[j] * wi + im[j] * wr;
                re[j] = re[i] - ar, im[j] = im[i] - ai;
                re[i] += ar, im[i] += ai;
            }
        }
}

static void bluestein_init(pylstm_arena *arena, pylstm_cfft *fft, size_t n, const pylstm_feature_kernels *kernels) {
    const size_t length = convolver_length(n);
    const pylstm_cfft *convolver = pylstm_cfft_init(arena, length, kernels);
    double *chirp = pylstm_arena_take(arena, 2 * n, sizeof(double));
    double *kernel = pylstm_arena_take(arena, 2 * length, sizeof(double));
    if (!fft)
        return;
    fft->convolver = convolver;
    fft->n_convolver = length;
    fft->chirp = chirp;
    fft->kernel = kernel;
    memset(kernel, 0, 2 * length * sizeof(double));
    for (size_t t = 0; t < n; t++) {
        double re, im;
        pylstm_root_of_unity((uint64_t)t * t, 2 * (uint64_t)n, &re, &im);
        chirp[t] = re, chirp[n + t] = im;
        kernel[t] = re, kernel[length + t] = -im;
        if (t > 0)
            kernel[length - t] = re, kernel[2 * length - t] = -im;
    }
    plain_fft(length, kernel, kernel + length);
    for (size_t t = 0; t < 2 * length; t++)
        kernel[t] /= (double)length; /* the inverse transform's scale, a power of two */
}

pylstm_cfft *pylstm_cfft_init(pylstm_arena *arena, size_t n, const pylstm_feature_kernels *kernels) {
    size_t factors[MAX_STAGES];
    int count = factorise(n, factors);
    pylstm_cfft *fft = pylstm_arena_take(arena, 1, sizeof *fft);
    if (fft) {
        memset(fft, 0, sizeof *fft);
        fft->n = n;
        fft->kernels = kernels;
    }
    if (count < 0)
        bluestein_init(arena, fft, n, kernels);
    else
        stages_init(arena, fft, n, factors, count);
    return fft;
}

size_t pylstm_cfft_work_size(size_t n) {
    size_t factors[MAX_STAGES];
    return factorise(n, factors) >= 0 ? 2 * n : 6 * convolver_length(n);
}

static uint64_t stages_operations(size_t n, const size_t *factors, int count) {
    static const uint64_t of_an_element[] = {[2] = 10, [3] = 14, [4] = 13, [5] = 19};
    uint64_t sum = 2;
    size_t s = 1, l = n;
    for (int i = 0; i < count; i++) {
        const size_t r = factors[i], m = l / r;
        if (r <= 5)
            sum += of_an_element[r] * n + 20 * m;
        else /* r sums of r terms, each of which finds its root of unity by two divisions */
            sum += m * r * ((r - 1) * (30 + 9 * s) + 10 * s + 20);
        s *= r;
        l = m;
    }
    return sum;
}

uint64_t pylstm_cfft_operations(size_t n) {
    size_t factors[MAX_STAGES];
    int count = factorise(n, factors);
    if (count >= 0)
        return stages_operations(n, factors, count);
    const size_t length = convolver_length(n);
    count = factorise(length, factors);
    return 2 * stages_operations(length, factors, count) + 14 * length + 24 * n;
}

/* The stages from the given one on, whose input is x, back and forth between work and out so that the last one ends in out. */
static void stages_run(const pylstm_cfft *fft, int i, const double *xr, const double *xi, double *out_re, double *out_im,
                       double *work) {
    for (; i < fft->n_stages; i++) {
        const int to_out = (fft->n_stages - i) & 1;
        double *yr = to_out ? out_re : work, *yi = to_out ? out_im : work + fft->n;
        fft->kernels->butterfly(&fft->stages[i], xr, xi, yr, yi);
        xr = yr;
        xi = yi;
    }
    if (fft->n_stages == 0) {
        out_re[0] = xr[0];
        out_im[0] = xi[0];
    }
}

static void bluestein_run(const pylstm_cfft *fft, const double *in_re, const double *in_im, double *out_re, double *out_im,
                          double *work) {
    const size_t n = fft->n, length = fft->n_convolver;
    const double *cr = fft->chirp, *ci = cr + n, *kr = fft->kernel, *ki = kr + length;
    double *ar = work, *ai = work + length, *br = work + 2 * length, *bi = work + 3 * length, *inner = work + 4 * length;
    for (size_t t = 0; t < n; t++) {
        ar[t] = in_re[t] * cr[t] - in_im[t] * ci[t];
        ai[t] = in_re[t] * ci[t] + in_im[t] * cr[t];
    }
    memset(ar + n, 0, (length - n) * sizeof(double));
    memset(ai + n, 0, (length - n) * sizeof(double));
    stages_run(fft->convolver, 0, ar, ai, br, bi, inner);
    for (size_t t = 0; t < length; t++) {
        double re = br[t] * kr[t] - bi[t] * ki[t];
        bi[t] = br[t] * ki[t] + bi[t] * kr[t];
        br[t] = re;
    }
    stages_run(fft->convolver, 0, bi, br, ai, ar, inner); /* parts swapped on both sides: the inverse transform */
    for (size_t t = 0; t < n; t++) {
        out_re[t] = ar[t] * cr[t] - ai[t] * ci[t];
        out_im[t] = ar[t] * ci[t] + ai[t] * cr[t];
    }
}

void pylstm_cfft_run(const pylstm_cfft *fft, const double *in_re, const double *in_im, double *out_re, double *out_im,
                     double *work) {
    if (fft->convolver)
        bluestein_run(fft, in_re, in_im, out_re, out_im, work);
    else
        stages_run(fft, 0, in_re, in_im, out_re, out_im, work);
}

void pylstm_cfft_run_windowed(const pylstm_cfft *fft, const float *x, const double *window, double *out_re, double *out_im,
                              double *work) {
    const size_t n = fft->n;
    if (!fft->convolver && fft->n_stages > 1 && fft->stages[0].radix == 4) { /* together with the first stage */
        const int to_out = fft->n_stages & 1;
        double *yr = to_out ? out_re : work, *yi = to_out ? out_im : work + n;
        fft->kernels->butterfly_windowed(&fft->stages[0], x, window, yr, yi);
        stages_run(fft, 1, yr, yi, out_re, out_im, work);
        return;
    }
    for (size_t t = 0; t < n; t++) {
        work[t] = x[2 * t] * window[t];
        work[n + t] = x[2 * t + 1] * window[n + t];
    }
    pylstm_cfft_run(fft, work, work + n, out_re, out_im, work + 2 * n);
}
