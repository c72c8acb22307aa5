/* Workspaces of one model for threads that push single streams: a call borrows one for as long as it runs. There are as many as
 * calls have run at a time. */
#ifndef PYLSTM_ENGINE_WORKSPACE_POOL_H
#define PYLSTM_ENGINE_WORKSPACE_POOL_H

#include "engine/workspace.h"

typedef struct pylstm_workspace_pool pylstm_workspace_pool;

/* Returns: an empty pool; NULL: there is no memory for it. No call may be in progress when it is destroyed. */
pylstm_workspace_pool *pylstm_workspace_pool_create(const pylstm_model *model);
void pylstm_workspace_pool_destroy(pylstm_workspace_pool *pool);

/* Sees to it that there is a workspace, so that one thread alone never has to wait for memory. Returns: 0: there is none. */
int pylstm_workspace_pool_prepare(pylstm_workspace_pool *pool);

/* Lends a workspace until it is given back: the one that this thread (any number that names it) had before, if that is free,
 * for it may still be in the cache of its processor. Allocates where all are lent. Returns: NULL: there is no memory for one
 * more. */
const pylstm_workspace *pylstm_workspace_borrow(pylstm_workspace_pool *pool, uintptr_t thread);
void pylstm_workspace_give_back(const pylstm_workspace *workspace);

#endif
