/* Discrete cosine transform of the mel bands and the lifter: log-mel -> cepstral coefficients. */
#ifndef PYLSTM_FEATURES_DCT_H
#define PYLSTM_FEATURES_DCT_H

#include "platform/arena.h"
#include "features/features_config.h"
#include "kernels/feature_kernels.h"

typedef struct pylstm_dct pylstm_dct;

/* Lays the matrix out in the arena. While the arena only measures, returns NULL. */
pylstm_dct *pylstm_dct_init(pylstm_arena *arena, const pylstm_features_config *config, const pylstm_feature_kernels *kernels);

/* x: n_mels values; y: n_mfcc values rounded up to a multiple of PYLSTM_FEATURE_LANES; y is not x. */
void pylstm_dct_run(const pylstm_dct *dct, const float *x, float *y);

#endif
