/* What happens to the samples of a frame before the window: their scale, DC, energy and pre-emphasis. */
#ifndef PYLSTM_FEATURES_CONDITIONING_H
#define PYLSTM_FEATURES_CONDITIONING_H

#include "features/features_config.h"
#include "kernels/feature_kernels.h"
#include "platform/arena.h"

typedef struct pylstm_conditioning {
    const pylstm_feature_kernels *kernels;
    int is_idle;  /* nothing is asked for: samples stay as they are */
    int measures; /* more is asked for than the scale */
    int n;        /* samples */
    float scale;
    int remove_dc_offset;
    double preemphasis; /* 0: none, or over the signal */
    int energy;         /* PYLSTM_ENERGY_* */
    float energy_floor;
    const double *window; /* n values, for the energy under the window; else NULL */
} pylstm_conditioning;

/* Lays the window out in the arena. While the arena only measures, the result must not be used. */
pylstm_conditioning pylstm_conditioning_init(pylstm_arena *arena, const pylstm_features_config *config,
                                             const pylstm_feature_kernels *kernels);

/* x: n samples, in place; work: room for n doubles where more than the scale is asked for. Returns: the logarithm of the
 * frame's energy, or 0 where none is asked for. */
float pylstm_conditioning_run(const pylstm_conditioning *conditioning, float *x, double *work);

#endif
