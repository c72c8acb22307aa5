/* The kernels of dense layers. kernels.h says what holds for all kernels. */
#ifndef PYLSTM_KERNELS_DENSE_KERNELS_H
#define PYLSTM_KERNELS_DENSE_KERNELS_H

#include "kernels/kernels.h"

typedef struct pylstm_dense_weights {
    int precision;
    int input_size, output_size;
    const float *weights; /* for each block of 16 outputs: rows for the inputs */
    const float *bias;
    /* int8 only, laid out as the bias: the value of one step of a weight, and -128 times the sum of a row's weights. */
    const float *scale;
    const int32_t *offset;
} pylstm_dense_weights;

typedef struct pylstm_dense_kernels {
    /* y[t] = W x[t] + b for n columns, before the activation, bounded by the largest float. y[t]: output_size rounded up to
     * 16. One column is rounded at a time: room is for one. */
    void (*forward)(const pylstm_dense_weights *layer, const float *const *x, int n, float *const *y, unsigned char *room);
} pylstm_dense_kernels;

#endif
