/* One user at a time: a flag that only the first of several callers gets.
 *
 * PYLSTM_NO_THREADS makes it a plain variable, for processors and programs without atomics. It still keeps an interrupt
 * handler, which runs to its end before the program goes on, out of what the program is in the middle of; tasks that interrupt
 * each other are threads, and need the atomic one.
 */
#ifndef PYLSTM_PLATFORM_BUSY_FLAG_H
#define PYLSTM_PLATFORM_BUSY_FLAG_H

#ifdef PYLSTM_NO_THREADS

typedef volatile int pylstm_busy_flag;

static inline void pylstm_busy_flag_init(pylstm_busy_flag *flag) {
    *flag = 0;
}
/* Returns 1 if the flag was free and is the caller's now. */
static inline int pylstm_busy_flag_take(pylstm_busy_flag *flag) {
    if (*flag)
        return 0;
    *flag = 1;
    return 1;
}
static inline void pylstm_busy_flag_give(pylstm_busy_flag *flag) {
    *flag = 0;
}

#else

#include <stdatomic.h>

#if ATOMIC_INT_LOCK_FREE != 2
#error "this processor has no atomics that never take a lock; expected -DPYLSTM_NO_THREADS (make THREADS=0) on all files"
#endif

typedef atomic_int pylstm_busy_flag;

static inline void pylstm_busy_flag_init(pylstm_busy_flag *flag) {
    atomic_init(flag, 0);
}
/* Returns 1 if the flag was free and is the caller's now. */
static inline int pylstm_busy_flag_take(pylstm_busy_flag *flag) {
    return !atomic_exchange_explicit(flag, 1, memory_order_acquire);
}
static inline void pylstm_busy_flag_give(pylstm_busy_flag *flag) {
    atomic_store_explicit(flag, 0, memory_order_release);
}

#endif
#endif
