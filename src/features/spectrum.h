/* The spectrum under one window: |FFT|^power of n_fft samples. */
#ifndef PYLSTM_FEATURES_SPECTRUM_H
#define PYLSTM_FEATURES_SPECTRUM_H

#include "features/real_fft.h"

/* Tables; immutable. */
typedef struct pylstm_spectrum {
    const pylstm_feature_kernels *kernels;
    size_t n_fft, bins; /* bins: n_fft / 2 + 1 */
    size_t offset;      /* of the window inside n_fft */
    double power;
    const pylstm_fft *fft;
} pylstm_spectrum;

/* Working memory; every part starts at a multiple of PYLSTM_ALIGNMENT and has room for the lanes of the kernels. */
typedef struct pylstm_spectrum_scratch {
    float *x;       /* n_fft samples, those outside of the window 0 */
    float *re, *im; /* bins */
    double *work;
    float *power; /* bins, and PYLSTM_FEATURE_LANES zeros */
} pylstm_spectrum_scratch;

/* Lays the tables out in the arena. While the arena only measures, the result must not be used. */
pylstm_spectrum pylstm_spectrum_init(pylstm_arena *arena, const pylstm_features_config *config,
                                     const pylstm_feature_kernels *kernels);

/* Lays the working memory out in the arena. */
pylstm_spectrum_scratch pylstm_spectrum_scratch_init(pylstm_arena *arena, const pylstm_spectrum *spectrum);

/* Clears what is read before it is written: once before the first frame that uses the working memory. */
void pylstm_spectrum_scratch_clear(const pylstm_spectrum_scratch *scratch, const pylstm_spectrum *spectrum);

/* scratch->x -> scratch->power. */
void pylstm_spectrum_run(const pylstm_spectrum *spectrum, const pylstm_spectrum_scratch *scratch);

#endif
