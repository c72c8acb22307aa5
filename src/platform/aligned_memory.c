/* malloc with alignment, in portable C: the address that malloc gave stands just before the block. */
#include "platform/aligned_memory.h"

#include <stdlib.h>
#include <string.h>

void *pylstm_block_create(size_t size) {
    const size_t extra = PYLSTM_ALIGNMENT + sizeof(void *);
    char *whole, *block;
    if (size > SIZE_MAX - extra)
        return NULL;
    whole = malloc(size + extra);
    if (!whole)
        return NULL;
    block = (char *)(((uintptr_t)whole + extra) / PYLSTM_ALIGNMENT * PYLSTM_ALIGNMENT);
    memcpy(block - sizeof whole, &whole, sizeof whole);
    return block;
}

void pylstm_block_destroy(void *block) {
    void *whole;
    if (!block)
        return;
    memcpy(&whole, (char *)block - sizeof whole, sizeof whole);
    free(whole);
}
