/* What features cost, as far as their configuration tells: for the rule that bounds what a model file may ask for. */
#ifndef PYLSTM_FEATURES_FEATURES_COST_H
#define PYLSTM_FEATURES_FEATURES_COST_H

#include "features/features_config.h"

/* Operations: arithmetic, loads and stores of one number each, roughly, as a processor without vectors does them. */
typedef struct pylstm_features_cost {
    uint64_t sample;    /* of a sample that is taken */
    uint64_t transform; /* of a frame: windowing, FFT, power spectrum */
    uint64_t bands;     /* of a frame: mel bands, their logarithms, the cosine transform */
    uint64_t row;       /* of a row: deltas, mean and std */
} pylstm_features_cost;

pylstm_features_cost pylstm_features_cost_of(const pylstm_features_config *config);

#endif
