/* Allocations and locks: each call under the counter of allocation_counter.c. */
#define _GNU_SOURCE /* RTLD_DEFAULT */

#include "driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void (*counter_arm)(void);
static void (*counter_disarm)(long *);
static long counted[3];

static void find_counter(void) {
    void *arm = dlsym(RTLD_DEFAULT, "counter_arm"), *disarm = dlsym(RTLD_DEFAULT, "counter_disarm");
    if (!arm || !disarm)
        fail("the counter is not preloaded");
    memcpy(&counter_arm, &arm, sizeof arm);
    memcpy(&counter_disarm, &disarm, sizeof disarm);
}

static void arm(void) {
    counter_arm();
}

static void disarm(const char *call) {
    long n[3];
    int k;
    counter_disarm(n);
    if (n[0] || n[1] || n[2])
        printf("%s: %ld allocations, %ld frees, %ld locks\n", call, n[0], n[1], n[2]);
    for (k = 0; k < 3; k++)
        counted[k] += n[k];
}

int count_calls(char **paths, int n) {
    const guard around = {arm, disarm};
    walk **walks = walks_of(paths, n);
    long calls = 0;
    int k;
    find_counter();
    for (k = 0; k < n; k++)
        walk_run(walks[k], &around, &calls);
    printf("%ld calls, %ld allocations, %ld frees, %ld locks\n", calls, counted[0], counted[1], counted[2]);
    return 0;
}

static void show(const char *name) {
    long n[3];
    counter_disarm(n);
    printf("%s %ld %ld %ld\n", name, n[0], n[1], n[2]);
}

/* Calls through volatile pointers are made, whatever a compiler thinks of them. */
void control(const char *path) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    void *(*volatile allocate)(size_t) = malloc;
    void (*volatile give_back)(void *) = free;
    pylstm_model *model = read_model(path);
    pylstm_stream *stream;
    pylstm_batch *batch;
    find_counter();
    counter_arm();
    show("nothing");
    counter_arm();
    give_back(allocate(100));
    show("malloc");
    counter_arm();
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    show("mutex");
    counter_arm();
    if (pylstm_stream_create(model, &stream))
        fail("no stream");
    pylstm_stream_destroy(stream);
    show("create");
    if (pylstm_batch_create(model, 2, &batch))
        fail("no batch");
    counter_arm();
    if (pylstm_batch_push(batch, NULL, 0))
        fail("no push");
    show("threads");
    pylstm_batch_destroy(batch);
}
