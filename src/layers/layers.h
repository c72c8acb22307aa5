/* Layers: one file and one entry (layers.c) per kind, each a set of functions over plain memory.
 *
 * Rows that travel between layers are padded to a multiple of 16 floats (pylstm_padded); what stands in the padding is finite
 * and meaningless. A layer's state is a flat block without pointers; its scratch need not survive a call.
 */
#ifndef PYLSTM_LAYERS_H
#define PYLSTM_LAYERS_H

#include "platform/arena.h"
#include "kernels/kernels.h"
#include "modelfile/modelfile.h"

/* Frames of one stream that run through the layers together at most. */
#define PYLSTM_BLOCK_FRAMES 12

/* Streams, and frames of all of them, that run through the layers together at most: multiples of the kernels' tiles, few enough
 * to stay in the cache. */
#define PYLSTM_GROUP_STREAMS 60
#define PYLSTM_GROUP_ROWS    PYLSTM_MAX_COLUMNS

/* Frames of several streams on their way through one layer. Rows stand stream by stream. */
typedef struct pylstm_group {
    int n_streams, n_rows;
    int n_frames[PYLSTM_GROUP_STREAMS]; /* rows of each stream, 1 or more */
    float *state[PYLSTM_GROUP_STREAMS]; /* the layer's state of each stream */
    const float *x[PYLSTM_GROUP_ROWS];
    float *y[PYLSTM_GROUP_ROWS];
} pylstm_group;

typedef struct pylstm_layer_kind pylstm_layer_kind;

/* What a layer is, as read from a model file, and its packed weights. */
typedef struct pylstm_layer {
    const pylstm_layer_kind *kind;
    int index; /* its place in the model: layers.<index>. in the file */
    int input_size, output_size;
    int bias;
    int precision;  /* PYLSTM_WEIGHTS_* */
    int num_layers; /* lstm: cells on top of each other */
    int activation; /* dense */
    const pylstm_kernels *kernels;
    void *packed; /* the kind's own */
} pylstm_layer;

struct pylstm_layer_kind {
    const char *name; /* layers.<index>.kind in the file */

    /* Reads the layer's configuration and checks that its tensors are there in the right shapes. */
    pylstm_status (*read)(pylstm_modelfile *file, pylstm_layer *layer, pylstm_error *why);
    /* Lays the packed weights out in the arena and, unless it only measures, fills them from the file (already checked). */
    void (*pack)(pylstm_modelfile *file, pylstm_layer *layer, pylstm_arena *arena);

    size_t (*state_size)(const pylstm_layer *layer);                  /* floats; all zero at the start */
    size_t (*scratch_size)(const pylstm_layer *layer, size_t n_rows); /* floats, for so many rows at a time */
    size_t (*trace_size)(const pylstm_layer *layer);                  /* floats per frame */

    /* n_frames (1 to PYLSTM_BLOCK_FRAMES) rows x[t] -> rows y + t * padded(output_size). trace: NULL, or the place for
     * trace_size floats of the first frame, trace_stride floats from frame to frame. */
    void (*forward)(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames, float *y,
                    float *trace, size_t trace_stride);

    /* The same for several streams, the weights read once for all of them; each gets the bits that forward gives it. */
    void (*forward_group)(const pylstm_layer *layer, const pylstm_group *group, float *scratch);
};

extern const pylstm_layer_kind pylstm_layer_lstm, pylstm_layer_dense;

static inline size_t pylstm_padded(int size) {
    return ((size_t)size + PYLSTM_UNITS - 1) / PYLSTM_UNITS * PYLSTM_UNITS;
}

/* Reads the layer of an index; input_size is the width of what comes before it. */
pylstm_status pylstm_layer_read(pylstm_modelfile *file, int index, int input_size, pylstm_layer *layer, pylstm_error *why);

/* LSTM cells of a layer (0 for other kinds), their width, and where h and c of one of them stand in the state. */
int pylstm_layer_cells(const pylstm_layer *layer);
float *pylstm_layer_h(const pylstm_layer *layer, float *state, int cell);
float *pylstm_layer_c(const pylstm_layer *layer, float *state, int cell);

#endif
