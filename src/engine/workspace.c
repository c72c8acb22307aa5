/* The memory of a workspace. */
#include "engine/workspace.h"

#include <string.h>

pylstm_workspace pylstm_workspace_lay_out(pylstm_arena *arena, const pylstm_model *model, int n_rows, int n_streams) {
    const size_t width = (size_t)model->n_features,
                 padding = pylstm_padded(model->n_features) - width; /* behind the last one */
    const size_t start = arena->used;
    pylstm_workspace workspace;
    workspace.features_scratch =
        pylstm_arena_take(arena, model->features ? pylstm_features_scratch_size(model->features) : 0, 1);
    workspace.frames = pylstm_arena_take(arena, (size_t)n_rows * width + padding, sizeof *workspace.frames);
    workspace.work = pylstm_graph_work_init(arena, &model->graph, n_rows, n_streams);
    if (arena->base)
        memset(arena->base + start, 0, arena->used - start); /* what stands in paddings is finite */
    return workspace;
}
