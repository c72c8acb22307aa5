/* Decibels are 10 log10 of librosa.power_to_db (0.11), ln is Kaldi's and torchaudio's, each with its floor and offset. ln x is
 * log10 x, rounded to float32, times the float32 next to ln 10: within two units in the last place. */
#include "features/logarithm.h"

#include <float.h>

#define LN_10 2.30258509299404568402f

pylstm_energy_logarithm pylstm_energy_logarithm_of(const pylstm_features_config *config,
                                                   const pylstm_feature_kernels *kernels) {
    return (pylstm_energy_logarithm){
        .kernels = kernels,
        .kind = config->log,
        .is_decibel = config->log == PYLSTM_LOG_DB && config->log_floor == PYLSTM_DEFAULT_FLOOR && config->log_offset == 0.0,
        .of =
            {
                .offset = (float)config->log_offset,
                .least = (float)config->log_floor,
                .multiple = config->log == PYLSTM_LOG_DB   ? 10.0f
                            : config->log == PYLSTM_LOG_LN ? LN_10
                                                           : 1.0f,
            },
    };
}

void pylstm_energy_logarithm_run(const pylstm_energy_logarithm *logarithm, float *x, int n) {
    if (logarithm->is_decibel)
        logarithm->kernels->decibel(x, n);
    else if (logarithm->kind != PYLSTM_LOG_NONE)
        logarithm->kernels->logarithm(&logarithm->of, x, n);
}

float pylstm_natural_logarithm(const pylstm_feature_kernels *kernels, double energy, float least) {
    const pylstm_logarithm of = {.offset = 0.0f, .least = least, .multiple = LN_10};
    float lanes[PYLSTM_FEATURE_LANES] = {energy < FLT_MAX ? (float)energy : FLT_MAX};
    kernels->logarithm(&of, lanes, 1);
    return lanes[0];
}
