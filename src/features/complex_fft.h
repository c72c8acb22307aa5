/* Complex discrete Fourier transform of any length, double precision, forward direction:
 *
 *     X[k] = sum over t of x[t] exp(-2 pi i t k / n)
 *
 * Real and imaginary parts live in separate arrays so that the inner loops are plain contiguous arithmetic. All tables are laid
 * out in the arena; a transform allocates nothing.
 */
#ifndef PYLSTM_FEATURES_COMPLEX_FFT_H
#define PYLSTM_FEATURES_COMPLEX_FFT_H

#include "platform/arena.h"
#include "kernels/feature_kernels.h"

typedef struct pylstm_cfft pylstm_cfft;

/* Lays the tables for length n >= 1 out in the arena. While the arena only measures, returns NULL. */
pylstm_cfft *pylstm_cfft_init(pylstm_arena *arena, size_t n, const pylstm_feature_kernels *kernels);

/* Doubles of working memory that a run of length n needs. */
size_t pylstm_cfft_work_size(size_t n);

/* What a run of length n costs: arithmetic operations, loads and stores of one number each, roughly. Lengths with a prime
 * factor above PYLSTM_MAX_RADIX cost several times what their neighbours cost. */
uint64_t pylstm_cfft_operations(size_t n);

/* in and out do not overlap; in is left as it was. */
void pylstm_cfft_run(const pylstm_cfft *fft, const double *in_re, const double *in_im, double *out_re, double *out_im,
                     double *work);

/* The transform of x[2 t] window[t] + i x[2 t + 1] window[n + t]; needs room for 2 n more doubles in work. */
void pylstm_cfft_run_windowed(const pylstm_cfft *fft, const float *x, const double *window, double *out_re, double *out_im,
                              double *work);

/* exp(-2 pi i k / n), correctly rounded but for the last bit: the angle is reduced in integers. */
void pylstm_root_of_unity(uint64_t k, uint64_t n, double *re, double *im);

#endif
