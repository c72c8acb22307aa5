/* Aligned blocks from the heap, for the *_create calls. */
#ifndef PYLSTM_PLATFORM_ALIGNED_MEMORY_H
#define PYLSTM_PLATFORM_ALIGNED_MEMORY_H

#include "pylstm.h"

/* size bytes at a multiple of PYLSTM_ALIGNMENT, or NULL. */
void *pylstm_block_create(size_t size);
void pylstm_block_destroy(void *block); /* NULL allowed */

#endif
