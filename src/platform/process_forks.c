/* Counts in the child of every fork. Registered when the library is loaded, because registering may allocate: no call of the
 * library has to do it. */
#include "platform/process_forks.h"

#if !defined(_WIN32) && !defined(__wasi__) && !defined(PYLSTM_NO_THREADS)

#include <pthread.h>

int pylstm_forks_counted = 1;

static void count_fork(void) {
    pylstm_forks_counted++;
}

/* Fails only where a process that has just started has no memory left. */
__attribute__((constructor)) static void count_forks(void) {
    (void)pthread_atfork(NULL, NULL, count_fork);
}

#endif
