/* The layer kind rnn: a stack of plain recurrent cells. Of a step there is nothing to show but h. */
#include "layers/recurrent_stack.h"

static pylstm_status rnn_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    static const char *const nonlinearities[] = {"tanh", "relu", NULL};
    pylstm_recurrent_config *config = (void *)layer->config;
    char key[PYLSTM_MAX_NAME + 1];
    config->n_gates = 1;
    pylstm_layer_key(key, layer, "nonlinearity", -1);
    PYLSTM_TRY(pylstm_config_choice(file, key, nonlinearities, &config->relu, why));
    return pylstm_recurrent_read(file, layer, why);
}

static void rnn_forward(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames, float *y,
                        float *trace, size_t trace_stride) {
    pylstm_recurrent_forward(layer, layer->kernels->rnn, 0, state, scratch, x, n_frames, y, trace, trace_stride);
}

static void rnn_forward_group(const pylstm_layer *layer, const pylstm_group *group, float *scratch) {
    pylstm_recurrent_forward_group(layer, layer->kernels->rnn, group, scratch);
}

const pylstm_layer_kind pylstm_layer_rnn = {
    .name = "rnn",
    .read = rnn_read,
    .pack = pylstm_recurrent_pack,
    .state = pylstm_recurrent_state,
    .trace = pylstm_recurrent_state,
    .scratch_size = pylstm_recurrent_scratch_size,
    .forward = rnn_forward,
    .forward_group = rnn_forward_group,
};
