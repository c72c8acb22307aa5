/* Stacks of cells that remember h alone, GRU and plain RNN: what their kinds share. */
#ifndef PYLSTM_LAYERS_RECURRENT_STACK_H
#define PYLSTM_LAYERS_RECURRENT_STACK_H

#include "kernels/recurrent_kernels.h"
#include "layers/layer_reading.h"

/* The configuration of such a kind. layer->packed is one pylstm_recurrent_weights a cell. */
typedef struct pylstm_recurrent_config {
    int n_gates; /* in a matrix, below each other */
    int bias;
    int relu, reset_after; /* as in pylstm_recurrent_weights */
    float gate_slope;      /* of a GRU's hard gates; 0: sigmoids */
} pylstm_recurrent_config;
PYLSTM_CHECK_LAYER_CONFIG(pylstm_recurrent_config);

/* Floats of h. */
int pylstm_recurrent_hidden_size(const pylstm_layer *layer);

/* The state: h. */
extern const pylstm_cell_part pylstm_recurrent_state[];

/* Reads sizes, bias, precision, and checks the tensors of all cells. n_gates is set before. */
pylstm_status pylstm_recurrent_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why);
void pylstm_recurrent_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena);

size_t pylstm_recurrent_scratch_size(const pylstm_layer *layer, size_t n_rows);

/* n_traced: how many gates stand in a trace, before h. */
void pylstm_recurrent_forward(const pylstm_layer *layer, const pylstm_recurrent_kernels *kernels, int n_traced, float *state,
                              float *scratch, const float *const *x, int n_frames, float *y, float *trace, size_t trace_stride);
void pylstm_recurrent_forward_group(const pylstm_layer *layer, const pylstm_recurrent_kernels *kernels,
                                    const pylstm_group *group, float *scratch);

#endif
