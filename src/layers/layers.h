/* Layers: rows in, rows out. They are the nodes of a model's graph (engine/graph.h), which knows what comes before what.
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
#include "kernels/chosen_kinds.h"
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

/* Rows that a join brings together at most. */
#define PYLSTM_MAX_INPUTS 8

/* Rows in time that one output row sees at most, and how far the first of them may lie behind the last. */
#define PYLSTM_MAX_TAPS   128
#define PYLSTM_MAX_WINDOW 4096

/* Which rows in time an output row is made of. Output row j sees the n_taps rows j * stride - left + i * step, i from 0; rows
 * before the first one are zeros, and behind the last one `right` more rows of zeros follow. left + right is at most
 * pylstm_window_reach. Whoever runs a layer remembers and collects these rows: a kind remembers none by itself. */
typedef struct pylstm_time_window {
    int n_taps, step, stride, left, right;
} pylstm_time_window;

/* How many rows lie between the first and the last row that an output row sees. */
static inline int pylstm_window_reach(const pylstm_time_window *window) {
    return (window->n_taps - 1) * window->step;
}

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
    int n_inputs, input_widths[PYLSTM_MAX_INPUTS]; /* of a join; any other layer has one, of input_size */
    pylstm_time_window window;                     /* one row, every row, unless the kind's read says otherwise */
    int input_positions, output_positions;         /* what a row is cut into; 1 unless the kind's read says otherwise */
    int precision;                                 /* of weights: PYLSTM_WEIGHTS_* */
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

    int format; /* the first format of model files that has it */
    int joins;  /* whether it takes several inputs: n_inputs and input_widths are there before read, and no .input_size */
    int puts_together;   /* whether the values of an output row are some of those that go in, unchanged */
    int keeps_positions; /* whether an output row is cut into positions as the (first) input row is, unless read says how */

    /* Reads what follows layers.<index>.kind and .input_size: sets output_size, the configuration and what else differs from 0
     * (n_cells, positions: from 1), and checks that the tensors are there in the right shapes. */
    pylstm_status (*read)(pylstm_model_file *file, pylstm_layer *layer, pylstm_error *why);
    /* Lays the packed weights out in the arena and, unless it only measures, fills them from the file (already checked). NULL:
     * there are none. */
    void (*pack)(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena);

    /* Operations for an output row, for model_cost.c. NULL: those of products with the tensors. */
    uint64_t (*operations)(const pylstm_layer *layer);

    /* A state: for each cell its parts in order, each padded as rows are. NULL: the kind remembers nothing. */
    const pylstm_cell_part *state;
    /* The trace of a frame: for each cell its parts in order, side by side. NULL: the kind has nothing to show. */
    const pylstm_cell_part *trace;

    /* Floats of scratch for so many rows at a time. NULL: none. */
    size_t (*scratch_size)(const pylstm_layer *layer, size_t n_rows);

    /* For a kind without state and trace, instead of the two below: n_rows (1 to PYLSTM_GROUP_ROWS) rows y[k], each by itself,
     * from x[k]; from x[k * n_taps + i], i from the oldest, with a window; from x[k * n_inputs + i] in a join. A row may stand
     * there more than once. */
    void (*rows)(const pylstm_layer *layer, float *scratch, const float *const *x, int n_rows, float *const *y);

    /* n_frames (1 to PYLSTM_BLOCK_FRAMES) rows x[t] -> rows y + t * padded(output_size). trace: NULL, or the place for
     * trace_size floats of the first frame, trace_stride floats from frame to frame. */
    void (*forward)(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames, float *y,
                    float *trace, size_t trace_stride);

    /* The same for several streams, the weights read once for all of them; each gets the bits that forward gives it. */
    void (*forward_group)(const pylstm_layer *layer, const pylstm_group *group, float *scratch);
};

/* Whether it takes several inputs. */
static inline int pylstm_is_join(const pylstm_layer *layer) {
    return PYLSTM_HAS_JOINS && layer->kind->joins;
}

static inline size_t pylstm_padded(int size) {
    return ((size_t)size + PYLSTM_UNITS - 1) / PYLSTM_UNITS * PYLSTM_UNITS;
}

/* Reads the layer of an index, but for kernels and packed. widths are those of its n_inputs inputs; 0: that of frames from
 * outside, which are as wide as the layer says. */
pylstm_status pylstm_layer_read(pylstm_model_file *file, int index, const int *widths, int n_inputs, pylstm_layer *layer,
                                pylstm_error *why);

/* The functions of a layer's kind, with what the kind leaves out. */
void pylstm_layer_pack(pylstm_model_file *file, pylstm_layer *layer, pylstm_arena *arena);
size_t pylstm_layer_scratch_size(const pylstm_layer *layer, size_t n_rows);
void pylstm_layer_forward(const pylstm_layer *layer, float *state, float *scratch, const float *const *x, int n_frames,
                          float *y, float *trace, size_t trace_stride);
void pylstm_layer_forward_group(const pylstm_layer *layer, const pylstm_group *group, float *scratch);

#endif
