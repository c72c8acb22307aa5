/* The kernel bodies, written once in the vector vocabulary (simd_*.h) and compiled once per instruction set: the functions of
 * gates here, the layers in the files that this one includes. */
#ifndef PYLSTM_ISA_NAME
#error "kernels.inc.h is compiled by the kernels_*.c files, after a vector vocabulary"
#endif

#include "kernels/activations.inc.h"
#include "kernels/products.inc.h"
#include "kernels/lstm.inc.h"
#include "kernels/dense.inc.h"

/* --- activations ------------------------------------------------------------------------------------------------------ */

static void sigmoid_all(float *x, int n) {
    int k;
    for (k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_sigmoid(v16_load(x + k)));
}

static void tanh_all(float *x, int n) {
    int k;
    for (k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_tanh(v16_load(x + k)));
}

static void relu_all(float *x, int n) {
    int k;
    for (k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_max(v16_load(x + k), v16_set(0.0f)));
}

/* exp(x - max x) / sum: the largest term is 1, so nothing overflows. The room after the n values is scratch. */
static void softmax(float *x, int n) {
    float largest = x[0], sum = 0.0f;
    int k;
    for (k = 1; k < n; k++)
        largest = x[k] > largest ? x[k] : largest;
    for (k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_exp(v16_sub(v16_load(x + k), v16_set(largest))));
    for (k = 0; k < n; k++)
        sum += x[k];
    for (k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_div(v16_load(x + k), v16_set(sum)));
}

static const pylstm_kernels kernels = {
    PYLSTM_ISA_NAME, lstm_project, lstm_step, lstm_step_many, dense, sigmoid_all, tanh_all, relu_all, softmax,
};
