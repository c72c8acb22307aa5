/* The kernels of activations. Errors in ULP of the float32 result stand in docs/accuracy.md. */
#ifndef PYLSTM_KERNELS_ACTIVATION_KERNELS_H
#define PYLSTM_KERNELS_ACTIVATION_KERNELS_H

#include "kernels/kernels.h"

/* All in place; x has room for n rounded up to a multiple of 16, and what stands past n is scratch. */
typedef struct pylstm_activation_kernels {
    void (*sigmoid)(float *x, int n);
    void (*tanh)(float *x, int n);
    void (*relu)(float *x, int n);
    void (*softmax)(float *x, int n); /* exp(x - max) / sum */
} pylstm_activation_kernels;

#endif
