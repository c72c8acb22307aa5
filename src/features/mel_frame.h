/* One frame of mel bands or of cepstral coefficients: what the kinds logmel and mfcc make of the spectrum under a window. */
#ifndef PYLSTM_FEATURES_MEL_FRAME_H
#define PYLSTM_FEATURES_MEL_FRAME_H

#include "features/dct.h"
#include "features/logarithm.h"
#include "features/melbank.h"

/* Tables; immutable. */
typedef struct pylstm_mel_frame {
    int n_mels, n_out; /* n_out: n_mels, or n_mfcc */
    int has_top_db;
    float top_db;
    int has_energy; /* instead of coefficient 0, or before the bands */
    pylstm_energy_logarithm logarithm;
    const pylstm_melbank *melbank;
    const pylstm_dct *dct; /* NULL for log-mel */
} pylstm_mel_frame;

/* Working memory; every part starts at a multiple of PYLSTM_ALIGNMENT and has room for the lanes of the kernels. */
typedef struct pylstm_mel_scratch {
    float *mel; /* n_mels */
    float *cepstrum;
} pylstm_mel_scratch;

/* Lays the tables out in the arena. While the arena only measures, the result must not be used. */
pylstm_mel_frame pylstm_mel_frame_init(pylstm_arena *arena, const pylstm_features_config *config,
                                       const pylstm_feature_kernels *kernels);

/* Lays the working memory out in the arena. */
pylstm_mel_scratch pylstm_mel_scratch_init(pylstm_arena *arena, const pylstm_mel_frame *frame);

/* Clears what is read before it is written: once before the first frame that uses the working memory. */
void pylstm_mel_scratch_clear(const pylstm_mel_scratch *scratch, const pylstm_mel_frame *frame);

/* power: as pylstm_melbank_run takes it. energy: of the samples, its logarithm. maximum: of all bands in dB of this stream so
 * far, for top_db. out: n_out values, and one more before the bands where they have the energy beside them. */
void pylstm_mel_frame_run(const pylstm_mel_frame *frame, const pylstm_mel_scratch *scratch, const float *power, float energy,
                          float *maximum, float *out);

#endif
