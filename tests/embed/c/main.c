/* Every public call of pylstm.h and every way in which it can be refused, to be run under valgrind and sanitizers.
 *
 *     api_test folder        the model files that tests/embed/test_c_library.py makes
 *
 * To be linked with -Wl,--wrap=malloc,--wrap=calloc,--wrap=pthread_create. Prints how many laws were looked at.
 */
#include "check.h"

#include <pthread.h>

unsigned char status_seen[64];
long checks;

/* --- what fails on demand --------------------------------------------------------------------------------------------- */

static int allocations_left, threads_left;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);

static int falls_due(int *left) {
    return *left && --*left == 0;
}

void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
    return falls_due(&allocations_left) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) {
    return falls_due(&allocations_left) ? NULL : __real_calloc(n, size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    return falls_due(&threads_left) ? 11 : __real_pthread_create(thread, attributes, start, argument);
}

void fail_allocation(int number) {
    allocations_left = number;
}

void fail_thread(int number) {
    threads_left = number;
}

/* --- material --------------------------------------------------------------------------------------------------------- */

void *aligned_room(size_t size) {
    /* aligned_alloc wants a multiple; what is past size is then not watched, so sizes of objects had better be multiples. */
    const size_t whole = (size + PYLSTM_ALIGNMENT - 1) / PYLSTM_ALIGNMENT * PYLSTM_ALIGNMENT;
    void *memory = aligned_alloc(PYLSTM_ALIGNMENT, whole);
    CHECK(memory && size % PYLSTM_ALIGNMENT == 0);
    memset(memory, 0xa5, whole);
    return memory;
}

file read_file(const char *folder, const char *name) {
    char path[1024];
    file f;
    FILE *source;
    long size;
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, name);
    source = fopen(path, "rb");
    CHECK(source && fseek(source, 0, SEEK_END) == 0 && (size = ftell(source)) > 0);
    rewind(source);
    f.size = (size_t)size;
    f.bytes = malloc(f.size);
    CHECK(f.bytes && fread(f.bytes, 1, f.size, source) == f.size);
    fclose(source);
    return f;
}

void fill_audio(float *pcm, int16_t *pcm16, size_t n) {
    static uint32_t state = 1;
    size_t k;
    for (k = 0; k < n; k++) {
        state = state * 1664525u + 1013904223u;
        pcm16[k] = (int16_t)((int32_t)(state >> 17) - 16384);
        pcm[k] = (float)pcm16[k] / 32768.0f;
    }
}

int main(int argc, char **argv) {
    models m;
    int status;
    CHECK(argc == 2);
    memset(&m, 0, sizeof m);
    test_library();
    test_models(argv[1], &m);
    test_facts(&m, argv[1]);
    test_graphs(&m, argv[1]);
    test_streams(&m);
    test_snapshots(&m);
    test_batches(&m);
    test_threads(&m);
    test_decisions(&m, argv[1]);
    test_listeners(&m);
    test_row_listeners();
    test_listener_snapshots(&m);
    test_listener_threads(&m);
    test_for_batch(&m);
    test_forks(&m);
    for (status = PYLSTM_OK; status <= PYLSTM_NEEDS_BATCH; status++) {
        const int known = strcmp(pylstm_strerror((pylstm_status)status), "unknown status") != 0;
        CHECK(status_seen[status] || !known || (status == PYLSTM_NOT_BUILT && m.bfloat16)); /* in a small build only */
    }
    free(m.words_file.bytes), free(m.int8_file.bytes), free(m.bfloat16_file.bytes);
    free(m.frames_file.bytes), free(m.deltas_file.bytes), free(m.bare_file.bytes);
    free(m.decides_file.bytes), free(m.sounds_file.bytes), free(m.speech_file.bytes);
    pylstm_model_destroy(m.words), pylstm_model_destroy(m.int8), pylstm_model_destroy(m.bfloat16);
    pylstm_model_destroy(m.frames), pylstm_model_destroy(m.deltas), pylstm_model_destroy(m.bare);
    pylstm_model_destroy(m.decides), pylstm_model_destroy(m.sounds), pylstm_model_destroy(m.speech);
    printf("%ld laws hold on %s\n", checks, pylstm_isa(NULL));
    return 0;
}
