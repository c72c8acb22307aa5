/* What the layer kind lstm reads, and its packed weights. */
#ifndef PYLSTM_LAYERS_LSTM_WEIGHTS_H
#define PYLSTM_LAYERS_LSTM_WEIGHTS_H

#include "kernels/dense_kernels.h"
#include "kernels/lstm_kernels.h"
#include "kernels/lstm_options_kernels.h"
#include "layers/layers.h"

typedef struct pylstm_lstm_config {
    int bias, hidden_size;
    int proj_size; /* 0: h is not projected */
    int peepholes, coupled, layer_norm;
    float gate_clip, cell_clip; /* FLT_MAX: no limit */
    float gate_slope;           /* of hard gates; 0: sigmoids */
} pylstm_lstm_config;

/* A cell. layer->packed is one for each. */
typedef struct pylstm_lstm_cell {
    pylstm_lstm_weights gates;
    int has_options;
    pylstm_lstm_options options;     /* if it has some */
    pylstm_dense_weights projection; /* if h is projected */
} pylstm_lstm_cell;

/* A constant where no options are built. */
static inline int pylstm_lstm_has_options(const pylstm_lstm_cell *cell) {
    return PYLSTM_KIND_lstm_options && cell->has_options;
}

static inline const pylstm_lstm_config *pylstm_lstm_config_of(const pylstm_layer *layer) {
    return (const void *)layer->config;
}

/* Gates that have rows in the matrices: i, f, g, o, or, coupled, i, g, o. */
static inline int pylstm_lstm_n_gates(const pylstm_layer *layer) {
    return pylstm_lstm_config_of(layer)->coupled ? PYLSTM_GATES - 1 : PYLSTM_GATES;
}

/* Blocks of packed weights: as many as all vectors of 16 sums take, four in a block. */
static inline int pylstm_lstm_n_blocks(const pylstm_layer *layer) {
    const int n_vectors =
        (int)(pylstm_padded(pylstm_lstm_config_of(layer)->hidden_size) / PYLSTM_UNITS) * pylstm_lstm_n_gates(layer);
    return (n_vectors + PYLSTM_GATES - 1) / PYLSTM_GATES;
}

static inline int pylstm_lstm_cell_input_size(const pylstm_layer *layer, int cell) {
    return cell == 0 ? layer->input_size : layer->output_size;
}

/* layer->kind->read and ->pack. */
pylstm_status pylstm_lstm_read(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why);
void pylstm_lstm_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena);

#endif
