/* The layer kind gru: a stack of GRU cells. */
#include "layers/recurrent_stack.h"

#if PYLSTM_KIND_gru

/* The gates in the order of their rows. */
static const pylstm_cell_part gru_trace[] = {
    {"r", pylstm_recurrent_hidden_size},
    {"z", pylstm_recurrent_hidden_size},
    {"n", pylstm_recurrent_hidden_size},
    {"h", pylstm_recurrent_hidden_size},
    {NULL, NULL},
};

static pylstm_status gru_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why) {
    static const char *const candidates[] = {"tanh", "relu", NULL};
    pylstm_recurrent_config *config = (void *)layer->config;
    char key[PYLSTM_MAX_NAME + 1];
    config->n_gates = PYLSTM_GRU_GATES;
    pylstm_layer_key(key, layer, "reset_after", -1);
    PYLSTM_TRY(pylstm_config_boolean(file, key, &config->reset_after, why));
    pylstm_layer_key(key, layer, "candidate", -1);
    PYLSTM_TRY(pylstm_config_choice(file, key, candidates, &config->relu, why));
    PYLSTM_TRY(pylstm_layer_limit(file, layer, "gate_slope", 0.0f, &config->gate_slope, why));
    if (config->gate_slope > 0.0f && !PYLSTM_KIND_gru_options) {
        return pylstm_fail(why, PYLSTM_NOT_BUILT,
                           "layers.%d is a GRU with options; expected a plain one, or a build of pylstm with gru_options among "
                           "KINDS",
                           layer->index);
    }
    return pylstm_recurrent_read(file, layer, why);
}

static void gru_forward(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames, float *y,
                        float *trace, size_t trace_stride) {
    pylstm_recurrent_forward(layer, layer->kernels->gru, PYLSTM_GRU_GATES, state, scratch, x, n_frames, y, trace, trace_stride);
}

static void gru_forward_group(const pylstm_layer *layer, const pylstm_group *group, float *scratch) {
    pylstm_recurrent_forward_group(layer, layer->kernels->gru, group, scratch);
}

const pylstm_layer_kind pylstm_layer_gru = {
    .name = "gru",
    .format = 2,
    .read = gru_read,
    .pack = pylstm_recurrent_pack,
    .state = pylstm_recurrent_state,
    .trace = gru_trace,
    .scratch_size = pylstm_recurrent_scratch_size,
    .forward = gru_forward,
    .forward_group = gru_forward_group,
};

#endif
