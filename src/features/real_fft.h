/* Fourier transform of windowed real samples, in double precision, any length: the n / 2 + 1 bins that numpy.fft.rfft gives. */
#ifndef PYLSTM_FEATURES_REAL_FFT_H
#define PYLSTM_FEATURES_REAL_FFT_H

#include "platform/arena.h"
#include "features/features_config.h"
#include "kernels/feature_kernels.h"

typedef struct pylstm_fft pylstm_fft;

/* Lays the tables for config's n_fft >= 1 and window out in the arena. While the arena only measures, returns NULL. */
pylstm_fft *pylstm_fft_init(pylstm_arena *arena, const pylstm_features_config *config, const pylstm_feature_kernels *kernels);

/* Doubles of working memory that a run needs. */
size_t pylstm_fft_work_size(const pylstm_fft *fft);

/* x: n_fft samples, finite also where the window is not; re, im: n_fft / 2 + 1 bins, rounded to float32. Nothing overlaps. */
void pylstm_fft_run(const pylstm_fft *fft, const float *x, float *re, float *im, double *work);

#endif
