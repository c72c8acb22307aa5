/* The layer kind dense: y = activation(W x + b). */
#include "kernels/activation_kernels.h"
#include "kernels/dense_kernels.h"
#include "layers/layer_reading.h"

#include <string.h>

enum { LINEAR, SIGMOID, TANH, RELU, SOFTMAX };

static const char *const activations[] = {"linear", "sigmoid", "tanh", "relu", "softmax", NULL};

static pylstm_status dense_read(pylstm_modelfile *file, pylstm_layer *layer, pylstm_error *why) {
    char key[PYLSTM_MAX_NAME + 1];
    pylstm_status status;
    pylstm_tensor tensor, scales;
    if ((status = pylstm_layer_size(file, layer, "output_size", PYLSTM_MAX_SIZE, &layer->output_size, why)))
        return status;
    if ((status = pylstm_modelfile_choice(file, pylstm_layer_key(key, layer, "activation", -1), activations, &layer->activation,
                                          why))) {
        return status;
    }
    if ((status = pylstm_layer_bias(file, layer, why)))
        return status;
    if ((status = pylstm_layer_matrix(file, layer, "weight", -1, layer->output_size, layer->input_size, &tensor, &scales, why)))
        return status;
    return layer->bias ? pylstm_layer_tensor(file, layer, "bias", -1, NULL, layer->output_size, 0, &tensor, why) : PYLSTM_OK;
}

static void dense_pack(pylstm_modelfile *file, pylstm_layer *layer, pylstm_arena *arena) {
    const size_t padded = pylstm_padded(layer->output_size), input_size = (size_t)layer->input_size;
    pylstm_packing to = {layer->precision, 1, pylstm_packed_rows(input_size, layer->precision), 0, NULL, NULL, NULL, NULL};
    pylstm_dense_weights *packed = pylstm_arena_take(arena, 1, sizeof *packed);
    float *row_values = pylstm_arena_take(arena, input_size, sizeof *row_values); /* only while packing */
    float *bias = pylstm_arena_take(arena, padded, sizeof *bias);
    pylstm_tensor matrix, scales;
    pylstm_take_packed(arena, &to, padded / PYLSTM_UNITS, 1, row_values);
    layer->packed = packed;
    if (!packed || !bias || !to.weights ||
        pylstm_layer_matrix(file, layer, "weight", -1, layer->output_size, layer->input_size, &matrix, &scales, NULL))
        return;
    pylstm_pack(&to, &matrix, &scales, 0, layer->output_size, layer->input_size, 0);
    memset(bias, 0, padded * sizeof *bias);
    if (layer->bias) {
        const pylstm_tensor tensor = pylstm_layer_vector(file, layer, "bias", -1, layer->output_size);
        pylstm_tensor_read(&tensor, bias);
    }
    packed->precision = layer->precision;
    packed->input_size = layer->input_size;
    packed->output_size = layer->output_size;
    packed->weights = to.weights;
    packed->bias = bias;
    packed->scale = to.scale;
    packed->offset = to.offset;
}

static size_t none(const pylstm_layer *layer) {
    (void)layer;
    return 0;
}

/* One row at a time is rounded to the precision of the weights. */
static size_t dense_scratch_size(const pylstm_layer *layer, size_t n_rows) {
    (void)n_rows;
    return layer->precision ? pylstm_column_room(layer->input_size) / sizeof(float) : 0;
}

static void dense_activate(const pylstm_layer *layer, float *y) {
    switch (layer->activation) {
    case SIGMOID:
        layer->kernels->activation->sigmoid(y, layer->output_size);
        break;
    case TANH:
        layer->kernels->activation->tanh(y, layer->output_size);
        break;
    case RELU:
        layer->kernels->activation->relu(y, layer->output_size);
        break;
    case SOFTMAX:
        layer->kernels->activation->softmax(y, layer->output_size);
        break;
    default:
        break;
    }
}

static void dense_forward(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames,
                          float *y, float *trace, size_t trace_stride) {
    const size_t padded = pylstm_padded(layer->output_size);
    float *rows[PYLSTM_BLOCK_FRAMES] = {NULL};
    int t;
    (void)state, (void)trace, (void)trace_stride;
    for (t = 0; t < n_frames; t++)
        rows[t] = y + (size_t)t * padded;
    layer->kernels->dense->forward(layer->packed, x, n_frames, rows, (unsigned char *)scratch);
    for (t = 0; t < n_frames; t++)
        dense_activate(layer, rows[t]);
}

static void dense_forward_group(const pylstm_layer *layer, const pylstm_group *group, float *scratch) {
    int row;
    layer->kernels->dense->forward(layer->packed, group->x, group->n_rows, group->y, (unsigned char *)scratch);
    for (row = 0; row < group->n_rows; row++)
        dense_activate(layer, group->y[row]);
}

const pylstm_layer_kind pylstm_layer_dense = {
    "dense", dense_read, dense_pack, none, dense_scratch_size, none, dense_forward, dense_forward_group,
};
