/* A 64-bit count that one thread at a time sets and any thread reads, without a lock.
 *
 * Where the processor reads and writes 64 bits at once, an atomic variable. Elsewhere (ARM Cortex-M, MIPS) compilers would call
 * a library that takes a lock; there the count stands twice, in halves, and the reader looks at the copy that is not being
 * written. It looks again only where a whole push has ended meanwhile. PYLSTM_NO_THREADS does that with plain variables, so
 * that an interrupt handler reads whole counts, too.
 */
#ifndef PYLSTM_PLATFORM_PUBLISHED_COUNT_H
#define PYLSTM_PLATFORM_PUBLISHED_COUNT_H

#include <stdint.h>
#ifndef PYLSTM_NO_THREADS
#include <stdatomic.h>
#endif

#if !defined(PYLSTM_NO_THREADS) && ATOMIC_LLONG_LOCK_FREE == 2 && !defined(PYLSTM_NO_ATOMIC_64)

typedef _Atomic int64_t pylstm_published_count;

static inline void pylstm_published_count_set(pylstm_published_count *count, int64_t value) {
    atomic_store_explicit(count, value, memory_order_relaxed);
}
static inline int64_t pylstm_published_count_get(const pylstm_published_count *count) {
    return atomic_load_explicit(count, memory_order_relaxed);
}

#else

#ifdef PYLSTM_NO_THREADS
typedef volatile uint32_t pylstm_half;
#define PYLSTM_HALF_GET(half)        (*(half))
#define PYLSTM_HALF_SET(half, value) (*(half) = (value))
#else
typedef _Atomic uint32_t pylstm_half;
#define PYLSTM_HALF_GET(half)        atomic_load(half)
#define PYLSTM_HALF_SET(half, value) atomic_store(half, value)
#endif

typedef struct pylstm_published_count {
    pylstm_half turn; /* how often it was set; the lowest bit says which copy is whole */
    pylstm_half low[2], high[2];
} pylstm_published_count;

static inline void pylstm_published_count_set(pylstm_published_count *count, int64_t value) {
    const uint32_t next = PYLSTM_HALF_GET(&count->turn) + 1;
    PYLSTM_HALF_SET(&count->low[next % 2], (uint32_t)(uint64_t)value);
    PYLSTM_HALF_SET(&count->high[next % 2], (uint32_t)((uint64_t)value >> 32));
    PYLSTM_HALF_SET(&count->turn, next);
}
static inline int64_t pylstm_published_count_get(const pylstm_published_count *count) {
    uint32_t turn, low, high;
    do {
        turn = PYLSTM_HALF_GET(&count->turn);
        low = PYLSTM_HALF_GET(&count->low[turn % 2]);
        high = PYLSTM_HALF_GET(&count->high[turn % 2]);
    } while (turn != PYLSTM_HALF_GET(&count->turn));
    return (int64_t)((uint64_t)high << 32 | low);
}

#undef PYLSTM_HALF_GET
#undef PYLSTM_HALF_SET
#endif
#endif
