/* A list of workspaces that grows at its front and never shrinks, each with a flag. Nothing locks it, so it is whole at every
 * moment: fork() may come at any. What threads of the parent had borrowed is free in the child, for their flags are nobody's.
 *
 * Without threads nobody needs it. */
#include "engine/workspace_pool.h"

#include "platform/aligned_memory.h"
#include "platform/busy_flag.h"

#ifndef PYLSTM_NO_THREADS

typedef struct lent {
    pylstm_workspace workspace; /* first: its address is that of the whole */
    struct lent *next;
    _Alignas(PYLSTM_ALIGNMENT) pylstm_busy_flag busy; /* others look at what stands before while this one changes */
    atomic_uintptr_t thread;                          /* that had it last */
} lent;

struct pylstm_workspace_pool {
    const pylstm_model *model;
    _Atomic(lent *) first;
};

static lent *lay_out(pylstm_arena *arena, const pylstm_model *model) {
    lent *one = pylstm_arena_take(arena, 1, sizeof *one);
    const pylstm_workspace workspace = pylstm_workspace_lay_out(arena, model, PYLSTM_BLOCK_FRAMES, 1);
    if (one)
        one->workspace = workspace;
    return one;
}

/* Makes a workspace, which is lent at once. */
static lent *add(pylstm_workspace_pool *pool, uintptr_t thread) {
    pylstm_arena arena = {.base = NULL};
    lent *one;
    lay_out(&arena, pool->model);
    arena = (pylstm_arena){.base = arena.used == SIZE_MAX ? NULL : pylstm_block_create(arena.used)};
    if (!arena.base)
        return NULL;
    one = lay_out(&arena, pool->model);
    pylstm_busy_flag_init(&one->busy);
    (void)pylstm_busy_flag_take(&one->busy);
    atomic_init(&one->thread, thread);
    one->next = atomic_load_explicit(&pool->first, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&pool->first, &one->next, one, memory_order_release, memory_order_relaxed))
        continue;
    return one;
}

pylstm_workspace_pool *pylstm_workspace_pool_create(const pylstm_model *model) {
    pylstm_workspace_pool *pool = pylstm_block_create(sizeof *pool);
    if (!pool)
        return NULL;
    pool->model = model;
    atomic_init(&pool->first, NULL);
    return pool;
}

void pylstm_workspace_pool_destroy(pylstm_workspace_pool *pool) {
    lent *one = pool ? atomic_load_explicit(&pool->first, memory_order_acquire) : NULL;
    while (one) {
        lent *next = one->next;
        pylstm_block_destroy(one);
        one = next;
    }
    pylstm_block_destroy(pool);
}

int pylstm_workspace_pool_prepare(pylstm_workspace_pool *pool) {
    lent *one = atomic_load_explicit(&pool->first, memory_order_relaxed);
    if (one)
        return 1;
    one = add(pool, 0);
    if (one)
        pylstm_workspace_give_back(&one->workspace);
    return one != NULL;
}

/* What a call that a fork cut off has left in a workspace is of no use, and does no harm. */
static int take(lent *one) {
    return pylstm_busy_flag_take(&one->busy) != PYLSTM_BUSY;
}

const pylstm_workspace *pylstm_workspace_borrow(pylstm_workspace_pool *pool, uintptr_t thread) {
    lent *const first = atomic_load_explicit(&pool->first, memory_order_acquire), *one;
    for (one = first; one; one = one->next) {
        if (atomic_load_explicit(&one->thread, memory_order_relaxed) == thread && take(one))
            return &one->workspace;
    }
    for (one = first; one; one = one->next) {
        if (take(one)) {
            atomic_store_explicit(&one->thread, thread, memory_order_relaxed);
            return &one->workspace;
        }
    }
    one = add(pool, thread);
    return one ? &one->workspace : NULL;
}

void pylstm_workspace_give_back(const pylstm_workspace *workspace) {
    pylstm_busy_flag_give(&((lent *)workspace)->busy);
}

#endif
