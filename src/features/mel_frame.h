/* One frame of mel bands or of cepstral coefficients: what the kinds logmel and mfcc make of the samples under a window. */
#ifndef PYLSTM_FEATURES_MEL_FRAME_H
#define PYLSTM_FEATURES_MEL_FRAME_H

#include "features/dct.h"
#include "features/melbank.h"
#include "features/real_fft.h"

/* Tables; immutable. */
typedef struct pylstm_mel_frame {
    const pylstm_feature_kernels *kernels;
    int n_fft, n_mels, n_out; /* n_out: n_mels, or n_mfcc */
    double power;
    int has_top_db;
    float top_db;
    const pylstm_fft *fft;
    const pylstm_melbank *melbank;
    const pylstm_dct *dct; /* NULL for log-mel */
} pylstm_mel_frame;

/* Working memory; every part starts at a multiple of PYLSTM_ALIGNMENT and has room for the lanes of the kernels. */
typedef struct pylstm_mel_scratch {
    float *x;       /* n_fft samples, those outside of the window 0 */
    float *re, *im; /* n_fft / 2 + 1 bins */
    double *work;
    float *power; /* n_fft / 2 + 1 bins and PYLSTM_FEATURE_LANES zeros */
    float *mel;   /* n_mels */
    float *cepstrum;
} pylstm_mel_scratch;

/* Lays the tables out in the arena. While the arena only measures, the result must not be used. */
pylstm_mel_frame pylstm_mel_frame_init(pylstm_arena *arena, const pylstm_features_config *config,
                                       const pylstm_feature_kernels *kernels);

/* Lays the working memory out in the arena. */
pylstm_mel_scratch pylstm_mel_scratch_init(pylstm_arena *arena, const pylstm_mel_frame *frame);

/* Clears what is read before it is written: once before the first frame that uses the working memory. */
void pylstm_mel_scratch_clear(const pylstm_mel_scratch *scratch, const pylstm_mel_frame *frame);

/* scratch->x -> n_out values. maximum: of all bands in dB of this stream so far, for top_db. */
void pylstm_mel_frame_run(const pylstm_mel_frame *frame, const pylstm_mel_scratch *scratch, float *maximum, float *out);

#endif
