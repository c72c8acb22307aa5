/* Activation functions as model files name them: for the kind activation, and for kinds whose sums go through one. */
#ifndef PYLSTM_LAYERS_ACTIVATION_FUNCTION_H
#define PYLSTM_LAYERS_ACTIVATION_FUNCTION_H

#include "kernels/activation_kernels.h"
#include "layers/layer_reading.h"

/* The names of all functions, by pylstm_activation_function; ends with NULL. */
extern const char *const pylstm_activation_names[PYLSTM_N_ACTIVATIONS + 1];

/* layers.<index>.activation, a function before PYLSTM_SQRT. It says too whether outputs are independent. */
pylstm_status pylstm_layer_read_activation(pylstm_model_file *file, pylstm_layer *layer, pylstm_activation *activation,
                                      pylstm_error *why);

/* What the function costs for so many values, as pylstm_layer_kind.operations counts. */
uint64_t pylstm_activation_operations(const pylstm_activation *activation, int n);

#endif
