/* The inside of a walk: what it holds, how a call is guarded, and its parts. walk.h is what others see. */
#ifndef WALK_PARTS_H
#define WALK_PARTS_H

#include "walk.h"

#include <stddef.h>

#define SECOND 16000
#define FRAMES 40    /* at most in a push of frames */
#define ROWS   16100 /* room in out: a hop may be one sample */
#define HEADER 64    /* bytes of a snapshot before the state */

/* Listeners of each kind of decision. */
typedef struct walk_ears walk_ears;

struct walk {
    const pylstm_model *model;
    int audio;
    size_t n_features, n_outputs, state_width, trace_width, snapshot_size;
    void *memory[3];
    pylstm_stream *a, *b, *c, *foreign;
    pylstm_batch *batch;
    walk_ears *ears;
    char *snapshot, *other_snapshot, *spoilt;
    float *pcm, *tiny, *silence, *frames, *out, *trace, *state;
    int16_t *pcm16;
    const guard *around;
    long calls;
    uint64_t hash;
};

/* Ends the process where something is not so. */
void walk_require(int condition, const char *file, int line, const char *text);

#define REQUIRE(condition) walk_require(!!(condition), __FILE__, __LINE__, #condition)

/* One guarded call and what it must return. */
#define RT(expected, call)                                                                                                     \
    do {                                                                                                                       \
        long long returned_;                                                                                                   \
        w->around->enter();                                                                                                    \
        returned_ = (long long)(call);                                                                                         \
        w->around->leave(#call);                                                                                               \
        w->calls++;                                                                                                            \
        walk_require(returned_ == (long long)(expected), __FILE__, __LINE__, #call " == " #expected);                          \
    } while (0)

/* Noise of this level, the same each time. */
void walk_fill(float *values, size_t n, float level);

/* Into the hash of the walk: any bytes, rows that were written to out, a stream's state. */
void walk_keep(walk *w, const void *bytes, size_t size);
void walk_keep_rows(walk *w, size_t rows);
void walk_keep_state(walk *w, pylstm_stream *stream);

/* walk_input.c */
void walk_push_audio(walk *w);
void walk_refuse_audio(walk *w);
void walk_flush_audio(walk *w);
void walk_push_frames(walk *w);
void walk_silence(walk *w, pylstm_stream *stream, size_t seconds);

/* walk_state.c: with every way in which a state can be refused. */
void walk_layers_state(walk *w, pylstm_stream *stream);
void walk_snapshots(walk *w, pylstm_stream *stream);

/* walk_streams.c: a stream that another thread is in, many streams at once, and one that holds its state alone. */
void walk_busy(walk *w, pylstm_stream *stream);
void walk_batch(walk *w);
void walk_for_batch(walk *w);

/* walk_listeners.c: everything that listeners need is allocated first. */
void walk_grow_ears(walk *w);
void walk_listeners(walk *w);

#endif
