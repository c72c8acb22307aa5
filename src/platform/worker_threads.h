/* A fixed number of threads that share one piece of work at a time. */
#ifndef PYLSTM_PLATFORM_WORKER_THREADS_H
#define PYLSTM_PLATFORM_WORKER_THREADS_H

typedef struct pylstm_workers pylstm_workers;

/* n threads beside the calling one; NULL if they cannot be started. */
pylstm_workers *pylstm_workers_create(int n);
void pylstm_workers_destroy(pylstm_workers *workers); /* NULL allowed */

/* Calls work(argument, k) for k = 0 to n, each on a thread of its own (0 on the calling one), and returns 1 when all are done.
 * In the child of a fork, which has none of its parent's threads, the first call starts them anew; 0: they cannot be started,
 * nothing was done, and the next call tries again. */
int pylstm_workers_run(pylstm_workers *workers, void (*work)(void *argument, int k), void *argument);

#endif
