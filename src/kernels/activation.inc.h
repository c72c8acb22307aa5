/* Activations, in place, in the vector vocabulary. */
#include "kernels/activation_kernels.h"

static void sigmoid_all(float *x, int n) {
    for (int k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_sigmoid(v16_load(x + k)));
}

static void tanh_all(float *x, int n) {
    for (int k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_tanh(v16_load(x + k)));
}

static void relu_all(float *x, int n) {
    for (int k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_max(v16_load(x + k), v16_set(0.0f)));
}

/* The largest term is 1, so nothing overflows. */
static void softmax(float *x, int n) {
    float largest = x[0], sum = 0.0f;
    for (int k = 1; k < n; k++)
        largest = x[k] > largest ? x[k] : largest;
    for (int k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_exp(v16_sub(v16_load(x + k), v16_set(largest))));
    for (int k = 0; k < n; k++)
        sum += x[k];
    for (int k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(x + k, v16_div(v16_load(x + k), v16_set(sum)));
}

static const pylstm_activation_kernels activation_kernels = {
    .sigmoid = sigmoid_all,
    .tanh = tanh_all,
    .relu = relu_all,
    .softmax = softmax,
};
