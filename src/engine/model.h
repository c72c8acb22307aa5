/* A model: immutable tables and packed weights, shared by any number of streams and threads. */
#ifndef PYLSTM_ENGINE_MODEL_H
#define PYLSTM_ENGINE_MODEL_H

#include "decisions/decisions.h"
#include "engine/graph.h"
#include "features/features.h"

struct pylstm_model {
    const pylstm_kernels *kernels;
    const pylstm_features *features; /* NULL: frames come from outside */
    pylstm_graph graph;              /* without nodes the frames are the output */
    int n_features, n_outputs;
    char **labels;            /* n_outputs of them, or NULL */
    int independent;          /* each output is a probability by itself */
    pylstm_setting *info;     /* n_info entries below "info.", keys without that, in file order */
    pylstm_setting *decision; /* n_decision entries below "decision.", likewise: checked */
    int n_info, n_decision;
    uint64_t fingerprint; /* hash of the model file; a snapshot carries it to name its model */

    /* What a stream of this model needs, in bytes from the start of its state block, and in floats. */
    size_t features_state; /* after the counters of the stream */
    size_t layers_state;
    size_t state_size;
};

/* Refuses settings of a decision in the file that no listener could be made with. */
pylstm_status pylstm_model_decision_check(const pylstm_model *model, pylstm_error *why);

/* Lays out the metadata below a prefix (only measures while the arena has no memory) and counts it. */
pylstm_setting *pylstm_entries_lay_out(const pylstm_model_file *file, const char *prefix, pylstm_arena *arena, int *n);

/* The value of a key in such a list; NULL where there is none. */
const char *pylstm_entry(const pylstm_setting *entries, int n, const char *key);

#endif
