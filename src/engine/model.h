/* A model: immutable tables and packed weights, shared by any number of streams and threads. */
#ifndef PYLSTM_ENGINE_MODEL_H
#define PYLSTM_ENGINE_MODEL_H

#include "features/features.h"
#include "layers/layers.h"

#define PYLSTM_MAX_LAYERS 64

/* A metadata entry below "info."; the key stands without that prefix. */
typedef struct pylstm_info {
    const char *key, *value;
} pylstm_info;

struct pylstm_model {
    const pylstm_kernels *kernels;
    const pylstm_features *features; /* NULL: frames come from outside */
    pylstm_layer *layers;
    int n_layers; /* 0: the frames are the output */
    int n_features, n_outputs;
    char **labels;     /* n_outputs of them, or NULL */
    pylstm_info *info; /* n_info of them, in file order */
    int n_info;
    uint64_t fingerprint; /* hash of the model file; a snapshot carries it to name its model */

    /* What a stream of this model needs, in bytes from the start of its state block, and in floats. */
    size_t features_state; /* after the counters of the stream */
    size_t layers_state;
    size_t state_size;
    size_t widest_row, layer_scratch, group_scratch;
};

/* Lays out the entries below "info." (only measures while the arena has no memory) and counts them. */
pylstm_info *pylstm_info_lay_out(const pylstm_model_file *file, pylstm_arena *arena, int *n_info);

#endif
