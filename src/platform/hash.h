/* A 64-bit hash of a block of memory: detects accidental changes, not an attacker's. */
#ifndef PYLSTM_PLATFORM_HASH_H
#define PYLSTM_PLATFORM_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Multiply and fold eight bytes at a time; the constant is the fractional part of the golden ratio. */
static inline uint64_t pylstm_hash(const void *bytes, size_t size) {
    const unsigned char *p = bytes;
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = odd ^ (uint64_t)size;
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        hash = (hash ^ word) * odd;
        hash ^= hash >> 29;
    }
    for (; size > 0; size--, p++) {
        hash = (hash ^ *p) * odd;
        hash ^= hash >> 29;
    }
    hash *= odd;
    return hash ^ hash >> 32;
}

#endif
