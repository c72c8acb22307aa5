/* Fourier transform of real samples, double precision, any length: the n / 2 + 1 bins that numpy.fft.rfft gives. */
#ifndef PYLSTM_FFT_H
#define PYLSTM_FFT_H

#include "arena.h"

typedef struct pylstm_fft pylstm_fft;

/* Lays the tables for length n >= 1 out in the arena. While the arena only measures, returns NULL. */
pylstm_fft *pylstm_fft_init(pylstm_arena *arena, size_t n);

/* Doubles of working memory that a run needs. */
size_t pylstm_fft_work_size(const pylstm_fft *fft);

/* x: n samples; re, im: n / 2 + 1 values each. Nothing overlaps. */
void pylstm_fft_run(const pylstm_fft *fft, const double *x, double *re, double *im, double *work);

#endif
