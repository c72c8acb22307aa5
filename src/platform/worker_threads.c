/* POSIX threads that wait for work on a condition. Where there are none (Windows, bare metal, PYLSTM_NO_THREADS) a batch works
 * on the calling thread only. */
#include "platform/worker_threads.h"

#include <stddef.h>

#if defined(_WIN32) || defined(PYLSTM_NO_THREADS)

pylstm_workers *pylstm_workers_create(int n) {
    (void)n;
    return NULL;
}
void pylstm_workers_destroy(pylstm_workers *workers) {
    (void)workers;
}
void pylstm_workers_run(pylstm_workers *workers, void (*work)(void *argument, int k), void *argument) {
    (void)workers, (void)work, (void)argument;
}

#else

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#if !defined(_POSIX_THREADS)
#error "this system has no POSIX threads; expected -DPYLSTM_NO_THREADS (make THREADS=0) on all files"
#endif

typedef struct worker {
    pylstm_workers *workers;
    pthread_t thread;
    int k;
} worker;

struct pylstm_workers {
    pthread_mutex_t mutex;
    pthread_cond_t begin, done;
    void (*work)(void *argument, int k); /* NULL: the thread ends */
    void *argument;
    unsigned long turn; /* counts pieces of work, so that a thread never takes one twice */
    int n, busy;
    worker all[];
};

static void *wait_for_work(void *argument) {
    worker *me = argument;
    pylstm_workers *workers = me->workers;
    unsigned long turn = 0;
    pthread_mutex_lock(&workers->mutex);
    while (1) {
        void (*work)(void *argument, int k);
        while (workers->turn == turn)
            pthread_cond_wait(&workers->begin, &workers->mutex);
        turn = workers->turn;
        work = workers->work;
        pthread_mutex_unlock(&workers->mutex);
        if (!work)
            return NULL;
        work(workers->argument, me->k);
        pthread_mutex_lock(&workers->mutex);
        if (--workers->busy == 0)
            pthread_cond_signal(&workers->done);
    }
}

static void hand_out(pylstm_workers *workers, void (*work)(void *argument, int k), void *argument) {
    pthread_mutex_lock(&workers->mutex);
    workers->work = work;
    workers->argument = argument;
    workers->busy = workers->n;
    workers->turn++;
    pthread_cond_broadcast(&workers->begin);
    pthread_mutex_unlock(&workers->mutex);
}

pylstm_workers *pylstm_workers_create(int n) {
    pylstm_workers *workers = calloc(1, sizeof *workers + (size_t)n * sizeof *workers->all);
    if (!workers)
        return NULL;
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->begin, NULL);
    pthread_cond_init(&workers->done, NULL);
    for (; workers->n < n; workers->n++) {
        worker *next = &workers->all[workers->n];
        next->workers = workers;
        next->k = workers->n + 1;
        if (pthread_create(&next->thread, NULL, wait_for_work, next)) {
            pylstm_workers_destroy(workers);
            return NULL;
        }
    }
    return workers;
}

void pylstm_workers_run(pylstm_workers *workers, void (*work)(void *argument, int k), void *argument) {
    hand_out(workers, work, argument);
    work(argument, 0);
    pthread_mutex_lock(&workers->mutex);
    while (workers->busy)
        pthread_cond_wait(&workers->done, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
}

void pylstm_workers_destroy(pylstm_workers *workers) {
    if (!workers)
        return;
    hand_out(workers, NULL, NULL);
    for (int k = 0; k < workers->n; k++)
        pthread_join(workers->all[k].thread, NULL);
    pthread_cond_destroy(&workers->done);
    pthread_cond_destroy(&workers->begin);
    pthread_mutex_destroy(&workers->mutex);
    free(workers);
}

#endif
