/* Mel filter bank: power spectrum -> energy in n_mels overlapping triangular bands. */
#ifndef PYLSTM_FEATURES_MELBANK_H
#define PYLSTM_FEATURES_MELBANK_H

#include "platform/arena.h"
#include "features/features_config.h"
#include "kernels/feature_kernels.h"

typedef struct pylstm_melbank pylstm_melbank;

/* Lays the bands out in the arena. While the arena only measures, returns NULL. */
pylstm_melbank *pylstm_melbank_init(pylstm_arena *arena, const pylstm_features_config *config,
                                    const pylstm_feature_kernels *kernels);

/* power: n_fft / 2 + 1 finite bins and then PYLSTM_FEATURE_LANES zeros. energy: n_mels values, all finite. */
void pylstm_melbank_run(const pylstm_melbank *bank, const float *power, float *energy);

#endif
