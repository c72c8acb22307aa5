/* One user at a time: a flag that only the first of several callers gets, and that knows whether its holder still exists.
 *
 * A thread that holds the flag while another thread forks is not in the child, but its mark is. So the mark is the number of
 * forks: one from before the last fork is nobody's, and what it guarded was left in the middle of a change.
 *
 * PYLSTM_NO_THREADS makes it a plain variable, for processors and programs without atomics. It still keeps an interrupt
 * handler, which runs to its end before the program goes on, out of what the program is in the middle of; tasks that interrupt
 * each other are threads, and need the atomic one.
 */
#ifndef PYLSTM_PLATFORM_BUSY_FLAG_H
#define PYLSTM_PLATFORM_BUSY_FLAG_H

#include "platform/process_forks.h"
#include "pylstm.h"

#define PYLSTM_FLAG_FREE        0
#define PYLSTM_FLAG_INTERRUPTED (-1) /* what was left in the middle of a change has not been mended; no number of forks */

#ifdef PYLSTM_NO_THREADS

typedef volatile int pylstm_busy_flag;

static inline void pylstm_busy_flag_init(pylstm_busy_flag *flag) {
    *flag = PYLSTM_FLAG_FREE;
}
/* PYLSTM_OK: the flag was free and is the caller's now. PYLSTM_BUSY: it is another's. */
static inline pylstm_status pylstm_busy_flag_take(pylstm_busy_flag *flag) {
    if (*flag != PYLSTM_FLAG_FREE)
        return PYLSTM_BUSY;
    *flag = pylstm_process_forks();
    return PYLSTM_OK;
}
static inline void pylstm_busy_flag_give(pylstm_busy_flag *flag) {
    *flag = PYLSTM_FLAG_FREE;
}
static inline void pylstm_busy_flag_give_interrupted(pylstm_busy_flag *flag) {
    *flag = PYLSTM_FLAG_INTERRUPTED;
}

#else

#include <stdatomic.h>

#if ATOMIC_INT_LOCK_FREE != 2
#error "this processor has no atomics that never take a lock; expected -DPYLSTM_NO_THREADS (make THREADS=0) on all files"
#endif

typedef atomic_int pylstm_busy_flag;

static inline void pylstm_busy_flag_init(pylstm_busy_flag *flag) {
    atomic_init(flag, PYLSTM_FLAG_FREE);
}
/* PYLSTM_OK: the flag was free and is the caller's now. PYLSTM_BUSY: it is another's. PYLSTM_INTERRUPTED: it is the caller's
 * now, and a fork left its last holder in the middle of a change. */
static inline pylstm_status pylstm_busy_flag_take(pylstm_busy_flag *flag) {
    const int me = pylstm_process_forks(), before = atomic_exchange_explicit(flag, me, memory_order_acquire);
    if (before == PYLSTM_FLAG_FREE)
        return PYLSTM_OK;
    return before == me ? PYLSTM_BUSY : PYLSTM_INTERRUPTED;
}
static inline void pylstm_busy_flag_give(pylstm_busy_flag *flag) {
    atomic_store_explicit(flag, PYLSTM_FLAG_FREE, memory_order_release);
}
/* Gives back what is still in the middle of a change. */
static inline void pylstm_busy_flag_give_interrupted(pylstm_busy_flag *flag) {
    atomic_store_explicit(flag, PYLSTM_FLAG_INTERRUPTED, memory_order_release);
}

#endif
#endif
