/* Working memory of the calls that run rows through a model. Its contents need not survive a call, so that a stream needs none
 * of its own: a board with one stream gives it some, many streams are lent what belongs to a batch. */
#ifndef PYLSTM_ENGINE_WORKSPACE_H
#define PYLSTM_ENGINE_WORKSPACE_H

#include "engine/model.h"

typedef struct pylstm_workspace {
    char *features_scratch;
    float *frames; /* rows of the features, side by side */
    pylstm_graph_work work;
} pylstm_workspace;

/* For blocks of n_rows rows in all, of n_streams streams (only measured while the arena has no memory; what is returned must
 * not be used then). */
pylstm_workspace pylstm_workspace_lay_out(pylstm_arena *arena, const pylstm_model *model, int n_rows, int n_streams);

#endif
