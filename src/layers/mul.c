/* The layer kind mul: the product of rows of one width, value by value, in the order of the inputs. */
#include "kernels/elementwise_kernels.h"
#include "layers/joining.h"

static pylstm_status mul_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    (void)file;
    layer->output_size = layer->input_widths[0];
    return pylstm_join_same_widths(layer, why);
}

static uint64_t mul_operations(const pylstm_layer *layer) {
    return 4 * (uint64_t)layer->n_inputs * (uint64_t)layer->output_size + 100;
}

static void mul_rows(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y) {
    (void)scratch;
    for (int row = 0; row < n_rows; row++)
        layer->kernels->elementwise->mul(x + row * layer->n_inputs, layer->n_inputs, y[row], layer->output_size);
}

const pylstm_layer_kind pylstm_layer_mul = {
    .name = "mul",
    .format = 2,
    .joins = 1,
    .keeps_positions = 1,
    .read = mul_read,
    .operations = mul_operations,
    .rows = mul_rows,
};
