/* The kernels of activations. Errors in ULP of the float32 result stand in docs/accuracy.md. */
#ifndef PYLSTM_KERNELS_ACTIVATION_KERNELS_H
#define PYLSTM_KERNELS_ACTIVATION_KERNELS_H

#include "kernels/kernels.h"

/* Those before PYLSTM_SQRT are for layers of sums, such as dense: no parameters, and no slope that grows without bound. */
typedef enum pylstm_activation_function {
    PYLSTM_LINEAR,
    PYLSTM_SIGMOID,
    PYLSTM_TANH,
    PYLSTM_RELU,
    PYLSTM_SOFTMAX,
    PYLSTM_LOG_SOFTMAX,
    PYLSTM_GELU,
    PYLSTM_GELU_TANH,
    PYLSTM_SILU,
    PYLSTM_SOFTSIGN,
    PYLSTM_SQRT,
    PYLSTM_SQUARE,
    PYLSTM_LEAKY_RELU,   /* first: the slope below 0 */
    PYLSTM_ELU,          /* first: minus the limit for x -> -infinity */
    PYLSTM_CLIPPED_RELU, /* first, second: the lowest and the highest value */
    PYLSTM_HARD_SIGMOID, /* first x + second, within 0 ... 1 */
    PYLSTM_LOG,          /* first: what smaller values count as; FLT_MIN at least */
    PYLSTM_PRELU,        /* with slopes: see prelu */
    PYLSTM_N_ACTIVATIONS
} pylstm_activation_function;

typedef struct pylstm_activation {
    int function; /* a pylstm_activation_function */
    float first, second;
} pylstm_activation;

/* x and y have room for n rounded up to a multiple of 16; what stands past n is meaningless. y may be x. Finite x gives finite
 * y, what stands past n included. */
typedef struct pylstm_activation_kernels {
    /* y = function(x), any but PYLSTM_PRELU. */
    void (*apply)(const pylstm_activation *activation, const float *x, float *y, int n);
    /* y[k] = x[k] above 0, slopes[k] x[k] below; slopes as long as x. */
    void (*prelu)(const float *slopes, const float *x, float *y, int n);
} pylstm_activation_kernels;

#endif
