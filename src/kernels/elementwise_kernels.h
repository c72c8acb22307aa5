/* The kernels of layers that take each value by itself. kernels.h says what holds for all kernels. */
#ifndef PYLSTM_KERNELS_ELEMENTWISE_KERNELS_H
#define PYLSTM_KERNELS_ELEMENTWISE_KERNELS_H

#include "kernels/kernels.h"

/* Rows have room for n rounded up to a multiple of 16, and what comes out is within the floats, past n too. */
typedef struct pylstm_elementwise_kernels {
    void (*affine)(const float *weight, const float *bias, const float *x, float *y, int n); /* y = weight x + bias */
    /* Of several rows, in their order. */
    void (*add)(const float *const *x, int n_rows, float *y, int n);
    void (*mul)(const float *const *x, int n_rows, float *y, int n);
} pylstm_elementwise_kernels;

#endif
