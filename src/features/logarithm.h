/* The logarithm of energies: multiple * log10(max(floor, x + offset)), or none. */
#ifndef PYLSTM_FEATURES_LOGARITHM_H
#define PYLSTM_FEATURES_LOGARITHM_H

#include "features/features_config.h"
#include "kernels/feature_kernels.h"

typedef struct pylstm_energy_logarithm {
    const pylstm_feature_kernels *kernels;
    int kind;       /* PYLSTM_LOG_* */
    int is_decibel; /* of power_to_db: what has a kernel of its own */
    pylstm_logarithm of;
} pylstm_energy_logarithm;

pylstm_energy_logarithm pylstm_energy_logarithm_of(const pylstm_features_config *config, const pylstm_feature_kernels *kernels);

/* In place: n values, not negative, and what stands after them up to a multiple of PYLSTM_FEATURE_LANES. */
void pylstm_energy_logarithm_run(const pylstm_energy_logarithm *logarithm, float *x, int n);

/* The natural logarithm of max(least, energy). */
float pylstm_natural_logarithm(const pylstm_feature_kernels *kernels, double energy, float least);

#endif
