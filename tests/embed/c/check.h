/* What the parts of the C tests share: laws, memory of exact size, files, what they are run on. */
#ifndef CHECK_H
#define CHECK_H

#include "pylstm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which statuses calls have returned: all of them must. */
extern unsigned char status_seen[64];
extern long checks;

#define CHECK(condition)                                                                                                       \
    do {                                                                                                                       \
        checks++;                                                                                                              \
        if (!(condition)) {                                                                                                    \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                            \
            exit(1);                                                                                                           \
        }                                                                                                                      \
    } while (0)

/* A call and the status that it must return. */
#define GIVES(expected, call)                                                                                                  \
    do {                                                                                                                       \
        const pylstm_status given_ = (call);                                                                                   \
        checks++;                                                                                                              \
        status_seen[given_] = 1;                                                                                               \
        if (given_ != (expected)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s gave %d (%s), not %s\n", __FILE__, __LINE__, #call, (int)given_,                        \
                    pylstm_strerror(given_), #expected);                                                                       \
            exit(1);                                                                                                           \
        }                                                                                                                      \
    } while (0)

/* Memory of exactly size bytes that starts at a multiple of PYLSTM_ALIGNMENT, filled with rubbish: free it as it is. */
void *aligned_room(size_t size);

/* malloc and pthread_create fail on the given call from now on (1: the next one); 0: never. */
void fail_allocation(int number);
void fail_thread(int number);

typedef struct file {
    unsigned char *bytes;
    size_t size;
} file;

file read_file(const char *folder, const char *name);

/* The files that the Python side has made, and models of them. */
typedef struct models {
    file words_file, int8_file, bfloat16_file, frames_file, deltas_file, bare_file, decides_file, sounds_file, speech_file;
    pylstm_model *words;    /* features, 2 LSTM cells, softmax over 3 labels; notes of a detector */
    pylstm_model *int8;     /* the same with such weights; NULL in a build without them */
    pylstm_model *bfloat16; /* and with these */
    pylstm_model *frames;   /* no features, no labels */
    pylstm_model *deltas;   /* features with deltas */
    pylstm_model *bare;     /* features and nothing else */
    pylstm_model *decides;  /* four mel bands, softmax over 4 labels; settings of a decision "words" */
    pylstm_model *sounds;   /* the same with sigmoids, and no settings */
    pylstm_model *speech;   /* one output, settings of a decision "segments" */
} models;

/* A second of sound, and frames; never the same twice in a row. */
#define SECOND 16000
void fill_audio(float *pcm, int16_t *pcm16, size_t n);

void test_library(void);
void test_models(const char *folder, models *m);
void test_facts(const models *m, const char *folder);
void test_graphs(const models *m, const char *folder);
void test_streams(const models *m);
void test_snapshots(const models *m);
void test_batches(const models *m);
void test_for_batch(const models *m);
void test_threads(const models *m);
void test_decisions(const models *m, const char *folder);
void test_listeners(const models *m);
void test_row_listeners(void);
void test_listener_snapshots(const models *m);
void test_listener_threads(const models *m);
void test_forks(const models *m);

#endif
