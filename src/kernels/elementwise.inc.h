/* Values by themselves: scale and shift, sums and products of rows. */
#include "kernels/elementwise_kernels.h"

static void affine(const float *weight, const float *bias, const float *x, float *y, int n) {
    for (int k = 0; k < n; k += PYLSTM_UNITS)
        v16_store(y + k, v16_bounded(v16_fma(v16_load(x + k), v16_load(weight + k), v16_load(bias + k))));
}

static void add_rows(const float *const *x, int n_rows, float *y, int n) {
    for (int k = 0; k < n; k += PYLSTM_UNITS) {
        v16 sum = v16_load(x[0] + k);
        for (int row = 1; row < n_rows; row++)
            sum = v16_bounded(v16_add(sum, v16_load(x[row] + k)));
        v16_store(y + k, sum);
    }
}

static void mul_rows(const float *const *x, int n_rows, float *y, int n) {
    for (int k = 0; k < n; k += PYLSTM_UNITS) {
        v16 product = v16_load(x[0] + k);
        for (int row = 1; row < n_rows; row++)
            product = v16_bounded(v16_mul(product, v16_load(x[row] + k)));
        v16_store(y + k, product);
    }
}

static const pylstm_elementwise_kernels elementwise_kernels = {.affine = affine, .add = add_rows, .mul = mul_rows};
