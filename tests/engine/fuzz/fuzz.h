/* What the parts of the stream fuzzer share: chance, buffers of exact size, the subject of a walk. */
#ifndef FUZZ_H
#define FUZZ_H

#include "fuzzing.h"
#include "pylstm.h"

#include <stddef.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
/* Sticky flags and an odd rounding mode included: the caller's is given back whole. */
#define ODD_MODE    (0x1f80u | 0x4000u | 0x0015u) /* round upwards; invalid, zero-divide and underflow have happened */
#define MODE()      _mm_getcsr()
#define SET_MODE(m) _mm_setcsr(m)
#else
#define ODD_MODE    0u
#define MODE()      0u
#define SET_MODE(m) (void)(m)
#endif

#define SAMPLES 3000 /* of a walk's input */
#define FRAMES  60
#define HEADER  64 /* bytes of a snapshot before the state */
#define HASH_AT 32 /* of the state, within that header */

/* How many there were, printed at the end. */
extern unsigned long walks, accepted, refused;

/* subject.c: where the sequence of random numbers stands, and the next one, below a bound. */
extern uint64_t random_state;
size_t random_below(size_t bound);

/* Memory of exactly size bytes, its address off the alignment that malloc gives by shift bytes. */
typedef struct room {
    char *whole, *at;
} room;

room room_of(size_t size, size_t shift);

/* What a walk is made of. */
typedef struct subject {
    pylstm_model *model;
    size_t n_features, n_outputs, snapshot_size;
    int audio;     /* whether samples go in, or frames */
    size_t n;      /* how many of them */
    float *floats; /* the input */
    int16_t *shorts;
    pylstm_sample_type type;
    float *rows; /* what one push and a flush give */
    size_t n_rows;
} subject;

/* One push of the input from first on, in memory of its own and with a stride; rows that it wrote. */
size_t push(const subject *s, pylstm_stream *stream, size_t first, size_t n, float *out, size_t out_rows);

/* Rows that a push of n, or a flush, will give. */
size_t rows_after(const subject *s, pylstm_stream *stream, size_t n, int flush);

size_t flush(const subject *s, pylstm_stream *stream, float *out);

room snapshot_of(const subject *s, pylstm_stream *stream);

/* refused_calls.c: each way of being refused, which changes no byte of the state. */
void refuse(const subject *s, pylstm_stream *stream);

/* walks.c: the input in random cuts gives the bits of one push and a flush. */
void walk(const subject *s);

/* batches.c: several streams of the model in random cuts, pushed together, give these bits, too. */
void walk_together(const subject *s);

/* forgeries.c: a snapshot with altered fields and a hash that fits is refused, or is a stream that works. */
void forge(const subject *s);

/* drawn_settings.c: of a decision of any kind, for outputs with these labels, or without any (NULL). */
#define MOST_SETTINGS 24

typedef struct settings {
    pylstm_setting of[MOST_SETTINGS];
    char texts[2 * MOST_SETTINGS][64];
    size_t n;
} settings;

void draw_settings(settings *to, const char *const *labels, size_t n_outputs);

/* listeners.c: random decisions over the rows of a model, or over rows of their own, each with walks and forgeries. */
void listen_to_model(const subject *s);
void listen_to_rows(void);

/* models.c */
void try_own_memory(const void *bytes, size_t size);
void try_modes(const void *bytes, size_t size);
void try_equal_fingerprints(pylstm_model *model, pylstm_model *other);

#endif
