/* The kernels of layer norm. kernels.h says what holds for all kernels. */
#ifndef PYLSTM_KERNELS_NORM_KERNELS_H
#define PYLSTM_KERNELS_NORM_KERNELS_H

#include "kernels/kernels.h"

typedef struct pylstm_norm_weights {
    int positions, channels;
    double eps;                 /* above 0 */
    const float *weight, *bias; /* for each channel, rounded up to 16 */
} pylstm_norm_weights;

typedef struct pylstm_norm_kernels {
    /* For the channels of each position by themselves: y = (x - mean) / sqrt(variance + eps) * weight + bias. x and y:
     * positions * channels; y has room for that rounded up to 16, and what stands past it is 0. Sums are of doubles, in an order
     * that does not depend on the set. */
    void (*rows)(const pylstm_norm_weights *norm, const float *const *x, int n, float *const *y);
} pylstm_norm_kernels;

#endif
