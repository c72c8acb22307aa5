/* One stage of Stockham's FFT: what complex_fft.c strings together. */
#ifndef PYLSTM_KERNELS_BUTTERFLY_H
#define PYLSTM_KERNELS_BUTTERFLY_H

#include <stddef.h>

/* The largest prime factor that has a butterfly; lengths with larger ones take another way. */
#define PYLSTM_MAX_RADIX 31

typedef struct pylstm_butterfly {
    size_t radix, m, s;    /* the current length is radix * m; s is the product of the radices already done */
    const double *twiddle; /* for j = 1 ... radix - 1: m real, then m imaginary parts of w_l^(p j); NULL where m is 1 */
    const double *roots;   /* radix > 5: exp(-2 pi i k / radix), all real parts, then all imaginary parts */
} pylstm_butterfly;

/* Any stage, any size, without vectors: what the kernels of the same names (feature_kernels.h) do with what is too small for
 * them, and with large radices. */
void pylstm_butterfly_run(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi);
void pylstm_butterfly_windowed(const pylstm_butterfly *stage, const float *x, const double *window, double *yr, double *yi);
void pylstm_untangle(size_t m, const double *twiddle, const double *zr, const double *zi, float *re, float *im);

#endif
