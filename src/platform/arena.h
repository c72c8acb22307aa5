/* One block of memory handed out from front to back.
 *
 * Objects of the core are laid out twice by the same code: first with base == NULL, which only measures, then in the memory
 * itself. That is how *_size() and *_init() can never disagree, and how a model or a stream is always a single block.
 */
#ifndef PYLSTM_PLATFORM_ARENA_H
#define PYLSTM_PLATFORM_ARENA_H

#include "pylstm.h"

typedef struct pylstm_arena {
    char *base;  /* NULL while measuring */
    size_t used; /* SIZE_MAX once the sum has overflowed */
} pylstm_arena;

/* Room for count items of item_size bytes at the next multiple of PYLSTM_ALIGNMENT; NULL while measuring. */
static inline void *pylstm_arena_take(pylstm_arena *arena, size_t count, size_t item_size) {
    size_t start = arena->used, bytes;
    if (start == SIZE_MAX || (item_size != 0 && count > (SIZE_MAX - 2 * PYLSTM_ALIGNMENT) / item_size)) {
        arena->used = SIZE_MAX;
        return NULL;
    }
    bytes = (count * item_size + PYLSTM_ALIGNMENT - 1) / PYLSTM_ALIGNMENT * PYLSTM_ALIGNMENT;
    if (bytes > SIZE_MAX - 1 - start) {
        arena->used = SIZE_MAX;
        return NULL;
    }
    arena->used = start + bytes;
    return arena->base ? arena->base + start : NULL;
}

#endif
