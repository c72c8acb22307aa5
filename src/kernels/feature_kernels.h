/* The kernels of the features.
 *
 * The bodies are written once (feature.inc.h) in the vector vocabulary (vector.h). Every element is computed by the same
 * operations in the same order whatever the width of the registers, and none is a fused multiply-add: all instruction sets give
 * the same bits.
 *
 * Nothing overlaps unless stated; no alignment is asked for.
 */
#ifndef PYLSTM_KERNELS_FEATURE_KERNELS_H
#define PYLSTM_KERNELS_FEATURE_KERNELS_H

#include "kernels/butterfly.h"

/* Bins of a mel band are summed this many side by side. Power spectra, rows of mel bands and of coefficients have room up to a
 * multiple of it. */
#define PYLSTM_FEATURE_LANES 8

/* A mel band: weights of the bins from first on, count of them, a multiple of PYLSTM_FEATURE_LANES. */
typedef struct pylstm_mel_band {
    int first, count;
    const float *weights;
} pylstm_mel_band;

/* multiple * log10(max(least, x + offset)) in float32, the sum rounded first; least is at least FLT_MIN. */
typedef struct pylstm_logarithm {
    float offset, least, multiple;
} pylstm_logarithm;

typedef struct pylstm_feature_kernels {
    /* One stage of the complex FFT. */
    void (*butterfly)(const pylstm_butterfly *stage, const double *xr, const double *xi, double *yr, double *yi);

    /* The first stage, of radix 4, n = 4 m, of x[2 t] window[t] + i x[2 t + 1] window[n + t] for t < n. */
    void (*butterfly_windowed)(const pylstm_butterfly *stage, const float *x, const double *window, double *yr, double *yi);

    /* Bins 1 ... m - 1 of a real FFT from the complex one of length m (real_fft.c), rounded to float32. */
    void (*untangle)(size_t m, const double *twiddle, const double *zr, const double *zi, float *re, float *im);

    /* power = re^2 + im^2, at most FLT_MAX, over n values rounded up to a multiple of PYLSTM_FEATURE_LANES. */
    void (*square)(const float *re, const float *im, size_t n, float *power);

    /* The root of re^2 + im^2, in double, rounded once; else as square. */
    void (*magnitude)(const float *re, const float *im, size_t n, float *out);

    /* energy = sum of weights * power for n bands, at most FLT_MAX: PYLSTM_FEATURE_LANES partial sums, added up in halves. */
    void (*mel_bands)(const pylstm_mel_band *bands, int n, const float *power, float *energy);

    /* In place: 10 log10(max(1e-10, x)), over n values rounded up to a multiple of PYLSTM_FEATURE_LANES. */
    void (*decibel)(float *x, int n);

    /* In place, x >= 0, over as many; decibel is the one that most models ask for, with its numbers known to the compiler. */
    void (*logarithm)(const pylstm_logarithm *of, float *x, int n);

    /* y = matrix x, in double, rounded once: n values of x, n_blocks * PYLSTM_FEATURE_LANES of y. matrix: for each block of
     * outputs: for each x: PYLSTM_FEATURE_LANES entries. */
    void (*product)(const double *matrix, int n, int n_blocks, const float *x, float *y);
} pylstm_feature_kernels;

#endif
