/* Layers: rows in, rows out.
 *
 * A kind of layer is one file of this room and one line of PYLSTM_LAYER_KINDS, the registry in layers.c. A kind is a table of
 * functions over plain memory, and tables that name the parts of its state and of its trace: with these the engine, snapshots
 * and everybody above work without asking what kind a layer is.
 *
 * Rows that travel between layers are padded to a multiple of 16 floats (pylstm_padded); what stands in the padding is finite
 * and meaningless. A layer's state is a flat block of floats without pointers, zero at the start, that stay finite; its scratch
 * need not survive a call.
 */
#ifndef PYLSTM_LAYERS_LAYERS_H
#define PYLSTM_LAYERS_LAYERS_H

#include "platform/arena.h"
#include "kernels/kernels.h"
#include "modelfile/configuration.h"

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

/* Bytes for a kind's own configuration: descriptions stand on the stack before anything is allocated, so the room is fixed. */
#define PYLSTM_LAYER_CONFIG 64

/* For the file of a kind whose configuration is of this type: a struct without pointers. */
#define PYLSTM_CHECK_LAYER_CONFIG(type)                                                                                        \
    _Static_assert(sizeof(type) <= PYLSTM_LAYER_CONFIG && _Alignof(type) <= 8, "PYLSTM_LAYER_CONFIG has no room for it")

/* What a layer is, as read from a model file, and its packed weights. */
typedef struct pylstm_layer {
    const pylstm_layer_kind *kind;
    int index; /* its place in the model: layers.<index>. in the file */
    int input_size, output_size;
    int precision;                 /* of weights: PYLSTM_WEIGHTS_* */
    int n_cells;                   /* how often the tables of parts are repeated; 1 unless the kind's read says otherwise */
    size_t state_size, trace_size; /* floats of a state, and of one frame's trace, from these tables */
    int independent_outputs;       /* each output is a probability by itself, as the kind's read says; else 0 */
    const pylstm_kernels *kernels;
    void *packed;                                          /* the kind's own weights */
    _Alignas(8) unsigned char config[PYLSTM_LAYER_CONFIG]; /* and configuration */
} pylstm_layer;

/* A part of what a cell of a layer remembers, or shows of a step. A table of them ends with an entry whose name is NULL. */
typedef struct pylstm_cell_part {
    const char *name;                       /* "h", "c", "i" */
    int (*size)(const pylstm_layer *layer); /* floats */
} pylstm_cell_part;

struct pylstm_layer_kind {
    const char *name; /* layers.<index>.kind in the file */

    /* Reads what follows layers.<index>.kind and .input_size: sets output_size, the configuration and what else differs from 0
     * (n_cells: from 1), and checks that the tensors are there in the right shapes. */
    pylstm_status (*read)(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why);
    /* Lays the packed weights out in the arena and, unless it only measures, fills them from the file (already checked). NULL:
     * there are none. */
    void (*pack)(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena);

    /* A state: for each cell its parts in order, each padded as rows are. NULL: the kind remembers nothing. */
    const pylstm_cell_part *state;
    /* The trace of a frame: for each cell its parts in order, side by side. NULL: the kind has nothing to show. */
    const pylstm_cell_part *trace;

    /* Floats of scratch for so many rows at a time. NULL: none. */
    size_t (*scratch_size)(const pylstm_layer *layer, size_t n_rows);

    /* For a kind without state and trace, instead of the two below: rows x[k] -> y[k], n_rows (1 to PYLSTM_GROUP_ROWS), each by
     * itself. */
    void (*rows)(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y);

    /* n_frames (1 to PYLSTM_BLOCK_FRAMES) rows x[t] -> rows y + t * padded(output_size). trace: NULL, or the place for
     * trace_size floats of the first frame, trace_stride floats from frame to frame. */
    void (*forward)(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames, float *y,
                    float *trace, size_t trace_stride);

    /* The same for several streams, the weights read once for all of them; each gets the bits that forward gives it. */
    void (*forward_group)(const pylstm_layer *layer, const pylstm_group *group, float *scratch);
};

static inline size_t pylstm_padded(int size) {
    return ((size_t)size + PYLSTM_UNITS - 1) / PYLSTM_UNITS * PYLSTM_UNITS;
}

/* Reads the layer of an index, but for kernels and packed. input_size is the width of what comes before it; 0: there is nothing
 * before it. */
pylstm_status pylstm_layer_read(pylstm_model_file *file, int index, int input_size, pylstm_layer *layer, pylstm_error *why);

/* The functions of a layer's kind, with what the kind leaves out. */
void pylstm_layer_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena);
size_t pylstm_layer_scratch_size(const pylstm_layer *layer, size_t n_rows);
void pylstm_layer_forward(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames,
                          float *y, float *trace, size_t trace_stride);
void pylstm_layer_forward_group(const pylstm_layer *layer, const pylstm_group *group, float *scratch);

#endif
