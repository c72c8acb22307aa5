/* The names of activation functions, and the key of layers that have one. */
#include "layers/activation_function.h"

#if PYLSTM_KIND_activation || PYLSTM_KIND_dense || PYLSTM_KIND_conv

const char *const pylstm_activation_names[PYLSTM_N_ACTIVATIONS + 1] = {
    [PYLSTM_LINEAR] = "linear",
    [PYLSTM_SIGMOID] = "sigmoid",
    [PYLSTM_TANH] = "tanh",
    [PYLSTM_RELU] = "relu",
    [PYLSTM_SOFTMAX] = "softmax",
    [PYLSTM_LOG_SOFTMAX] = "log_softmax",
    [PYLSTM_GELU] = "gelu",
    [PYLSTM_GELU_TANH] = "gelu_tanh",
    [PYLSTM_SILU] = "silu",
    [PYLSTM_SOFTSIGN] = "softsign",
    [PYLSTM_SQRT] = "sqrt",
    [PYLSTM_SQUARE] = "square",
    [PYLSTM_LEAKY_RELU] = "leaky_relu",
    [PYLSTM_ELU] = "elu",
    [PYLSTM_CLIPPED_RELU] = "clipped_relu",
    [PYLSTM_HARD_SIGMOID] = "hard_sigmoid",
    [PYLSTM_LOG] = "log",
    [PYLSTM_PRELU] = "prelu",
};

pylstm_status pylstm_layer_read_activation(pylstm_model_file *file, pylstm_layer *layer, pylstm_activation *activation,
                                           pylstm_error *why) {
    const char *names[PYLSTM_SQRT + 1] = {NULL};
    char key[PYLSTM_MAX_NAME + 1];
    const int n = file->format < 2 ? PYLSTM_LOG_SOFTMAX : PYLSTM_SQRT; /* format 1 has the first ones */
    for (int k = 0; k < n; k++)
        names[k] = pylstm_activation_names[k];
    pylstm_layer_key(key, layer, "activation", -1);
    PYLSTM_TRY(pylstm_config_choice(file, key, names, &activation->function, why));
    layer->independent_outputs = activation->function == PYLSTM_SIGMOID;
    if (activation->function >= PYLSTM_LOG_SOFTMAX && !PYLSTM_KIND_activation)
        return pylstm_fail(
            why, PYLSTM_NOT_BUILT,
            "%s is %s; expected a function that this build of pylstm has, or a build with activation among KINDS", key,
            names[activation->function]);
    return PYLSTM_OK;
}

/* Counted instructions of the scalar kernels, for a value. */
uint64_t pylstm_activation_operations(const pylstm_activation *activation, int n) {
    switch (activation->function) {
    case PYLSTM_LINEAR:
        return 0;
    case PYLSTM_RELU:
    case PYLSTM_SQUARE:
    case PYLSTM_SQRT:
    case PYLSTM_LEAKY_RELU:
    case PYLSTM_PRELU:
    case PYLSTM_CLIPPED_RELU:
    case PYLSTM_HARD_SIGMOID:
    case PYLSTM_SOFTSIGN:
        return 8 * (uint64_t)n;
    default:
        return 40 * (uint64_t)n;
    }
}

#endif
