/* A frame: from the samples that it is made of to the values of a row, whatever kind the features are. */
#ifndef PYLSTM_FEATURES_FRAME_H
#define PYLSTM_FEATURES_FRAME_H

#include "features/conditioning.h"
#include "features/mel_frame.h"
#include "features/spectrum_frame.h"

/* Tables; immutable. A kind has those that it needs. */
typedef struct pylstm_frame {
    int kind; /* PYLSTM_FEATURES_* */
    size_t span, pad_right;
    pylstm_conditioning conditioning;
    pylstm_spectrum spectrum;
    pylstm_spectrum_frame spectrum_frame;
    pylstm_mel_frame mel_frame;
} pylstm_frame;

/* Working memory. */
typedef struct pylstm_frame_scratch {
    pylstm_spectrum_scratch spectrum;
    pylstm_mel_scratch mel;
    double *work; /* where samples are conditioned: span values */
    float *chunk; /* of spectra: span + pad_right samples */
} pylstm_frame_scratch;

/* Lays the tables out in the arena. While the arena only measures, the result must not be used. */
pylstm_frame pylstm_frame_init(pylstm_arena *arena, const pylstm_features_config *config,
                               const pylstm_feature_kernels *kernels);

/* Lays the working memory out in the arena. */
pylstm_frame_scratch pylstm_frame_scratch_init(pylstm_arena *arena, const pylstm_frame *frame);

/* Clears what is read before it is written: once before the first frame that uses the working memory. */
void pylstm_frame_scratch_clear(const pylstm_frame_scratch *scratch, const pylstm_frame *frame);

/* Where the span samples of the next frame are to be written, which goes to out. */
float *pylstm_frame_samples(const pylstm_frame *frame, const pylstm_frame_scratch *scratch, float *out);

/* The samples -> out. maximum: as pylstm_mel_frame_run. */
void pylstm_frame_run(const pylstm_frame *frame, const pylstm_frame_scratch *scratch, float *maximum, float *out);

#endif
