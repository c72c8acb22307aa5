/* POSIX threads that wait for work on a condition. Where there are none (Windows, bare metal, PYLSTM_NO_THREADS) the calling
 * thread does it all, one share after the other. */
#include "platform/worker_threads.h"

#include <stdlib.h>

#if defined(_WIN32) || defined(PYLSTM_NO_THREADS)

struct pylstm_workers {
    int n;
};

pylstm_workers *pylstm_workers_create(int n) {
    pylstm_workers *workers = malloc(sizeof *workers);
    if (workers)
        workers->n = n;
    return workers;
}

void pylstm_workers_destroy(pylstm_workers *workers) {
    free(workers);
}

int pylstm_workers_run(pylstm_workers *workers, void (*work)(void *argument, int k), void *argument) {
    for (int k = 0; k <= workers->n; k++)
        work(argument, k);
    return 1;
}

#else

#include "platform/process_forks.h"

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
    int n;
    int forks;   /* of the process when the threads were started, 0: they are not; in a child they are not there */
    int running; /* threads */
    pthread_mutex_t mutex;
    pthread_cond_t begin, done;
    void (*work)(void *argument, int k); /* NULL: the thread ends */
    void *argument;
    unsigned long turn; /* counts pieces of work, so that a thread never takes one twice */
    int busy;
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
    workers->busy = workers->running;
    workers->turn++;
    pthread_cond_broadcast(&workers->begin);
    pthread_mutex_unlock(&workers->mutex);
}

/* Ends the threads. In the child of a fork there is nobody to join; the mutex may be locked and the conditions waited on by
 * threads of the parent, so they are not touched either. */
static void stop(pylstm_workers *workers) {
    if (workers->forks == pylstm_process_forks()) {
        hand_out(workers, NULL, NULL);
        for (int k = 0; k < workers->running; k++)
            pthread_join(workers->all[k].thread, NULL);
        pthread_cond_destroy(&workers->done);
        pthread_cond_destroy(&workers->begin);
        pthread_mutex_destroy(&workers->mutex);
    }
    workers->forks = 0;
}

/* Starts all threads, or none: 0. What mutex and conditions were before does not matter. */
static int start(pylstm_workers *workers) {
    workers->forks = pylstm_process_forks();
    workers->turn = 0;
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->begin, NULL);
    pthread_cond_init(&workers->done, NULL);
    for (workers->running = 0; workers->running < workers->n; workers->running++) {
        worker *next = &workers->all[workers->running];
        next->workers = workers;
        next->k = workers->running + 1;
        if (pthread_create(&next->thread, NULL, wait_for_work, next)) {
            stop(workers);
            return 0;
        }
    }
    return 1;
}

pylstm_workers *pylstm_workers_create(int n) {
    pylstm_workers *workers = calloc(1, sizeof *workers + (size_t)n * sizeof *workers->all);
    if (!workers)
        return NULL;
    workers->n = n;
    if (!start(workers)) {
        free(workers);
        return NULL;
    }
    return workers;
}

int pylstm_workers_run(pylstm_workers *workers, void (*work)(void *argument, int k), void *argument) {
    if (workers->forks != pylstm_process_forks() && !start(workers))
        return 0;
    hand_out(workers, work, argument);
    work(argument, 0);
    pthread_mutex_lock(&workers->mutex);
    while (workers->busy)
        pthread_cond_wait(&workers->done, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
    return 1;
}

void pylstm_workers_destroy(pylstm_workers *workers) {
    if (!workers)
        return;
    stop(workers);
    free(workers);
}

#endif
